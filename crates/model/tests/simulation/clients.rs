//! Several tenants that ask for all kinds of things of one another's and of their own, some of them
//! twice, and an operator who sees to what they leave over.

use crate::{
    faults::{Kind as Fault, Place},
    requests::{Ask, Change, judge, no_update},
    sim::{Sim, What, short},
};
use api::{ErrorCode, JobId, ResourceId, TenantId};
use model::{
    Context, Job, Kind, Refusal, Resource, Told, Write,
    accept::{Accepted, Idempotency},
    claim::Limits,
    course::{self, Heard},
    facts::Facts,
    limits::SYNCHRONOUS_LIMIT,
    ops,
    writes::AnswerKey,
};
use uuid::Uuid;

/// What the tenants remember.
#[derive(Default)]
pub struct Clients {
    pub tenants: Vec<TenantId>,
    /// Requests still to be made.
    pub requests_left: u64,
    /// Milliseconds between two requests at most.
    pub pace_ms: u64,
    /// Whether everybody is after one resource of each kind.
    pub narrow: bool,
    /// Requests with a key: whose, what, and the answer if it was heard.
    keyed: Vec<Keyed>,
    pub names: u64,
}

#[derive(Clone)]
struct Keyed {
    tenant: TenantId,
    ask: Ask,
    key: Idempotency,
    heard: Option<Vec<JobId>>,
}

/// Kinds as often as they are asked for.
const OFTEN: [Kind; 8] = [
    Kind::Vm,
    Kind::Vm,
    Kind::Vm,
    Kind::Vm,
    Kind::Volume,
    Kind::Volume,
    Kind::Network,
    Kind::Gpu,
];

/// How often in a thousand a request has a key.
const KEYED: u64 = 400;

impl Sim {
    /// Tenants with random limits, and a number of requests to make.
    pub fn invite(&mut self) {
        for number in 1..=self.rng.within(1, 5) {
            let tenant = TenantId(Uuid::from_u128(0xaaaa_0000 + u128::from(number)));
            let mut limit = |low, high| {
                let limited = self.rng.chance(200);
                limited.then(|| self.rng.within(low, high))
            };
            let limits = Limits {
                virtual_machines: limit(0, 4),
                vcpus: limit(1, 6),
                memory_gb: limit(1, 12),
                volumes: limit(0, 3),
                volume_gb: limit(10, 120),
                networks: limit(0, 3),
                public_ips: limit(0, 3),
                gpus: limit(0, 3),
            };
            self.store.limits.insert(tenant, limits);
            self.clients.tenants.push(tenant);
        }
        self.clients.narrow = self.rng.chance(200);
        let most = if self.clients.narrow { 120 } else { 60 };
        self.clients.requests_left = self.rng.within(5, most);
        self.clients.pace_ms = *self.rng.pick(&[5, 500, 4_000]).expect("three");
        self.host_slots = u32::try_from(self.rng.within(1, 6)).expect("small");
        if self.rng.chance(700) {
            self.settle_in();
        }
        self.later(0, What::Request);
    }

    /// What some tenants have before anything goes wrong.
    pub fn settle_in(&mut self) {
        for tenant in self.clients.tenants.clone() {
            for kind in [Kind::Network, Kind::Vm, Kind::Volume, Kind::Vm] {
                if self.rng.chance(700) {
                    let ask = self.creation(tenant, kind);
                    self.send_ask(tenant, &ask, None);
                }
            }
        }
        self.run();
    }

    /// One tenant does one thing; while the server is down, nothing can be asked.
    pub fn request(&mut self) {
        if self.clients.requests_left == 0 {
            return;
        }
        if self.up {
            self.clients.requests_left -= 1;
            self.one_request();
        }
        let pause = self.rng.below(self.clients.pace_ms) + 1;
        let pause = if self.rng.chance(100) {
            10 * pause
        } else {
            pause
        };
        self.later(pause, What::Request);
    }

    /// A resource of a tenant, of this kind where one is asked for.
    pub fn one_of(&mut self, tenant: TenantId, kind: Option<Kind>) -> Option<Resource> {
        let mine =
            |it: &&Resource| it.tenant == tenant && kind.is_none_or(|kind| it.kind() == kind);
        let mine: Vec<_> = self.store.resources.values().filter(mine).collect();
        let one = if self.clients.narrow {
            mine.first()
        } else {
            self.rng.pick(&mine)
        };
        one.map(|&one| one.clone())
    }

    fn one_request(&mut self) {
        let tenant = *self.rng.pick(&self.clients.tenants).expect("at least one");
        let drawn = self.rng.below(100);
        let kind = *self.rng.pick(&OFTEN).expect("some");
        let some = self.one_of(tenant, Some(kind));
        let some = some.or_else(|| self.one_of(tenant, None));
        match (drawn, some) {
            (0..=5, _) => self.repeat(),
            (6..=8, _) => self.trespass(tenant),
            (9..=28, _) | (_, None) => {
                let ask = self.creation(tenant, kind);
                self.ask(tenant, ask);
            }
            (36, Some(it)) if it.kind() == Kind::Vm => self.storm(tenant, it.id),
            (37..=42, Some(it)) => self.cancel(tenant, it.id),
            (_, Some(it)) => {
                let change = self.a_change(tenant, &it);
                self.ask(tenant, Ask::Change(it.id, change));
            }
        }
    }

    /// More calls at once than a line takes.
    fn storm(&mut self, tenant: TenantId, id: ResourceId) {
        for _ in 0..SYNCHRONOUS_LIMIT + 2 {
            if !self.up {
                return;
            }
            self.change(tenant, id, Change::Reset);
        }
    }

    /// Sends a request, perhaps with a key.
    fn ask(&mut self, tenant: TenantId, ask: Ask) {
        if !self.rng.chance(KEYED) {
            self.send_ask(tenant, &ask, None);
            return;
        }
        let number = u64::try_from(self.clients.keyed.len()).expect("small");
        let mut key = [0; 16];
        key[..8].copy_from_slice(&number.to_le_bytes());
        let key = Idempotency {
            key: AnswerKey(key),
            request: [1; 16],
        };
        self.clients.keyed.push(Keyed {
            tenant,
            ask,
            key,
            heard: None,
        });
        self.send_keyed(self.clients.keyed.len() - 1);
    }

    /// A change of a resource without a key.
    pub fn change(
        &mut self,
        tenant: TenantId,
        id: ResourceId,
        change: Change,
    ) -> Option<Result<Vec<Job>, Refusal>> {
        self.send_ask(tenant, &Ask::Change(id, change), None)
    }

    /// Sends a request; calls wait for their job.
    pub fn send_ask(
        &mut self,
        tenant: TenantId,
        ask: &Ask,
        key: Option<Idempotency>,
    ) -> Option<Result<Vec<Job>, Refusal>> {
        self.tell(|| format!("-- {ask:?}"));
        let is_repeat = key.is_some_and(|key| self.store.answer(&key.key).is_some());
        let answer = self.accept("accept", |context| judge(context, tenant, ask, key));
        if let Ask::Change(id, Change::Rename(_, name)) = ask {
            // Where the answer is lost, the record tells.
            let resource = self.store.resources.get(id);
            let taken = resource.is_some_and(|it| it.name == *name);
            let done = !is_repeat && matches!(answer, Some(Ok(_)));
            assert!(taken || !done, "a rename does not show");
            if taken {
                self.witness.named(*id, name);
            }
        }
        match &answer {
            Some(Ok(jobs)) => {
                for job in jobs.iter().filter(|job| job.is_synchronous()) {
                    self.has_patience(job);
                }
            }
            Some(Err(refusal)) => self.refused(ask, refusal),
            None => {}
        }
        answer
    }

    fn has_patience(&mut self, job: &Job) {
        if !self.patient {
            let patience = *self
                .rng
                .pick(&[1, 30, 2_000, 50_000, 50_000])
                .expect("some");
            self.if_alive(patience, What::Patience(job.id));
        }
    }

    fn refused(&mut self, ask: &Ask, refusal: &Refusal) {
        assert!(
            refusal.code.status() < 500,
            "{ask:?} is answered with {refusal:?}"
        );
        match (refusal.code, ask) {
            (ErrorCode::LineFull, Ask::Change(id, _)) => {
                let line = self.store.line(*id);
                assert_eq!(line.synchronous, SYNCHRONOUS_LIMIT);
                self.faults.struck(Fault::LineFull);
            }
            (ErrorCode::Conflict, _) => self.faults.struck(Fault::NameTaken),
            (ErrorCode::NetworkInUse, _) => self.faults.struck(Fault::NetworkInUse),
            (ErrorCode::VolumeAttached, _) => self.faults.struck(Fault::VolumeAttached),
            (ErrorCode::CapacityExceeded, Ask::CreateGpu(_)) => self.faults.struck(Fault::SoldOut),
            _ => {}
        }
    }

    /// Sends a request with a key, the first time or again: the same jobs, whatever became of the
    /// answer. Only a call that has failed since is judged afresh.
    fn send_keyed(&mut self, index: usize) {
        let keyed = self.clients.keyed[index].clone();
        let known = self.store.answer(&keyed.key.key).map(|answer| answer.jobs);
        let known = known.filter(|jobs| jobs.iter().all(|job| !self.failed_call(*job)));
        let answer = self.send_ask(keyed.tenant, &keyed.ask, Some(keyed.key));
        let jobs = match answer {
            None => return,
            Some(Err(refusal)) => {
                assert_eq!(known, None, "what was accepted is refused: {refusal:?}");
                return;
            }
            Some(Ok(jobs)) => jobs,
        };
        let jobs: Vec<_> = jobs.iter().map(|job| job.id).collect();
        if let Some(known) = known {
            assert_eq!(known, jobs, "a repeat has other jobs");
            self.faults.struck(Fault::Repeated);
            if let Some(heard) = &keyed.heard {
                assert_eq!(heard, &jobs, "a repeat has other jobs than were heard");
            }
        } else {
            // Judged afresh: what was heard before holds no longer.
            self.clients.keyed[index].heard = None;
        }
        let lost = self.faults.pass(Place::Client, &mut self.rng);
        match lost {
            Some(kind) => self.faults.struck(kind),
            None => self.clients.keyed[index].heard = Some(jobs),
        }
    }

    fn failed_call(&self, job: JobId) -> bool {
        let job = &self.store.jobs[&job];
        job.is_synchronous() && job.state == model::JobState::Failed
    }

    fn repeat(&mut self) {
        let count = u64::try_from(self.clients.keyed.len()).expect("small");
        if count == 0 {
            return;
        }
        let index = usize::try_from(self.rng.below(count)).expect("small");
        if self.rng.chance(800) {
            return self.send_keyed(index);
        }
        let keyed = self.clients.keyed[index].clone();
        if self.store.answer(&keyed.key.key).is_none() {
            return;
        }
        let other = Idempotency {
            request: [2; 16],
            ..keyed.key
        };
        let answer = self.accept("another body", |context| {
            judge(context, keyed.tenant, &keyed.ask, Some(other))
        });
        if let Some(answer) = answer {
            let code = answer.map(|_| ()).map_err(|refusal| refusal.code);
            assert_eq!(code, Err(ErrorCode::IdempotencyKeyReused));
        }
    }

    /// What is another tenant's, of another kind or never was, is all answered alike.
    fn trespass(&mut self, tenant: TenantId) {
        let kind = *self.rng.pick(&Kind::ALL).expect("four");
        let strange = |it: &&Resource| it.tenant != tenant || it.kind() != kind;
        let strange: Vec<_> = self.store.resources.values().filter(strange).collect();
        let other = self.rng.pick(&strange).map(|it| it.id);
        let other = other.unwrap_or(ResourceId(Uuid::from_u128(u128::MAX)));
        let change = match (kind, self.rng.below(3)) {
            (Kind::Vm, 0) => Change::Start,
            (Kind::Vm, 1) => Change::Resize(44),
            (Kind::Volume, 0) => Change::Detach,
            (Kind::Volume, 1) => Change::Grow(80),
            (Kind::Network, 0) => Change::Update(Box::new(no_update())),
            (Kind::Gpu, 0) => Change::Rename(kind, "mine".to_owned()),
            _ => Change::Delete(kind),
        };
        let ask = Ask::Change(other, change);
        let answer = self.accept("trespass", |context| judge(context, tenant, &ask, None));
        if let Some(answer) = answer {
            assert_eq!(answer.map(|_| ()), Err(Refusal::not_found(kind)), "{ask:?}");
            self.faults.struck(Fault::Trespassed);
        }
    }

    /// Any job of a resource, ended or not; mostly its last.
    fn cancel(&mut self, tenant: TenantId, id: ResourceId) {
        let jobs = self.store.jobs.values().filter(|job| job.resource == id);
        let mut jobs: Vec<_> = jobs.map(|job| (job.number, job.id)).collect();
        jobs.sort_unstable();
        let last = jobs.last().copied();
        let any = self.rng.pick(&jobs).copied();
        let picked = if self.rng.chance(500) { last } else { any };
        let (_, job) = picked.expect("a resource has a create");
        self.tell(|| format!("-- Cancel {}", short(job.0)));
        self.witness.asked_to_cancel(job);
        let stranger = TenantId(Uuid::from_u128(u128::MAX));
        let foreign = self.accept("trespass", |context| {
            ops::job_cancel::accept(context, stranger, job)
        });
        let Some(foreign) = foreign else { return };
        let code = foreign.map(|_| ()).map_err(|refusal| refusal.code);
        assert_eq!(code, Err(ErrorCode::NotFound));
        let answer = self.accept("cancel", |context| {
            ops::job_cancel::accept(context, tenant, job)
        });
        match answer {
            Some(Ok(job)) if job.state.is_final() && job.is_synchronous() => {
                self.witness.withdrawn(job.id);
            }
            Some(Ok(job)) => assert!(job.state.is_final() || job.cancel, "{job:?}"),
            Some(Err(refusal)) => {
                assert_eq!(refusal.code, ErrorCode::TooLate);
                self.faults.struck(Fault::CancelTooLate);
            }
            None => {}
        }
    }

    /// An operator has something tried again that was left over, or puts it right by hand.
    pub fn operator(&mut self) {
        let left = self
            .store
            .resources
            .values()
            .filter(|it| it.leftover.is_some());
        let left: Vec<_> = left.map(|it| it.id).collect();
        let Some(&id) = self.rng.pick(&left).filter(|_| self.up) else {
            return;
        };
        if self.rng.chance(600) {
            self.retry_leftover(id);
        } else {
            self.settle_leftover(id);
        }
    }

    pub fn retry_leftover(&mut self, id: ResourceId) {
        self.tell(|| format!("-- Retry {}", short(id.0)));
        let answer = self.accept("retry", |context| course::retry_leftover(context, id));
        if let Some(answer) = answer {
            let assignment = answer.expect("it is left over");
            self.tell_host(id, What::Assigned(assignment));
            self.faults.struck(Fault::LeftoverRetried);
        }
    }

    /// Only where the host does nothing any more: nobody puts right what is being worked on.
    pub fn settle_leftover(&mut self, id: ResourceId) {
        let resource = self.store.resources[&id].clone();
        let retried = resource.leftover.is_some_and(|leftover| leftover.retry);
        if retried || self.units.get(&id).is_none_or(|unit| !unit.is_idle()) {
            return;
        }
        let (asked, last_id) = self.store.decide(
            (self.catalogue, model::DriverAbilities::SIM),
            self.wall(),
            |context| course::settle_leftover(context, id),
        );
        self.store.last_id = last_id;
        if let Err(refusal) = asked {
            assert_eq!(refusal.code, ErrorCode::InvalidState, "{refusal:?}");
            self.faults.struck(Fault::SettledTooEarly);
            return;
        }
        self.tell(|| format!("-- Settle {}", short(id.0)));
        self.world.by_hand(id, &resource.spec);
        let answer = self.accept("settle", |context| course::settle_leftover(context, id));
        let Some(answer) = answer else { return };
        let Heard { told, others } = answer.expect("it was allowed a moment ago");
        self.faults.struck(Fault::LeftoverSettled);
        for assignment in others {
            self.tell_host(assignment.resource, What::Assigned(assignment));
        }
        match told {
            Told::Spec(assignment) => self.tell_host(id, What::Assigned(assignment)),
            Told::Forget => self.tell_host(id, What::Forget(id)),
        }
    }

    pub fn accept<T>(
        &mut self,
        what: &str,
        rule: impl FnOnce(&Context<'_>) -> Accepted<T>,
    ) -> Option<Result<T, Refusal>> {
        self.transact(what, |context| match rule(context) {
            Ok((writes, answer)) => (writes, Ok(answer)),
            Err(refusal) => (Vec::<Write>::new(), Err(refusal)),
        })
    }
}
