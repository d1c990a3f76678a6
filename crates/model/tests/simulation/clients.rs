//! Several tenants that ask for all kinds of things, some of them twice.

use crate::{
    faults::{Kind, Place},
    sim::{Sim, What, short},
};
use api::{
    ErrorCode, JobId, ResourceId, TenantId,
    machine::{MachineCreate, MachineRename},
};
use model::{
    Context, Operation, Refusal, Resource, Write,
    accept::{Accepted, Idempotency},
    claim::Limits,
    facts::Facts,
    limits::SYNCHRONOUS_LIMIT,
    ops::{self, Call},
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
    /// Whether everybody is after one machine.
    pub narrow: bool,
    /// Creates with a key: whose, what, and the answer if it was heard.
    keyed: Vec<Keyed>,
    names: u64,
}

#[derive(Clone)]
struct Keyed {
    tenant: TenantId,
    body: MachineCreate,
    key: Idempotency,
    heard: Option<Vec<JobId>>,
}

/// A request to change a machine that exists.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    Delete,
    Start,
    Stop,
    Reset,
    Rename,
}

impl Sim {
    /// Tenants with random limits, and a number of requests to make.
    pub fn invite(&mut self) {
        for number in 1..=self.rng.within(1, 5) {
            let tenant = TenantId(Uuid::from_u128(0xaaaa_0000 + u128::from(number)));
            let mut limit = |low, high| {
                let limited = self.rng.chance(250);
                limited.then(|| self.rng.within(low, high))
            };
            let limits = Limits {
                virtual_machines: limit(0, 4),
                vcpus: limit(1, 6),
                memory_gb: limit(1, 12),
                ..Limits::default()
            };
            self.store.limits.insert(tenant, limits);
            self.clients.tenants.push(tenant);
        }
        self.clients.narrow = self.rng.chance(150);
        let most = if self.clients.narrow { 120 } else { 40 };
        self.clients.requests_left = self.rng.within(5, most);
        self.clients.pace_ms = *self.rng.pick(&[5, 500, 4_000]).expect("three");
        self.host_slots = u32::try_from(self.rng.within(1, 5)).expect("small");
        self.later(0, What::Request);
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

    fn one_request(&mut self) {
        let tenant = *self.rng.pick(&self.clients.tenants).expect("at least one");
        let mine = |it: &&Resource| it.tenant == tenant;
        let mine: Vec<_> = self
            .store
            .resources
            .values()
            .filter(mine)
            .map(|it| it.id)
            .collect();
        let machine = if self.clients.narrow {
            mine.first().copied()
        } else {
            self.rng.pick(&mine).copied()
        };
        match (self.rng.below(100), machine) {
            (0..=5, _) => self.repeat(),
            (6..=8, _) => self.trespass(tenant),
            (9..=35, _) | (_, None) => self.create(tenant),
            (36..=49, Some(id)) => self.change(tenant, id, Change::Delete),
            (50..=63, Some(id)) => self.change(tenant, id, Change::Stop),
            (64..=77, Some(id)) => self.change(tenant, id, Change::Start),
            (78..=89, Some(id)) => self.change(tenant, id, Change::Reset),
            (90, Some(id)) => self.storm(tenant, id),
            (91..=95, Some(id)) => self.change(tenant, id, Change::Rename),
            (_, Some(id)) => self.cancel(tenant, id),
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

    fn create(&mut self, tenant: TenantId) {
        self.clients.names += 1;
        let several = self.rng.chance(200);
        let place = usize::from(self.rng.chance(300));
        let body = MachineCreate {
            name: format!("vm-{}", self.clients.names),
            datacenter_id: self.catalogue.data_centers[place].id.to_string(),
            image_id: 12,
            configuration_id: if self.rng.chance(500) { 44 } else { 45 },
            number_of_instances: several.then_some(2),
            ..MachineCreate::default()
        };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.clients.names.to_le_bytes());
        let key = Idempotency {
            key: AnswerKey(key),
            request: [1; 16],
        };
        let keyed = Keyed {
            tenant,
            body,
            key,
            heard: None,
        };
        self.clients.keyed.push(keyed);
        self.send_create(self.clients.keyed.len() - 1);
    }

    /// Sends a create, the first time or again: the same jobs, whatever became of the answer.
    fn send_create(&mut self, index: usize) {
        let keyed = self.clients.keyed[index].clone();
        let known = self.store.answer(&keyed.key.key).map(|answer| answer.jobs);
        let accept = |context: &Context<'_>| {
            ops::vm_create::accept(context, keyed.tenant, &keyed.body, Some(keyed.key))
        };
        let Some(answer) = self.accept("create", accept) else {
            return;
        };
        let jobs: Vec<_> = answer
            .expect("a good create")
            .iter()
            .map(|job| job.id)
            .collect();
        if let Some(known) = known {
            assert_eq!(known, jobs, "a repeat has other jobs");
            self.faults.struck(Kind::Repeated);
        }
        if let Some(heard) = &keyed.heard {
            assert_eq!(heard, &jobs, "a repeat has other jobs than were heard");
        }
        let lost = self.faults.pass(Place::Client, &mut self.rng);
        match lost {
            Some(kind) => self.faults.struck(kind),
            None => self.clients.keyed[index].heard = Some(jobs),
        }
    }

    fn repeat(&mut self) {
        let count = u64::try_from(self.clients.keyed.len()).expect("small");
        if count == 0 {
            return;
        }
        let index = usize::try_from(self.rng.below(count)).expect("small");
        if self.rng.chance(800) {
            return self.send_create(index);
        }
        let keyed = self.clients.keyed[index].clone();
        if self.store.answer(&keyed.key.key).is_none() {
            return;
        }
        let other = Idempotency {
            request: [2; 16],
            ..keyed.key
        };
        let answer = self.accept("create with another body", |context| {
            ops::vm_create::accept(context, keyed.tenant, &keyed.body, Some(other))
        });
        if let Some(answer) = answer {
            let code = answer.map(|_| ()).map_err(|refusal| refusal.code);
            assert_eq!(code, Err(ErrorCode::IdempotencyKeyReused));
        }
    }

    /// Another tenant's machine and one that never was are answered alike.
    fn trespass(&mut self, tenant: TenantId) {
        let others = self.store.resources.values().find(|it| it.tenant != tenant);
        let other = others.map_or(ResourceId(Uuid::from_u128(u128::MAX)), |it| it.id);
        let answer = self.accept("trespass", |context| {
            ops::vm_delete::accept(context, tenant, other)
        });
        if let Some(answer) = answer {
            assert_eq!(answer.map(|_| ()), Err(Refusal::no_machine()));
        }
    }

    /// A change of a machine; calls wait for their job.
    pub fn change(&mut self, tenant: TenantId, id: ResourceId, change: Change) {
        self.tell(|| format!("-- {change:?} {}", short(id.0)));
        match change {
            Change::Delete => {
                let accept = |context: &Context<'_>| ops::vm_delete::accept(context, tenant, id);
                let _ = self.accept("delete", accept);
            }
            Change::Start => self.call(Operation::VmStart, tenant, id),
            Change::Stop => self.call(Operation::VmStop, tenant, id),
            Change::Reset => self.call(Operation::VmReset, tenant, id),
            Change::Rename => self.rename(tenant, id),
        }
    }

    /// Any job of a machine, ended or not; mostly its last.
    fn cancel(&mut self, tenant: TenantId, id: ResourceId) {
        let jobs = self.store.jobs.values().filter(|job| job.resource == id);
        let mut jobs: Vec<_> = jobs.map(|job| (job.number, job.id)).collect();
        jobs.sort_unstable();
        let last = jobs.last().copied();
        let any = self.rng.pick(&jobs).copied();
        let picked = if self.rng.chance(500) { last } else { any };
        let (_, job) = picked.expect("a machine has a create");
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
                self.faults.struck(Kind::CancelTooLate);
            }
            None => {}
        }
    }

    fn rename(&mut self, tenant: TenantId, id: ResourceId) {
        self.clients.names += 1;
        let body = MachineRename {
            name: format!("renamed-{}", self.clients.names),
        };
        let answer = self.accept("rename", |context| {
            ops::vm_rename::accept(context, tenant, id, &body)
        });
        // Where the answer is lost, the record tells.
        let taken = self
            .store
            .resources
            .get(&id)
            .is_some_and(|it| it.record.name == body.name);
        if matches!(answer, Some(Ok(_))) || taken {
            assert!(taken, "a rename does not show");
            self.witness.named(id, &body.name);
        }
    }

    pub fn call(&mut self, operation: Operation, tenant: TenantId, id: ResourceId) {
        let answer = self.accept("call", |context| match operation {
            Operation::VmStart => ops::vm_start::accept(context, tenant, id),
            Operation::VmStop => ops::vm_stop::accept(context, tenant, id),
            _ => ops::vm_reset::accept(context, tenant, id),
        });
        match answer {
            Some(Ok(Call::Job(job))) if !self.patient => {
                let patience = *self
                    .rng
                    .pick(&[1, 30, 2_000, 50_000, 50_000])
                    .expect("some");
                self.if_alive(patience, What::Patience(job.id));
            }
            Some(Err(refusal)) if refusal.code == ErrorCode::LineFull => {
                assert_eq!(self.store.line(id).synchronous, SYNCHRONOUS_LIMIT);
                self.faults.struck(Kind::LineFull);
            }
            _ => {}
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
