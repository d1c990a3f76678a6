//! Ordinary clients in shell and Python, as people would copy them from `examples/`.

use crate::process::{KEY, Process};
use std::{path::PathBuf, process::Command};

fn example(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(path)
}

fn run(cloud: &Process, program: &str, path: &str) -> std::process::Output {
    let mut command = Command::new(program);
    command
        .arg(example(path))
        .env("CLOUDLET_URL", &cloud.url)
        .env("CLOUDLET_API_KEY", KEY);
    command
        .env("POLL_SECONDS", "0.1")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"))
}

#[tokio::test]
async fn examples_submit_poll_and_print_the_result() {
    let cloud = Process::start(&["--sim-speed", "20"]);
    for (program, path) in [
        ("dash", "shell/create.sh"),
        ("bash", "shell/create.sh"),
        ("python3", "python/create.py"),
    ] {
        let output = run(&cloud, program, path);
        assert!(output.status.success(), "{program} {path}: {output:?}");
    }
    let (_, list) = cloud.get("/v1/resource/virtual-machines?limit=100").await;
    let rows = list["data"].as_array().unwrap();
    assert!(
        rows.len() >= 3 && rows.iter().all(|row| row["status"] == "Running"),
        "{list}"
    );
}

#[tokio::test]
async fn examples_say_what_failed() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    for (program, path) in [("dash", "shell/create.sh"), ("python3", "python/create.py")] {
        let fault =
            serde_json::json!({ "operation": "vm.create", "kind": "fail", "error": "Bad luck" });
        cloud.fault(&fault).await;
        let output = run(&cloud, program, path);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{program} {path}: {output:?}"
        );
        assert!(
            String::from_utf8_lossy(&output.stderr).contains("Bad luck"),
            "{output:?}"
        );
        cloud.admin("DELETE", "/faults", None).await;
    }
}
