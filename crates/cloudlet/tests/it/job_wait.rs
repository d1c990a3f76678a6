//! `cloudlet job wait` without ids: what was submitted from here and not seen to end, whatever became of
//! the client; and what a create carries, from the command line.

use crate::process::{PATIENCE, Process, pause};
use std::{
    fs,
    process::{Command, Output, Stdio},
    time::Instant,
};

fn ran(command: &mut Command) -> (Option<i32>, String, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code(), text(stdout), text(stderr))
}

/// What is written down of jobs not seen to end.
fn written(cloud: &Process) -> String {
    let file = cloud.data().with_file_name("state").join("cloudlet/jobs");
    fs::read_to_string(file).unwrap_or_default()
}

#[tokio::test]
async fn without_ids_it_waits_for_what_was_not_seen_to_end() {
    let cloud = Process::start(&["--sim-speed", "10"]);
    let wait = || cloud.command(&["job", "wait"]);
    let (status, _, says) = ran(&mut wait());
    assert_eq!(status, Some(0), "{says}");
    assert!(says.contains("has been seen to end"), "{says}");

    let create = ["vm", "create", "web", "--count", "2", "--no-wait"];
    let (status, ids, says) = ran(&mut cloud.command(&create));
    assert_eq!(status, Some(0), "{says}");
    let ids: Vec<&str> = ids.lines().collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.iter().all(|id| written(&cloud).contains(id)));
    assert!(!written(&cloud).contains("gpcn_"), "a key stands there");
    let (status, out, says) = ran(&mut wait());
    assert_eq!(status, Some(0), "{says}");
    assert!(
        out.contains("Created web-1") && out.contains("Created web-2"),
        "{out}"
    );
    assert_eq!(written(&cloud), "");

    // A job that fails counts, and what another key has submitted does not.
    cloud
        .fault(&serde_json::json!({"operation": "vm.create", "kind": "fail"}))
        .await;
    ran(&mut cloud.command(&["vm", "create", "bad", "--no-wait"]));
    let (status, _, says) =
        ran(wait().env("CLOUDLET_API_KEY", "gpcn_other00000000000000000000000001"));
    assert_eq!(status, Some(0), "{says}");
    let (status, _, says) = ran(&mut wait());
    assert_eq!(status, Some(3), "{says}");
    assert_eq!(written(&cloud), "");
}

#[tokio::test]
async fn a_client_that_was_killed_goes_on_where_it_was() {
    let cloud = Process::start(&["--sim-speed", "2"]);
    let mut create = cloud.command(&["vm", "create", "web"]);
    let mut client = create
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while written(&cloud).is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the job is never written down");
        pause().await;
    }
    client.kill().unwrap();
    client.wait().unwrap();
    let (status, out, says) = ran(&mut cloud.command(&["job", "wait", "--output", "json"]));
    assert_eq!(status, Some(0), "{says}");
    let jobs: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(jobs[0]["resourceName"], "web", "{jobs}");
    assert_eq!(jobs[0]["status"], "completed", "{jobs}");

    // Where nothing can be written the command does its work all the same.
    let state = cloud.data().with_file_name("state");
    fs::remove_dir_all(&state).unwrap();
    fs::write(&state, "in the way").unwrap();
    let (status, _, says) = ran(&mut cloud.command(&["vm", "delete", "web"]));
    assert_eq!(status, Some(0), "{says}");
    assert!(
        says.contains("The list of submitted jobs cannot be kept"),
        "{says}"
    );
}

#[tokio::test]
async fn a_create_carries_what_it_is_told() {
    const LINE: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGPKSUTyz1HwHReFVvD5obVsALAgJRNarH4TRpNePnAS me@here";
    let cloud = Process::start(&["--sim-speed", "0"]);
    let files = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = files.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let key = file("id.pub", &format!("{LINE}\n"));
    let data = file("user-data", "#cloud-config\n");
    let password = file("password", "Correct-Horse-1\n");
    let stored = ran(&mut cloud.command(&["ssh-key", "add", "laptop", &key]));
    assert_eq!(stored.0, Some(0), "{}", stored.2);

    let create = [
        "vm",
        "create",
        "web",
        "--public-key",
        &key,
        "--user-data",
        &data,
    ];
    let more = ["--username", "ops", "--ssh-key", "laptop"];
    let (status, _, says) = ran(cloud.command(&create).args(more));
    assert_eq!(status, Some(0), "{says}");
    let (_, shown, _) = ran(&mut cloud.command(&["vm", "show", "web", "--output", "json"]));
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(
        (&shown["username"], &shown["sshKeyName"]),
        (&"ops".into(), &"laptop".into())
    );
    let by_password = ["vm", "create", "box", "--password-file", &password];
    let (status, _, says) = ran(&mut cloud.command(&by_password));
    assert_eq!(status, Some(0), "{says}");
    let (status, _, says) = ran(&mut cloud.command(&[
        "gpu",
        "create",
        "trainer",
        "--username",
        "ops",
        "--public-key",
        &key,
    ]));
    assert_eq!(status, Some(0), "{says}");

    for (flags, says) in [
        (
            &["--public-key", "/nonexistent"][..],
            "--public-key: /nonexistent cannot be read",
        ),
        (&["--ssh-key", "laptip"], "laptop"),
        (&["--team", "nobody"], "team"),
        (
            &["--public-key", "-", "--user-data", "-"],
            "stdin (-) can be read once only",
        ),
        (&["--auth-method", "password"], "password"),
    ] {
        let (status, _, said) = ran(cloud.command(&["vm", "create", "x"]).args(flags));
        assert_eq!(status, Some(1), "{flags:?}: {said}");
        assert!(said.contains(says), "{flags:?}: {said}");
    }
}
