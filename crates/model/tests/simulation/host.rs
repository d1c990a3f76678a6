//! The simulated agent and driver: runs each resource's [`Actor`] on the queue.

use crate::{
    faults::{Kind, Place},
    sim::{Sim, What, short},
    world::Part,
};
use api::{JobErrorCode, ResourceId};
use model::{
    Assignment, Report, ReportState,
    actor::{ActionError, Actor, Effect, Event},
    job::JobError,
    plan::Action,
    report::Failure,
};
use std::collections::VecDeque;

/// What a failed look says.
pub const UNSEEN: &str = "It cannot be seen.";

/// A resource on its host, in the server's process.
pub struct Unit {
    pub actor: Actor,
    running: Option<Running>,
    pub outbox: VecDeque<Report>,
    pub delivering: bool,
    tick_at: Option<u64>,
    /// The actor has panicked; a new one starts when the engine has answered what was reported.
    pub broken: bool,
}

struct Running {
    token: u64,
    generation: u64,
    action: Action,
    half: bool,
}

/// Something of a running action.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    Progress(u16),
    Half,
    /// It ends as this kind of fault has it, or well.
    End(Option<Kind>),
    Killed,
}

impl Unit {
    fn new(actor: Actor) -> Self {
        Self {
            actor,
            running: None,
            outbox: VecDeque::new(),
            delivering: false,
            tick_at: None,
            broken: false,
        }
    }

    pub fn is_idle(&self) -> bool {
        self.running.is_none() && self.outbox.is_empty()
    }
}

impl Sim {
    /// Takes up a resource with a new actor, from what the host has kept.
    pub fn take_up(&mut self, assignment: Assignment) {
        let id = assignment.resource;
        let (actor, effects) = Actor::new(
            model::DriverAbilities::SIM,
            assignment,
            self.world.ledger(id),
            self.moment(),
        );
        self.units.insert(id, Unit::new(actor));
        self.execute(id, effects);
    }

    /// The engine's newest spec arrives.
    pub fn assigned(&mut self, assignment: Assignment) {
        let id = assignment.resource;
        if self.ready.contains(&id) {
            let newest = self
                .units
                .get(&id)
                .map(|unit| unit.actor.assignment().generation);
            // What is being changed hands out nothing.
            if newest.is_none_or(|newest| newest < assignment.generation) {
                self.ready.remove(&id);
            }
        }
        match self.units.get(&id) {
            None => self.take_up(assignment),
            Some(unit) if unit.broken => {}
            Some(_) => self.handle(id, Event::Assigned(assignment)),
        }
    }

    pub fn handle(&mut self, id: ResourceId, event: Event) {
        let now = self.moment();
        let Some(unit) = self.units.get_mut(&id).filter(|unit| !unit.broken) else {
            return;
        };
        let waited = unit.actor.awaits();
        let effects = unit.actor.handle(event, now);
        if waited.is_none() && unit.actor.awaits().is_some() {
            self.faults.struck(Kind::WaitedForNetwork);
        }
        self.execute(id, effects);
    }

    pub fn tick(&mut self, id: ResourceId) {
        let now_ms = self.now_ms;
        let due = self.units.get_mut(&id).is_some_and(|unit| {
            unit.tick_at = None;
            unit.actor.deadline().is_some_and(|at| at <= now_ms)
        });
        if due {
            self.gives_up_waiting(id);
            self.handle(id, Event::Tick);
        }
        self.wind(id);
    }

    /// It waits for a network that hands out nothing: nobody missed to wake it.
    fn gives_up_waiting(&mut self, id: ResourceId) {
        let unit = &self.units[&id];
        if let Some(network) = unit.actor.awaits() {
            assert!(
                !self.ready.contains(&network),
                "{id} waits for {network}, which hands out ports"
            );
            self.strikes(id, Kind::NetworkNotReady);
        }
    }

    /// Sets the alarm for the actor's deadline.
    fn wind(&mut self, id: ResourceId) {
        let Some(unit) = self.units.get_mut(&id) else {
            return;
        };
        let deadline = unit.actor.deadline().filter(|_| !unit.broken);
        if let Some(at) = deadline.filter(|_| unit.tick_at != deadline) {
            unit.tick_at = deadline;
            let in_ms = at.saturating_sub(self.now_ms);
            self.if_alive(in_ms, What::Tick(id));
        }
    }

    fn execute(&mut self, id: ResourceId, effects: Vec<Effect>) {
        for effect in effects {
            if !self.up || self.units.get(&id).is_none_or(|unit| unit.broken) {
                return;
            }
            match effect {
                Effect::Save(ledger) => {
                    if self.faults.crashes(Place::BeforeSave, &mut self.rng) {
                        return self.crash();
                    }
                    if self.faults.pass(Place::Save, &mut self.rng) == Some(Kind::SaveFails) {
                        self.strikes(id, Kind::SaveFails);
                        self.handle(id, Event::Unsaved);
                        continue;
                    }
                    self.world.save(id, ledger);
                    if self.faults.crashes(Place::AfterSave, &mut self.rng) {
                        return self.crash();
                    }
                    self.handle(id, Event::Saved);
                }
                Effect::Observe => self.look(id),
                Effect::Begin(action) => self.begin(id, action),
                Effect::Kill => self.kill(id),
                Effect::Report(report) => {
                    if let ReportState::Failed(failure) = &report.state
                        && failure.error.text.ends_with(UNSEEN)
                    {
                        self.faults.struck(Kind::GaveUpUnseen);
                    }
                    self.send(id, report);
                }
            }
        }
        self.wind(id);
    }

    /// A fault strikes what a resource's actor works on.
    fn strikes(&mut self, id: ResourceId, kind: Kind) {
        let unit = self.units.get(&id).expect("it has just spoken");
        let generation = unit.actor.assignment().generation;
        self.tell(|| format!("== {kind:?} strikes {}", short(id.0)));
        self.faults.struck(kind);
        self.witness.struck(id, generation, kind);
    }

    /// A look takes time; what it sees may be the world at its beginning or at its end.
    fn look(&mut self, id: ResourceId) {
        let seen = self.rng.chance(500).then(|| self.world.observe(id));
        let fault = self.faults.pass(Place::Look, &mut self.rng);
        let delay = match fault {
            Some(Kind::SlowLook) => self.rng.within(100, 5_000),
            _ => self.rng.below(30),
        };
        if self.dark_until.get(&id).is_some_and(|&at| self.now_ms < at) {
            self.strikes(id, Kind::GoesDark);
            return self.if_alive(delay, What::NotSeen(id));
        }
        match fault {
            Some(Kind::GoesDark) => {
                let length = self.rng.within(1_000, 400_000);
                self.dark_until.insert(id, self.now_ms + length);
                self.strikes(id, Kind::GoesDark);
                return self.if_alive(delay, What::NotSeen(id));
            }
            Some(Kind::DiesWhileLookedAt) if self.world.machine(id).process.is_some() => {
                let after = self.rng.below(delay + 1);
                self.later(after, What::Dies(id, Kind::DiesWhileLookedAt));
            }
            Some(Kind::SlowLook) => self.faults.struck(Kind::SlowLook),
            Some(Kind::LookFails) => {
                self.strikes(id, Kind::LookFails);
                return self.if_alive(delay, What::NotSeen(id));
            }
            _ => {}
        }
        self.if_alive(delay, What::Looked(id, seen));
    }

    /// Milliseconds that an action takes.
    fn length(&mut self, fault: Option<Kind>) -> u64 {
        let length = if self.rng.chance(100) {
            4
        } else {
            self.rng.within(50, 3_000)
        };
        length * if fault == Some(Kind::Slow) { 10 } else { 1 }
    }

    fn begin(&mut self, id: ResourceId, action: Action) {
        let unit = self.units.get_mut(&id).expect("it has just spoken");
        let generation = unit.actor.assignment().generation;
        self.tokens += 1;
        let token = self.tokens;
        unit.running = Some(Running {
            token,
            generation,
            action: action.clone(),
            half: false,
        });
        if self.world.ledger(id).settled == generation {
            self.faults.struck(Kind::Healed);
        }
        self.tell(|| {
            format!(
                "   {} begins {action:?} for generation {generation}",
                short(id.0)
            )
        });
        self.world.referee.begins(id, generation, &action);
        let fault = self.faults.pass(Place::Action, &mut self.rng);
        let fault =
            fault.filter(|&kind| kind != Kind::CrashInAction || self.faults.reserve_crash());
        let length = self.length(fault);
        let breaks = matches!(
            fault,
            Some(
                Kind::Transient
                    | Kind::Permanent
                    | Kind::Stall
                    | Kind::CrashInAction
                    | Kind::ActorPanics
            )
        );
        let reach = if breaks { self.rng.below(1_000) } else { 1_000 };
        let mut step = |thousandths: u64, step: Step| {
            if thousandths <= reach {
                self.if_alive(length * thousandths / 1_000, What::Step(id, token, step));
            }
        };
        for thousandths in [250, 500, 750_u16] {
            step(u64::from(thousandths), Step::Progress(thousandths));
        }
        step(1_000, Step::End(fault));
        let half = self.rng.below(1_000);
        if half <= reach {
            self.if_alive(length * half / 1_000, What::Step(id, token, Step::Half));
        }
        if let Some(kind) = fault.filter(|_| breaks && reach < 1_000) {
            let at = length * reach / 1_000;
            match kind {
                Kind::CrashInAction => self.if_alive(at, What::CrashInAction),
                Kind::Stall => {
                    self.faults.struck(kind);
                    self.witness.struck(id, generation, kind);
                }
                _ => self.if_alive(at, What::Step(id, token, Step::End(Some(kind)))),
            }
        }
        match fault {
            Some(Kind::Slow) => self.faults.struck(Kind::Slow),
            Some(Kind::DiesAtWork) => {
                let after = self.rng.below(length);
                self.later(after, What::Dies(id, Kind::DiesAtWork));
            }
            _ => {}
        }
    }

    fn kill(&mut self, id: ResourceId) {
        let running = self.units.get(&id).and_then(|unit| unit.running.as_ref());
        if let Some(token) = running.map(|running| running.token) {
            let delay = self.rng.below(40);
            self.if_alive(delay, What::Step(id, token, Step::Killed));
        }
    }

    pub fn step(&mut self, id: ResourceId, token: u64, step: Step) {
        let unit = self.units.get_mut(&id);
        let running = unit.and_then(|unit| unit.running.as_mut());
        let Some(running) = running.filter(|running| running.token == token) else {
            return;
        };
        let (generation, action) = (running.generation, running.action.clone());
        match step {
            Step::Progress(thousandths) => self.handle(id, Event::Progress(thousandths)),
            Step::Half => {
                running.half = true;
                let _ = self.world.land(id, generation, &action, Part::Half);
            }
            Step::End(fault) => self.end(id, generation, &action, fault),
            Step::Killed => self.ended(id, Err(error("Killed.", false))),
        }
    }

    fn end(&mut self, id: ResourceId, generation: u64, action: &Action, fault: Option<Kind>) {
        if let Some(kind) = fault {
            self.tell(|| format!("== {kind:?} strikes {} in {action:?}", short(id.0)));
            if kind != Kind::Slow && kind != Kind::DiesAtWork {
                self.faults.struck(kind);
                self.witness.struck(id, generation, kind);
            }
        }
        let whole = !matches!(
            fault,
            Some(Kind::Transient | Kind::Permanent | Kind::ActorPanics)
        );
        let landed = if whole {
            self.land_whole(id, generation, action)
        } else {
            Ok(())
        };
        let result = match fault {
            Some(Kind::Transient | Kind::TransientAfterEffect) => {
                Err(error("Injected, may pass.", false))
            }
            Some(Kind::Permanent | Kind::PermanentAfterEffect) => Err(error("Injected.", true)),
            Some(Kind::ActorPanics) => return self.panics(id),
            _ => landed.map_err(|what| error(what, false)),
        };
        self.ended(id, result);
    }

    fn land_whole(
        &mut self,
        id: ResourceId,
        generation: u64,
        action: &Action,
    ) -> Result<(), &'static str> {
        let unit = self.units.get_mut(&id);
        let running = unit.and_then(|unit| unit.running.as_mut());
        let running = running.expect("only a running action ends");
        if !running.half {
            running.half = true;
            self.world.land(id, generation, action, Part::Half)?;
        }
        self.world.land(id, generation, action, Part::Whole)
    }

    fn ended(&mut self, id: ResourceId, result: Result<(), ActionError>) {
        self.tell(|| format!("   {} ended: {result:?}", short(id.0)));
        self.world.referee.ends(id);
        if let Some(unit) = self.units.get_mut(&id) {
            unit.running = None;
        }
        self.handle(id, Event::Ended(result));
    }

    /// The actor is gone; nothing of its action goes on, but nobody knows how far it came.
    fn panics(&mut self, id: ResourceId) {
        self.world.referee.ends(id);
        let unit = self.units.get_mut(&id).expect("it has just panicked");
        unit.broken = true;
        unit.running = None;
        let text = "The agent stumbled over a fault of its own.";
        let report = Report {
            resource: id,
            generation: unit.actor.assignment().generation,
            state: ReportState::Failed(Failure {
                error: JobError::new(JobErrorCode::DriverError, text),
                outstanding: true,
            }),
            phase: None,
            total: 0,
            remaining: 0,
            phases: Vec::new(),
            done: Vec::new(),
            observed: None,
        };
        self.send(id, report);
    }
}

pub fn error(text: &str, permanent: bool) -> ActionError {
    ActionError {
        error: JobError::new(JobErrorCode::DriverError, text),
        permanent,
    }
}
