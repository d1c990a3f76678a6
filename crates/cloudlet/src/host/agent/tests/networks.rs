//! Machines that wait for their networks: who is let in when, and who is woken.

use super::lab::{Lab, NETWORK, RESOURCE, fail, gone, machine_is_up, network, sim, wired};
use crate::{clock::Clock, host::sim::WORLD_FILE};
use api::{
    JobErrorCode, Timestamp,
    admin::{FaultCreate, FaultKind},
};
use model::{Report, ReportState};

fn stalled(operation: &str) -> FaultCreate {
    FaultCreate {
        kind: FaultKind::Stall,
        ..fail(operation)
    }
}

fn is_settled(report: Option<Report>, generation: u64) -> bool {
    report.is_some_and(|it| it.generation == generation && it.state == ReportState::Settled)
}

/// Nothing but its port is missing: it waits, and is no attempt.
fn waits(lab: &Lab) -> bool {
    let last = lab.last_of(RESOURCE).expect("a report");
    last.state == ReportState::Acting && !lab.effects().contains(&"plug_nic".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_wait_for_their_network_and_go_on_when_it_is_settled() {
    let lab = Lab::open(1.0).await;
    for number in 1..=5 {
        lab.assign(wired(number, 1));
    }
    lab.clock.advance(30).await;
    assert_eq!(lab.effects(), ["make_disk"; 5]);
    lab.assign(network(1, 0));
    lab.clock.advance(30).await;
    for number in 1..=5 {
        let last = lab.last_of(wired(number, 1).resource).unwrap();
        assert!(machine_is_up(&last, 1), "{last:?}");
        assert!(last.phases.iter().all(|phase| phase.attempt == 1));
    }
    assert_eq!(lab.effects()[5..7], ["apply_network", "plug_nic"]);
    assert_eq!(lab.driver.referee(), [""; 0]);
}

/// What is settled in the world alone may yet be taken back by the engine.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_hands_out_nothing_until_the_engine_knows_that_it_is_settled() {
    let lab = Lab::open(1.0).await;
    lab.desk.close(true);
    lab.assign(network(1, 0));
    lab.assign(wired(1, 1));
    lab.clock.advance(30).await;
    assert_eq!(lab.effects(), ["apply_network", "make_disk"]);
    lab.desk.close(false);
    lab.clock.advance(30).await;
    assert!(machine_is_up(&lab.last_of(RESOURCE).unwrap(), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_for_a_network_is_given_up_when_its_limit_is_over() {
    let lab = Lab::open(0.0).await;
    lab.assign(wired(1, 1));
    lab.idle().await;
    assert!(waits(&lab));
    lab.clock.advance(119).await;
    assert_eq!(lab.desk.failure(), None);
    lab.clock.advance(1).await;
    let (_, failure) = lab.desk.failure().expect("a failure");
    assert_eq!(failure.error.code, JobErrorCode::Stalled);
    assert_eq!(
        failure.error.text,
        "No progress for 120 s in phase network."
    );
    assert!(!failure.outstanding);
    // Too late: what failed waits to be told.
    lab.assign(network(1, 0));
    lab.idle().await;
    assert_eq!(lab.effects(), ["make_disk", "apply_network"]);
    lab.assign(gone(2, wired(1, 1)));
    lab.idle().await;
    assert!(is_settled(lab.last_of(RESOURCE), 2));
}

/// A stalled change of the network, then its way back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_spec_of_the_network_or_its_failure_takes_the_ports_back() {
    let lab = Lab::open(0.0).await;
    lab.assign(network(1, 0));
    lab.idle().await;
    assert!(is_settled(lab.last_of(NETWORK), 1));
    lab.faults.place(stalled("network.create"));
    lab.assign(network(2, 7));
    lab.assign(wired(1, 1));
    lab.idle().await;
    assert!(waits(&lab));
    // The network fails before the machine gives up.
    lab.clock.advance(60).await;
    lab.assign(wired(2, 1));
    lab.clock.advance(60).await;
    let failed = lab.last_of(NETWORK).unwrap();
    assert!(matches!(failed.state, ReportState::Failed(_)), "{failed:?}");
    lab.assign(network(3, 0));
    lab.idle().await;
    assert!(is_settled(lab.last_of(NETWORK), 3));
    assert!(machine_is_up(
        &lab.last_of(wired(2, 1).resource).unwrap(),
        1
    ));
    assert_eq!(lab.driver.referee(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_is_gone_hands_out_nothing() {
    let lab = Lab::open(0.0).await;
    lab.assign(network(1, 0));
    lab.idle().await;
    lab.assign(gone(2, network(1, 0)));
    lab.idle().await;
    assert!(lab.ledgers().await.is_empty(), "it is forgotten");
    lab.assign(wired(1, 1));
    lab.clock.advance(100).await;
    assert!(waits(&lab));
    lab.clock.advance(20).await;
    assert!(lab.desk.failure().is_some());
    assert_eq!(lab.driver.referee(), [""; 0]);
}

/// Networks and ports are lost, processes too; no machine is started by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_reboot_of_the_host_ports_come_back_when_their_network_has() {
    let lab = Lab::open(0.0).await;
    let assignments = vec![wired(1, 1), network(1, 0)];
    for assignment in &assignments {
        lab.assign(assignment.clone());
    }
    lab.idle().await;
    assert!(machine_is_up(&lab.last_of(RESOURCE).unwrap(), 1));
    let before = lab.effects().len();
    lab.agent.stop().await;
    let world = rusqlite::Connection::open(lab.data.path().join(WORLD_FILE)).unwrap();
    let reboot = "DELETE FROM nic;
        DELETE FROM thing WHERE observed LIKE '{\"network\"%';
        UPDATE thing SET observed = json_set(observed, '$.machine.process', NULL);";
    world.execute_batch(reboot).unwrap();

    let clock = Clock::manual(Timestamp::from_millis(0));
    let driver = sim(lab.data.path(), &clock, 1.0);
    let Lab { data, .. } = lab;
    let healed = Lab::with(data, clock, driver.clone(), driver, assignments).await;
    healed.clock.advance(30).await;
    assert_eq!(healed.effects()[before..], ["apply_network", "plug_nic"]);
    let last = healed.last_of(RESOURCE).unwrap();
    let machine = last.observed.as_ref().and_then(|it| it.machine()).unwrap();
    assert_eq!((last.state, machine.process), (ReportState::Settled, None));
    assert_eq!(machine.nics.len(), 1);
    assert_eq!(healed.driver.referee(), [""; 0]);
}

/// It has waited in the process before, and what it had done is not done again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wait_goes_on_after_a_restart() {
    let lab = Lab::open(0.0).await;
    lab.assign(wired(1, 1));
    lab.idle().await;
    assert!(waits(&lab));
    lab.agent.stop().await;
    let Lab { data, .. } = lab;
    let clock = Clock::manual(Timestamp::from_millis(0));
    let driver = sim(data.path(), &clock, 0.0);
    let lab = Lab::with(data, clock, driver.clone(), driver, vec![wired(1, 1)]).await;
    lab.clock.advance(60).await;
    assert_eq!(lab.effects(), ["make_disk"]);
    lab.assign(network(1, 0));
    lab.idle().await;
    assert!(machine_is_up(&lab.last_of(RESOURCE).unwrap(), 1));
    assert_eq!(
        lab.effects()[..3],
        ["make_disk", "apply_network", "plug_nic"]
    );
}
