//! One tenant's flood does not delay another's jobs.

use crate::sim::SMALL;
use api::{HostId, JobId, TenantId, Timestamp, machine::MachineCreate};
use model::{
    Context, JobState, MachineObserved, Observed, Spec, Write,
    catalogue::Catalogue,
    course,
    limits::{HOST_SLOTS, TENANT_SLOTS},
    memory::Memory,
    observed::{DiskObserved, NetworkObserved, ProcessObserved},
    ops,
    report::{Report, ReportState},
    secret::Carried,
};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

const FLOOD: i64 = 10_000;
const OTHERS: u128 = 9;
const ROUNDS: u32 = 100;

struct Desk {
    store: Memory,
    catalogue: Catalogue,
}

impl Desk {
    fn transact<T>(&mut self, rule: impl FnOnce(&Context<'_>) -> (Vec<Write>, T)) -> T {
        let now = Timestamp::from_millis(1_780_000_000_000);
        let ((writes, answer), last) =
            self.store
                .decide((&self.catalogue, model::DriverAbilities::SIM), now, rule);
        self.store.last_id = last;
        self.store.apply(&writes);
        answer
    }

    fn create(&mut self, tenant: TenantId, count: i64) {
        let body = MachineCreate {
            name: "vm".to_owned(),
            datacenter_id: self.catalogue.data_centers[0].id.to_string(),
            image_id: 12,
            configuration_id: 44,
            number_of_instances: Some(count),
            ..MachineCreate::default()
        };
        self.transact(|context| {
            ops::vm_create::accept(context, tenant, &body, &Carried::default()).expect("good")
        });
    }

    fn start(&mut self, job: JobId) {
        self.transact(|context| course::start(context, job));
    }

    /// A host that is done at once.
    fn finish(&mut self, job: JobId) {
        let job = self.store.jobs[&job].clone();
        let resource = &self.store.resources[&job.resource];
        let observed = match &resource.spec {
            Spec::Network(spec) => Observed::Network(NetworkObserved::Whole(spec.clone())),
            spec => {
                let machine = spec.machine().expect("nothing else was asked for");
                Observed::Machine(MachineObserved {
                    disk: DiskObserved::Whole {
                        size_gb: machine.disk_gb,
                    },
                    process: Some(ProcessObserved {
                        boot: machine.boot,
                        up: true,
                        ready: true,
                    }),
                    launched: machine.boot,
                    nics: machine.nics.clone(),
                    ..MachineObserved::default()
                })
            }
        };
        let report = Report {
            resource: job.resource,
            generation: resource.generation,
            state: ReportState::Settled,
            phase: None,
            total: 0,
            remaining: 0,
            phases: Vec::new(),
            done: Vec::new(),
            observed: Some(observed),
        };
        self.transact(|context| course::report(context, &report));
        assert_eq!(self.store.jobs[&job.id].state, JobState::Completed);
    }
}

/// A host that no flood can fill.
fn large() -> Catalogue {
    let mut catalogue = SMALL.clone();
    let host = &mut catalogue.data_centers[0].host;
    (host.cpus, host.memory_gb, host.disk_gb) = (20_000, 20_000, 200_000);
    catalogue
}

/// Whose flood it is.
const FLOODING: TenantId = TenantId(Uuid::from_u128(0xffff_0000));

fn tenant(number: u128) -> TenantId {
    TenantId(Uuid::from_u128(0xffff_0000 + number))
}

#[test]
fn a_flood_delays_nobody() {
    let mut desk = Desk {
        store: Memory::default(),
        catalogue: large(),
    };
    let host: HostId = desk.catalogue.data_centers[0].host_id();
    for _ in 0..FLOOD / 50 {
        desk.create(FLOODING, 50);
    }
    let mut running = VecDeque::new();
    let mut waits = Waits::default();
    // The flood takes every slot that it may have; the others then fill the host.
    fill(&mut desk, host, &mut running, &mut waits);
    assert_eq!(running.len(), TENANT_SLOTS as usize);
    for number in 1..=OTHERS {
        for _ in 0..8 {
            desk.create(tenant(number), 1);
        }
    }
    fill(&mut desk, host, &mut running, &mut waits);
    for _ in 0..ROUNDS {
        for number in 1..=OTHERS {
            // Some send several at once, some one now and then.
            let count = [2, 0, 1, 4][usize::try_from(number % 4).expect("small")];
            for _ in 0..count {
                desk.create(tenant(number), 1);
            }
        }
        for _ in 0..5 {
            let job = running.pop_front().expect("the host is full");
            desk.finish(job);
            fill(&mut desk, host, &mut running, &mut waits);
        }
        assert_eq!(running.len(), HOST_SLOTS as usize, "the host is not full");
    }
    let tenants = u64::try_from(OTHERS + 1).expect("small");
    println!(
        "{FLOOD} creates of one tenant, {} tenants in all: at most {} other starts before a tenant's next",
        tenants, waits.longest
    );
    assert!(
        waits.count >= 100,
        "only {} jobs of others were started",
        waits.count
    );
    assert!(
        waits.longest <= tenants,
        "{} starts of others",
        waits.longest
    );
}

/// Refused jobs have had their turn, too: they take no slot, and they delay nobody.
#[test]
fn a_flood_of_refusals_delays_nobody() {
    let mut desk = Desk {
        store: Memory::default(),
        catalogue: large(),
    };
    let host: HostId = desk.catalogue.data_centers[0].host_id();
    let nothing = model::claim::Limits {
        virtual_machines: Some(0),
        ..model::claim::Limits::default()
    };
    desk.store.limits.insert(FLOODING, nothing);
    for _ in 0..40 {
        desk.create(FLOODING, 50);
    }
    for _ in 0..10 {
        let job = desk.store.next_turn(host).expect("there is a line");
        desk.start(job);
    }
    desk.create(tenant(1), 1);
    let mut turns = 0;
    loop {
        let job = desk.store.next_turn(host).expect("there is a line");
        desk.start(job);
        turns += 1;
        if desk.store.jobs[&job].tenant == tenant(1) {
            break;
        }
        assert!(turns < 2, "{turns} refusals went before it");
    }
}

/// Starts what may start.
fn fill(desk: &mut Desk, host: HostId, running: &mut VecDeque<JobId>, waits: &mut Waits) {
    while running.len() < HOST_SLOTS as usize {
        let Some(job) = desk.store.next_turn(host) else {
            return;
        };
        waits.started(&desk.store, desk.store.jobs[&job].tenant);
        desk.start(job);
        running.push_back(job);
    }
}

/// For each tenant with a job that could start: how many jobs of others started before it.
#[derive(Default)]
struct Waits {
    passed: BTreeMap<TenantId, u64>,
    longest: u64,
    count: u64,
}

impl Waits {
    fn started(&mut self, store: &Memory, tenant: TenantId) {
        for (&(_, other), turn) in &store.turns {
            let passed = self.passed.entry(other).or_default();
            if other == tenant || !turn.is_startable() {
                self.longest = self.longest.max(*passed);
                *passed = 0;
            } else {
                *passed += 1;
            }
        }
        self.count += u64::from(tenant != FLOODING);
    }
}
