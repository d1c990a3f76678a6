//! Images of the host's own: what is taken in, what is refused, what cannot be removed.

use super::host::{Host, SILENT_IMAGE, image_file};
use crate::{
    cloud::send,
    process::{ADMIN_KEY, DATA_CENTER, text},
};
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
};

fn qemu_img(folder: &Path, words: &[&str]) {
    let ran = Command::new("qemu-img")
        .args(words)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        ran.status.success(),
        "{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

async fn listed(host: &Host) -> Vec<i64> {
    let path = format!("/v1/resource/data-centers/{DATA_CENTER}/virtual-machine-images");
    let (status, answer) = host.server.get(&path).await;
    assert_eq!(status, 200, "{answer}");
    let rows = answer["data"].as_array().unwrap();
    rows.iter().map(|row| row["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn an_image_is_brought_in_listed_used_and_removed() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    assert_eq!(listed(&host).await, [12, SILENT_IMAGE]);
    let files = tempfile::tempdir().unwrap();
    let raw = files.path().join("disk.raw");
    let source = image_file(&host.cache).display().to_string();
    qemu_img(files.path(), &["convert", "-O", "raw", &source, "disk.raw"]);
    host.import(30, &raw, "none").await;
    assert_eq!(listed(&host).await, [12, SILENT_IMAGE, 30]);
    let image = host.imported(30).await;
    assert_eq!(image["minDiskGb"], 1);
    assert_eq!(text(&image["sha256"]).len(), 64);
    let kept = host.server.data().join("images/30/disk");
    assert!(fs::metadata(&kept).unwrap().permissions().readonly());
    // The copy is the host's own.
    fs::remove_file(&raw).unwrap();
    let machine = host.running("web", 30).await;

    let remove = |id: i64| format!("/images/{id}");
    let (status, answer) = host.server.admin("DELETE", &remove(30), None).await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("INVALID_STATE")),
        "{answer}"
    );
    assert_eq!(listed(&host).await, [12, SILENT_IMAGE, 30]);
    host.server.kill();
    host.server.restart();
    assert_eq!(listed(&host).await, [12, SILENT_IMAGE, 30]);
    host.delete(&machine).await;
    host.gone(&machine).await;
    let removed = keyed(&host, "DELETE", &remove(30), &Value::Null).await;
    assert_eq!(removed, (204, Value::Null));
    assert!(!kept.exists());
    assert_eq!(listed(&host).await, [12, SILENT_IMAGE]);
    let (status, _) = host.server.admin("DELETE", &remove(30), None).await;
    assert_eq!(status, 404);
    assert_eq!(
        keyed(&host, "DELETE", &remove(30), &Value::Null).await,
        removed
    );
}

/// As the operator, with an idempotency key: the status and the data.
async fn keyed(host: &Host, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let url = format!("{}/admin/v1{path}", host.server.url);
    let request = reqwest::Client::new().request(method.parse().unwrap(), url);
    let request = request.header("X-API-Key", ADMIN_KEY);
    let request = request.header("Idempotency-Key", "k").json(body);
    let answer = send(request).await;
    (answer.status, answer.json["data"].clone())
}

#[tokio::test]
async fn an_import_is_begun_once() {
    let Some(host) = Host::start().await else {
        return;
    };
    let wish = json!({"id": 30, "name": "again", "file": image_file(&host.cache), "ready": "none"});
    let first = keyed(&host, "POST", "/images", &wish).await;
    assert_eq!(first.0, 202, "{}", first.1);
    assert_eq!(keyed(&host, "POST", "/images", &wish).await, first);
    host.imported(30).await;
    assert_eq!(keyed(&host, "POST", "/images", &wish).await, first);
    let other = json!({"id": 31, "name": "again", "file": image_file(&host.cache)});
    assert_eq!(keyed(&host, "POST", "/images", &other).await.0, 422);
    assert_eq!(listed(&host).await, [12, SILENT_IMAGE, 30]);
}

#[tokio::test]
async fn what_is_no_image_is_refused_and_leaves_nothing() {
    let Some(host) = Host::start().await else {
        return;
    };
    let files = tempfile::tempdir().unwrap();
    let at = |name: &str| files.path().join(name).display().to_string();
    qemu_img(
        files.path(),
        &["create", "-q", "-f", "qcow2", "base.qcow2", "1G"],
    );
    qemu_img(
        files.path(),
        &[
            "create",
            "-q",
            "-f",
            "qcow2",
            "-b",
            &at("base.qcow2"),
            "-F",
            "qcow2",
            "on.qcow2",
        ],
    );
    qemu_img(
        files.path(),
        &["create", "-q", "-f", "vmdk", "other.vmdk", "1G"],
    );
    let mut torn = fs::read(image_file(&host.cache)).unwrap();
    torn.truncate(200_000);
    fs::write(at("torn.qcow2"), torn).unwrap();
    for (name, says) in [
        ("on.qcow2", "refers to another file"),
        ("other.vmdk", "is a vmdk file"),
        ("torn.qcow2", "is damaged"),
    ] {
        let body = json!({"id": 40, "name": "x", "file": at(name)});
        let (status, answer) = host.server.admin("POST", "/images", Some(&body)).await;
        assert_eq!(status, 202, "{answer}");
        let image = host.imported(40).await;
        assert_eq!(image["state"], "failed", "{name}: {image}");
        assert!(text(&image["error"]).contains(says), "{name}: {image}");
        assert!(!host.server.data().join("images/40").exists(), "{name}");
    }
    let (_, all) = host.server.admin("GET", "/images", None).await;
    let rows = all["data"].as_array().unwrap();
    let states: Vec<_> = rows.iter().map(|row| &row["state"]).collect();
    assert_eq!(
        states,
        [&Value::from("ready"), &"ready".into(), &"failed".into()]
    );
}

#[tokio::test]
async fn what_no_import_can_ask_for() {
    let Some(host) = Host::start().await else {
        return;
    };
    let folder = host.cache.display().to_string();
    let file = image_file(&host.cache).display().to_string();
    let files = tempfile::tempdir().unwrap();
    let at = |name: &str| files.path().join(name).display().to_string();
    fs::write(at("empty"), "").unwrap();
    let made = Command::new("mkfifo").arg(at("fifo")).status().unwrap();
    assert!(made.success());
    for (field, value) in [
        ("id", json!(0)),
        ("id", json!(i64::MAX)),
        ("name", json!("")),
        ("file", json!("relative.qcow2")),
        ("file", json!(format!("{folder}/nothing"))),
        ("file", json!(folder)),
        ("file", json!(at("fifo"))),
        ("file", json!(at("empty"))),
        ("file", json!("/dev/zero")),
        ("ready", json!("console:")),
        ("ready", json!("soon")),
        ("username", json!("")),
    ] {
        let mut body = json!({"id": 41, "name": "x", "file": file});
        body[field] = value.clone();
        let (status, answer) = host.server.admin("POST", "/images", Some(&body)).await;
        let got = (status, &answer["error"], &answer["details"]["field"]);
        assert_eq!(
            got,
            (400, &json!("VALIDATION_ERROR"), &json!(field)),
            "{value}: {answer}"
        );
    }
    let body = json!({"id": 12, "name": "x", "file": file});
    let (status, answer) = host.server.admin("POST", "/images", Some(&body)).await;
    assert_eq!(
        (status, &answer["error"]),
        (409, &json!("CONFLICT")),
        "{answer}"
    );
}

#[test]
fn the_test_image_is_built_once_and_half_of_one_is_none() {
    if super::host::cache().is_none() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let build = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudlet"));
        command.args(["admin", "image", "build-test"]);
        command.env("XDG_CACHE_HOME", home.path());
        command
    };
    let cache = home.path().join("cloudlet");
    let mut killed = build().stderr(Stdio::piped()).spawn().unwrap();
    let mut steps = BufReader::new(killed.stderr.take().unwrap()).lines();
    // The packages are there, and the disk is not.
    while !steps.next().unwrap().unwrap().contains("first files") {}
    killed.kill().unwrap();
    killed.wait().unwrap();
    assert!(!cache.join("test-image").exists());
    assert!(
        cache.join("test-image.new").exists(),
        "it was killed too late"
    );

    let (first, second) = (build().spawn().unwrap(), build().output().unwrap());
    let first = first.wait_with_output().unwrap();
    assert!(first.status.success() && second.status.success());
    assert!(!cache.join("test-image.new").exists());
    let again = build().output().unwrap();
    let says = String::from_utf8_lossy(&again.stderr);
    assert!(
        again.status.success() && says.contains("is there already"),
        "{says}"
    );
    let path = String::from_utf8_lossy(&again.stdout).trim().to_owned();
    assert_eq!(Path::new(&path), cache.join("test-image/disk.qcow2"));
}
