//! The witness: a plain model of what tenants were told, compared with every commit.
//!
//! It knows nothing of plans and specs beyond what a job carries: what a poll has shown, which jobs
//! completed in which order, and what each machine should therefore be.

use crate::{expected::Expected, faults::Kind, ledger, referee::Entry, world::World};
use api::{JobErrorCode, JobId, JobStatus, ResourceId, Timestamp, machine::MachineStatus};
use model::{
    Job, Operation, Resource, Write,
    catalogue::Catalogue,
    job::JobState,
    memory::Memory,
    render,
    resource::Status,
    spec::{MachineSpec, Power, Spec},
};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct Witness {
    /// Jobs as a poll last showed them.
    shown: BTreeMap<JobId, Shown>,
    /// What there should be, as completed jobs say.
    expected: BTreeMap<ResourceId, Expected>,
    /// What something was left over of once: no job tells what became of it.
    vague: BTreeSet<ResourceId>,
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

/// Failed looks, saves and actions without which no generation can stall for them: their pauses
/// grow, and what else takes time leaves at least this many to them.
const FAILURES_TO_STALL: usize = 4;

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
        self.expected.entry(id).or_default().name = name.to_owned();
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
                    let expected = self.expected.entry(resource.id).or_default();
                    expected.name.clone_from(&resource.name);
                }
                if resource.leftover.is_some() {
                    self.left_over(store, resource);
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
                Write::RemoveResource(id) => {
                    self.gone(*id);
                    *id
                }
                Write::Claim(claim) => claim.holder,
                Write::Unclaim { holder, .. } => *holder,
                _ => continue,
            };
            ledger::check(store, id, self.vague.contains(&id));
        }
        ledger::check_limits(store, catalogue);
        notes
    }

    /// Its job, and what the job was about, are vague from now on.
    fn left_over(&mut self, store: &Memory, resource: &Resource) {
        let leftover = resource.leftover.as_ref().expect("asked before");
        self.vague.insert(resource.id);
        self.vague.insert(store.jobs[&leftover.job].resource);
    }

    /// Whatever was on it is on it no longer.
    fn gone(&mut self, id: ResourceId) {
        for expected in self.expected.values_mut() {
            expected.machine = expected.machine.filter(|machine| *machine != id);
        }
    }

    fn generation_written(&mut self, store: &Memory, resource: &Resource) {
        let key = (resource.id, resource.generation);
        let retried = resource.leftover.as_ref().filter(|left| left.retry);
        let of_job = resource.acting.or(retried.map(|left| left.job));
        if of_job.is_none() && self.vague.contains(&resource.id) {
            // Settled by an operator: what heals it is still that job's.
            let before = self.numbers.range((resource.id, 0)..key).next_back();
            if let Some(&number) = before.map(|(_, number)| number) {
                self.numbers.entry(key).or_insert(number);
            }
        }
        if let Some(job) = of_job.filter(|_| resource.generation > 0) {
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
        let subject = store.resources.get(&job.resource);
        let acted = store.resources.get(&job.acted());
        if job.state == JobState::Completed {
            return self.completed(store, world, from, job, notes);
        }
        let error = job.error.as_ref().expect("a failed job says why");
        let definition = job.operation.definition();
        let leftover = acted.and_then(|resource| resource.leftover.as_ref());
        if from == JobState::Pending {
            self.refused(store, job, notes);
        } else if leftover.is_some_and(|leftover| leftover.job == job.id) {
            notes.push(Kind::LeftOver);
            return self.two_failures(acted.expect("left over"), job);
        } else if error.code == JobErrorCode::Died && !definition.creates {
            notes.push(Kind::Died);
            let died = world.died.get(&job.resource);
            assert!(died.is_some(), "{job:?}: nothing died");
            let shown = subject.map(|it| it.status);
            assert_eq!(shown, Some(Status::Machine(MachineStatus::Shutoff)));
            return;
        } else {
            self.one_failure(acted, job);
        }
        as_before(acted, world, from, job);
        if from != JobState::Pending
            && let (Some(acted), Some(expected)) = (acted, self.expected.get_mut(&job.acted()))
        {
            expected.went_back(acted);
        }
    }

    fn refused(&self, store: &Memory, job: &Job, notes: &mut Vec<Kind>) {
        let error = job.error.as_ref().expect("asked before");
        let specs = (&job.before, &job.after);
        assert_eq!(specs, (&None, &None), "{job:?} had begun");
        note_refusal(job, notes);
        if self.on_request(job) {
            notes.push(Kind::CancelledPendingOnRequest);
        } else if error.code == JobErrorCode::Cancelled && job.operation.definition().creates {
            notes.push(Kind::CancelledPending);
            alone_in_line(store, job, 1);
        }
        let internal = error.code == JobErrorCode::InternalError;
        assert!(!internal || self.panicked.contains(&job.id), "{job:?}");
    }

    fn completed(
        &mut self,
        store: &Memory,
        world: &World,
        from: JobState,
        job: &Job,
        notes: &mut Vec<Kind>,
    ) {
        assert!(
            !self.withdrawn.contains(&job.id),
            "a withdrawn call completes"
        );
        if from == JobState::Reverting {
            assert_eq!(job.operation, Operation::VolumeResize, "{job:?}");
            notes.push(Kind::CompletedOnTheWayBack);
        }
        for key in job.lines() {
            let expected = self.expected.entry(*key).or_default();
            assert!(
                expected.last < job.number,
                "completed out of order: {job:?}"
            );
            expected.last = job.number;
        }
        if job.operation.definition().removes {
            assert!(
                !store.resources.contains_key(&job.resource),
                "deleted and still listed"
            );
            assert!(
                world.observe(job.resource).is_absent(),
                "deleted and still there"
            );
        }
        let acted = store.resources.get(&job.acted());
        let expected = self.expected.entry(job.resource).or_default();
        expected.completed(acted, from, job);
        if job.acted() != job.resource
            && let (Some(acted), Some(expected)) = (acted, self.expected.get_mut(&job.acted()))
        {
            expected.went_back(acted);
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
        let in_vain = |kind: &&Kind| {
            matches!(
                kind,
                Kind::LookFails | Kind::SaveFails | Kind::Transient | Kind::TransientAfterEffect
            )
        };
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
            .filter(|(key, number)| key.0 == job.acted() && **number == job.number);
        let struck = of_job.into_iter().any(|(key, _)| self.blow(key.0, key.1));
        assert!(
            excused || struck,
            "failed without a reason: {job:?} {resource:?}"
        );
    }

    /// Only two failures leave anything over, or a rule that broke down.
    fn two_failures(&self, resource: &Resource, job: &Job) {
        if self.panicked.contains(&job.id) {
            return;
        }
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

    /// What an operator took as settled, and then could not be seen and was lost in a reboot, is in
    /// error without being left over: nobody is asked to make it so, and everybody is told.
    pub fn is_known_to_be_wrong(&self, resource: &Resource) -> bool {
        resource.status == resource.error_status()
            && resource.leftover.is_none()
            && self.blow(resource.id, resource.generation)
    }

    /// Once everything is at rest: what is listed and what is there is what completed jobs say.
    pub fn at_rest(&self, store: &Memory, world: &World) {
        ledger::at_rest(store);
        for (&id, expected) in &self.expected {
            let resource = store.resources.get(&id);
            if resource.is_some_and(|resource| resource.leftover.is_some()) {
                continue;
            }
            let vague = self.vague.contains(&id);
            let Some(resource) = resource.filter(|_| expected.exists || vague) else {
                assert!(
                    resource.is_none(),
                    "{id} is listed: {resource:?} {expected:?}"
                );
                assert!(!expected.exists || vague, "{id} is gone: {expected:?}");
                let found = world.observe(id);
                assert!(found.is_absent(), "{id} is gone and still there: {found:?}");
                continue;
            };
            assert_eq!((resource.creating, resource.acting), (None, None));
            if self.is_known_to_be_wrong(resource) {
                continue;
            }
            assert_eq!(resource.status, resource.resting_status(), "{resource:?}");
            if resource.machine().is_some() {
                machine_at_rest(resource, world);
            }
            // What is left over of a machine keeps its volumes as they are.
            let machine = expected
                .machine
                .and_then(|machine| store.resources.get(&machine));
            let keeps = machine.is_some_and(|machine| machine.leftover.is_some());
            if !vague && !keeps {
                expected.check(resource, world);
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
}

/// The record tells whether it runs, and what runs is of the size that is shown.
fn machine_at_rest(resource: &Resource, world: &World) {
    let id = resource.id;
    let found = world.machine(id);
    let shown = resource.status;
    assert_eq!(
        shown == Status::Machine(MachineStatus::Running),
        found.is_running(),
        "{id} shows {shown:?}: {found:?}"
    );
    let spec = resource.spec.machine().expect("it was made");
    if found.is_running() {
        let size = (spec.cpus, spec.memory_gb);
        assert_eq!(world.sizes.get(&id), Some(&size), "{resource:?}");
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
    let back = has_way_back(job.operation);
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

/// Whether what an operation does can be taken back.
pub fn has_way_back(operation: Operation) -> bool {
    match operation {
        Operation::VmCreate
        | Operation::VmResize
        | Operation::VmStart
        | Operation::NicAdd
        | Operation::NicSetPrimary
        | Operation::PublicIpAllocate
        | Operation::PublicIpRelease
        | Operation::GpuCreate
        | Operation::VolumeCreate
        | Operation::VolumeAttach
        | Operation::VolumeDetach
        | Operation::VolumeResize
        | Operation::NetworkCreate
        | Operation::NetworkUpdate => true,
        Operation::VmDelete
        | Operation::VmStop
        | Operation::VmReset
        | Operation::NicRemove
        | Operation::GpuDelete
        | Operation::VolumeDelete
        | Operation::NetworkDelete => false,
    }
}

fn note_refusal(job: &Job, notes: &mut Vec<Kind>) {
    let error = job.error.as_ref().expect("asked before");
    match error.code {
        JobErrorCode::QuotaExceeded => notes.push(Kind::QuotaExceeded),
        JobErrorCode::CapacityExceeded if error.text.contains("no free address") => {
            notes.push(Kind::AddressesUsedUp);
        }
        JobErrorCode::CapacityExceeded => notes.push(Kind::CapacityExceeded),
        JobErrorCode::NotFound => notes.push(Kind::GoneMeanwhile),
        JobErrorCode::InvalidState if error.text.contains("left over") => {
            notes.push(Kind::RefusedByLeftover);
        }
        _ => {}
    }
}

/// A failed job leaves records, specs and the world as they were.
fn as_before(acted: Option<&Resource>, world: &World, from: JobState, job: &Job) {
    let found = world.observe(job.acted());
    if job.operation.definition().creates {
        assert!(acted.is_none(), "a failed create is listed: {job:?}");
        assert!(found.is_absent(), "a failed create left {found:?}");
        return;
    }
    if from == JobState::Pending {
        return;
    }
    assert!(
        has_way_back(job.operation),
        "there is no way back for {job:?}"
    );
    let acted = acted.expect("it was there before");
    let before = job.before.as_ref().expect("it has begun");
    assert_eq!(acted.shown, acted.spec, "{job:?}");
    match (&acted.spec, before) {
        (Spec::Machine(now), Spec::Machine(before)) => machine_as_before(now, before, job),
        (Spec::Volume(now), Spec::Volume(before)) => assert!(now.size_gb >= before.size_gb),
        (now, before) => assert_eq!(now, before, "{job:?}"),
    }
    if job.operation == Operation::VmStart {
        assert_eq!(acted.status, Status::Machine(MachineStatus::Shutoff));
        let process = found.machine().and_then(|machine| machine.process);
        assert_eq!(process, None, "a failed start left a process");
    }
}

/// Launched anew perhaps, and grown; otherwise the same.
fn machine_as_before(now: &MachineSpec, before: &MachineSpec, job: &Job) {
    let mut same = before.clone();
    same.boot = now.boot;
    same.disk_gb = now.disk_gb;
    for (disk, is) in same.disks.iter_mut().zip(&now.disks) {
        disk.size_gb = is.size_gb;
    }
    assert_eq!(now, &same, "{job:?}");
    assert!(
        now.boot == before.boot || before.power == Power::On,
        "{job:?}"
    );
    assert!(now.disk_gb >= before.disk_gb, "{job:?}");
}
