//! The server killed before and after each action of each operation, and in the middle of any: the job
//! goes on at the next start, and ends as if nothing had been.

use super::host::{GUEST_PATIENCE, Host, SILENT_IMAGE, processes};
use crate::process::{KEY, pause};
use serde_json::json;
use std::time::{Duration, Instant};

/// Each operation with the phases that its actions are in, in order.
const STORY: &[(&str, &[&str])] = &[
    ("create", &["disk", "network", "boot", "ready"]),
    ("stop", &["shutdown"]),
    ("start", &["boot", "ready"]),
    ("reset", &["shutdown", "boot", "ready"]),
    ("delete", &["shutdown", "disk", "network"]),
];

/// Kills the server when the operation's action of a phase is about to begin, which is also when the one
/// before it has ended.
async fn killed_at(
    host: &mut Host,
    operation: &str,
    phase: &str,
    act: impl AsyncFnOnce(&Host) -> Option<String>,
) {
    let stall = json!({"operation": format!("vm.{operation}"), "kind": "stall", "atPhase": phase});
    let fault = host.server.fault(&stall).await;
    let job = act(host).await;
    let begun = Instant::now();
    loop {
        let (_, faults) = host.server.admin("GET", "/faults", None).await;
        let rows = faults["data"].as_array().unwrap();
        let struck = rows
            .iter()
            .any(|row| row["id"] == fault.as_str() && row["hits"] == 1);
        if struck || rows.is_empty() {
            break;
        }
        assert!(
            begun.elapsed() < GUEST_PATIENCE,
            "{operation} never came to {phase}: {faults}"
        );
        pause().await;
    }
    host.server.kill();
    host.server.restart();
    if let Some(job) = job {
        let job = host.ended(&job).await;
        assert_eq!(job["status"], "completed", "{operation} {phase}: {job}");
    }
}

/// A call whose client will not hear an answer, since the server is killed.
async fn call(host: &Host, machine: &str, verb: &str) -> Option<String> {
    let path = format!(
        "{}{}/{machine}/{verb}",
        host.server.url,
        super::host::MACHINES
    );
    let request = host.server.http.post(path).header("X-API-Key", KEY);
    tokio::spawn(request.send());
    None
}

#[tokio::test]
async fn killed_before_and_after_each_action() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    for &phase in STORY[0].1 {
        let mut machine = String::new();
        killed_at(&mut host, "create", phase, async |host: &Host| {
            let (job, made) = host.create("web", SILENT_IMAGE).await;
            machine = made;
            Some(job)
        })
        .await;
        assert_eq!(processes(&machine).len(), 1, "create, {phase}");
        host.verified().await;
        host.delete(&machine).await;
        host.gone(&machine).await;
    }
    let machine = host.running("web", SILENT_IMAGE).await;
    for &(operation, phases) in &STORY[1..4] {
        let (before, after) = match operation {
            "start" => ("Shutoff", "Running"),
            "stop" => ("Running", "Shutoff"),
            _ => ("Running", "Running"),
        };
        for &phase in phases {
            let shown = host.machine(&machine).await;
            if shown["status"] != before {
                let verb = if before == "Running" { "start" } else { "stop" };
                let (status, answer) = host.call(&machine, verb).await;
                assert_eq!(status, 200, "{answer}");
            }
            killed_at(&mut host, operation, phase, async |host: &Host| {
                call(host, &machine, operation).await
            })
            .await;
            host.server.at_rest().await;
            host.shown(&machine, after).await;
            let running = usize::from(after == "Running");
            assert_eq!(processes(&machine).len(), running, "{operation}, {phase}");
            host.verified().await;
        }
    }
    host.delete(&machine).await;
    host.gone(&machine).await;
    for &phase in STORY[4].1 {
        let machine = host.running("web", SILENT_IMAGE).await;
        killed_at(&mut host, "delete", phase, async |host: &Host| {
            Some(host.server.delete(&machine).await)
        })
        .await;
        host.gone(&machine).await;
    }
}

/// Moments that differ from round to round and are the same each time.
#[tokio::test]
async fn killed_in_the_middle_of_anything() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    for round in 0..12_u64 {
        let (job, machine) = host.create("web", SILENT_IMAGE).await;
        tokio::time::sleep(Duration::from_millis(round * 23 % 290)).await;
        host.server.kill();
        host.server.restart();
        let made = host.ended(&job).await;
        assert_eq!(
            made["status"],
            "completed",
            "round {round}: {made}\n{}",
            host.server.log()
        );
        assert_eq!(processes(&machine).len(), 1, "round {round}");
        let job = host.server.delete(&machine).await;
        tokio::time::sleep(Duration::from_millis(round * 41 % 330)).await;
        host.server.kill();
        host.server.restart();
        let gone = host.ended(&job).await;
        assert_eq!(gone["status"], "completed", "round {round}: {gone}");
        host.gone(&machine).await;
    }
}
