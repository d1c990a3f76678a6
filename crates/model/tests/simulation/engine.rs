//! The simulated engine: nothing but transactions, each with a crash possible before and after its
//! commit, and everything checked after every single one.

use crate::{
    faults::{Kind, Place},
    sim::{Sim, What, short},
};
use api::{HostId, JobId};
use model::{
    Assignment, Context, Job, Report, ReportState, Told, Write,
    course::{self, Withdrawal},
    job::JobState,
};
use std::fmt::Write as _;

impl Sim {
    /// One transaction. `None`: the server was killed, before the commit or after it.
    pub fn transact<T>(
        &mut self,
        what: &str,
        rule: impl FnOnce(&Context<'_>) -> (Vec<Write>, T),
    ) -> Option<T> {
        if self.faults.crashes(Place::BeforeCommit, &mut self.rng) {
            self.tell(|| format!("== before the commit of {what}"));
            self.crash();
            return None;
        }
        let ((writes, answer), last_id) = self.store.decide(
            (self.catalogue, model::DriverAbilities::SIM),
            self.wall(),
            rule,
        );
        self.store.last_id = last_id;
        if !writes.is_empty() {
            self.store.apply(&writes);
            if let Err(problem) = self.store.check() {
                panic!("after {what}: {problem}");
            }
            self.tell(|| told(what, &writes));
            let catalogue = self.catalogue;
            let seen = self
                .witness
                .committed(&self.store, &self.world, catalogue, &writes);
            for kind in seen {
                self.faults.struck(kind);
            }
            self.if_alive(1, What::Pump);
        }
        if self.faults.crashes(Place::AfterCommit, &mut self.rng) {
            self.tell(|| format!("== after the commit of {what}"));
            self.crash();
            return None;
        }
        Some(answer)
    }

    /// Everything that can start, starts; wishes to cancel are answered.
    pub fn pump(&mut self) {
        for job in self.store.ready_calls() {
            if !self.start(job) {
                return;
            }
        }
        for job in self.wishes() {
            let Some(assignment) = self.transact("cancel", |context| course::cancel(context, job))
            else {
                return;
            };
            self.assign(assignment);
        }
        let hosts: Vec<_> = self
            .catalogue
            .data_centers
            .iter()
            .map(|dc| dc.host_id())
            .collect();
        for host in hosts {
            while self.running_on(host) < self.host_slots {
                let Some(job) = self.store.next_turn(host) else {
                    break;
                };
                if !self.start(job) {
                    return;
                }
            }
        }
    }

    fn wishes(&self) -> Vec<JobId> {
        let wished = |job: &&Job| job.cancel && job.state == JobState::Running;
        self.store
            .jobs
            .values()
            .filter(wished)
            .map(|job| job.id)
            .collect()
    }

    pub fn running_on(&self, host: HostId) -> u32 {
        let turns = self.store.turns.iter().filter(|((of, _), _)| *of == host);
        turns.map(|(_, turn)| turn.running).sum()
    }

    /// Says whether the server still lives.
    fn start(&mut self, job: JobId) -> bool {
        let fault = self.faults.pass(Place::Start, &mut self.rng);
        if let Some(kind) = fault {
            self.faults.struck(kind);
            self.witness.panicked(job);
            return self
                .transact("fail", |context| (course::fail(context, job), ()))
                .is_some();
        }
        let Some(assignment) = self.transact("start", |context| course::start(context, job)) else {
            return false;
        };
        self.assign(assignment);
        true
    }

    fn assign(&mut self, assignment: Option<Assignment>) {
        if let Some(assignment) = assignment {
            self.tell_host(assignment.resource, What::Assigned(assignment));
        }
    }

    /// A call has waited long enough, or its client has left.
    pub fn patience(&mut self, job: JobId) {
        let withdrawal = self.transact("withdraw", |context| course::withdraw(context, job));
        if let Some(Withdrawal::Withdrawn(_)) = withdrawal {
            self.faults.struck(Kind::CallWithdrawn);
            self.witness.withdrawn(job);
        }
    }

    pub fn pending_calls(&self) -> Vec<JobId> {
        let pending = |job: &&Job| job.is_synchronous() && job.state == JobState::Pending;
        let jobs = self.store.jobs.values();
        jobs.filter(pending).map(|job| job.id).collect()
    }

    /// The server starts again: calls are withdrawn first, then each resource is taken up.
    pub fn boot(&mut self) {
        self.up = true;
        self.process += 1;
        self.tell(|| "== the server starts".to_owned());
        let calls = self.pending_calls();
        for job in calls {
            match self.transact("withdraw at boot", |context| course::withdraw(context, job)) {
                Some(_) => self.faults.struck(Kind::CallWithdrawnAtBoot),
                None => return self.faults.struck(Kind::CrashWhileBooting),
            }
        }
        let resources: Vec<_> = self.store.resources.values().cloned().collect();
        for resource in resources.iter().filter(|resource| resource.generation > 0) {
            let job = resource.acting.map(|job| self.store.jobs[&job].clone());
            self.take_up(course::assignment(resource, job.as_ref()));
            if !self.up {
                return self.faults.struck(Kind::CrashWhileBooting);
            }
        }
        self.ask_what_to_forget();
        self.if_alive(1, What::Pump);
    }

    /// What the host has kept of resources that the engine no longer knows.
    fn ask_what_to_forget(&mut self) {
        let ledgers = self.world.ledgers.iter();
        let orphans: Vec<_> = ledgers
            .filter(|(id, _)| !self.units.contains_key(id))
            .map(|(&id, ledger)| (id, ledger.generation))
            .collect();
        for (resource, generation) in orphans {
            let report = Report {
                resource,
                generation,
                state: ReportState::Acting,
                phase: None,
                total: 0,
                remaining: 0,
                phases: Vec::new(),
                done: Vec::new(),
                observed: None,
            };
            let heard = self.transact("orphan", |context| course::report(context, &report));
            match heard.map(|heard| heard.told) {
                Some(Told::Forget) => self.world.forget(resource),
                Some(told) => panic!("{resource} has a ledger and no unit: {told:?}"),
                None => return,
            }
        }
    }
}

fn told(what: &str, writes: &[Write]) -> String {
    let mut line = format!("{what}:");
    for write in writes {
        let _ = match write {
            Write::PutJob(job) => write!(
                line,
                " job {} {} of {} {:?} {}% {}{}",
                short(job.id.0),
                job.operation.name(),
                short(job.resource.0),
                job.state,
                job.progress,
                job.stage,
                job.error
                    .as_ref()
                    .map_or(String::new(), |error| format!(" ({})", error.text)),
            ),
            Write::PutResource(it) => write!(
                line,
                "\n            {} {} {} {:?} generation {} settled {} {:?} seen {:?}{}",
                it.kind().as_str(),
                short(it.id.0),
                it.name,
                it.status,
                it.generation,
                it.settled,
                it.spec,
                it.observed,
                it.leftover
                    .as_ref()
                    .map_or(String::new(), |left| format!(" left over: {}", left.what)),
            ),
            Write::RemoveResource(id) => write!(line, " {} removed", short(id.0)),
            Write::Claim(claim) => write!(
                line,
                " {} holds {} of {:?}",
                short(claim.holder.0),
                claim.amount,
                claim.item
            ),
            Write::Unclaim { holder, item } => {
                write!(line, " {} lets go of {item:?}", short(holder.0))
            }
            _ => Ok(()),
        };
    }
    line
}
