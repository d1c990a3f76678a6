//! Ordinary clients, as people would copy them from `examples/`.

use crate::{
    process::{KEY, PATIENCE, Process, is_final, pause},
    schemathesis::tools,
};
use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::Instant,
};

fn example(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(path)
}

/// A program with its environment, still to be run.
fn client(cloud: &Process, words: &[OsString]) -> Command {
    let mut command = Command::new(&words[0]);
    command
        .args(&words[1..])
        .env("CLOUDLET_URL", &cloud.url)
        .env("CLOUDLET_API_KEY", KEY)
        .env("STATE_FILE", state_file(cloud))
        .env("POLL_SECONDS", "0.1");
    command
}

fn state_file(cloud: &Process) -> PathBuf {
    cloud.data().join("create-state.json")
}

fn script(program: &str, path: &str) -> Vec<OsString> {
    vec![program.into(), example(path).into()]
}

fn run(cloud: &Process, words: &[OsString]) -> Output {
    let output = client(cloud, words).output();
    output.unwrap_or_else(|error| panic!("{words:?}: {error}"))
}

/// A program that has to say nothing is wrong.
fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{command:?}: {out}{err}");
}

/// The client in TypeScript, checked and translated; `None` where its compiler is not there.
fn typescript(to: &Path) -> Option<Vec<OsString>> {
    let compiler = tools().join("typescript/node_modules");
    if !compiler.join(".bin/tsc").exists() {
        return None;
    }
    for file in ["create.ts", "tsconfig.json", "package.json"] {
        fs::copy(example("typescript").join(file), to.join(file)).unwrap();
    }
    std::os::unix::fs::symlink(&compiler, to.join("node_modules")).unwrap();
    let tsc = compiler.join(".bin/tsc");
    let strict = ["--strict", "--noEmitOnError", "-p"];
    succeeds(Command::new(tsc).args(strict).arg(to));
    Some(vec!["node".into(), to.join("dist/create.js").into()])
}

/// The client in Go, checked and built; `None` where Go is not there.
fn go(to: &Path) -> Option<Vec<OsString>> {
    if Command::new("go").arg("version").output().is_err() {
        return None;
    }
    let program = to.join("create");
    let command = || {
        let mut command = Command::new("go");
        command.current_dir(example("go"));
        command.env("GOCACHE", tools().join("go"));
        // The standard library only: nothing is downloaded.
        command.env("GOPROXY", "off").env("GOTOOLCHAIN", "local");
        command
    };
    succeeds(command().args(["vet", "."]));
    succeeds(command().args(["build", "-o"]).arg(&program));
    Some(vec![program.into()])
}

#[tokio::test]
async fn examples_submit_poll_and_print_the_result() {
    let cloud = Process::start(&["--sim-speed", "20"]);
    for (program, path) in [
        ("dash", "shell/create.sh"),
        ("bash", "shell/create.sh"),
        ("python3", "python/create.py"),
    ] {
        let output = run(&cloud, &script(program, path));
        assert!(output.status.success(), "{program} {path}: {output:?}");
    }
    let (_, list) = cloud.get("/v1/resource/virtual-machines?limit=100").await;
    let rows = list["data"].as_array().unwrap();
    assert!(
        rows.len() >= 3 && rows.iter().all(|row| row["status"] == "Running"),
        "{list}"
    );
}

/// A job that fails: exit status 1, and the reason on stderr.
async fn says_what_failed(cloud: &Process, words: &[OsString]) {
    let fault =
        serde_json::json!({ "operation": "vm.create", "kind": "fail", "error": "Bad luck" });
    cloud.fault(&fault).await;
    let output = run(cloud, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}: {output:?}");
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("Bad luck"),
        "{output:?}"
    );
    cloud.admin("DELETE", "/faults", None).await;
}

#[tokio::test]
async fn examples_say_what_failed() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    says_what_failed(&cloud, &script("dash", "shell/create.sh")).await;
    says_what_failed(&cloud, &script("python3", "python/create.py")).await;
}

#[tokio::test]
async fn the_client_in_typescript_is_checked_and_survives_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    match typescript(folder.path()) {
        Some(words) => survives(&words).await,
        None => eprintln!("SKIPPED 1 test: TypeScript is not there; ./dev test installs it"),
    }
}

#[tokio::test]
async fn the_client_in_go_is_checked_and_survives_being_killed() {
    let folder = tempfile::tempdir().unwrap();
    match go(folder.path()) {
        Some(words) => survives(&words).await,
        None => eprintln!("SKIPPED 1 test: Go is not there; ./dev test installs it"),
    }
}

/// Killed where the answer of its create is lost, and again while it polls: started again, it makes
/// nothing twice, and leaves nothing. Then a failure, which it reports.
async fn survives(words: &[OsString]) {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let words: Vec<_> = [words, &["many".into(), "5".into()]].concat();
    let spawn = |cloud: &Process| {
        let mut command = client(cloud, &words);
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        command.spawn().unwrap()
    };
    let state = || fs::read_to_string(state_file(&cloud)).unwrap_or_default();
    let is_known = |name: &str| {
        let state: serde_json::Value = serde_json::from_str(&state()).unwrap_or_default();
        state[name].is_array()
    };
    let mut first = spawn(&cloud);
    let begun = Instant::now();
    while !is_known("creates") {
        assert!(begun.elapsed() < PATIENCE, "no job is written down");
        pause().await;
    }
    first.kill().unwrap();
    first.wait().unwrap();
    // As if it had been killed before it wrote the jobs down.
    let known = state();
    let (before, after) = known.split_once("\"creates\":[").unwrap();
    let (_, after) = after.split_once(']').unwrap();
    fs::write(
        state_file(&cloud),
        format!("{before}\"creates\":null{after}"),
    )
    .unwrap();

    let mut second = spawn(&cloud);
    let begun = Instant::now();
    while second.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "it does not end: {}", state());
        cloud.advance(5).await;
        pause().await;
    }
    let output = second.wait_with_output().unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{out}");
    assert_eq!(out.lines().count(), 5, "{out}");
    assert!(
        !state_file(&cloud).exists(),
        "nothing is to be gone on with"
    );

    for (kind, count) in [("vm.create", 5), ("vm.delete", 5)] {
        let path = format!("/v1/resource/jobs?limit=100&kind={kind}");
        let (_, list) = cloud.get(&path).await;
        let jobs = list["data"].as_array().unwrap();
        assert_eq!(jobs.len(), count, "{kind}");
        assert!(jobs.iter().all(is_final), "{list}");
    }
    let (_, list) = cloud.get("/v1/resource/virtual-machines").await;
    assert_eq!(list["meta"]["total"], 0, "{list}");

    cloud.kill();
    let instant = Process::start(&["--sim-speed", "0"]);
    says_what_failed(&instant, &words[..words.len() - 2]).await;
}
