//! The store against the reference store: the same random rules with the same ids and times must
//! leave the same rows, the same turns and the same answers, step for step.

mod facts;
mod reads;
mod reports;
mod requests;

use super::{
    Sources, Store, Turned, Urgency,
    sqlite::{dump::dump, session::Session},
    tests::now_done,
};
use api::{JobId, ResourceId, TenantId, Timestamp};
use model::{
    Context, Job, Operation, Refusal, Write,
    catalogue::{self, Catalogue},
    claim::Limits,
    course,
    limits::HOST_SLOTS,
    memory::Memory,
    ops::job_cancel,
    writes::{Answer, AnswerKey},
};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
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
    /// When each answer was made, which the reference store does not know.
    answered: BTreeMap<AnswerKey, Timestamp>,
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
            let tenant = now_done(store.create_tenant(name.to_owned(), None).await).unwrap();
            memory.last_id += 1;
            assert_eq!(tenant.id.0.as_u128(), memory.last_id);
            tenants.push(tenant.id);
        }
        let limit = |limits: &mut Limits| limits.virtual_machines = Some(6);
        now_done(store.set_limits(tenants[0], limit, None).await).unwrap();
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
            answered: BTreeMap::new(),
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
        let (decided, last) = self.memory.decide(
            (&self.catalogue, model::DriverAbilities::SIM),
            self.time(),
            &rule,
        );
        self.memory.last_id = last;
        if let Ok((writes, _)) = &decided {
            self.memory.apply(writes);
            for write in writes {
                if let Write::PutAnswer(key, _) = write {
                    self.answered.insert(*key, self.time());
                }
            }
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
            let ((writes, assignment), last) = self.memory.decide(
                (&self.catalogue, model::DriverAbilities::SIM),
                self.time(),
                start,
            );
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
            of.turns
                .retain(|_, turn| *turn != model::turn::Turn::default());
        }
        // Map by map, so that a difference can be read.
        assert_eq!(stored.jobs, memory.jobs);
        assert_eq!(stored.resources, memory.resources);
        assert_eq!(stored.tickets, memory.tickets);
        assert_eq!(stored.claims, memory.claims);
        assert_eq!(stored.used, memory.used);
        assert_eq!(stored.last_given, memory.last_given);
        assert_eq!(stored.answers, memory.answers);
        assert_eq!(stored.turns, memory.turns);
        assert_eq!(stored, memory);
        stored.check().unwrap();
        self.compare_reads().await;
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
        // Mostly the same one, so that things meet.
        let tenant = self.tenants[self.random.random_range(0..6_usize).saturating_sub(3)];
        match self.random.random_range(0..64) {
            0..=15 => self.request(tenant).await,
            16..=31 => self.turn().await,
            32..=34 => self.end().await,
            35..=37 => {
                for job in self.store.pending_calls(true).await.unwrap() {
                    let rule = move |context: &Context<'_>| Ok(course::start(context, job));
                    self.both(Box::new(rule)).await.unwrap();
                }
            }
            38 => self.expire().await,
            39 => self.operate().await,
            40..=41 => self.look().await,
            _ => self.report().await,
        }
    }

    /// Some job ends, or is to end, otherwise than by a report.
    async fn end(&mut self) {
        let job = self.job();
        let tenant = self.memory.jobs.get(&job).map(|job| job.tenant);
        let tenant = tenant.unwrap_or(self.tenants[0]);
        match self.random.random_range(0..6) {
            0..=1 => {
                let rule = move |context: &Context<'_>| job_cancel::accept(context, tenant, job);
                let _ = self.both(Box::new(rule)).await;
            }
            2 => {
                let rule = move |context: &Context<'_>| Ok(course::cancel(context, job));
                self.both(Box::new(rule)).await.unwrap();
            }
            3..=4 => {
                let rule = move |context: &Context<'_>| Ok(course::withdraw(context, job));
                self.both(Box::new(rule)).await.unwrap();
            }
            _ => {
                let rule = move |context: &Context<'_>| Ok((course::fail(context, job), ()));
                self.both(Box::new(rule)).await.unwrap();
            }
        }
    }

    /// What an operator may do.
    async fn operate(&mut self) {
        let leftovers = self.store.leftovers().await.unwrap();
        let id = leftovers.choose(&mut self.random).map(|left| left.id);
        match (id, self.random.random_bool(0.3)) {
            (Some(id), true) => {
                let rule = move |context: &Context<'_>| course::settle_leftover(context, id);
                let _ = self.both(Box::new(rule)).await;
            }
            (Some(id), false) => {
                let rule = move |context: &Context<'_>| course::retry_leftover(context, id);
                let _ = self.both(Box::new(rule)).await;
            }
            (None, drained) => {
                let hosts = &self.catalogue.data_centers;
                let host = hosts.choose(&mut self.random).unwrap().host_id();
                now_done(self.store.drain_host(host, drained, None).await);
                if drained {
                    self.memory.drained.insert(host);
                } else {
                    self.memory.drained.remove(&host);
                }
            }
        }
    }

    /// Some of what ended a while ago goes; so later rules meet ids of jobs that are no longer there.
    async fn expire(&mut self) {
        let age = self.random.random_range(0..20_000);
        let most = self.random.random_range(1..4);
        let ended_before = self.time().plus_millis(-age);
        let mut removed = self.memory.jobs.clone();
        let alone = self.alone();
        let jobs = self.memory.expire(ended_before, most);
        // The reference store knows no age of an answer: one without a job goes at once.
        let mut due: Vec<_> = alone.keys().map(|key| (self.answered[key], *key)).collect();
        due.retain(|(made, _)| *made < ended_before);
        due.sort_unstable();
        due.truncate(most);
        let stays = |key: &AnswerKey| due.iter().all(|(_, due)| due != key);
        let alone = alone.into_iter().filter(|(key, _)| stays(key));
        self.memory.answers.extend(alone);
        let expected = jobs.max(due.len());
        removed.retain(|id, _| !self.memory.jobs.contains_key(id));
        assert!(removed.values().all(|job| job.state.is_final()));
        self.removed.extend(removed.into_values());
        let work = move |session: &mut Session<'_>| Ok(session.expire(ended_before, most)?);
        let outcome = self.store.sqlite.write(Urgency::Upkeep, work).await;
        assert_eq!(outcome.unwrap(), expected);
    }

    /// The answers of which no job is there.
    fn alone(&self) -> BTreeMap<AnswerKey, Answer> {
        let jobs = &self.memory.jobs;
        let is_alone = |answer: &Answer| !answer.jobs.iter().any(|job| jobs.contains_key(job));
        let answers = self.memory.answers.clone().into_iter();
        answers.filter(|(_, answer)| is_alone(answer)).collect()
    }
}

async fn run(seed: u64, steps: usize) -> Pair {
    let mut pair = Pair::new(seed).await;
    for step in 0..steps {
        pair.step().await;
        // What a step has changed that no rule asks for is still so a few steps later.
        if step % 8 > 0 {
            continue;
        }
        pair.compare().await;
        let tenant = *pair.tenants.choose(&mut pair.random).unwrap();
        pair.list(tenant).await;
        pair.read(tenant).await;
        pair.wait_of_job(tenant).await;
    }
    pair.compare().await;
    pair
}

/// Enough of everything happened for the comparison to mean something.
fn check_telling(jobs: &[Job]) {
    use model::JobState::{Completed, Failed};
    for &operation in Operation::ALL {
        let ended = |state| {
            let of = |job: &&Job| job.operation == operation && job.state == state;
            jobs.iter().filter(of).count()
        };
        let (completed, failed) = (ended(Completed), ended(Failed));
        println!("{operation:?}: {completed} completed, {failed} failed");
        assert!(completed + failed > 0, "no {operation:?} ended");
    }
    assert!(jobs.iter().any(|job| job.lines().len() > 1));
    assert!(jobs.iter().any(|job| job.unlisted));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_as_the_reference_store() {
    let (mut jobs, mut removed) = (Vec::new(), 0);
    for seed in 0..8 {
        println!("seed {seed}");
        let pair = run(seed, 600).await;
        removed += pair.removed.len();
        jobs.extend(pair.removed);
        jobs.extend(pair.memory.jobs.into_values());
    }
    check_telling(&jobs);
    assert!(removed >= 20, "{removed} jobs were removed");
}

/// What was answered is there when the files are taken as a crash leaves them.
#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_nothing_that_was_answered() {
    let mut pair = run(77, 800).await;
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
