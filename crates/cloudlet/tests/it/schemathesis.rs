//! Schemathesis against the real binary: requests made from `openapi.json`, right and wrong ones, and
//! every answer held against the document. `schemathesis.toml` says which checks, and why not others.

use crate::process::{ADMIN_KEY, KEY, Process};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Where `./dev` puts what it installs: the target directory.
pub(crate) fn tools() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent();
    target.expect("tmp is a folder of it").to_owned()
}

/// What may end the very key that asks, or its tenant's: apart from the rest, so that the rest is tested
/// with a key that opens something.
const ENDS_ACCESS: &[&str] = &[
    "own_key.revoke",
    "own_key.rotate",
    "own_key.suspend",
    "tenant.suspend",
];

/// What makes and shows what those end; it links to them.
const LEADS_THERE: &[&str] = &[
    "own_key.create",
    "own_key.list",
    "tenant.create",
    "tenant.list",
];

/// What makes other requests fail or go unanswered, as it should; faults of any operation pass these by.
const FAULTS: &[&str] = &["fault.create", "fault.list", "fault.clear", "fault.delete"];

/// Runs it on a server of its own with some machines, with operations left out or alone; the server as
/// it is afterwards.
async fn run(program: &Path, choice: &str, operations: &[&str]) -> Process {
    let cloud = Process::start(&["--sim-speed", "0"]);
    for name in ["one", "two", "three"] {
        cloud.create(name).await;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(program);
    command
        .arg("--config-file")
        .arg(root.join("schemathesis.toml"))
        .args(["--no-color", "run"])
        .arg(format!("{}/openapi.json", cloud.url));
    for operation in operations {
        command.args([choice, operation]);
    }
    command
        // What it keeps for a next run goes with the server's data.
        .current_dir(cloud.data())
        .env("CLOUDLET_API_KEY", KEY)
        .env("CLOUDLET_ADMIN_KEY", ADMIN_KEY);
    // Meanwhile the connections that this test has are looked after.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let (said, log) = (String::from_utf8_lossy(&output.stdout), cloud.log());
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{wrong}\n{log}");
    cloud
}

#[tokio::test]
async fn schemathesis_finds_nothing() {
    let program = tools().join("schemathesis/bin/schemathesis");
    if !program.exists() {
        eprintln!("SKIPPED 1 test: Schemathesis is not there; ./dev test installs it");
        return;
    }
    let others = [ENDS_ACCESS, FAULTS].concat();
    let cloud = run(&program, "--exclude-operation-id", &others).await;
    let (status, _) = cloud.get("/v1/resource/jobs").await;
    assert_eq!(status, 200, "the key that asked opens nothing any more");
    let alone = [ENDS_ACCESS, LEADS_THERE].concat();
    let ended = run(&program, "--include-operation-id", &alone).await;
    let struck = run(&program, "--include-operation-id", FAULTS).await;
    for cloud in [cloud, ended, struck] {
        let (status, verify) = cloud.admin("GET", "/verify", None).await;
        assert_eq!(status, 200, "{verify}");
        assert_eq!(verify["data"]["differences"], serde_json::json!([]));
    }
}
