//! The agent on a manual clock, the simulator and an engine that only takes notes.

mod blind;
mod effects;
mod lab;
mod networks;
mod restart;
mod strikes;

use crate::{clock::Clock, secrets};
use lab::{Lab, RESOURCE, absent, create, machine_is_up};
use model::{Observed, Operation, ReportState, Spec, observed::DiskObserved, secret::Secret};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_goes_through_its_phases_smoothly_and_settles() {
    let lab = Lab::open(1.0).await;
    lab.assign(create(1));
    lab.clock.advance(15).await;

    assert_eq!(lab.desk.phases(), ["disk", "boot", "ready"]);
    let last = lab.desk.last();
    assert_eq!(last.report.state, ReportState::Settled);
    assert!(machine_is_up(&last.report, 1));
    assert!((6_000..=10_500).contains(&last.at_ms), "{}", last.at_ms);
    assert!(
        last.report
            .phases
            .iter()
            .all(|phase| phase.ended_at.is_some() && phase.attempt == 1)
    );

    let values = lab.desk.values_every_250_ms();
    let mut distinct = values.clone();
    distinct.dedup();
    assert!(values.is_sorted() && distinct.len() >= 8, "{values:?}");
    assert!(
        values.windows(2).all(|pair| pair[1] - pair[0] <= 20),
        "{values:?}"
    );

    let reports = lab.desk.reports();
    for pair in reports.windows(2) {
        let news = pair[0].report.phase != pair[1].report.phase;
        assert!(news || pair[1].at_ms - pair[0].at_ms >= 250);
    }
    assert_eq!(lab.agent.referee(), [""; 0]);
}

/// On one thread, so that two specs lie in the mailbox when it is opened.
#[tokio::test]
async fn a_newer_spec_kills_the_action_and_only_the_newest_is_worked_on() {
    let lab = Lab::open(1.0).await;
    lab.assign(create(1));
    lab.clock.advance(1).await;
    assert_eq!(lab.desk.phases(), ["disk"]);
    lab.assign(create(2));
    lab.assign(absent(3));
    lab.idle().await;
    assert_eq!(lab.desk.last().report.generation, 3);
    lab.clock.advance(2).await;
    assert!(
        lab.desk
            .reports()
            .iter()
            .all(|entry| entry.report.generation != 2)
    );
    assert_eq!(lab.desk.last().report.state, ReportState::Settled);
    assert_eq!(lab.effects(), ["remove_disk"]);
    assert_eq!(lab.driver.referee(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_settled_absent_is_forgotten_and_never_comes_back() {
    let lab = Lab::open(0.0).await;
    lab.assign(create(1));
    lab.idle().await;
    lab.assign(absent(2));
    lab.idle().await;
    assert!(lab.agent.world().await.unwrap().is_empty());
    assert!(lab.ledgers().await.is_empty());
    // One that was on its way when the resource went.
    lab.assign(create(1));
    lab.idle().await;
    assert!(lab.agent.world().await.unwrap().is_empty());
    assert_eq!(
        lab.effects(),
        ["make_disk", "launch", "ready", "shutdown", "remove_disk"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instant_is_instant_and_costs_few_reports() {
    let lab = Lab::open(0.0).await;
    lab.assign(create(1));
    lab.idle().await;
    let last = lab.desk.last();
    assert_eq!((last.at_ms, &last.report.state), (0, &ReportState::Settled));
    assert!(machine_is_up(&last.report, 1));
    let phases = last.report.phases.iter().map(|phase| phase.name.as_str());
    assert_eq!(phases.collect::<Vec<_>>(), ["disk", "boot", "ready"]);
    assert!(lab.desk.reports().len() <= 4, "{:?}", lab.desk.reports());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_engine_it_goes_on_and_tells_the_newest_later() {
    let lab = Lab::open(1.0).await;
    lab.desk.close(true);
    lab.assign(create(1));
    lab.clock.advance(15).await;
    assert_eq!(lab.desk.reports().len(), 0);
    lab.desk.close(false);
    lab.clock.advance(8).await;
    assert_eq!(lab.desk.reports().len(), 1);
    assert_eq!(lab.desk.last().report.state, ReportState::Settled);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_it_ends_the_action_and_begins_nothing() {
    let lab = Lab::open(1.0).await;
    lab.assign(create(1));
    lab.clock.advance(1).await;
    lab.agent.stop().await;
    lab.assign(create(2));
    lab.clock.advance(30).await;
    let world = lab.agent.world().await.unwrap();
    let machine = world[&RESOURCE].as_ref().unwrap().machine().unwrap();
    assert_eq!(machine.disk, DiskObserved::Partial);
    assert_eq!(lab.effects(), [""; 0]);
    let failed = |entry: &lab::Entry| matches!(entry.report.state, ReportState::Failed(_));
    assert!(!lab.desk.reports().iter().any(failed));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_resources_at_once() {
    let lab = Lab::open(1.0).await;
    for number in 1..=50 {
        lab.assign(lab::of(number, create(1)));
    }
    lab.clock.advance(12).await;
    let world = lab.agent.world().await.unwrap();
    assert_eq!(world.len(), 50);
    let runs = |observed: &Observed| observed.machine().is_some_and(|it| it.is_running());
    assert!(world.values().all(|seen| seen.as_ref().is_ok_and(runs)));
    assert_eq!(lab.driver.referee(), [""; 0]);
}

/// Whatever the ids are, and whichever actor is the first to act.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_story_takes_the_same_time() {
    let mut stories = Vec::new();
    for ids in [[1, 2, 3], [9, 7, 8]] {
        let lab = Lab::open(1.0).await;
        for id in ids {
            lab.assign(lab::of(id, create(1)));
        }
        lab.clock.advance(15).await;
        let reports = lab.desk.reports();
        let settled = |id: u128| {
            let of_id = |entry: &&lab::Entry| {
                entry.report.resource.0.as_u128() == id
                    && entry.report.state == ReportState::Settled
            };
            reports.iter().find(of_id).map(|entry| entry.at_ms)
        };
        stories.push(ids.map(settled));
    }
    assert!(stories[0].iter().all(Option::is_some), "{stories:?}");
    assert_eq!(stories[0], stories[1]);
}

/// The one test on real time: a create that takes some ten milliseconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_machines_clock_too() {
    let lab = Lab::on(Clock::real(), 1_000.0).await;
    lab.assign(create(1));
    lab.desk.settled.notified().await;
    let last = lab.desk.last();
    assert!(machine_is_up(&last.report, 1) && last.at_ms < 5_000);
    lab.agent.stop().await;
}

/// What a create carries goes to the driver with the actions that make a guest; one that is not what the
/// spec says is refused; what is not a create asks for nothing.
#[tokio::test]
async fn what_a_create_carries_is_fetched_for_a_create_alone() {
    let secret = Secret {
        salt: uuid::Uuid::from_u128(7),
        username: None,
        public_keys: Vec::new(),
        user_data: Some("#cloud-config".into()),
        password: None,
    };
    let carrying = |generation, operation, digest: &str| {
        let mut assignment = create(generation);
        let Spec::Machine(machine) = &mut assignment.spec else {
            panic!("a machine");
        };
        machine.secret = Some(digest.to_owned());
        machine.boot = generation;
        if let Some(origin) = &mut assignment.origin {
            origin.operation = operation;
        }
        assignment
    };
    let right = secrets::digest(&secret);
    let lab = Lab::open(0.0).await;
    lab.desk.secrets.lock().unwrap().kept = Some(secret);
    lab.assign(carrying(1, Operation::VmCreate, &right));
    lab.idle().await;
    assert_eq!(lab.desk.last().report.state, ReportState::Settled);
    assert_eq!(lab.effects(), ["make_disk", "launch", "ready"]);
    assert_eq!(lab.desk.secrets.lock().unwrap().asked, [1, 1]);
    lab.assign(carrying(2, Operation::VmReset, &right));
    lab.idle().await;
    assert_eq!(lab.desk.last().report.generation, 2);
    assert_eq!(lab.desk.secrets.lock().unwrap().asked, [1, 1]);

    let lab = Lab::open(0.0).await;
    lab.desk.secrets.lock().unwrap().kept = Some(other());
    lab.assign(carrying(1, Operation::VmCreate, &right));
    lab.idle().await;
    let (_, failure) = lab.desk.failure().expect("another secret than its own");
    assert!(failure.error.text.contains("not what its spec says"));
}

fn other() -> Secret {
    Secret {
        salt: uuid::Uuid::from_u128(8),
        username: None,
        public_keys: Vec::new(),
        user_data: None,
        password: None,
    }
}
