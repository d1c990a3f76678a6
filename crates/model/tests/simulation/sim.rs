//! One history: the store, the hosts and the clients on simulated time, driven by one queue.

use crate::{
    clients::Clients,
    faults::{Faults, Kind},
    host::{Step, UNSEEN, Unit, error},
    rng::Rng,
    witness::Witness,
    world::World,
};
use api::{JobId, ResourceId, Timestamp};
use model::{
    Assignment, Observed,
    actor::{Event, Moment},
    catalogue::Catalogue,
    memory::Memory,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    sync::LazyLock,
};

/// Two hosts with little room, few public addresses and few GPUs.
const CATALOGUE: &str = r#"
[[region]]
id = 3
name = "East"
country = { id = 1, name = "United States", abbreviation = "US" }
[[data_center]]
id = "6f1c0e5e-0000-4000-8000-000000000001"
name = "Lab A"
region = 3
host = { cpus = 6, memory_gb = 24, disk_gb = 400 }
public_ips = ["203.0.113.0/31", "203.0.113.9"]
gpus = [{ series = 7, count = 3 }]
[[data_center]]
id = "6f1c0e5e-0000-4000-8000-000000000002"
name = "Lab B"
region = 3
host = { cpus = 64, memory_gb = 12, disk_gb = 300 }
public_ips = ["198.51.100.7"]
[[image]]
id = 12
name = "Debian 12.x"
username = "debian"
min_disk_gb = 10
[[size]]
id = 44
name = "Micro"
code = "g-micro-1"
category = "general"
cpu = 1
memory_gb = 1
disk_gb = 10
[[size]]
id = 45
name = "Small"
code = "g-small-1"
category = "general"
cpu = 2
memory_gb = 4
disk_gb = 40
[[volume_type]]
id = 1
name = "SSD"
sizes = [
    { id = 1, size_gb = 10 },
    { id = 2, size_gb = 20 },
    { id = 3, size_gb = 80 },
]
[[gpu_series]]
id = 7
name = "T1"
code = "t1"
per_gpu = { cpu = 1, memory_gb = 2, disk_gb = 20 }
"#;

pub static SMALL: LazyLock<Catalogue> =
    LazyLock::new(|| Catalogue::parse(CATALOGUE).expect("the catalogue is well-formed"));

/// Events of one history; far more than any history needs.
const EVENT_LIMIT: u64 = 200_000;

/// What can happen.
#[derive(Clone, Debug)]
pub enum What {
    /// A tenant does something.
    Request,
    /// A call has waited long enough.
    Patience(JobId),
    /// The engine looks for what can start.
    Pump,
    /// The next report of a resource reaches the engine.
    Deliver(ResourceId),
    /// A host is told.
    Assigned(Assignment),
    /// A host is told that it may forget.
    Forget(ResourceId),
    /// The answer to a look; `None` looks only now.
    Looked(ResourceId, Option<Observed>),
    /// A look that failed.
    NotSeen(ResourceId),
    /// Something of a running action.
    Step(ResourceId, u64, Step),
    /// The time of an actor's deadline.
    Tick(ResourceId),
    /// The world of a resource has changed by itself.
    Changed(ResourceId),
    /// An operator sees to what is left over.
    Operator,
    /// Some machine dies by itself.
    MachineDies,
    /// This machine dies by itself, if it runs.
    Dies(ResourceId, Kind),
    /// The host reboots: all processes end, the server's too.
    HostReboots,
    /// The server is killed in the middle of an action.
    CrashInAction,
    /// The server is killed at any moment.
    CrashAnywhere,
    /// The server is started again.
    Boot,
    /// The wall clock jumps.
    ClockJumps,
}

pub struct Sim {
    pub rng: Rng,
    pub faults: Faults,
    pub now_ms: u64,
    skew_ms: i64,
    queue: BTreeMap<(u64, u64), (Option<u64>, What)>,
    queued: u64,
    /// The server's process by number while it is up.
    pub up: bool,
    pub process: u64,
    pub store: Memory,
    pub catalogue: &'static Catalogue,
    pub host_slots: u32,
    pub world: World,
    pub units: BTreeMap<ResourceId, Unit>,
    /// The networks that hand out ports: the engine has stored that they are settled.
    pub ready: BTreeSet<ResourceId>,
    /// Whether clients wait for as long as it takes.
    pub patient: bool,
    /// Until when no look at a resource succeeds.
    pub dark_until: BTreeMap<ResourceId, u64>,
    pub tokens: u64,
    /// When a host was last told something of a resource.
    pub told_at: BTreeMap<ResourceId, u64>,
    pub witness: Witness,
    pub clients: Clients,
    history: Option<String>,
}

impl Sim {
    pub fn new(seed: u64, faults: Faults, tell: bool) -> Self {
        Self {
            rng: Rng::new(seed),
            faults,
            now_ms: 1_000,
            skew_ms: 0,
            queue: BTreeMap::new(),
            queued: 0,
            up: true,
            process: 1,
            store: Memory::default(),
            catalogue: &SMALL,
            host_slots: 3,
            world: World::default(),
            units: BTreeMap::new(),
            ready: BTreeSet::new(),
            patient: false,
            dark_until: BTreeMap::new(),
            tokens: 0,
            told_at: BTreeMap::new(),
            witness: Witness::default(),
            clients: Clients::default(),
            history: tell.then(String::new),
        }
    }

    /// Writes a line of history, if anybody will read it.
    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(history) = &mut self.history {
            let _ = writeln!(history, "{:9} {}", self.now_ms, line());
        }
    }

    pub fn history(&self) -> &str {
        self.history.as_deref().unwrap_or_default()
    }

    pub fn wall(&self) -> Timestamp {
        let steady = i64::try_from(self.now_ms).expect("simulated time is short");
        Timestamp::from_millis(1_780_000_000_000 + steady + self.skew_ms)
    }

    pub fn moment(&self) -> Moment {
        Moment {
            wall: self.wall(),
            steady_ms: self.now_ms,
        }
    }

    /// Something outside of the server will happen.
    pub fn later(&mut self, in_ms: u64, what: What) {
        self.enqueue(in_ms, None, what);
    }

    /// Something will happen if the server's process still lives then.
    pub fn if_alive(&mut self, in_ms: u64, what: What) {
        self.enqueue(in_ms, Some(self.process), what);
    }

    fn enqueue(&mut self, in_ms: u64, process: Option<u64>, what: What) {
        self.queued += 1;
        let key = (self.now_ms + in_ms, self.queued);
        self.queue.insert(key, (process, what));
    }

    /// Runs until nothing is left to happen.
    pub fn run(&mut self) {
        self.run_until(u64::MAX);
    }

    pub fn run_until(&mut self, end_ms: u64) {
        for _ in 0..EVENT_LIMIT {
            let Some(entry) = self.queue.first_entry() else {
                return;
            };
            if entry.key().0 > end_ms {
                return;
            }
            let ((at, _), (process, what)) = entry.remove_entry();
            self.now_ms = self.now_ms.max(at);
            if process.is_none_or(|process| self.up && process == self.process) {
                self.happen(what);
            }
        }
        panic!("no end after {EVENT_LIMIT} events");
    }

    fn happen(&mut self, what: What) {
        match what {
            What::Request => self.request(),
            What::Patience(job) => self.patience(job),
            What::Pump => self.pump(),
            What::Deliver(id) => self.deliver(id),
            What::Assigned(assignment) => self.assigned(assignment),
            What::Forget(id) => {
                self.units.remove(&id);
                self.ready.remove(&id);
                self.world.forget(id);
            }
            What::Looked(id, seen) => {
                let seen = seen.unwrap_or_else(|| self.world.observe(id));
                self.handle(id, Event::Observed(seen, self.ready.clone()));
            }
            What::NotSeen(id) => {
                self.handle(id, Event::Blind(error(UNSEEN, false)));
            }
            What::Step(id, token, step) => self.step(id, token, step),
            What::Tick(id) => self.tick(id),
            What::Changed(id) => self.handle(id, Event::Changed),
            What::Operator => self.operator(),
            What::MachineDies => self.machine_dies(),
            What::Dies(id, kind) => self.dies(id, kind),
            What::HostReboots => self.host_reboots(),
            What::CrashInAction => {
                self.faults.struck(Kind::CrashInAction);
                self.crash();
            }
            What::CrashAnywhere => {
                if self.up && self.faults.reserve_crash() {
                    self.faults.struck(Kind::CrashAnywhere);
                    self.crash();
                }
            }
            What::Boot => self.boot(),
            What::ClockJumps => {
                self.skew_ms += i64::try_from(self.rng.below(200_000)).expect("small") - 100_000;
                self.faults.struck(Kind::ClockJumps);
            }
        }
    }

    /// The server's processes end here and now; what the hosts had half done stays.
    pub fn crash(&mut self) {
        self.tell(|| "== the server is killed".to_owned());
        self.up = false;
        self.process += 1;
        // Whoever waited for a call that had not begun has been told nothing but that it is over.
        for job in self.pending_calls() {
            self.witness.withdrawn(job);
        }
        self.units.clear();
        self.ready.clear();
        self.world.referee.all_end();
        let pause = self.rng.within(10, 3_000);
        self.later(pause, What::Boot);
    }

    fn machine_dies(&mut self) {
        let running = self.world.running();
        if let Some(&id) = self.rng.pick(&running) {
            self.dies(id, Kind::MachineDies);
        }
    }

    /// The machine's process ends by itself; its actor hears of it.
    fn dies(&mut self, id: ResourceId, kind: Kind) {
        if self.world.die(id) {
            self.tell(|| format!("== machine {} dies", short(id.0)));
            self.faults.struck(kind);
            let delay = self.rng.below(50);
            self.if_alive(delay, What::Changed(id));
        }
    }

    fn host_reboots(&mut self) {
        self.tell(|| "== the hosts reboot".to_owned());
        self.world.reboot();
        self.faults.struck(Kind::HostReboots);
        if self.up {
            self.crash();
        }
    }
}

/// The end of an id, for people.
pub fn short(id: uuid::Uuid) -> String {
    format!("#{:x}", id.as_u128() & 0xffff)
}
