//! Commands in the documents are code: this takes them out so that tests can run them.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Pages whose `sh` blocks are meant to be typed as they stand.
const PAGES: &[&str] = &[
    "README.md",
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
