//! The store against the reference store: the same random rules with the same ids and times must
//! leave the same rows, the same turns and the same answers, step for step.

use super::{
    JobFilter, Sources, Store, Turned, Urgency,
    sqlite::{dump::dump, session::Session},
};
use api::{
    JobErrorCode, JobId, ResourceId, TenantId, Timestamp,
    machine::{MachineCreate, MachineRename},
};
use model::{
    Context, Job, MachineObserved, Refusal, Report, ReportState, Resource, Spec, Write,
    accept::Idempotency,
    catalogue::{self, Catalogue},
    claim::Limits,
    course,
    job::{JobError, Phase},
    limits::HOST_SLOTS,
    memory::Memory,
    ops::{job_cancel, vm_create, vm_delete, vm_rename, vm_reset, vm_start, vm_stop},
    report::Failure,
    spec::{DiskObserved, ProcessObserved},
    turn::Ahead,
    writes::AnswerKey,
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use uuid::Uuid;

/// The two stores and what decides what happens to them.
struct Pair {
    store: Store,
    directory: tempfile::TempDir,
    memory: Memory,
    catalogue: Arc<Catalogue>,
    tenants: Vec<TenantId>,
    now: Arc<AtomicI64>,
    random: StdRng,
    /// Jobs that were removed, as they were last.
    removed: Vec<Job>,
}

type Rule<T> = Box<dyn Fn(&Context<'_>) -> Result<(Vec<Write>, T), Refusal> + Send>;

impl Pair {
    async fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let catalogue = Arc::new(Catalogue::parse(catalogue::DEFAULT).unwrap());
        let now = Arc::new(AtomicI64::new(1_772_355_660_000));
        let mut last = 0;
        let store = Store::open_with(
            directory.path(),
            Arc::clone(&catalogue),
            Sources {
                now: Arc::new({
                    let now = Arc::clone(&now);
                    move || Timestamp::from_millis(now.load(Ordering::SeqCst))
                }),
                clock: None,
                new_id: Some(Box::new(move |_| {
                    last += 1;
                    Uuid::from_u128(last)
                })),
            },
        )
        .unwrap();
        let mut memory = Memory::default();
        let mut tenants = Vec::new();
        for name in ["a", "b", "c"] {
            let tenant = store.create_tenant(name.to_owned()).await.unwrap().unwrap();
            memory.last_id += 1;
            assert_eq!(tenant.id.0.as_u128(), memory.last_id);
            tenants.push(tenant.id);
        }
        let limit = |limits: &mut Limits| limits.virtual_machines = Some(6);
        store.set_limits(tenants[0], limit).await.unwrap().unwrap();
        for &tenant in &tenants {
            memory.limits.insert(tenant, Limits::default());
        }
        limit(memory.limits.get_mut(&tenants[0]).unwrap());
        Self {
            store,
            directory,
            memory,
            catalogue,
            tenants,
            now,
            random: StdRng::seed_from_u64(seed),
            removed: Vec::new(),
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now.load(Ordering::SeqCst))
    }

    /// The same rule on both; the same outcome from both.
    async fn both<T: Clone + Send + PartialEq + std::fmt::Debug + 'static>(
        &mut self,
        rule: Rule<T>,
    ) -> Result<T, Refusal> {
        let (decided, last) = self.memory.decide(&self.catalogue, self.time(), &rule);
        self.memory.last_id = last;
        if let Ok((writes, _)) = &decided {
            self.memory.apply(writes);
        }
        let expected = decided.map(|(_, value)| value);
        let outcome = self.store.transact(Urgency::Request, rule).await.unwrap();
        assert_eq!(outcome, expected);
        outcome
    }

    async fn turn(&mut self) {
        let hosts = &self.catalogue.data_centers;
        let host = hosts.choose(&mut self.random).unwrap().host_id();
        let of_host = self.memory.turns.iter().filter(|((of, _), _)| *of == host);
        let running: u32 = of_host.map(|(_, turn)| turn.running).sum();
        let next = self.memory.next_turn(host).filter(|_| running < HOST_SLOTS);
        let expected = next.map(|job| {
            let start = |context: &Context<'_>| course::start(context, job);
            let ((writes, assignment), last) =
                self.memory.decide(&self.catalogue, self.time(), start);
            self.memory.last_id = last;
            self.memory.apply(&writes);
            Turned { job, assignment }
        });
        assert_eq!(self.store.take_turn(host).await.unwrap(), expected);
    }

    /// Everything that is stored is the same, and sound.
    async fn compare(&self) {
        let mut stored = dump(self.directory.path());
        let mut memory = self.memory.clone();
        stored.last_id = memory.last_id;
        for of in [&mut stored, &mut memory] {
            of.used.retain(|_, used| *used > 0);
            of.turns
                .retain(|_, turn| *turn != model::turn::Turn::default());
        }
        // Map by map, so that a difference can be read.
        assert_eq!(stored.jobs, memory.jobs);
        assert_eq!(stored.resources, memory.resources);
        assert_eq!(stored.tickets, memory.tickets);
        assert_eq!(stored.claims, memory.claims);
        assert_eq!(stored.used, memory.used);
        assert_eq!(stored.turns, memory.turns);
        assert_eq!(stored, memory);
        stored.check().unwrap();
        self.compare_reads().await;
    }

    async fn compare_reads(&self) {
        let calls = self.store.pending_calls(true).await.unwrap();
        let mut expected = self.memory.ready_calls();
        expected.sort_by_key(|job| self.memory.jobs[job].number);
        assert_eq!(calls, expected);
        for &tenant in &self.tenants {
            let mut ids: Vec<_> = self.memory.jobs.keys().copied().collect();
            ids.reverse();
            let all = ids.iter().map(|id| &self.memory.jobs[id]);
            let expected: Vec<_> = all.filter(|job| job.tenant == tenant).cloned().collect();
            let twice = ids.iter().chain(&ids).copied().collect();
            assert_eq!(self.store.jobs(tenant, twice).await.unwrap(), expected);
            let (page, all) = self.store.machines(tenant, 1, 1_000).await.unwrap();
            let of = self.memory.resources.values();
            let expected = of.filter(|of| of.tenant == tenant).count();
            assert_eq!((page.len(), all), (expected, expected as u64));
        }
    }

    /// Some list of jobs, read page by page, and what is ahead of some job.
    async fn list(&mut self, tenant: TenantId) {
        use model::{JobState, Operation};
        let mut filter = JobFilter::default();
        if self.random.random_bool(0.5) {
            filter.states.retain(|_| self.random.random_bool(0.5));
        }
        if self.random.random_bool(0.5) {
            let operations = [Operation::VmDelete, Operation::VmStop];
            filter.operations = operations.to_vec();
        }
        filter.resource = self.random.random_bool(0.3).then(|| self.resource());
        let of_tenant = |job: &&Job| job.tenant == tenant && !job.is_synchronous();
        let fits = |job: &&Job| {
            filter.states.contains(&job.state)
                && filter.operations.contains(&job.operation)
                && filter.resource.is_none_or(|id| id == job.resource)
        };
        let jobs = self.memory.jobs.values().filter(of_tenant).filter(fits);
        let mut expected: Vec<Job> = jobs.cloned().collect();
        expected.sort_by_key(|job| std::cmp::Reverse(job.number));
        let limit = self.random.random_range(1..6);
        let (mut found, mut last) = (Vec::new(), None);
        loop {
            let page = self.store.listed_jobs(tenant, filter.clone(), last, limit);
            let (jobs, more) = page.await.unwrap();
            assert!(jobs.len() == limit || !more);
            last = jobs.last().map(|job| job.id);
            found.extend(jobs);
            if !more {
                break;
            }
        }
        assert_eq!(found, expected);

        let job = self.job();
        let known = self.memory.jobs.get(&job);
        let known = known.filter(|job| job.tenant == tenant).cloned();
        let found = self.store.job(tenant, job).await.unwrap();
        assert_eq!(found.as_ref().map(|(job, _)| job), known.as_ref());
        let Some(job) = known.filter(|job| job.state == JobState::Pending) else {
            assert!(found.is_none_or(|(_, ahead)| ahead.is_none()));
            return;
        };
        let mut line = self.memory.tickets.range(..(job.resource, job.number));
        let before = line.rfind(|((key, _), _)| *key == job.resource);
        let running =
            |of: &&Job| of.host == job.host && of.state.is_running() && !of.is_synchronous();
        let running: Vec<_> = self.memory.jobs.values().filter(running).collect();
        let of_tenant = running.iter().filter(|of| of.tenant == tenant).count();
        let expected = Ahead {
            job: before.map(|(_, &job)| job),
            running_on_host: u32::try_from(running.len()).unwrap(),
            running_of_tenant: u32::try_from(of_tenant).unwrap(),
        };
        assert_eq!(found.unwrap().1, Some(expected));
    }

    fn resource(&mut self) -> ResourceId {
        let all: Vec<_> = self.memory.resources.keys().copied().collect();
        let known = all.choose(&mut self.random).copied();
        known.unwrap_or(ResourceId(Uuid::nil()))
    }

    fn job(&mut self) -> JobId {
        let all: Vec<_> = self.memory.jobs.keys().copied().collect();
        let known = all.choose(&mut self.random).copied();
        known.unwrap_or(JobId(Uuid::nil()))
    }

    /// One thing that may happen.
    async fn step(&mut self) {
        self.now
            .fetch_add(self.random.random_range(-3..400), Ordering::SeqCst);
        let tenant = *self.tenants.choose(&mut self.random).unwrap();
        let id = self.resource();
        match self.random.random_range(0..25) {
            0..=2 => self.create(tenant).await,
            3 => {
                let rule = move |context: &Context<'_>| vm_delete::accept(context, tenant, id);
                let _ = self.both(Box::new(rule)).await;
            }
            4 => {
                let rule = move |context: &Context<'_>| vm_start::accept(context, tenant, id);
                let _ = self.both(Box::new(rule)).await;
            }
            5 => {
                let rule = move |context: &Context<'_>| vm_stop::accept(context, tenant, id);
                let _ = self.both(Box::new(rule)).await;
            }
            6 => {
                let rule = move |context: &Context<'_>| vm_reset::accept(context, tenant, id);
                let _ = self.both(Box::new(rule)).await;
            }
            7 => {
                let body = MachineRename {
                    name: format!("name-{}", self.random.random_range(0..3)),
                };
                let rule =
                    move |context: &Context<'_>| vm_rename::accept(context, tenant, id, &body);
                let _ = self.both(Box::new(rule)).await;
            }
            8..=11 => self.turn().await,
            24 => {
                let job = self.job();
                let rule = move |context: &Context<'_>| job_cancel::accept(context, tenant, job);
                let _ = self.both(Box::new(rule)).await;
            }
            12 => {
                let job = self.job();
                let rule = move |context: &Context<'_>| Ok(course::cancel(context, job));
                self.both(Box::new(rule)).await.unwrap();
            }
            13 => {
                let job = self.job();
                let rule = move |context: &Context<'_>| Ok(course::withdraw(context, job));
                self.both(Box::new(rule)).await.unwrap();
            }
            14 => {
                let job = self.job();
                let rule = move |context: &Context<'_>| Ok((course::fail(context, job), ()));
                self.both(Box::new(rule)).await.unwrap();
            }
            15..=16 => {
                for job in self.store.pending_calls(true).await.unwrap() {
                    let rule = move |context: &Context<'_>| Ok(course::start(context, job));
                    self.both(Box::new(rule)).await.unwrap();
                }
            }
            17 => self.expire().await,
            _ => self.report(id).await,
        }
    }

    /// Some of what ended a while ago goes; so later rules meet ids of jobs that are no longer there.
    async fn expire(&mut self) {
        let age = self.random.random_range(0..20_000);
        let most = self.random.random_range(1..4);
        let ended_before = self.time().plus_millis(-age);
        let mut removed = self.memory.jobs.clone();
        let expected = self.memory.expire(ended_before, most);
        removed.retain(|id, _| !self.memory.jobs.contains_key(id));
        assert!(removed.values().all(|job| job.state.is_final()));
        self.removed.extend(removed.into_values());
        let work = move |session: &mut Session<'_>| Ok(session.expire(ended_before, most)?);
        let outcome = self.store.sqlite.write(Urgency::Upkeep, work).await;
        assert_eq!(outcome.unwrap(), expected);
    }

    async fn create(&mut self, tenant: TenantId) {
        let data_centers = &self.catalogue.data_centers;
        let body = MachineCreate {
            name: "web".to_owned(),
            datacenter_id: data_centers
                .choose(&mut self.random)
                .unwrap()
                .id
                .to_string(),
            image_id: self.catalogue.images.choose(&mut self.random).unwrap().id,
            configuration_id: self.catalogue.sizes.choose(&mut self.random).unwrap().id,
            number_of_instances: Some(self.random.random_range(1..4)),
            allocate_public_ip: None,
            network_interfaces: None,
        };
        let idempotency = self.random.random_bool(0.5).then(|| Idempotency {
            key: AnswerKey([self.random.random_range(0..30); 16]),
            request: [self.random.random_range(0..2); 16],
        });
        let _ = self
            .both(Box::new(move |context| {
                vm_create::accept(context, tenant, &body, idempotency)
            }))
            .await;
    }

    async fn report(&mut self, id: ResourceId) {
        let Some(resource) = self.memory.resources.get(&id).cloned() else {
            return;
        };
        if resource.generation == 0 {
            return;
        }
        let now = self.time();
        let report = random_report(&mut self.random, &resource, now);
        let rule = move |context: &Context<'_>| Ok(course::report(context, &report));
        self.both(Box::new(rule)).await.unwrap();
    }
}

/// What a host might say: mostly what the newest spec wants, sometimes anything.
fn random_report(random: &mut StdRng, resource: &Resource, now: Timestamp) -> Report {
    let observed = match &resource.spec {
        Spec::Absent => MachineObserved::default(),
        Spec::Machine(machine) => MachineObserved {
            disk: DiskObserved::Whole {
                size_gb: machine.disk_gb,
            },
            process: (machine.is_on() && random.random_bool(0.8)).then_some(ProcessObserved {
                boot: machine.boot,
                up: true,
                ready: true,
            }),
            launched: machine.boot,
        },
    };
    let state = match random.random_range(0..6) {
        0..=1 => ReportState::Acting,
        2..=4 => ReportState::Settled,
        _ => ReportState::Failed(Failure {
            error: JobError::new(JobErrorCode::DriverError, "It broke."),
            outstanding: random.random_bool(0.3),
        }),
    };
    let stale = u64::from(random.random_bool(0.1));
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
        observed: random.random_bool(0.9).then_some(observed),
    }
}

async fn run(seed: u64, steps: usize) -> Pair {
    let mut pair = Pair::new(seed).await;
    for _ in 0..steps {
        pair.step().await;
        pair.compare().await;
        let tenant = *pair.tenants.choose(&mut pair.random).unwrap();
        pair.list(tenant).await;
    }
    pair
}

/// Enough of everything happened for the comparison to mean something.
fn is_telling(jobs: &[Job]) -> bool {
    use model::JobState::{Completed, Failed};
    let ended = |state| jobs.iter().filter(|job| job.state == state).count();
    ended(Completed) >= 20 && ended(Failed) >= 20 && jobs.iter().any(Job::is_synchronous)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_as_the_reference_store() {
    let (mut jobs, mut removed) = (Vec::new(), 0);
    for seed in 0..8 {
        println!("seed {seed}");
        let pair = run(seed, 150).await;
        removed += pair.removed.len();
        jobs.extend(pair.removed);
        jobs.extend(pair.memory.jobs.into_values());
    }
    assert!(is_telling(&jobs), "{} jobs are left", jobs.len());
    assert!(removed >= 20, "{removed} jobs were removed");
}

/// What was answered is there when the files are taken as a crash leaves them.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_nothing_that_was_answered() {
    let mut pair = run(77, 350).await;
    let copy = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(pair.directory.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let now = pair.time();
    let catalogue = Arc::clone(&pair.catalogue);
    let sources = Sources {
        now: Arc::new(move || now),
        clock: None,
        new_id: None,
    };
    let again = Store::open_with(copy.path(), catalogue, sources).unwrap();
    assert_eq!(dump(copy.path()), dump(pair.directory.path()));
    // Nothing is in memory yet: these reads are answered from disk.
    pair.store = again;
    pair.compare_reads().await;
    assert!(
        pair.memory.jobs.len() > 50,
        "more than one statement's worth"
    );
}
