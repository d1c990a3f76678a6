//! What passes between a host and the engine: reports that are lost, doubled or late, and answers.

use crate::{
    faults::{Kind, Place},
    sim::{Sim, What},
};
use api::ResourceId;
use model::{
    Report, ReportState, Told,
    actor::Event,
    course::{self, Heard},
};

impl Sim {
    /// Reports go out one after the other.
    pub fn send(&mut self, id: ResourceId, report: Report) {
        let unit = self.units.get_mut(&id).expect("it has just spoken");
        unit.outbox.push_back(report);
        if !unit.delivering {
            unit.delivering = true;
            self.if_alive(1, What::Deliver(id));
        }
    }

    /// A report reaches the engine, or does not, or the answer is lost and it is sent again.
    pub fn deliver(&mut self, id: ResourceId) {
        let Some(unit) = self.units.get_mut(&id) else {
            return;
        };
        let Some(report) = unit.outbox.front().cloned() else {
            unit.delivering = false;
            return;
        };
        let fault = self.faults.pass(Place::Report, &mut self.rng);
        if let Some(kind) = fault.filter(|&kind| kind != Kind::ReportPanics) {
            self.faults.struck(kind);
        }
        match fault {
            Some(Kind::ReportLost) => {
                // Reports are states: what a newer one says makes this one needless.
                if unit.outbox.len() > 1 {
                    unit.outbox.pop_front();
                }
                return self.if_alive(200, What::Deliver(id));
            }
            Some(Kind::ReportLate) if self.rng.chance(500) => {
                let delay = self.rng.within(100, 20_000);
                return self.if_alive(delay, What::Deliver(id));
            }
            _ => {}
        }
        let heard = match fault {
            Some(Kind::ReportPanics) => self.give_up(id),
            _ => self.transact("report", |context| course::report(context, &report)),
        };
        let Some(Heard { told, others }) = heard else {
            return;
        };
        for assignment in others {
            self.tell_host(assignment.resource, What::Assigned(assignment));
        }
        if fault == Some(Kind::ReportDoubled) {
            return self.if_alive(100, What::Deliver(id));
        }
        let hands_out = report.state == ReportState::Settled
            && matches!(&told, Told::Spec(newest) if newest.generation == report.generation
                && newest.spec.network().is_some());
        self.told(id, told);
        if hands_out && self.ready.insert(id) {
            self.wake(id);
        }
    }

    /// The rule that hears a report panics: the job ends, or where there is none the report is sent again.
    fn give_up(&mut self, id: ResourceId) -> Option<Heard> {
        let resource = self.store.resources.get(&id);
        if let Some(job) = resource.and_then(|resource| resource.acting) {
            self.witness.panicked(job);
            self.faults.struck(Kind::ReportPanics);
        }
        let heard = self.transact("give up", |context| course::give_up(context, id))?;
        if heard.is_none() {
            self.if_alive(200, What::Deliver(id));
        }
        heard
    }

    /// A network hands out ports from now on: whoever waits for it looks again.
    fn wake(&mut self, network: ResourceId) {
        let waits = self
            .units
            .iter()
            .filter(|(_, unit)| unit.actor.awaits() == Some(network));
        let waits: Vec<_> = waits.map(|(&id, _)| id).collect();
        for id in waits {
            self.handle(id, Event::Changed);
        }
    }

    fn told(&mut self, id: ResourceId, told: Told) {
        let Some(unit) = self.units.get_mut(&id) else {
            return;
        };
        unit.outbox.pop_front();
        let again = unit.broken && unit.outbox.is_empty();
        unit.delivering = !unit.outbox.is_empty();
        if unit.delivering {
            self.if_alive(1, What::Deliver(id));
        }
        match told {
            Told::Spec(assignment) if again => self.take_up(assignment),
            Told::Spec(assignment) => self.tell_host(id, What::Assigned(assignment)),
            Told::Forget => self.tell_host(id, What::Forget(id)),
        }
    }

    /// What a host is told of one resource arrives late, and in order.
    pub fn tell_host(&mut self, id: ResourceId, what: What) {
        let told_at = self.told_at.get(&id).copied().unwrap_or(0);
        let at = told_at.max(self.now_ms + self.rng.below(20));
        self.told_at.insert(id, at);
        self.if_alive(at - self.now_ms, what);
    }
}
