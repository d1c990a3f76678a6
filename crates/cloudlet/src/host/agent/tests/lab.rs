//! What the tests of the agent work with.

use super::super::Agent;
use crate::{
    clock::Clock,
    faults::Faults,
    host::{
        Engine,
        driver::Driver,
        sim::{SimDriver, SimOptions, WORLD_FILE},
    },
};
use api::{
    HostId, NicId, ResourceId, TenantId, Timestamp,
    admin::{FaultCreate, FaultKind},
};
use model::{
    Assignment, MachineSpec, Operation, Report, ReportState, Spec, Told,
    actor::Ledger,
    report::{Failure, Origin},
    secret::Secret,
    spec::{Cidr, DiskSpec, GpuSpec, Mac, NetworkSpec, NicSpec, Power, Subnet, VolumeSpec},
};
use std::{
    collections::BTreeMap,
    future::Future,
    net::Ipv4Addr,
    path::Path,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tempfile::TempDir;
use tokio::sync::Notify;
use uuid::Uuid;

pub(super) const RESOURCE: ResourceId = ResourceId(Uuid::from_u128(1));
pub(super) const VOLUME: ResourceId = ResourceId(Uuid::from_u128(101));
pub(super) const NETWORK: ResourceId = ResourceId(Uuid::from_u128(102));

/// An engine that takes notes: it answers with the newest spec, and `Forget` once that is gone.
pub(super) struct Desk {
    clock: Clock,
    newest: Mutex<BTreeMap<ResourceId, Assignment>>,
    reports: Mutex<Vec<Entry>>,
    way_back: Mutex<Option<Assignment>>,
    closed: AtomicBool,
    pub(super) secrets: Mutex<Secrets>,
    pub(super) settled: Notify,
}

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) at_ms: u64,
    pub(super) report: Report,
}

impl Engine for Desk {
    fn report(&self, report: Report) -> Pin<Box<dyn Future<Output = Option<Told>> + Send + '_>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.closed.load(Ordering::Relaxed) {
                return None;
            }
            let at_ms = self.clock.moment().steady_ms;
            if let ReportState::Failed(_) = report.state
                && let Some(way_back) = self.way_back.lock().unwrap().take()
            {
                self.knows(way_back);
            }
            let mut newest = self.newest.lock().unwrap();
            let told = match newest.get(&report.resource).cloned() {
                Some(assignment)
                    if assignment.spec.is_absent()
                        && report.generation == assignment.generation
                        && report.state == ReportState::Settled =>
                {
                    newest.remove(&report.resource);
                    Told::Forget
                }
                Some(assignment) => Told::Spec(assignment),
                None => Told::Forget,
            };
            let settled = report.state == ReportState::Settled;
            self.reports.lock().unwrap().push(Entry { at_ms, report });
            if settled {
                self.settled.notify_one();
            }
            Some(told)
        })
    }

    fn secret(
        &self,
        _: ResourceId,
        generation: u64,
    ) -> Pin<Box<dyn Future<Output = Option<Secret>> + Send + '_>> {
        let mut asked = self.secrets.lock().unwrap();
        asked.asked.push(generation);
        let secret = asked.kept.clone();
        Box::pin(async { secret })
    }
}

/// What the desk keeps apart, and for which generations it was asked for it.
#[derive(Default)]
pub(super) struct Secrets {
    pub(super) kept: Option<Secret>,
    pub(super) asked: Vec<u64>,
}

impl Desk {
    pub(super) fn new(clock: &Clock) -> Arc<Self> {
        Arc::new(Self {
            clock: clock.clone(),
            newest: Mutex::default(),
            reports: Mutex::default(),
            way_back: Mutex::default(),
            closed: AtomicBool::new(false),
            secrets: Mutex::default(),
            settled: Notify::new(),
        })
    }

    pub(super) fn close(&self, closed: bool) {
        self.closed.store(closed, Ordering::Relaxed);
    }

    /// The first failure is answered with this.
    pub(super) fn goes_back_by(&self, assignment: Assignment) {
        *self.way_back.lock().unwrap() = Some(assignment);
    }

    pub(super) fn knows(&self, assignment: Assignment) {
        let mut newest = self.newest.lock().unwrap();
        newest.insert(assignment.resource, assignment);
    }

    pub(super) fn reports(&self) -> Vec<Entry> {
        self.reports.lock().unwrap().clone()
    }

    pub(super) fn last(&self) -> Entry {
        self.reports().pop().expect("a report")
    }

    /// The newest report of a resource.
    pub(super) fn last_of(&self, resource: ResourceId) -> Option<Report> {
        let mut reports = self.reports().into_iter().map(|entry| entry.report).rev();
        reports.find(|report| report.resource == resource)
    }

    /// The first failure that was reported, and when.
    pub(super) fn failure(&self) -> Option<(u64, Failure)> {
        self.reports()
            .into_iter()
            .find_map(|entry| match entry.report.state {
                ReportState::Failed(failure) => Some((entry.at_ms, failure)),
                _ => None,
            })
    }

    pub(super) fn phases(&self) -> Vec<String> {
        let mut phases: Vec<String> = Vec::new();
        phases.extend(
            self.reports()
                .into_iter()
                .filter_map(|entry| entry.report.phase),
        );
        phases.dedup();
        phases
    }

    /// What polls of its job would have shown.
    pub(super) fn values_every_250_ms(&self) -> Vec<u64> {
        let reports = self.reports();
        let end_ms = reports.last().map_or(0, |entry| entry.at_ms);
        let shown = |at_ms| {
            let before = reports.iter().filter(|entry| entry.at_ms <= at_ms);
            before
                .map(|entry| percent(&entry.report))
                .max()
                .unwrap_or(0)
        };
        (0..end_ms).step_by(250).map(shown).collect()
    }
}

pub(super) fn percent(report: &Report) -> u64 {
    let done = report.total.saturating_sub(report.remaining);
    (99 * done).checked_div(report.total).unwrap_or(0)
}

pub(super) fn machine_is_up(report: &Report, boot: u64) -> bool {
    let observed = report.observed.as_ref();
    let process = observed.and_then(|observed| observed.machine()?.process);
    process.is_some_and(|process| process.boot == boot && process.up && process.ready)
}

pub(super) fn machine() -> MachineSpec {
    MachineSpec {
        image: 12,
        cpus: 2,
        memory_gb: 4,
        disk_gb: 40,
        power: Power::On,
        boot: 1,
        disks: Vec::new(),
        nics: Vec::new(),
        gpus: None,
        secret: None,
    }
}

pub(super) fn create(generation: u64) -> Assignment {
    Assignment {
        resource: RESOURCE,
        host: HostId(Uuid::nil()),
        generation,
        spec: Spec::Machine(machine()),
        stall_ms: 120_000,
        hold: false,
        origin: Some(Origin {
            tenant: TenantId(Uuid::nil()),
            operation: Operation::VmCreate,
        }),
    }
}

/// The way back of a create.
pub(super) fn absent(generation: u64) -> Assignment {
    Assignment {
        spec: Spec::Absent,
        ..create(generation)
    }
}

/// A network whose addresses follow from a number.
pub(super) fn network(generation: u64, number: u8) -> Assignment {
    let address = |last| Ipv4Addr::new(10, 0, number, last);
    let subnet = Subnet {
        cidr: Cidr {
            network: address(0),
            prefix: 24,
        },
        gateway: address(1),
        first: address(2),
        last: address(254),
        snat: true,
        dhcp: true,
        default_route: true,
        serve_dns: true,
        dns: Vec::new(),
    };
    let spec = NetworkSpec {
        number: 1,
        subnet: Some(subnet),
    };
    Assignment {
        resource: NETWORK,
        spec: Spec::Network(spec),
        origin: Some(Origin {
            tenant: TenantId(Uuid::nil()),
            operation: Operation::NetworkCreate,
        }),
        ..create(generation)
    }
}

pub(super) fn volume(generation: u64, size_gb: u32) -> Assignment {
    Assignment {
        resource: VOLUME,
        spec: Spec::Volume(VolumeSpec { size_gb }),
        origin: Some(Origin {
            tenant: TenantId(Uuid::nil()),
            operation: Operation::VolumeCreate,
        }),
        ..create(generation)
    }
}

/// Nothing of what an assignment is about, from a generation on.
pub(super) fn gone(generation: u64, assignment: Assignment) -> Assignment {
    Assignment {
        generation,
        spec: Spec::Absent,
        ..assignment
    }
}

/// An interface whose addresses follow from a number.
pub(super) fn nic(number: u8) -> NicSpec {
    NicSpec {
        id: NicId(Uuid::from_u128(number.into())),
        slot: 0,
        network: NETWORK,
        mac: Mac(number.into()),
        address: Some(Ipv4Addr::new(10, 0, 0, number)),
        public: None,
    }
}

/// A machine with one interface, both of a number.
pub(super) fn wired(number: u8, generation: u64) -> Assignment {
    let machine = MachineSpec {
        nics: vec![nic(number)],
        ..machine()
    };
    let assignment = Assignment {
        spec: Spec::Machine(machine),
        ..create(generation)
    };
    of(number.into(), assignment)
}

/// A machine with everything: a GPU, a volume and an interface.
pub(super) fn full(generation: u64) -> Assignment {
    let gpus = GpuSpec {
        series: 1,
        slots: vec![0, 1],
    };
    let disk = DiskSpec {
        volume: VOLUME,
        slot: 0,
        size_gb: 20,
    };
    let machine = MachineSpec {
        gpus: Some(gpus),
        disks: vec![disk],
        nics: vec![nic(2)],
        ..machine()
    };
    Assignment {
        spec: Spec::Machine(machine),
        ..create(generation)
    }
}

pub(super) fn of(number: u128, assignment: Assignment) -> Assignment {
    Assignment {
        resource: ResourceId(Uuid::from_u128(number)),
        ..assignment
    }
}

pub(super) fn fail(operation: &str) -> FaultCreate {
    FaultCreate::new(operation, FaultKind::Fail)
}

pub(super) fn sim(data: &Path, clock: &Clock, speed: f64) -> Arc<SimDriver> {
    let options = SimOptions { speed, seed: 7 };
    Arc::new(SimDriver::open(data, clock.clone(), options).unwrap())
}

/// An agent with everything around it.
pub(super) struct Lab {
    pub(super) data: TempDir,
    pub(super) clock: Clock,
    pub(super) desk: Arc<Desk>,
    pub(super) faults: Faults,
    pub(super) driver: Arc<SimDriver>,
    pub(super) agent: Agent,
}

impl Lab {
    pub(super) async fn open(speed: f64) -> Self {
        Self::on(Clock::manual(Timestamp::from_millis(1_000_000)), speed).await
    }

    pub(super) async fn on(clock: Clock, speed: f64) -> Self {
        let data = tempfile::tempdir().unwrap();
        let driver = sim(data.path(), &clock, speed);
        Self::with(data, clock, driver.clone(), driver, Vec::new()).await
    }

    /// With a driver of the test's own in front of the simulator, and what is assigned already.
    pub(super) async fn with(
        data: TempDir,
        clock: Clock,
        driver: Arc<SimDriver>,
        front: Arc<dyn Driver>,
        assignments: Vec<Assignment>,
    ) -> Self {
        let (desk, faults) = (Desk::new(&clock), Faults::default());
        for assignment in &assignments {
            desk.knows(assignment.clone());
        }
        let start = Agent::start(
            front,
            desk.clone(),
            clock.clone(),
            faults.clone(),
            assignments,
        );
        let agent = start.await.unwrap();
        Self {
            data,
            clock,
            desk,
            faults,
            driver,
            agent,
        }
    }

    pub(super) fn assign(&self, assignment: Assignment) {
        self.desk.knows(assignment.clone());
        self.agent.assign(assignment);
    }

    /// Waits until nothing is left to do at this time.
    pub(super) async fn idle(&self) {
        self.clock.advance(0).await;
    }

    pub(super) fn last_of(&self, resource: ResourceId) -> Option<Report> {
        self.desk.last_of(resource)
    }

    pub(super) async fn ledgers(&self) -> BTreeMap<ResourceId, Ledger> {
        self.driver.ledgers().await.unwrap()
    }

    pub(super) fn effects(&self) -> Vec<String> {
        effects(self.data.path())
    }
}

/// The log of effects, read by a connection of its own.
pub(super) fn effects(data: &Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(data.join(WORLD_FILE)).unwrap();
    let mut query = connection
        .prepare("SELECT action FROM effect WHERE action <> 'taken' ORDER BY number")
        .unwrap();
    let rows = query.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}
