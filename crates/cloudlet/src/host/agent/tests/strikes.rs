//! Faults: where they strike, what is told then, and what the world is afterwards.

use super::lab::{Lab, RESOURCE, absent, create, fail, machine_is_up, percent};
use api::{
    JobErrorCode,
    admin::{FaultCreate, FaultKind},
};
use model::{ReportState, observed::DiskObserved};

fn stall(at_percent: u8) -> FaultCreate {
    FaultCreate {
        kind: FaultKind::Stall,
        at_percent: Some(at_percent),
        ..fail("vm.create")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_job_shows_one_value_and_fails_when_its_limit_is_over() {
    let lab = Lab::open(1.0).await;
    lab.faults.place(stall(50));
    lab.assign(create(1));
    lab.clock.advance(60).await;
    let stalled = lab.desk.last();
    let value = percent(&stalled.report);
    assert!((50..=55).contains(&value), "{value}");
    assert_eq!(lab.desk.failure(), None);

    lab.clock.advance(80).await;
    let (at_ms, failure) = lab.desk.failure().expect("a failure");
    assert_eq!(at_ms, stalled.at_ms + 120_000);
    assert_eq!(failure.error.code, JobErrorCode::Stalled);
    assert_eq!(failure.error.text, "No progress for 120 s in phase boot.");
    assert!(!failure.outstanding);

    lab.assign(absent(2));
    lab.clock.advance(5).await;
    assert_eq!(lab.desk.last().report.state, ReportState::Settled);
    assert!(lab.agent.world().await.unwrap().is_empty());
    assert_eq!(lab.driver.referee(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_action_has_no_effect_later_even_if_a_newer_spec_ends_it() {
    let lab = Lab::open(1.0).await;
    lab.faults.place(stall(0));
    lab.assign(create(1));
    lab.clock.advance(30).await;
    assert_eq!(lab.effects(), [""; 0]);
    lab.assign(absent(2));
    lab.clock.advance(30).await;
    assert_eq!(lab.effects(), [""; 0]);
    assert_eq!(lab.desk.last().report.state, ReportState::Settled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instant_action_is_struck_in_its_midst_too() {
    let lab = Lab::open(0.0).await;
    lab.faults.place(stall(70));
    lab.assign(create(1));
    lab.idle().await;
    let value = percent(&lab.desk.last().report);
    assert!((70..=75).contains(&value), "{value}");
    assert_eq!(lab.effects(), ["make_disk", "launch"]);
    lab.clock.advance(119).await;
    assert_eq!(lab.desk.failure(), None);
    lab.clock.advance(1).await;
    assert_eq!(lab.desk.failure().map(|(at_ms, _)| at_ms), Some(120_000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_permanent_failure_is_told_at_once_with_what_is_left() {
    let lab = Lab::open(1.0).await;
    lab.faults.place(FaultCreate {
        at_phase: Some("boot".to_owned()),
        at_percent: Some(45),
        error: Some("The host is on fire.".to_owned()),
        ..fail("*")
    });
    lab.assign(create(1));
    lab.clock.advance(30).await;
    let last = lab.desk.last().report;
    let (_, failure) = lab.desk.failure().expect("a failure");
    assert_eq!(failure.error.text, "The host is on fire.");
    assert_eq!(last.state, ReportState::Failed(failure));
    let observed = last.observed.expect("looked at");
    let observed = observed.machine().unwrap();
    assert!(observed.process.is_some_and(|process| !process.up));
    assert_eq!(observed.disk, DiskObserved::Whole { size_gb: 40 });
    assert_eq!(lab.faults.list()[0].hits, 1);
    // The value at which it struck was seen.
    let shown = lab
        .desk
        .reports()
        .iter()
        .map(|entry| percent(&entry.report))
        .max();
    assert!(
        shown.is_some_and(|value| (45..=48).contains(&value)),
        "{shown:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transient_failure_is_tried_again_with_pauses() {
    let lab = Lab::open(1.0).await;
    lab.faults.place(FaultCreate {
        at_phase: Some("ready".to_owned()),
        permanent: Some(false),
        times: Some(3),
        ..fail("vm.create")
    });
    lab.assign(create(1));
    lab.clock.advance(20).await;
    let last = lab.desk.last();
    assert!(machine_is_up(&last.report, 1) && last.report.state == ReportState::Settled);
    let ready = last
        .report
        .phases
        .iter()
        .find(|phase| phase.name == "ready");
    assert_eq!(ready.map(|phase| phase.attempt), Some(4));
    assert!(last.at_ms >= 6_000 + 500 + 1_000 + 2_000, "{}", last.at_ms);
    assert_eq!(lab.driver.referee(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_way_back_is_struck_too() {
    let lab = Lab::open(0.0).await;
    lab.faults.place(FaultCreate {
        times: Some(2),
        ..fail("vm.create")
    });
    lab.assign(create(1));
    lab.idle().await;
    assert!(lab.desk.failure().is_some());
    assert_eq!(lab.agent.world().await.unwrap().get(&RESOURCE), None);
    // Nothing was made, so nothing is left to strike.
    lab.assign(absent(2));
    lab.idle().await;
    assert_eq!(lab.desk.last().report.state, ReportState::Settled);
    assert_eq!(lab.faults.list()[0].hits, 1);
}
