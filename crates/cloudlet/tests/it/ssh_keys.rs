//! SSH keys: what is taken, what is made, what is shown, and what is nowhere.

use crate::{
    cloud::{Answer, NOTHING, TestCloud, send},
    process::Process,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{fs, path::Path};

const KEYS: &str = "/v1/resource/ssh-keys";
/// A line of a `.pub` file, its data, and what `ssh-keygen -l` says of it.
const LINE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMANnN+uSIO69pCYufcv1HlY+pcqv1aRjgOxGCc/dPDE user@example.com";
const DATA: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIMANnN+uSIO69pCYufcv1HlY+pcqv1aRjgOxGCc/dPDE";
const FINGERPRINT: &str = "SHA256:S0I0TPUWx0FHwn92l7Ybipd1OVydjnkzVnOut8nIHuI";

fn upload(name: &str) -> Value {
    json!({"name": name, "type": "upload", "publicKey": LINE})
}

fn generate(name: &str, algorithm: &str) -> Value {
    json!({"name": name, "type": "generate", "algorithm": algorithm})
}

async fn add(cloud: &TestCloud, body: Value) -> String {
    let made = cloud.post(KEYS, body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.json["data"]["id"].as_str().unwrap().to_owned()
}

fn names(list: &Answer) -> Vec<&str> {
    let rows = list.json["data"].as_array().expect("rows");
    let names = rows.iter().map(|row| row["name"].as_str().unwrap());
    names.collect()
}

#[tokio::test]
async fn a_key_from_its_upload_to_its_end() {
    let cloud = TestCloud::start().await;
    let made = cloud.post(KEYS, upload("laptop 🦀")).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let data = &made.json["data"];
    assert_eq!(data.get("privateKey"), Some(&Value::Null));
    assert_eq!(data.as_object().unwrap().len(), 2);
    let one = format!("{KEYS}/{}", data["id"].as_str().unwrap());
    let shown = cloud.get(&one).await.json["data"].clone();
    for (field, value) in [
        ("id", &data["id"]),
        ("name", &json!("laptop 🦀")),
        ("algorithm", &json!("ed25519")),
        ("publicKey", &json!(LINE)),
        ("fingerprint", &json!(FINGERPRINT)),
        ("updatedAt", &shown["createdAt"]),
    ] {
        assert_eq!(&shown[field], value, "{field}");
    }
    assert_eq!(cloud.get(KEYS).await.json["data"], json!([shown]));

    let renamed = cloud.put(&one, json!({"name": "desk"})).await;
    assert_eq!(
        (renamed.status, &renamed.json["data"]["name"]),
        (200, &json!("desk"))
    );
    assert_eq!(renamed.json["data"]["createdAt"], shown["createdAt"]);
    assert_eq!(cloud.get(&one).await.json, renamed.json);
    // Names need not be unique, nor do keys.
    add(&cloud, upload("desk")).await;

    let gone = cloud.delete(&one).await;
    assert_eq!((gone.status, &gone.json), (204, &Value::Null));
    assert_eq!(gone.header("content-length"), "");
    for answer in [
        cloud.get(&one).await,
        cloud.delete(&one).await,
        cloud.put(&one, json!({"name": "x"})).await,
    ] {
        answer.is_error(404, "NOT_FOUND");
    }
    assert_eq!(cloud.get(KEYS).await.json["meta"]["total"], 1);
}

#[tokio::test]
async fn another_tenants_key_is_like_one_that_never_was() {
    let cloud = TestCloud::start().await;
    let id = add(&cloud, upload("mine")).await;
    for id in [&id, "x", "0", "%00"] {
        let (path, never) = (format!("{KEYS}/{id}"), format!("{KEYS}/{NOTHING}"));
        for (method, body) in [
            (Method::GET, None),
            (Method::PUT, Some(json!({"name": "stolen"}))),
            (Method::DELETE, None),
        ] {
            let ask = |path: &str| {
                let request = cloud.anonymous(method.clone(), path);
                let request = request.header("X-API-Key", &cloud.other_key);
                send(match &body {
                    Some(body) => request.json(body),
                    None => request,
                })
            };
            let (theirs, never) = (ask(&path).await, ask(&never).await);
            theirs.is_error(404, "NOT_FOUND");
            assert_eq!(theirs.json, never.json);
        }
    }
    let list = cloud
        .anonymous(Method::GET, KEYS)
        .header("X-API-Key", &cloud.other_key);
    assert_eq!(send(list).await.json["meta"]["total"], 0);
    assert_eq!(names(&cloud.get(KEYS).await), ["mine"]);
}

#[tokio::test]
async fn algorithms_can_all_be_made() {
    let cloud = TestCloud::start().await;
    let listed = cloud.get(&format!("{KEYS}/algorithms")).await;
    let rows = listed.json["data"].as_array().unwrap().clone();
    let codes: Vec<_> = rows
        .iter()
        .map(|row| row["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["ed25519", "rsa-4096", "rsa-2048", "ecdsa-p256"]);
    for row in &rows {
        let word = |name: &str| row[name].as_str().unwrap().len();
        assert!(word("displayName") > 0 && word("description") > 0, "{row}");
    }
    for code in codes {
        let made = cloud.post(KEYS, generate(code, code)).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let data = &made.json["data"];
        let private = data["privateKey"].as_str().unwrap();
        assert!(private.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
        assert!(private.ends_with("-----END OPENSSH PRIVATE KEY-----\n"));
        let one = format!("{KEYS}/{}", data["id"].as_str().unwrap());
        let shown = cloud.get(&one).await.json["data"].clone();
        assert_eq!(shown["algorithm"], code);
        assert!(shown.get("privateKey").is_none(), "{shown}");
        // What was made is taken as an upload.
        let again = json!({"name": "x", "type": "upload", "publicKey": shown["publicKey"]});
        let again = add(&cloud, again).await;
        let again = cloud.get(&format!("{KEYS}/{again}")).await;
        assert_eq!(again.json["data"]["fingerprint"], shown["fingerprint"]);
    }
}

/// Every file below a directory.
fn files(directory: &Path) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(fs::read(path).unwrap());
        }
    }
    found
}

fn holds(bytes: &[u8], part: &str) -> bool {
    bytes
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

/// Neither while the server runs nor after it has ended; nor is the passphrase, nor does the log
/// show either at its wordiest.
#[tokio::test]
async fn a_private_key_is_on_no_disk() {
    let mut cloud = Process::start(&[]);
    let body = json!({
        "name": "ci", "type": "generate", "algorithm": "ed25519", "passphrase": "open sesame 17",
    });
    let (status, made) = cloud.post(KEYS, &body).await;
    assert_eq!(status, 201, "{made}");
    let (_, plain) = cloud.post(KEYS, &generate("plain", "ed25519")).await;
    let mut secrets = vec!["open sesame 17".to_owned()];
    for made in [&made, &plain] {
        let private = made["data"]["privateKey"].as_str().unwrap();
        // The first lines hold the public half as well; the last ones are secret.
        let lines: Vec<_> = private
            .lines()
            .filter(|line| !line.starts_with('-'))
            .collect();
        secrets.extend(lines[2..].iter().map(|line| (*line).to_owned()));
    }
    assert!(secrets.len() >= 4, "{secrets:?}");
    let (_, kept) = cloud
        .get(&format!("{KEYS}/{}", plain["data"]["id"].as_str().unwrap()))
        .await;
    let public = kept["data"]["publicKey"].as_str().unwrap().to_owned();
    for ended in [false, true] {
        if ended {
            assert!(cloud.terminate().0.success());
        }
        let mut all = files(&cloud.data());
        assert!(
            all.iter().any(|file| holds(file, &public)),
            "the public key is there"
        );
        all.push(cloud.log().into_bytes());
        for secret in &secrets {
            assert!(!all.iter().any(|file| holds(file, secret)), "{secret}");
        }
    }
    cloud.restart();
    let (status, again) = cloud
        .get(&format!("{KEYS}/{}", plain["data"]["id"].as_str().unwrap()))
        .await;
    assert_eq!((status, again), (200, kept));
}

/// A long key is made beside everything else: others are answered meanwhile, and the server ends
/// without waiting for it.
#[tokio::test]
async fn nobody_waits_for_a_long_key() {
    let mut cloud = Process::start(&[]);
    let (url, http) = (cloud.url.clone(), cloud.http.clone());
    let making: Vec<_> = (0..12)
        .map(|number| {
            let request = http
                .post(format!("{url}{KEYS}"))
                .header("X-API-Key", crate::process::KEY)
                .json(&generate(&format!("long-{number}"), "rsa-4096"));
            tokio::spawn(request.send())
        })
        .collect();
    cloud.answers_at_once(12).await;
    let (status, made) = cloud.post(KEYS, &upload("quick")).await;
    assert_eq!(status, 201, "{made}");
    let (_, listed) = cloud.get(&format!("{KEYS}?search=quick")).await;
    assert_eq!(listed["meta"]["total"], 1);
    let (status, took) = cloud.terminate();
    assert!(status.success() && took.as_secs() < 10, "{took:?}");
    let mut refused = 0;
    for request in making {
        let answer = request.await.unwrap().unwrap();
        let status = answer.status().as_u16();
        assert!(matches!(status, 201 | 503), "{status}");
        refused += u32::from(status == 503);
    }
    assert!(refused > 0, "all were made before the server ended");
}

fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

fn without(mut body: Value, field: &str) -> Value {
    body.as_object_mut().unwrap().remove(field);
    body
}

fn wrong_names() -> Value {
    let long = "x".repeat(64);
    json!([null, 7, {}, "", long, " x", "a\nb", "a\u{0}b", "a\u{2028}b"])
}

fn wrong_public_keys() -> Value {
    let large = format!("{LINE} {}", "x".repeat(16 * 1024));
    let (two, nul) = (format!("{LINE}\n{LINE}"), format!("{LINE}\u{0}"));
    let (other, broken) = (format!("ssh-rsa {DATA}"), LINE.replace("AAAA", "AAAB"));
    let private = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
    json!([
        null,
        "",
        7,
        [LINE],
        "🦀",
        large,
        two,
        nul,
        DATA,
        other,
        broken,
        private
    ])
}

/// Bodies with one field that is wrong, and its name.
fn wrong_bodies() -> Vec<(Value, &'static str)> {
    let (sent, made) = (upload("x"), generate("x", "ed25519"));
    let long = "x".repeat(1_025);
    let mut wrong = Vec::new();
    for (body, field, values) in [
        (&sent, "name", wrong_names()),
        (&made, "name", wrong_names()),
        (&sent, "type", json!([null, "", "Upload", "🦀", 1, []])),
        (&sent, "publicKey", wrong_public_keys()),
        (&sent, "algorithm", json!(["ed25519", "", 7])),
        (&sent, "passphrase", json!(["secret", 7])),
        (
            &made,
            "algorithm",
            json!([null, "", "rsa", "ED25519", "🦀", 1]),
        ),
        (&made, "passphrase", json!([7, {}, long, "a\nb", "a\u{0}"])),
        (&made, "publicKey", json!([LINE, 7])),
    ] {
        for value in values.as_array().unwrap() {
            wrong.push((with(body.clone(), field, value.clone()), field));
        }
    }
    for field in ["name", "type", "publicKey"] {
        wrong.push((without(sent.clone(), field), field));
    }
    wrong.push((without(made, "algorithm"), "algorithm"));
    wrong
}

#[tokio::test]
async fn bodies_that_are_wrong_name_their_field() {
    let cloud = TestCloud::start().await;
    for (body, field) in wrong_bodies() {
        let answer = cloud.post(KEYS, body.clone()).await;
        assert_eq!(answer.field(), field, "{body} {}", answer.json);
        answer.names(field);
        let message = answer.json["message"].as_str().unwrap();
        assert!(!message.contains(DATA) && message.len() < 300, "{message}");
    }
    assert_eq!(cloud.get(KEYS).await.json["meta"]["total"], 0);
    let one = format!("{KEYS}/{}", add(&cloud, upload("x")).await);
    for name in wrong_names().as_array().unwrap() {
        cloud.put(&one, json!({ "name": name })).await.names("name");
    }
    cloud.put(&one, json!({})).await.names("name");
    assert_eq!(names(&cloud.get(KEYS).await), ["x"], "nothing was written");
}

/// What is optional may be absent, null or empty; a field of the future is ignored.
#[tokio::test]
async fn fields_that_are_empty_are_absent() {
    let cloud = TestCloud::start().await;
    let sent = json!({
        "name": "x", "type": "upload", "publicKey": format!("{LINE}\n"), "algorithm": null,
        "passphrase": "", "new": 1,
    });
    add(&cloud, sent).await;
    let made = generate("y", "ed25519");
    let made = with(with(made, "publicKey", json!("")), "passphrase", json!(""));
    let made = cloud.post(KEYS, made).await;
    let private = made.json["data"]["privateKey"].as_str().unwrap();
    // The format names its cipher first: none.
    let cipher = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmU";
    assert!(private.contains(cipher), "it is not encrypted");
    let secret = with(generate("z", "ed25519"), "passphrase", json!("s"));
    let secret = cloud.post(KEYS, secret).await;
    let private = secret.json["data"]["privateKey"].as_str().unwrap();
    assert!(!private.contains(cipher), "it is encrypted");
}

#[tokio::test]
async fn lists_are_sorted_searched_and_paged() {
    let cloud = TestCloud::start().await;
    for name in ["b_1", "a", "B%1", "c", "a"] {
        add(&cloud, upload(name)).await;
    }
    for (query, expected) in [
        ("", vec!["a", "c", "B%1", "a", "b_1"]),
        ("?sort=createdAt:asc", vec!["b_1", "a", "B%1", "c", "a"]),
        ("?sort=name:asc", vec!["a", "a", "B%1", "b_1", "c"]),
        (
            "?sort=name:desc,createdAt:asc",
            vec!["c", "b_1", "B%1", "a", "a"],
        ),
        ("?search=B&sort=name:asc", vec!["B%1", "b_1"]),
        ("?search=%25", vec!["B%1"]),
        ("?search=_", vec!["b_1"]),
        ("?search=ssh-ed25519", vec![]),
        ("?search=c&search=_1", vec!["c", "b_1"]),
        ("?sort=name:asc&limit=2&page=2", vec!["B%1", "b_1"]),
        ("?page=9", vec![]),
    ] {
        let list = cloud.get(&format!("{KEYS}{query}")).await;
        assert_eq!(names(&list), expected, "{query}");
    }
    let page = cloud.get(&format!("{KEYS}?search=a&limit=1")).await.json["meta"].clone();
    let expected = json!({"total": 2, "page": 1, "pageSize": 1, "totalPages": 2,
        "hasNextPage": true, "hasPreviousPage": false});
    assert_eq!(page, expected);
    for (query, field) in [
        ("sort=name", "sort"),
        ("sort=size:asc", "sort"),
        ("sort=name:up", "sort"),
        ("sort=name:asc,", "sort"),
        ("sort=name:asc&sort=name:desc", "sort"),
        ("page=0", "page"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
    ] {
        cloud.get(&format!("{KEYS}?{query}")).await.names(field);
    }
    let wrong = cloud.get(&format!("{KEYS}?sort=size:asc")).await;
    let message = wrong.json["message"].as_str().unwrap();
    assert!(message.contains("name, createdAt"), "{message}");
}

/// One key more than there may be, of either kind.
#[tokio::test]
async fn a_thousand_keys_and_no_more() {
    let cloud = TestCloud::start().await;
    for batch in 0..100 {
        let name = format!("key-{batch}");
        let add = || add(&cloud, upload(&name));
        tokio::join!(
            add(),
            add(),
            add(),
            add(),
            add(),
            add(),
            add(),
            add(),
            add(),
            add()
        );
    }
    for body in [upload("more"), generate("more", "rsa-4096")] {
        let full = cloud.post(KEYS, body).await;
        full.is_error(409, "LIMIT_EXCEEDED");
        assert_eq!(full.json["details"]["limit"], 1_000);
    }
    let list = cloud.get(&format!("{KEYS}?page=10&limit=100")).await;
    assert_eq!(
        (names(&list).len(), &list.json["meta"]["total"]),
        (100, &json!(1_000))
    );
    let one = list.json["data"][0]["id"].as_str().unwrap();
    assert_eq!(cloud.delete(&format!("{KEYS}/{one}")).await.status, 204);
    add(&cloud, upload("again")).await;
    let other = cloud.anonymous(Method::POST, KEYS).json(&upload("theirs"));
    let other = send(other.header("X-API-Key", &cloud.other_key)).await;
    assert_eq!(other.status, 201, "another tenant has its own");
}

/// The command line, with a key that it writes and one that it reads.
#[tokio::test]
async fn the_command_line_adds_makes_renames_and_deletes() {
    use std::os::unix::fs::PermissionsExt;
    let cloud = Process::start(&[]);
    let run = |words: &[&str]| {
        let output = cloud.command(words).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (
            output.status.code().unwrap(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (_, _, err) = run(&["ssh-key", "list"]);
    assert!(err.contains("ssh-key add NAME FILE"), "{err}");
    let private = cloud.data().join("id_ci");
    let private = private.to_str().unwrap();
    let (status, out, err) = run(&["ssh-key", "generate", "ci", "--out", private]);
    assert_eq!((status, out.trim().len()), (0, 36), "{err}");
    let written = fs::read_to_string(private).unwrap();
    assert!(written.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\n"));
    assert_eq!(
        fs::metadata(private).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let (status, _, err) = run(&["ssh-key", "generate", "ci", "--out", private]);
    assert_eq!(status, 1, "a file that is there stays");
    assert!(err.contains(private), "{err}");
    assert_eq!(fs::read_to_string(private).unwrap(), written);
    let (status, _, err) = run(&["ssh-key", "add", "laptop", private]);
    assert!(status == 1 && err.contains("is a private key"), "{err}");
    let public = format!("{private}.pub");
    fs::write(&public, format!("{LINE}\n")).unwrap();
    let (status, _, err) = run(&["ssh-key", "add", "laptop", &public]);
    assert_eq!(status, 0, "{err}");
    let (status, out, _) = run(&["ssh-key", "generate", "pipe", "--passphrase", "sesame"]);
    assert!(status == 0 && out.starts_with("-----BEGIN"), "{out}");
    let (status, _, err) = run(&["ssh-key", "rename", "laptop", "desk"]);
    assert_eq!(status, 0, "{err}");
    let (_, out, _) = run(&["ssh-key", "list"]);
    assert!(out.contains("desk") && out.contains(FINGERPRINT), "{out}");
    for key in ["desk", "pipe", "ci"] {
        assert_eq!(run(&["ssh-key", "delete", key, "--quiet"]).0, 0, "{key}");
    }
    let (status, _, err) = run(&["ssh-key", "delete", "desk"]);
    assert!(status == 1 && err.contains("desk"), "{err}");
    let (_, out, _) = run(&["ssh-key", "list", "--output", "json"]);
    assert_eq!(out.trim(), "[]");
}
