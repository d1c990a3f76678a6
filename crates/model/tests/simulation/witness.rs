//! The witness: a plain model of what tenants were told, compared with every commit.
//!
//! It knows nothing of plans and specs beyond what a job carries: what a poll has shown, which jobs
//! completed in which order, and what each machine should therefore be.

use crate::{faults::Kind, ledger, referee::Entry, world::World};
use api::{JobErrorCode, JobId, JobStatus, ResourceId, Timestamp, machine::MachineStatus};
use model::{
    Job, Operation, Resource, Write, catalogue::Catalogue, job::JobState, memory::Memory, render,
    spec::Power,
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Witness {
    /// Jobs as a poll last showed them.
    shown: BTreeMap<JobId, Shown>,
    /// What machines should be, as completed jobs say.
    pub machines: BTreeMap<ResourceId, Expected>,
    /// Kinds of fault that struck a generation.
    blows: BTreeMap<(ResourceId, u64), Vec<Kind>>,
    /// The number of the job that a generation was written for.
    numbers: BTreeMap<(ResourceId, u64), u64>,
    withdrawn: BTreeSet<JobId>,
    panicked: BTreeSet<JobId>,
    died: BTreeSet<JobId>,
    cancelled: BTreeSet<JobId>,
    wished: BTreeSet<JobId>,
    /// Jobs whose tenant asked for them to be cancelled.
    asked: BTreeSet<JobId>,
    poisoned: BTreeSet<JobId>,
}

struct Shown {
    status: JobStatus,
    progress: u8,
    updated_at: Timestamp,
    state: JobState,
    last: api::Job,
}

/// What a machine should be.
#[derive(Debug, Default)]
pub struct Expected {
    pub name: String,
    /// Whether its create has completed and no delete has.
    pub exists: bool,
    /// Whether the last completed job left it on, and by which launch.
    pub on: Option<u64>,
    /// The job that last completed on it.
    last: u64,
}

/// Failed looks and saves without which no generation can stall for them: their pauses grow, and
/// what else takes time leaves at least this many to them.
const FAILURES_TO_STALL: usize = 5;

impl Witness {
    pub fn struck(&mut self, id: ResourceId, generation: u64, kind: Kind) {
        self.blows.entry((id, generation)).or_default().push(kind);
    }

    pub fn withdrawn(&mut self, job: JobId) {
        self.withdrawn.insert(job);
    }

    pub fn asked_to_cancel(&mut self, job: JobId) {
        self.asked.insert(job);
    }

    pub fn panicked(&mut self, job: JobId) {
        self.panicked.insert(job);
    }

    pub fn named(&mut self, id: ResourceId, name: &str) {
        self.machines.entry(id).or_default().name = name.to_owned();
    }

    /// Looks at what a transaction has changed; says what of note has happened.
    pub fn committed(
        &mut self,
        store: &Memory,
        world: &World,
        catalogue: &Catalogue,
        writes: &[Write],
    ) -> Vec<Kind> {
        let mut notes = Vec::new();
        for write in writes {
            if let Write::PutResource(resource) = write
                && let Some(resource) = store.resources.get(&resource.id)
            {
                self.generation_written(store, resource);
                if resource.generation == 0 {
                    self.machines
                        .entry(resource.id)
                        .or_default()
                        .name
                        .clone_from(&resource.record.name);
                }
            }
        }
        for write in writes {
            if let Write::PutJob(job) = write {
                let job = &store.jobs[&job.id];
                self.polled(store, world, job, &mut notes);
            }
        }
        for write in writes {
            let id = match write {
                Write::PutResource(resource) => resource.id,
                Write::RemoveResource(id) => *id,
                _ => continue,
            };
            ledger::check(store, catalogue, id);
        }
        ledger::check_limits(store, catalogue);
        notes
    }

    fn generation_written(&mut self, store: &Memory, resource: &Resource) {
        let key = (resource.id, resource.generation);
        if let Some(job) = resource.acting
            && resource.generation > 0
        {
            assert!(
                !self.withdrawn.contains(&job),
                "a withdrawn call has a spec"
            );
            let number = store.jobs[&job].number;
            let before = self.numbers.range((resource.id, 0)..key).next_back();
            if let Some((_, &before)) = before {
                assert!(before <= number, "{}: specs out of order", resource.id);
            }
            let known = *self.numbers.entry(key).or_insert(number);
            assert_eq!(known, number, "one generation of two jobs");
        }
    }

    fn polled(&mut self, store: &Memory, world: &World, job: &Job, notes: &mut Vec<Kind>) {
        let shown = render::job(job);
        assert_eq!(shown.progress == 100, shown.status == JobStatus::Completed);
        let mut from = JobState::Pending;
        if let Some(before) = self.shown.get(&job.id) {
            assert!(
                rank(before.status) <= rank(shown.status),
                "{job:?} goes back"
            );
            assert!(before.progress <= shown.progress, "progress falls: {job:?}");
            assert!(
                before.updated_at <= shown.updated_at,
                "updatedAt goes back: {job:?}"
            );
            if before.status.is_final() {
                assert_eq!(before.last, shown, "a final state changes");
                return;
            }
            from = before.state;
            if (from, job.state) == (JobState::Reverting, JobState::Reverting) {
                let held = (before.progress, "reverting");
                assert_eq!((shown.progress, shown.stage.as_str()), held, "{job:?}");
            }
        }
        note_way(from, job, notes);
        let code = job.error.as_ref().map(|error| error.code);
        if code == Some(JobErrorCode::Poison) && self.poisoned.insert(job.id) {
            notes.push(Kind::Poisoned);
        }
        if job.cancel && self.wished.insert(job.id) && !self.on_request(job) {
            alone_in_line(store, job, 2);
        }
        if shown.status.is_final() {
            self.final_state(store, world, from, job, notes);
        }
        match (job.state, code) {
            (JobState::Reverting, Some(JobErrorCode::Died)) => {
                self.died.insert(job.id);
            }
            (JobState::Reverting, Some(JobErrorCode::Cancelled))
                if self.cancelled.insert(job.id) =>
            {
                notes.push(match self.on_request(job) {
                    true => Kind::CancelledRunningOnRequest,
                    false => Kind::CancelledRunning,
                });
            }
            _ => {}
        }
        self.shown.insert(
            job.id,
            Shown {
                status: shown.status,
                progress: shown.progress,
                updated_at: shown.updated_at,
                state: job.state,
                last: shown,
            },
        );
    }

    fn final_state(
        &mut self,
        store: &Memory,
        world: &World,
        from: JobState,
        job: &Job,
        notes: &mut Vec<Kind>,
    ) {
        let resource = store.resources.get(&job.resource);
        if job.state == JobState::Completed {
            return self.completed(resource, world, from, job);
        }
        let error = job.error.as_ref().expect("a failed job says why");
        let left_over = resource.is_some_and(|resource| {
            resource
                .leftover
                .as_ref()
                .is_some_and(|leftover| leftover.job == job.id)
        });
        if from == JobState::Pending {
            assert_eq!(
                (&job.before, &job.after),
                (&None, &None),
                "{job:?} had begun"
            );
            note_refusal(error.code, notes);
            if self.on_request(job) {
                notes.push(Kind::CancelledPendingOnRequest);
            } else if (job.operation, error.code) == (Operation::VmCreate, JobErrorCode::Cancelled)
            {
                notes.push(Kind::CancelledPending);
                alone_in_line(store, job, 1);
            }
            let internal = error.code == JobErrorCode::InternalError;
            assert!(!internal || self.panicked.contains(&job.id), "{job:?}");
        } else if left_over {
            notes.push(Kind::LeftOver);
            self.two_failures(resource.expect("left over"), job);
            return;
        } else if error.code == JobErrorCode::Died && job.operation != Operation::VmCreate {
            notes.push(Kind::Died);
            let died = world.died.get(&job.resource);
            assert!(died.is_some(), "{job:?}: nothing died");
            assert_eq!(
                resource.map(|it| it.record.status),
                Some(MachineStatus::Shutoff)
            );
            return;
        } else {
            self.one_failure(resource, job);
        }
        as_before(resource, world, from, job);
    }

    fn completed(&mut self, resource: Option<&Resource>, world: &World, from: JobState, job: &Job) {
        assert!(
            !self.withdrawn.contains(&job.id),
            "a withdrawn call completes"
        );
        let machine = self.machines.entry(job.resource).or_default();
        assert!(machine.last < job.number, "completed out of order: {job:?}");
        machine.last = job.number;
        let boot = resource
            .and_then(|it| it.spec.machine())
            .map(|spec| spec.boot);
        match job.operation {
            Operation::VmDelete => {
                assert!(resource.is_none(), "deleted and still listed");
                assert!(
                    world.machine(job.resource).is_absent(),
                    "deleted and still there"
                );
                machine.exists = false;
            }
            Operation::VmStop => machine.on = None,
            // Begun on a machine that ran: nothing was launched.
            Operation::VmStart if from == JobState::Pending => {
                assert!(resource.is_some_and(|it| it.power() == Power::On));
            }
            _ => {
                let shown = resource.map(|it| it.record.status);
                assert_eq!(shown, Some(MachineStatus::Running), "{job:?} does not run");
                assert!(machine.exists || job.operation == Operation::VmCreate);
                assert_ne!(boot, machine.on, "completed without a launch: {job:?}");
                machine.exists = true;
                machine.on = boot;
            }
        }
    }

    /// Whether it says that it was cancelled on request; then it was asked for.
    fn on_request(&self, job: &Job) -> bool {
        let text = job.error.as_ref().map(|error| error.text.as_str());
        let on_request = text.is_some_and(|text| text.contains("Cancelled on request."));
        assert!(
            !on_request || self.asked.contains(&job.id),
            "nobody asked: {job:?}"
        );
        on_request
    }

    fn blow(&self, id: ResourceId, generation: u64) -> bool {
        let struck = self.blows.get(&(id, generation));
        let in_vain = |kind: &&Kind| matches!(kind, Kind::LookFails | Kind::SaveFails);
        struck.is_some_and(|kinds| {
            kinds.iter().any(|kind| kind.is_blow())
                || kinds.iter().filter(in_vain).count() >= FAILURES_TO_STALL
        })
    }

    /// What failed had a reason.
    fn one_failure(&self, resource: Option<&Resource>, job: &Job) {
        let code = job.error.as_ref().map(|error| error.code);
        let excused = matches!(
            code,
            Some(JobErrorCode::Cancelled | JobErrorCode::Died | JobErrorCode::Poison)
        );
        let of_job = self
            .numbers
            .iter()
            .filter(|(key, number)| key.0 == job.resource && **number == job.number);
        let struck = of_job.into_iter().any(|(key, _)| self.blow(key.0, key.1));
        assert!(
            excused || struck,
            "failed without a reason: {job:?} {resource:?}"
        );
    }

    /// Only two failures leave anything over.
    fn two_failures(&self, resource: &Resource, job: &Job) {
        let (id, generation) = (resource.id, resource.generation);
        let poison = resource
            .leftover
            .as_ref()
            .is_some_and(|it| it.what.contains("Given up"));
        assert!(
            self.blow(id, generation) || poison,
            "left over at the first failure: {job:?}"
        );
        let code = job.error.as_ref().map(|error| error.code);
        let first = self.blow(id, generation - 1)
            || self.cancelled.contains(&job.id)
            || self.died.contains(&job.id)
            || code == Some(JobErrorCode::Poison);
        assert!(first, "left over after one failure: {job:?}");
    }

    /// Once everything is at rest: what is listed and what is there is what completed jobs say.
    pub fn at_rest(&self, store: &Memory, world: &World) {
        for (&id, expected) in &self.machines {
            let resource = store.resources.get(&id);
            let left_over = resource.is_some_and(|resource| resource.leftover.is_some());
            if left_over {
                continue;
            }
            let Some(resource) = resource.filter(|_| expected.exists) else {
                assert!(
                    resource.is_none(),
                    "{id} is listed: {resource:?} {expected:?}"
                );
                assert!(
                    !expected.exists || self.was_left_over(id),
                    "{id} is gone: {expected:?}"
                );
                assert!(
                    world.machine(id).is_absent(),
                    "{id} is gone and still there"
                );
                continue;
            };
            assert_eq!(resource.record.name, expected.name);
            assert_eq!((resource.creating, resource.acting), (None, None));
            let runs = world.machine(id).is_running();
            let shown = resource.record.status;
            assert_eq!(
                shown == MachineStatus::Running,
                runs,
                "{id} shows {shown:?}"
            );
            if !self.was_left_over(id) {
                let died = world.died.get(&id).copied().unwrap_or(0);
                let should = expected.on.is_some_and(|boot| died < boot);
                assert_eq!(
                    runs, should,
                    "{id}: {expected:?}, died {died}, {resource:?}"
                );
            }
        }
    }

    /// Every effect was for a job, and of one resource in the order of acceptance.
    pub fn effects_in_order(&self, log: &[Entry]) {
        let mut last: BTreeMap<ResourceId, u64> = BTreeMap::new();
        for entry in log {
            let number = self.numbers.get(&(entry.resource, entry.generation));
            let number = *number.unwrap_or_else(|| panic!("an effect of no job: {entry:?}"));
            let before = last.insert(entry.resource, number).unwrap_or(0);
            assert!(
                before <= number,
                "{entry:?} of job {number} after job {before}"
            );
        }
    }

    /// A leftover that was closed has become what its newest spec says, without any job to tell.
    fn was_left_over(&self, id: ResourceId) -> bool {
        self.shown.values().any(|shown| {
            shown.last.target_id == id
                && shown
                    .last
                    .error
                    .as_ref()
                    .is_some_and(|text| text.contains("Left over"))
        })
    }
}

fn rank(status: JobStatus) -> u8 {
    match status {
        JobStatus::Pending => 0,
        JobStatus::InProgress => 1,
        JobStatus::Completed | JobStatus::Failed => 2,
    }
}

/// A delete cancels a create only if nothing that was acknowledged stands between the two.
fn alone_in_line(store: &Memory, create: &Job, length: usize) {
    let key = create.resource;
    let line = store.tickets.range((key, 0)..=(key, u64::MAX));
    assert_eq!(line.count(), length, "cancelled before others: {create:?}");
}

fn note_way(from: JobState, job: &Job, notes: &mut Vec<Kind>) {
    let back = matches!(job.operation, Operation::VmCreate | Operation::VmStart);
    match (from, job.state) {
        (JobState::Running, JobState::Reverting) => {
            assert!(back, "there is no way back for {job:?}");
            notes.push(Kind::WentBack);
        }
        (JobState::Running, JobState::Retrying) => {
            assert!(!back, "there is a way back for {job:?}");
            notes.push(Kind::WentForward);
        }
        _ => {}
    }
}

fn note_refusal(code: JobErrorCode, notes: &mut Vec<Kind>) {
    match code {
        JobErrorCode::QuotaExceeded => notes.push(Kind::QuotaExceeded),
        JobErrorCode::CapacityExceeded => notes.push(Kind::CapacityExceeded),
        _ => {}
    }
}

/// A failed job leaves records, specs and the world as they were.
fn as_before(resource: Option<&Resource>, world: &World, from: JobState, job: &Job) {
    let found = world.machine(job.resource);
    match job.operation {
        Operation::VmCreate => {
            assert!(resource.is_none(), "a failed create is listed: {job:?}");
            assert!(found.is_absent(), "a failed create left {found:?}");
        }
        Operation::VmStart if from != JobState::Pending => {
            let resource = resource.expect("it was there before");
            let before = job.before.as_ref().and_then(|spec| spec.machine());
            assert_eq!(resource.spec.machine(), before, "{job:?}");
            assert_eq!(resource.record.status, MachineStatus::Shutoff);
            assert_eq!(found.process, None, "a failed start left a process");
        }
        _ => assert_eq!(from, JobState::Pending, "there is no way back for {job:?}"),
    }
}
