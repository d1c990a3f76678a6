//! What a host is told it can do, and a server without an image.

use super::host::{cache, instead_of};
use crate::process::{DATA_CENTER, Process};
use serde_json::Value;
use std::{path::Path, process::Command};

fn doctor(cache: &Path, path: Option<&str>) -> (Option<i32>, Vec<Value>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cloudlet"));
    command
        .args(["doctor", "--output", "json"])
        .env("XDG_CACHE_HOME", cache);
    if let Some(path) = path {
        command.env("PATH", path);
    }
    let ran = command.output().unwrap();
    (
        ran.status.code(),
        serde_json::from_slice(&ran.stdout).unwrap(),
    )
}

#[test]
fn every_gap_has_the_line_that_mends_it() {
    let Some(cache) = cache() else { return };
    let (status, findings) = doctor(&cache, None);
    assert_eq!(status, Some(0), "{findings:?}");
    let (status, findings) = doctor(&cache, Some("/nonexistent"));
    assert_eq!(status, Some(1), "{findings:?}");
    let gaps: Vec<_> = findings
        .iter()
        .filter(|finding| finding["fine"] == false)
        .collect();
    assert!(gaps.len() >= 3, "{findings:?}");
    for gap in gaps {
        let mend = gap["mend"].as_str().unwrap();
        assert!(mend.contains("apt-get install"), "{gap}");
    }
    // Two versions do not go together well.
    let script = "#!/bin/sh\necho qemu-img version 99.1 of nobody\n";
    let (_folder, setting) = instead_of("qemu-img", script);
    let (_, findings) = doctor(&cache, setting.strip_prefix("PATH="));
    let says = |finding: &Value| {
        finding["what"]
            .as_str()
            .unwrap()
            .contains("one version is right")
    };
    assert!(findings.iter().any(says), "{findings:?}");
}

#[tokio::test]
async fn without_an_image_a_server_serves_and_says_so() {
    if cache().is_none() {
        return;
    }
    let empty = tempfile::tempdir().unwrap();
    let home = format!("XDG_CACHE_HOME={}", empty.path().display());
    let server = Process::start_under(&["env", &home], &["--driver", "qemu"]);
    let (status, ready) = server.get("/readyz").await;
    assert_eq!(status, 200, "{ready}");
    let note = ready["data"]["notes"][0].as_str().unwrap();
    assert!(note.contains("cloudlet admin image build-test"), "{note}");
    let path = format!("/v1/resource/data-centers/{DATA_CENTER}/virtual-machine-images");
    let (_, images) = server.get(&path).await;
    assert_eq!(images["data"], serde_json::json!([]));
    let (status, refused) = server
        .post(super::host::MACHINES, &crate::process::create_body("web"))
        .await;
    assert_eq!(
        (status, &refused["details"]["field"]),
        (400, &"imageId".into()),
        "{refused}"
    );
}
