//! What a start leaves in the profile: whose keys, for which address, and what was there before.

use crate::process::{ADMIN_KEY, KEY, Process};
use std::{
    fs,
    io::{BufRead, BufReader, Read},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Command, Stdio},
};

const FOREIGN: &str = "gpcn_foreign00000000000000000000001";

/// Starts a server on a new data directory, ends it, and returns its address and what it said.
fn start_and_end(profile: &Path) -> (String, String) {
    let data = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloudlet"))
        .env_clear()
        .env("CLOUDLET_PROFILE", profile)
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let mut said = String::new();
    let mut err = child.stderr.take().unwrap();
    err.read_to_string(&mut said).unwrap();
    let url = line.trim().strip_prefix("cloudlet listening on ");
    (url.expect(&said).to_owned(), said)
}

#[test]
fn another_servers_profile_is_kept_beside_the_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let (profile, old) = (
        directory.path().join("profile.toml"),
        directory.path().join("profile.toml.old"),
    );
    let (_, said) = start_and_end(&profile);
    assert!(!old.exists() && !said.contains("is kept in"), "{said}");

    let former = format!("url = 'http://10.0.0.9:8080'\napi_key = '{FOREIGN}'\n# mine\n");
    fs::write(&profile, &former).unwrap();
    let (url, said) = start_and_end(&profile);
    assert_eq!(fs::read_to_string(&old).unwrap(), former);
    assert_eq!(
        fs::metadata(&old).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let line = format!(
        "the profile of http://10.0.0.9:8080 is kept in {}",
        old.display()
    );
    assert_eq!(said.matches(&line).count(), 1, "{said}");
    let new = fs::read_to_string(&profile).unwrap();
    assert!(new.contains(&url) && !new.contains(FOREIGN), "{new}");
}

#[test]
fn the_address_follows_the_server_whose_key_it_is() {
    let mut cloud = Process::start(&[]);
    let profile = cloud.data().with_file_name("profile.toml");
    for (keys, ours) in [
        (format!("api_key = '{KEY}'"), true),
        (format!("admin_key = '{ADMIN_KEY}'"), true),
        (format!("api_key = '{FOREIGN}'"), false),
    ] {
        cloud.kill();
        let text = format!("url = 'http://127.0.0.1:1'\n{keys}\n");
        fs::write(&profile, &text).unwrap();
        cloud.restart();
        let now = fs::read_to_string(&profile).unwrap();
        assert_eq!(now.contains(&cloud.url), ours, "{now}");
        assert_eq!(now == text, !ours, "{now}");
    }
}

#[tokio::test]
async fn the_first_page_shows_the_address_that_was_asked() {
    let cloud = Process::start(&[]);
    let page = |host: &'static str| {
        let mut request = cloud.http.get(&cloud.url);
        if !host.is_empty() {
            request = request.header("Host", host);
        }
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let example = format!("{}/v1/resource/virtual-machines", cloud.url);
    assert!(page("").await.contains(&example));
    assert!(page("a;b").await.contains(" http://127.0.0.1/v1/"));
}
