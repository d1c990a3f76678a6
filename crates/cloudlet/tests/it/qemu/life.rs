//! A real machine's life, and how it outlives its server.

use super::host::{Host, SILENT_IMAGE, TEST_IMAGE, processes, signal};
use crate::process::{pause, text};
use serde_json::Value;
use std::time::{Duration, Instant};

/// What a second may take on a machine that does much else.
const SECOND: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_machine_boots_stops_starts_is_reset_and_goes_without_a_trace() {
    let Some(host) = Host::start().await else {
        return;
    };
    let (job, machine) = host.create("web", TEST_IMAGE).await;
    let job = host.ended(&job).await;
    assert_eq!(job["status"], "completed", "{job}\n{}", host.server.log());
    let (_, shown) = host
        .server
        .get(&format!("/v1/resource/jobs/{}", text(&job["id"])))
        .await;
    let phases = shown["data"]["phases"].as_array().unwrap();
    let names: Vec<_> = phases.iter().map(|phase| text(&phase["name"])).collect();
    assert_eq!(names, ["disk", "network", "boot", "ready"]);
    assert!(
        host.console(&machine)
            .await
            .contains("cloudlet test image: ready")
    );
    host.verified().await;
    let first = host.pid(&machine);

    let detail = host.machine(&machine).await;
    let notices = detail["notices"].as_array().unwrap();
    assert_eq!((notices.len(), &detail["statusReason"]), (1, &Value::Null));

    let (status, answer) = host.call(&machine, "stop").await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &"Shutoff".into()),
        "{answer}"
    );
    assert!(processes(&machine).is_empty());
    assert!(
        host.console(&machine).await.contains("powering off"),
        "the guest was asked"
    );
    assert_eq!(host.machine(&machine).await["statusReason"], Value::Null);
    host.verified().await;

    let (status, answer) = host.call(&machine, "start").await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &"Running".into()),
        "{answer}"
    );
    let second = host.pid(&machine);
    let (status, answer) = host.call(&machine, "reset").await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &"Running".into()),
        "{answer}"
    );
    let third = host.pid(&machine);
    assert!(
        first != second && second != third,
        "each launch is a process of its own"
    );
    host.verified().await;

    host.delete(&machine).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_machine_outlives_its_server_and_is_known_again_at_once() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    let machine = host.running("web", SILENT_IMAGE).await;
    let pid = host.pid(&machine);
    host.server.kill();
    assert_eq!(processes(&machine), [pid], "it goes on");
    host.server.restart();
    let begun = Instant::now();
    host.verified().await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert_eq!(host.machine(&machine).await["status"], "Running");
    assert_eq!(host.pid(&machine), pid);

    // What ended while nobody looked is seen as well.
    host.server.kill();
    signal(pid, "KILL");
    host.server.restart();
    let shown = host.shown(&machine, "Error").await;
    assert!(text(&shown["statusReason"]).contains("killed"), "{shown}");
    host.delete(&machine).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_machine_that_dies_is_shown_so_with_the_reason_and_is_not_started_again() {
    let Some(host) = Host::start().await else {
        return;
    };
    let machine = host.running("web", SILENT_IMAGE).await;
    signal(host.pid(&machine), "KILL");
    let begun = Instant::now();
    let shown = host.shown(&machine, "Error").await;
    assert!(begun.elapsed() < SECOND, "{:?}", begun.elapsed());
    assert!(text(&shown["statusReason"]).contains("killed"), "{shown}");
    host.verified().await;
    assert!(processes(&machine).is_empty(), "nothing boots by itself");

    let (status, answer) = host.call(&machine, "start").await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &"Running".into()),
        "{answer}"
    );
    // QEMU ends in order when it is told to, as it does when a guest powers off.
    signal(host.pid(&machine), "TERM");
    let shown = host.shown(&machine, "Shutoff").await;
    assert!(
        text(&shown["statusReason"]).contains("by itself"),
        "{shown}"
    );
    host.verified().await;
    host.delete(&machine).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_guest_that_does_not_end_is_ended() {
    let Some(host) = Host::start().await else {
        return;
    };
    // Its guest is in its firmware still: no power button is felt there.
    let machine = host.running("web", SILENT_IMAGE).await;
    let (status, answer) = host.call(&machine, "stop").await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &"Shutoff".into()),
        "{answer}"
    );
    assert!(processes(&machine).is_empty());

    // One whose monitor is silent is killed.
    let (status, answer) = host.call(&machine, "start").await;
    assert_eq!(status, 200, "{answer}");
    signal(host.pid(&machine), "STOP");
    let job = host.server.delete(&machine).await;
    assert_eq!(host.ended(&job).await["status"], "completed");
    host.gone(&machine).await;
}

#[tokio::test]
async fn progress_comes_from_what_really_happens() {
    let Some(host) = Host::start().await else {
        return;
    };
    let (job, machine) = host.create("web", TEST_IMAGE).await;
    let mut seen: Vec<(String, u64)> = Vec::new();
    loop {
        let job = host.server.poll(std::slice::from_ref(&job)).await.remove(0);
        let now = (text(&job["stage"]), job["progress"].as_u64().unwrap());
        if seen.last() != Some(&now) {
            seen.push(now);
        }
        if crate::process::is_final(&job) {
            break;
        }
        pause().await;
    }
    let waiting: Vec<_> = seen.iter().filter(|(stage, _)| stage == "ready").collect();
    assert!(
        waiting.len() >= 2,
        "the first words of the console are progress: {seen:?}"
    );
    assert!(seen.is_sorted_by_key(|(_, progress)| *progress), "{seen:?}");
    assert_eq!(seen.last(), Some(&("completed".to_owned(), 100)));
    host.delete(&machine).await;
    host.gone(&machine).await;
}
