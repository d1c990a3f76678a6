//! Commands in the documents are code: this takes them out so that tests can run them.

use crate::process::{ADMIN_KEY, KEY, Process};
use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Pages whose `sh` blocks are meant to be typed as they stand.
const PAGES: &[&str] = &[
    "README.md",
    "docs/ci.md",
    "docs/faults.md",
    "docs/errors.md",
    "CONTRIBUTING.md",
];

/// The `sh` blocks under one `## heading` of a page, in order, as one script; all of them for `""`.
pub(crate) fn script(page: &str, heading: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let text = fs::read_to_string(root.join(page)).unwrap();
    let (mut here, mut in_block, mut script) = (heading.is_empty(), false, String::new());
    for line in text.lines() {
        match line {
            "```sh" => in_block = true,
            "```" => in_block = false,
            _ if in_block && here => {
                script.push_str(line);
                script.push('\n');
            }
            _ if !in_block && line.starts_with("## ") => {
                here = heading.is_empty() || line[3..] == *heading;
            }
            _ => {}
        }
    }
    script
}

#[test]
fn commands_in_documents_parse_in_every_shell() {
    for page in PAGES {
        let script = script(page, "");
        for shell in ["dash", "bash"] {
            let mut child = Command::new(shell)
                .arg("-n")
                .stdin(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child
                .stdin
                .take()
                .unwrap()
                .write_all(script.as_bytes())
                .unwrap();
            let output = child.wait_with_output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(
                output.status.success(),
                "{page} in {shell}: {said}\n{script}"
            );
        }
    }
}

#[test]
fn the_tour_is_found() {
    let tour = script("README.md", "A first tour");
    assert!(tour.contains("numberOfInstances"), "{tour}");
    assert!(!tour.contains("./dev up"), "{tour}");
}

/// Runs a script from a document against a server; what it prints.
fn run(cloud: &Process, shell: &str, script: &str) -> String {
    let binary = Path::new(env!("CARGO_BIN_EXE_cloudlet"));
    let path = format!(
        "{}:{}",
        binary.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new(shell)
        .args(["-euc", script])
        .env("PATH", path)
        .env("CLOUDLET_PROFILE", cloud.data().join("no-profile.toml"))
        .env("CLOUDLET_URL", &cloud.url)
        .env("CLOUDLET_API_KEY", KEY)
        .env("CLOUDLET_BOOTSTRAP_API_KEY", KEY)
        .env("CLOUDLET_BOOTSTRAP_ADMIN_KEY", ADMIN_KEY)
        .output()
        .unwrap();
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    assert!(output.status.success(), "{shell}: {err}\n{out}\n{script}");
    out.into_owned()
}

#[tokio::test]
async fn the_tour_of_the_readme_runs_as_it_stands() {
    for shell in ["dash", "bash"] {
        let cloud = Process::start(&["--sim-speed", "20"]);
        let tour = script("README.md", "A first tour");
        // The environment stands in for what ./dev up wrote; the pause only for the test's time.
        let tour: String = tour
            .lines()
            .filter(|line| !line.starts_with(". cloudlet-data/env"))
            .map(|line| line.replace("sleep 2", "sleep 0.2") + "\n")
            .collect();
        let said = run(&cloud, shell, &tour);
        for expected in [
            "web-3  completed  100 %",
            "web-1  Running",
            "delete web-2: job",
        ] {
            assert!(said.contains(expected), "{expected}: {said}");
        }
    }
}

#[tokio::test]
async fn the_page_on_faults_runs_as_it_stands() {
    let cloud = Process::start(&["--clock", "manual", "--sim-seed", "1"]);
    // The server is there already; where it listens is this test's.
    let page: String = script("docs/faults.md", "")
        .lines()
        .filter(|line| {
            !line.starts_with("cloudlet serve")
                && !line.contains("_BOOTSTRAP_API_KEY=gpcn")
                && !line.contains("_BOOTSTRAP_ADMIN_KEY=gpcn")
        })
        .map(|line| line.replace("http://127.0.0.1:8081", &cloud.url) + "\n")
        .collect();
    let said = run(&cloud, "bash", &page);
    let mut rest = said.as_str();
    // In the order of the page.
    for expected in [
        "HTTP/1.1 429 Too Many Requests",
        "retry-after: 2",
        "RATE_LIMIT_EXCEEDED",
        "completed  100 %",
        "in_progress  45 %",
        "failed  45 %  STALLED",
        "QUOTA_EXCEEDED  Not today.",
        "INVALID_CONFIGURATION  Not today.",
        "CAPACITY_EXCEEDED  Not today.",
        "DRIVER_ERROR  The disk is on fire.",
        "completed  100 %  null  null",
        "Created web",
        "\n[]\n[]\n",
        "[\"completed\",null]",
        "completed  100 %",
        "\n0\n",
        "no answer yet\nin_progress",
        "\njob.poll\n",
        "\"hits\": 1",
        "\"pending\": []",
    ] {
        let Some((_, after)) = rest.split_once(expected) else {
            panic!("{expected}: {said}");
        };
        rest = after;
    }
}

#[tokio::test]
async fn the_page_on_ci_runs_as_it_stands() {
    let cloud = Process::start(&["--clock", "manual", "--sim-seed", "7"]);
    // The server is there already, and the fixture ends it; where it listens is this test's.
    let page: String = script("docs/ci.md", "")
        .lines()
        .filter(|line| {
            !line.starts_with("cloudlet serve")
                && !line.starts_with("kill ")
                && !line.contains("_BOOTSTRAP_API_KEY=gpcn")
                && !line.contains("_BOOTSTRAP_ADMIN_KEY=gpcn")
        })
        .map(|line| line.replace("http://127.0.0.1:8081", &cloud.url) + "\n")
        .collect();
    let said = run(&cloud, "bash", &page);
    let expected = "data-1  completed  null\ndata-2  failed  QUOTA_EXCEEDED\nfail\n\
        data-3  failed  DRIVER_ERROR\n[]\n";
    assert_eq!(said, expected);
}
