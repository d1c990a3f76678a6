//! One tenant's flood does not delay another's jobs.

use crate::sim::SMALL;
use api::{HostId, JobId, TenantId, Timestamp, machine::MachineCreate};
use model::{
    Context, JobState, Write,
    catalogue::Catalogue,
    course,
    limits::HOST_SLOTS,
    memory::Memory,
    ops,
    report::{Report, ReportState},
    spec::{DiskObserved, MachineObserved, ProcessObserved},
};
use std::collections::{BTreeMap, VecDeque};
use uuid::Uuid;

const FLOOD: i64 = 10_000;
const OTHERS: u128 = 9;
/// Jobs that each of the others sends, one after the other.
const EACH: u32 = 20;

struct Desk {
    store: Memory,
    catalogue: Catalogue,
}

impl Desk {
    fn transact<T>(&mut self, rule: impl FnOnce(&Context<'_>) -> (Vec<Write>, T)) -> T {
        let now = Timestamp::from_millis(1_780_000_000_000);
        let ((writes, answer), last) = self.store.decide(&self.catalogue, now, rule);
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
            ops::vm_create::accept(context, tenant, &body, None).expect("good")
        });
    }

    fn start(&mut self, job: JobId) {
        self.transact(|context| course::start(context, job));
    }

    /// A host that is done at once.
    fn finish(&mut self, job: JobId) {
        let job = self.store.jobs[&job].clone();
        let resource = &self.store.resources[&job.resource];
        let boot = resource.last_boot;
        let observed = MachineObserved {
            disk: DiskObserved::Whole { size_gb: 10 },
            process: Some(ProcessObserved {
                boot,
                up: true,
                ready: true,
            }),
            launched: boot,
        };
        let report = Report {
            resource: job.resource,
            generation: resource.generation,
            state: ReportState::Settled,
            phase: None,
            total: 0,
            remaining: 0,
            phases: Vec::new(),
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
        desk.create(tenant(0), 50);
    }
    let mut running = VecDeque::new();
    // The flood runs alone for a while: every slot that it may have is taken.
    fill(&mut desk, host, &mut running, &mut |_| {});
    let mut waits = Waits::default();
    for round in 0..EACH * 4 {
        for number in 1..=OTHERS {
            if round % 4 == u32::try_from(number % 4).expect("small") {
                desk.create(tenant(number), 1);
                waits.sent(tenant(number));
            }
        }
        for _ in 0..5 {
            if let Some(job) = running.pop_front() {
                desk.finish(job);
            }
            fill(&mut desk, host, &mut running, &mut |tenant| {
                waits.started(tenant)
            });
        }
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

/// Starts what may start; tells whose it was.
fn fill(
    desk: &mut Desk,
    host: HostId,
    running: &mut VecDeque<JobId>,
    started: &mut dyn FnMut(TenantId),
) {
    while running.len() < HOST_SLOTS as usize {
        let Some(job) = desk.store.next_turn(host) else {
            return;
        };
        let tenant = desk.store.jobs[&job].tenant;
        desk.start(job);
        started(tenant);
        running.push_back(job);
    }
}

/// For each tenant with a job that waits: how many jobs of others started before it.
#[derive(Default)]
struct Waits {
    waiting: BTreeMap<TenantId, (u32, u64)>,
    longest: u64,
    count: u64,
}

impl Waits {
    fn sent(&mut self, tenant: TenantId) {
        self.waiting.entry(tenant).or_default().0 += 1;
    }

    fn started(&mut self, tenant: TenantId) {
        for (&other, (_, passed)) in &mut self.waiting {
            *passed += u64::from(other != tenant);
        }
        if let Some((jobs, passed)) = self.waiting.get_mut(&tenant) {
            self.longest = self.longest.max(*passed);
            self.count += 1;
            *passed = 0;
            *jobs -= 1;
            if *jobs == 0 {
                self.waiting.remove(&tenant);
            }
        }
    }
}
