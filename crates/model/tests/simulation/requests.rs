//! What tenants ask for: good requests, requests that come too late, and hostile ones, drawn from a
//! few names, sizes and addresses so that they get into one another's way.

use crate::{faults::Kind as Fault, sim::Sim};
use api::{
    NicId, ResourceId, TenantId,
    gpu::GpuCreate,
    machine::{InterfaceCreate, MachineCreate, MachineRename, MachineResize},
    network::{DnsServers, InterfaceAdd, NetworkCreate, NetworkType, NetworkUpdate},
    volume::{VolumeAttach, VolumeCreate, VolumeResize},
};
use model::{
    Context, Job, Kind, Resource, Wish,
    accept::{Accepted, Idempotency, Repeatable, once},
    ops::{self, Call},
    secret::{Carried, Sealed, Secret},
};
use uuid::Uuid;

/// A request.
#[derive(Clone, Debug)]
pub enum Ask {
    CreateMachine(MachineCreate),
    CreateGpu(GpuCreate),
    CreateVolume(VolumeCreate),
    CreateNetwork(NetworkCreate),
    /// A change of what there is.
    Change(ResourceId, Change),
}

/// A change of a resource.
#[derive(Clone, Debug)]
pub enum Change {
    Delete(Kind),
    Rename(Kind, String),
    Start,
    Stop,
    Reset,
    Resize(i64),
    AddNic(String),
    RemoveNic(NicId),
    SetPrimary(NicId),
    Allocate(NicId),
    Release(NicId),
    Attach(String),
    Detach,
    Grow(i64),
    Update(Box<NetworkUpdate>),
}

/// What the API would do with a request.
pub fn judge(
    context: &Context<'_>,
    tenant: TenantId,
    ask: &Ask,
    key: Option<Idempotency>,
) -> Accepted<Vec<Job>> {
    let jobs = |jobs: Vec<Job>| jobs;
    match ask {
        Ask::CreateMachine(body) => {
            let rule = || ops::vm_create::accept(context, tenant, body, &carried(&body.name));
            keyed(context, key, rule, jobs)
        }
        Ask::CreateGpu(body) => {
            let rule = || ops::gpu_create::accept(context, tenant, body, &carried(&body.name));
            keyed(context, key, rule, jobs)
        }
        Ask::CreateVolume(body) => {
            let rule = || ops::volume_create::accept(context, tenant, body);
            keyed(context, key, rule, |job| vec![job])
        }
        Ask::CreateNetwork(body) => {
            let rule = || ops::network_create::accept(context, tenant, body);
            keyed(context, key, rule, |job| vec![job])
        }
        Ask::Change(id, change) => judge_change(context, (tenant, *id), change, key),
    }
}

fn keyed<T: Repeatable>(
    context: &Context<'_>,
    key: Option<Idempotency>,
    rule: impl FnOnce() -> Accepted<T>,
    jobs: impl FnOnce(T) -> Vec<Job>,
) -> Accepted<Vec<Job>> {
    once(context, key, rule).map(|(writes, answer)| (writes, jobs(answer)))
}

fn judge_change(
    context: &Context<'_>,
    of: (TenantId, ResourceId),
    change: &Change,
    key: Option<Idempotency>,
) -> Accepted<Vec<Job>> {
    let (tenant, id) = of;
    let called = |call: Call| match call {
        Call::AsWished => Vec::new(),
        Call::Job(job) => vec![*job],
    };
    let call = |rule: &dyn Fn() -> Accepted<Call>| keyed(context, key, rule, called);
    let job = |rule: &dyn Fn() -> Accepted<Job>| keyed(context, key, rule, |job| vec![job]);
    match change {
        Change::Delete(kind) => job(&|| match kind {
            Kind::Vm => ops::vm_delete::accept(context, tenant, id),
            Kind::Gpu => ops::gpu_delete::accept(context, tenant, id),
            Kind::Volume => ops::volume_delete::accept(context, tenant, id),
            Kind::Network => ops::network_delete::accept(context, tenant, id),
        }),
        Change::Rename(kind, name) => {
            let body = MachineRename { name: name.clone() };
            let rule = || ops::vm_rename::accept(context, (tenant, id, *kind), &body);
            keyed(context, key, rule, |()| Vec::new())
        }
        Change::Start => call(&|| ops::vm_start::accept(context, tenant, id)),
        Change::Stop => call(&|| ops::vm_stop::accept(context, tenant, id)),
        Change::Reset => call(&|| ops::vm_reset::accept(context, tenant, id)),
        Change::Resize(size) => job(&|| {
            let body = MachineResize {
                configuration_id: *size,
            };
            ops::vm_resize::accept(context, of, &body)
        }),
        Change::AddNic(network) => job(&|| {
            let body = InterfaceAdd {
                network_id: network.clone(),
            };
            ops::nic_add::accept(context, of, &body)
        }),
        Change::RemoveNic(nic) => job(&|| ops::nic_remove::accept(context, of, *nic)),
        Change::SetPrimary(nic) => call(&|| ops::nic_set_primary::accept(context, of, *nic)),
        Change::Allocate(nic) => job(&|| ops::public_ip_allocate::accept(context, of, *nic)),
        Change::Release(nic) => job(&|| ops::public_ip_release::accept(context, of, *nic)),
        Change::Attach(machine) => job(&|| {
            let body = VolumeAttach {
                virtual_machine_id: machine.clone(),
            };
            ops::volume_attach::accept(context, of, &body)
        }),
        Change::Detach => job(&|| ops::volume_detach::accept(context, tenant, id)),
        Change::Grow(gb) => job(&|| {
            let body = VolumeResize { new_size_gb: *gb };
            ops::volume_resize::accept(context, of, &body)
        }),
        Change::Update(body) => call(&|| ops::network_update::accept(context, of, body)),
    }
}

/// Something to keep apart for every second create, by its name.
fn carried(name: &str) -> Carried {
    let secret = Secret {
        salt: Uuid::from_u128(7),
        username: None,
        public_keys: Vec::new(),
        user_data: Some(name.into()),
        password: None,
    };
    let digest = format!("digest of {name}");
    Carried {
        secret: name
            .len()
            .is_multiple_of(2)
            .then_some(Sealed { secret, digest }),
        ..Carried::default()
    }
}

impl Sim {
    /// Something new of a kind.
    pub fn creation(&mut self, tenant: TenantId, kind: Kind) -> Ask {
        self.clients.names += 1;
        let place = usize::from(self.rng.chance(250));
        let datacenter_id = self.catalogue.data_centers[place].id.to_string();
        match kind {
            Kind::Vm => Ask::CreateMachine(self.new_machine(tenant, datacenter_id)),
            Kind::Gpu => Ask::CreateGpu(GpuCreate {
                name: format!("gpu-{}", self.clients.names),
                datacenter_id,
                series_id: 7,
                gpu_count: *self.rng.pick(&[1, 1, 2, 2, 3]).expect("some"),
                image_id: self.rng.chance(500).then_some(12),
                team_id: self.a_team(tenant),
                ..GpuCreate::default()
            }),
            Kind::Volume => {
                let sizes = [(1, 10), (1, 10), (2, 20), (3, 80), (3, 20)];
                let (volume_size_id, size_gb) = *self.rng.pick(&sizes).expect("some");
                Ask::CreateVolume(VolumeCreate {
                    name: format!("vol-{}", self.rng.below(8)),
                    datacenter_id,
                    volume_type_id: 1,
                    volume_size_id,
                    size_gb,
                    team_id: self.a_team(tenant),
                })
            }
            Kind::Network => Ask::CreateNetwork(self.new_network(datacenter_id)),
        }
    }

    /// A team of the tenant's, now and then: what is in it holds a place there until it is gone.
    fn a_team(&mut self, tenant: TenantId) -> Option<i64> {
        let team = self.rng.chance(200).then_some(7)?;
        self.store.teams.insert((tenant, team));
        self.faults.struck(Fault::InATeam);
        Some(team)
    }

    fn new_machine(&mut self, tenant: TenantId, datacenter_id: String) -> MachineCreate {
        let several = self.rng.chance(150);
        let mut interfaces = None;
        if self.rng.chance(400) {
            let count = self.rng.within(1, 3);
            let networks: Vec<_> = (0..count).map(|_| self.a_network(tenant)).collect();
            let wished = networks.into_iter().enumerate();
            let wished = wished.map(|(index, network_id)| InterfaceCreate {
                network_id,
                primary: Some(index == 0),
            });
            interfaces = Some(wished.collect());
        }
        MachineCreate {
            name: format!("vm-{}", self.clients.names),
            datacenter_id,
            image_id: 12,
            configuration_id: *self.rng.pick(&[44, 44, 45, 99]).expect("some"),
            number_of_instances: several.then_some(2),
            allocate_public_ip: self.rng.chance(300).then_some(true),
            network_interfaces: interfaces,
            team_id: self.a_team(tenant),
            ..MachineCreate::default()
        }
    }

    fn new_network(&mut self, datacenter_id: String) -> NetworkCreate {
        let blocks = [
            "10.1.0.0/29",
            "10.0.0.0/16",
            "192.168.0.0/30",
            "172.16.0.0/29",
            "10.0.0.1/24",
        ];
        let custom = self.rng.chance(200);
        let (network_type, cidr_block) = if custom {
            (NetworkType::Custom, None)
        } else {
            let block = self.rng.pick(&blocks).map(|&block| block.to_owned());
            (NetworkType::Standard, block)
        };
        NetworkCreate {
            name: self.network_name(),
            datacenter_id,
            network_type,
            description: None,
            cidr_block,
            snat_enabled: None,
            dhcp_server_enabled: None,
            default_route_enabled: None,
            serve_dns_servers_enabled: None,
            dhcp_start_address: None,
            dhcp_end_address: None,
            default_route: None,
            dns_servers: None,
        }
    }

    fn network_name(&mut self) -> String {
        let names = ["net-1", "net-2", "net-3", "net-4", "default"];
        (*self.rng.pick(&names).expect("some")).to_owned()
    }

    /// The id of a network of a tenant; seldom of something else.
    fn a_network(&mut self, tenant: TenantId) -> String {
        self.an_id(tenant, Kind::Network)
    }

    fn an_id(&mut self, tenant: TenantId, kind: Kind) -> String {
        if self.rng.chance(50) {
            let all: Vec<_> = self.store.resources.keys().copied().collect();
            let any = self.rng.pick(&all).map(ToString::to_string);
            return any.unwrap_or_else(|| "vm-uuid".to_owned());
        }
        let one = self.one_of(tenant, Some(kind));
        one.map_or_else(|| "'; --".to_owned(), |one| one.id.to_string())
    }

    /// A change that fits a resource's kind, more or less.
    pub fn a_change(&mut self, tenant: TenantId, it: &Resource) -> Change {
        let kind = it.kind();
        if self.rng.chance(180) {
            return Change::Delete(kind);
        }
        match kind {
            Kind::Vm => self.change_of_machine(tenant, it),
            Kind::Gpu => self.a_rename(kind),
            Kind::Volume => match self.rng.below(10) {
                0..=4 => Change::Attach(self.an_id(tenant, Kind::Vm)),
                5..=6 => Change::Detach,
                _ => Change::Grow(*self.rng.pick(&[20, 20, 80, 30]).expect("some")),
            },
            Kind::Network => Change::Update(Box::new(self.an_update())),
        }
    }

    fn a_rename(&mut self, kind: Kind) -> Change {
        self.clients.names += 1;
        Change::Rename(kind, format!("renamed-{}", self.clients.names))
    }

    fn change_of_machine(&mut self, tenant: TenantId, it: &Resource) -> Change {
        let nic = self.a_nic(it);
        match self.rng.below(22) {
            0..=2 => Change::Stop,
            3..=5 => Change::Start,
            6..=7 => Change::Reset,
            8 => self.a_rename(Kind::Vm),
            9..=11 => Change::Resize(*self.rng.pick(&[44, 45, 45]).expect("some")),
            12..=14 => Change::AddNic(self.a_network(tenant)),
            15..=16 => Change::RemoveNic(nic),
            17 => Change::SetPrimary(nic),
            18..=20 => Change::Allocate(nic),
            _ => Change::Release(nic),
        }
    }

    /// An interface that is shown, or planned, or seldom none of the machine's.
    fn a_nic(&mut self, it: &Resource) -> NicId {
        let shown = it.shown.machine().map_or(&[][..], |it| &it.nics);
        let mut nics: Vec<_> = shown.iter().map(|nic| nic.id).collect();
        for job in self.store.jobs.values().filter(|job| job.resource == it.id) {
            if let Wish::Nic(nic) = job.wish {
                nics.push(nic.id);
            }
        }
        let never = NicId(Uuid::from_u128(u128::MAX));
        if self.rng.chance(30) {
            return never;
        }
        self.rng.pick(&nics).copied().unwrap_or(never)
    }

    fn an_update(&mut self) -> NetworkUpdate {
        let mut update = no_update();
        if self.rng.chance(400) {
            update.name = Some(self.network_name());
        }
        if self.rng.chance(200) {
            update.description = Some("otherwise".to_owned());
        }
        if self.rng.chance(400) {
            update.snat_enabled = Some(self.rng.chance(500));
        }
        if self.rng.chance(300) {
            let blocks = ["10.1.0.0/28", "10.0.0.0/16", "192.168.0.0/29", "0.0.0.0/0"];
            let block = self.rng.pick(&blocks).map(|&block| block.to_owned());
            update.cidr_block = block;
        }
        if self.rng.chance(200) {
            update.dns_servers = Some(DnsServers::Text("9.9.9.9, 1.1.1.1".to_owned()));
        }
        update
    }
}

/// An update that says nothing.
pub fn no_update() -> NetworkUpdate {
    NetworkUpdate {
        name: None,
        network_type: None,
        description: None,
        cidr_block: None,
        snat_enabled: None,
        dhcp_server_enabled: None,
        default_route_enabled: None,
        serve_dns_servers_enabled: None,
        dhcp_start_address: None,
        dhcp_end_address: None,
        default_route: None,
        dns_servers: None,
    }
}
