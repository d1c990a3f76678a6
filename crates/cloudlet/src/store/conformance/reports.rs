//! What hosts might say: mostly what the newest spec wants, sometimes anything.

use super::Pair;
use api::{JobErrorCode, Timestamp};
use model::{
    Context, MachineObserved, MachineSpec, Observed, Report, ReportState, Resource, Spec, course,
    job::{JobError, Phase},
    observed::{DiskObserved, NetworkObserved, ProcessObserved},
    plan::Action,
    report::{Done, Failure},
};
use rand::{RngExt, rngs::StdRng, seq::IndexedRandom};

impl Pair {
    /// A report of a resource that a host has been told of; mostly of one with a job under way.
    pub(super) async fn report(&mut self) {
        let (now, busy) = (self.time(), self.random.random_bool(0.8));
        let all = self.memory.resources.values();
        let told = all.filter(|one| one.generation > 0 && (!busy || one.acting.is_some()));
        let told: Vec<_> = told.collect();
        let Some(resource) = told.choose(&mut self.random) else {
            return;
        };
        let report = random_report(&mut self.random, resource, now);
        let rule = move |context: &Context<'_>| Ok(course::report(context, &report));
        self.both(Box::new(rule)).await.unwrap();
    }
}

fn random_report(random: &mut StdRng, resource: &Resource, now: Timestamp) -> Report {
    let observed = match &resource.spec {
        Spec::Absent => Observed::Nothing,
        Spec::Machine(machine) => Observed::Machine(seen(machine, random.random_bool(0.9))),
        Spec::Volume(volume) => Observed::Volume(DiskObserved::Whole {
            size_gb: volume.size_gb,
        }),
        Spec::Network(network) => Observed::Network(NetworkObserved::Whole(network.clone())),
    };
    let state = match random.random_range(0..16) {
        0..=2 => ReportState::Acting,
        3..=14 => ReportState::Settled,
        _ => ReportState::Failed(Failure {
            error: JobError::new(JobErrorCode::DriverError, "It broke."),
            outstanding: random.random_bool(0.3),
        }),
    };
    let stale = u64::from(random.random_bool(0.05));
    Report {
        resource: resource.id,
        generation: resource.generation - stale.min(resource.generation),
        state,
        phase: Some("disk".to_owned()),
        total: 100,
        remaining: random.random_range(0..=100),
        phases: vec![Phase {
            generation: resource.generation,
            name: "disk".to_owned(),
            started_at: now,
            ended_at: None,
            attempt: random.random_range(1..3),
            error: None,
        }],
        done: vec![Done {
            generation: resource.generation,
            action: Action::Shutdown,
        }],
        observed: random.random_bool(0.95).then_some(observed),
    }
}

fn seen(machine: &MachineSpec, up: bool) -> MachineObserved {
    MachineObserved {
        disk: DiskObserved::Whole {
            size_gb: machine.disk_gb,
        },
        process: (machine.is_on() && up).then_some(ProcessObserved {
            boot: machine.boot,
            up: true,
            ready: true,
        }),
        launched: machine.boot,
        disks: machine.disks.clone(),
        nics: machine.nics.clone(),
        gpus: machine.gpus.clone(),
        ended: None,
    }
}
