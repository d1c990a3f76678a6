//! A laboratory for rules: the store as plain maps, and hosts that say what a test has them say.
//!
//! After every step it checks the store's own books, and that whatever is at rest holds exactly what
//! its spec needs.

mod abilities;
mod bodies;
mod networks;
mod operations;
mod repeats;
mod volumes;
mod walk;

use crate::{
    Context, Job, JobState, Observed, Report, ReportState, Resource, Spec, Write,
    ability::DriverAbilities,
    catalogue::{Catalogue, DEFAULT},
    claim::{Item, held},
    course,
    facts::{Facts, Refusal},
    job::JobError,
    memory::Memory,
    observed::{DiskObserved, MachineObserved, NetworkObserved, ProcessObserved},
    report::Failure,
};
use api::{HostId, JobErrorCode, JobId, NicId, ResourceId, TenantId, Timestamp};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The tenant whose things most tests are about.
pub(crate) const OWNER: TenantId = TenantId(Uuid::from_u128(0xa));
/// Another one.
pub(crate) const OTHER: TenantId = TenantId(Uuid::from_u128(0xb));

/// A store with a catalogue.
#[derive(Clone)]
pub(crate) struct Lab {
    pub(crate) catalogue: Catalogue,
    /// What the hosts of the laboratory can do.
    pub(crate) driver: DriverAbilities,
    pub(crate) store: Memory,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self {
            catalogue: Catalogue::parse(DEFAULT).expect("the default is well-formed"),
            driver: DriverAbilities::SIM,
            store: Memory::default(),
        }
    }

    /// Where most things are.
    pub(crate) fn host(&self) -> HostId {
        self.catalogue.data_centers[0].host_id()
    }

    /// Runs a rule in a transaction and checks what it left.
    pub(crate) fn run<T>(
        &mut self,
        rule: impl FnOnce(&Context<'_>) -> Result<(Vec<Write>, T), Refusal>,
    ) -> Result<T, Refusal> {
        let now = Timestamp::from_millis(0);
        let (outcome, last) = self.store.decide((&self.catalogue, self.driver), now, rule);
        self.store.last_id = last;
        let (writes, answer) = outcome?;
        self.store.apply(&writes);
        assert_eq!(self.store.check(), Ok(()));
        self.check_rest();
        Ok(answer)
    }

    /// The same for a rule that never refuses.
    pub(crate) fn step<T>(&mut self, rule: impl FnOnce(&Context<'_>) -> (Vec<Write>, T)) -> T {
        self.run(|context| Ok(rule(context)))
            .expect("it never refuses")
    }

    /// What is at rest holds what its spec needs, beside what jobs in line were promised.
    fn check_rest(&self) {
        for resource in self.store.resources.values() {
            if !self.is_at_rest(resource) {
                continue;
            }
            let promised = |item: &Item| {
                let queue = self.store.queue(resource.id).into_iter();
                let mut jobs = queue.filter_map(|job| self.store.job(job));
                matches!(item, Item::Default(..)) || jobs.any(|job| job.claimed.contains(item))
            };
            let needs = held(resource, &resource.spec);
            let claims = self.store.claims(resource.id).into_iter();
            let has: BTreeMap<Item, u64> = claims
                .map(|claim| (claim.item, claim.amount))
                .filter(|(item, _)| needs.contains_key(item) || !promised(item))
                .collect();
            assert_eq!(has, needs, "{} holds other than it needs", resource.words());
            assert_eq!(resource.shown, resource.spec, "{}", resource.words());
        }
    }

    fn is_at_rest(&self, resource: &Resource) -> bool {
        let on = self.store.holder(&Item::Attachment(resource.id));
        let machine = on.and_then(|machine| self.store.resource(machine));
        let free =
            |one: &Resource| one.generation > 0 && one.acting.is_none() && one.leftover.is_none();
        free(resource) && machine.is_none_or(|machine| free(&machine))
    }

    pub(crate) fn job(&self, id: JobId) -> &Job {
        &self.store.jobs[&id]
    }

    pub(crate) fn resource(&self, id: ResourceId) -> &Resource {
        &self.store.resources[&id]
    }

    pub(crate) fn state(&self, id: JobId) -> JobState {
        self.job(id).state
    }

    pub(crate) fn error(&self, id: JobId) -> Option<(JobErrorCode, &str)> {
        let error = self.job(id).error.as_ref()?;
        Some((error.code, &error.text))
    }

    pub(crate) fn start(&mut self, id: JobId) {
        self.step(|context| course::start(context, id));
    }

    /// A report of a resource's newest generation.
    fn report(&mut self, id: ResourceId, state: ReportState, observed: Option<Observed>) {
        let report = Report {
            resource: id,
            generation: self.resource(id).generation,
            state,
            phase: None,
            total: 100,
            remaining: 50,
            phases: Vec::new(),
            done: Vec::new(),
            observed,
        };
        self.step(|context| course::report(context, &report));
    }

    /// The host has reached the newest spec.
    pub(crate) fn settle(&mut self, id: ResourceId) {
        let observed = reached(&self.resource(id).spec);
        self.settle_as(id, observed);
    }

    /// It has, and sees this.
    pub(crate) fn settle_as(&mut self, id: ResourceId, observed: Observed) {
        self.report(id, ReportState::Settled, Some(observed));
    }

    /// The host has failed for good, and sees what it saw before, or this.
    pub(crate) fn fail(&mut self, id: ResourceId, observed: Option<Observed>) {
        let failure = Failure {
            error: JobError::new(JobErrorCode::DriverError, "It broke."),
            outstanding: false,
        };
        let seen = self.resource(id).observed.clone();
        self.report(id, ReportState::Failed(failure), observed.or(seen));
    }

    /// A job's turn comes and its host does all it is told; so with whatever stands before it.
    pub(crate) fn finish(&mut self, id: JobId) -> JobState {
        self.start(id);
        if self.state(id).is_running() {
            let acted = self.job(id).acted();
            self.settle(acted);
        }
        self.state(id)
    }

    /// It fails and is put back.
    pub(crate) fn finish_back(&mut self, id: JobId) -> JobState {
        self.start(id);
        let acted = self.job(id).acted();
        self.fail(acted, None);
        self.settle(acted);
        self.state(id)
    }

    /// It fails twice.
    pub(crate) fn leave_over(&mut self, id: JobId) -> ResourceId {
        self.start(id);
        let acted = self.job(id).acted();
        self.fail(acted, None);
        self.fail(acted, None);
        assert_eq!(self.state(id), JobState::Failed);
        assert!(self.resource(acted).leftover.is_some());
        acted
    }

    /// The interfaces that are shown of a machine.
    pub(crate) fn nics(&self, machine: ResourceId) -> Vec<NicId> {
        let machine = self.resource(machine).shown.machine();
        machine.map_or_else(Vec::new, |machine| {
            machine.nics.iter().map(|nic| nic.id).collect()
        })
    }
}

/// The world in which nothing is left to plan for a spec.
pub(crate) fn reached(spec: &Spec) -> Observed {
    match spec {
        Spec::Absent => Observed::Nothing,
        Spec::Volume(volume) => Observed::Volume(DiskObserved::Whole {
            size_gb: volume.size_gb,
        }),
        Spec::Network(network) => Observed::Network(NetworkObserved::Whole(network.clone())),
        Spec::Machine(machine) => Observed::Machine(MachineObserved {
            disk: DiskObserved::Whole {
                size_gb: machine.disk_gb,
            },
            process: machine.is_on().then_some(ProcessObserved {
                boot: machine.boot,
                up: true,
                ready: true,
            }),
            launched: machine.boot,
            disks: machine.disks.clone(),
            nics: machine.nics.clone(),
            gpus: machine.gpus.clone(),
            ended: None,
        }),
    }
}
