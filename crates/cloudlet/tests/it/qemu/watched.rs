//! What a person sees while a real machine is made: its console below the bar.

use super::host::Host;
use crate::process::Process;
use std::process::{Command, Output};

/// A line of the test image's guest, which it writes before the one that ends the create.
const STARTING: &str = "    cloudlet test image: starting";

/// A create on the command line, in a pipe or, within `script`, on a terminal.
async fn created(host: &Host, name: &str, on_a_terminal: bool) -> (Output, String) {
    let words = ["vm", "create", name, "--size", "44", "--console"];
    let mut cloudlet = host.server.command(&words);
    if on_a_terminal {
        let line = format!("{} {}", env!("CARGO_BIN_EXE_cloudlet"), words.join(" "));
        let mut script = Command::new("script");
        script
            .args(["-qec", &line, "/dev/null"])
            .env("TERM", "xterm");
        for (name, value) in cloudlet.get_envs() {
            match value {
                Some(value) => script.env(name, value),
                None => script.env_remove(name),
            };
        }
        cloudlet = script;
    }
    let run = tokio::task::spawn_blocking(move || cloudlet.output().unwrap());
    let output = run.await.unwrap();
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(output.status.success(), "{text}");
    (output, text)
}

#[tokio::test]
async fn its_console_stands_below_the_bar_while_it_boots() {
    let Some(host) = Host::start().await else {
        return;
    };
    let (output, _) = created(&host, "piped", false).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains(&format!("{STARTING}\n")), "{said}");
    assert!(
        said.contains("    cloudlet test image: ready after"),
        "{said}"
    );
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        out.starts_with("Created piped ("),
        "the result alone: {out}"
    );

    let (_, drawn) = created(&host, "drawn", true).await;
    let begun = drawn.find(STARTING).unwrap_or_else(|| panic!("{drawn}"));
    let ended = drawn.find('✓').unwrap_or_else(|| panic!("{drawn}"));
    assert!(begun < ended, "it is shown while the bar moves: {drawn}");
    let last = drawn.rfind("cloudlet test image: ready after");
    assert!(
        last > Some(begun) && drawn.contains("Created drawn ("),
        "{drawn}"
    );
}

#[test]
fn where_machines_have_no_console_that_is_said_and_the_create_goes_on() {
    let server = Process::start(&["--sim-speed", "5"]);
    let mut create = server.command(&["vm", "create", "simulated", "--console"]);
    let output = create.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("Machines of the driver sim have no console"),
        "{said}"
    );
}
