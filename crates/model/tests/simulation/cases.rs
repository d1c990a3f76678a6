//! The cases of the kit: for every operation a small world that it begins in, and the request. An
//! operation that is not in the matches here does not compile.

use crate::{
    faults::{Faults, Plan},
    requests::{Ask, Change, no_update},
    sim::Sim,
};
use api::{
    NicId, ResourceId, TenantId,
    gpu::GpuCreate,
    machine::MachineCreate,
    network::{NetworkCreate, NetworkType, NetworkUpdate},
    volume::VolumeCreate,
};
use model::{Kind, Operation};
use uuid::Uuid;

pub const TENANT: TenantId = TenantId(Uuid::from_u128(0xaaaa));

/// An operation in one of the worlds that it can begin in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    pub operation: Operation,
    pub world: &'static str,
}

impl Case {
    pub fn all() -> Vec<Self> {
        let worlds = |&operation| {
            let worlds = Self::worlds(operation).iter();
            worlds.map(move |&world| Self { operation, world })
        };
        Operation::ALL.iter().flat_map(worlds).collect()
    }

    fn worlds(operation: Operation) -> &'static [&'static str] {
        match operation {
            Operation::VmCreate => &["", "with a public address"],
            Operation::VmResize => &["", "of a machine that is off"],
            Operation::VmDelete => &["", "with a volume and a public address"],
            Operation::VolumeResize => &["", "on a machine"],
            Operation::NetworkUpdate => &["", "with a machine on it"],
            Operation::VmStart
            | Operation::VmStop
            | Operation::VmReset
            | Operation::NicAdd
            | Operation::NicRemove
            | Operation::NicSetPrimary
            | Operation::PublicIpAllocate
            | Operation::PublicIpRelease
            | Operation::GpuCreate
            | Operation::GpuDelete
            | Operation::VolumeCreate
            | Operation::VolumeDelete
            | Operation::VolumeAttach
            | Operation::VolumeDetach
            | Operation::NetworkCreate
            | Operation::NetworkDelete => &[""],
        }
    }

    pub fn name(self) -> String {
        format!("{} {}", self.operation.name(), self.world)
            .trim_end()
            .to_owned()
    }

    fn plain(self) -> bool {
        self.world.is_empty()
    }

    /// A machine on the default network, and what else the operation needs.
    pub fn prepared(self, seed: u64) -> Sim {
        let mut sim = Sim::new(seed, Faults::new(Plan::Script(Vec::new())), false);
        sim.patient = true;
        let web = Ask::CreateMachine(machine(&sim, "web"));
        done(&mut sim, &web);
        match self.operation {
            Operation::VmCreate
            | Operation::VmStop
            | Operation::VmReset
            | Operation::PublicIpAllocate
            | Operation::GpuCreate
            | Operation::VolumeCreate
            | Operation::NetworkCreate => {}
            Operation::VmStart => change(&mut sim, "web", Change::Stop),
            Operation::VmResize if self.plain() => {}
            Operation::VmResize => change(&mut sim, "web", Change::Stop),
            Operation::NicAdd | Operation::NetworkDelete => lan(&mut sim),
            Operation::NetworkUpdate if self.plain() => lan(&mut sim),
            Operation::NicRemove | Operation::NicSetPrimary | Operation::NetworkUpdate => {
                lan(&mut sim);
                let lan = id(&sim, "lan").to_string();
                change(&mut sim, "web", Change::AddNic(lan));
            }
            Operation::PublicIpRelease => public(&mut sim),
            Operation::GpuDelete => {
                let gpu = Ask::CreateGpu(gpu(&sim));
                done(&mut sim, &gpu);
            }
            Operation::VolumeDelete | Operation::VolumeAttach => data(&mut sim),
            Operation::VolumeDetach => attached(&mut sim),
            Operation::VolumeResize if self.plain() => data(&mut sim),
            Operation::VolumeResize => attached(&mut sim),
            Operation::VmDelete if self.plain() => {}
            Operation::VmDelete => {
                public(&mut sim);
                attached(&mut sim);
            }
        }
        sim
    }

    /// The request.
    pub fn ask(self, sim: &Sim) -> Ask {
        let on = |name: &str, change| Ask::Change(id(sim, name), change);
        match self.operation {
            Operation::VmCreate => Ask::CreateMachine(MachineCreate {
                allocate_public_ip: (!self.plain()).then_some(true),
                ..machine(sim, "new")
            }),
            Operation::VmDelete => on("web", Change::Delete(Kind::Vm)),
            Operation::VmResize => on("web", Change::Resize(45)),
            Operation::VmStart => on("web", Change::Start),
            Operation::VmStop => on("web", Change::Stop),
            Operation::VmReset => on("web", Change::Reset),
            Operation::NicAdd => on("web", Change::AddNic(id(sim, "lan").to_string())),
            Operation::NicRemove => on("web", Change::RemoveNic(nic(sim, 1))),
            Operation::NicSetPrimary => on("web", Change::SetPrimary(nic(sim, 1))),
            Operation::PublicIpAllocate => on("web", Change::Allocate(nic(sim, 0))),
            Operation::PublicIpRelease => on("web", Change::Release(nic(sim, 0))),
            Operation::GpuCreate => Ask::CreateGpu(gpu(sim)),
            Operation::GpuDelete => on("gpu", Change::Delete(Kind::Gpu)),
            Operation::VolumeCreate => Ask::CreateVolume(volume(sim)),
            Operation::VolumeDelete => on("data", Change::Delete(Kind::Volume)),
            Operation::VolumeAttach => on("data", Change::Attach(id(sim, "web").to_string())),
            Operation::VolumeDetach => on("data", Change::Detach),
            Operation::VolumeResize => on("data", Change::Grow(80)),
            Operation::NetworkCreate => Ask::CreateNetwork(network(sim)),
            Operation::NetworkUpdate => on(
                "lan",
                Change::Update(Box::new(NetworkUpdate {
                    name: Some("renamed".to_owned()),
                    snat_enabled: Some(false),
                    ..no_update()
                })),
            ),
            Operation::NetworkDelete => on("lan", Change::Delete(Kind::Network)),
        }
    }
}

/// What is refused on a resource that something was left over of.
pub fn refused(sim: &Sim, kind: Kind) -> Vec<Change> {
    match kind {
        Kind::Vm => vec![
            Change::Start,
            Change::Stop,
            Change::Reset,
            Change::Resize(45),
        ],
        Kind::Gpu => Vec::new(),
        Kind::Volume => vec![
            Change::Attach(id(sim, "web").to_string()),
            Change::Detach,
            Change::Grow(80),
        ],
        Kind::Network => vec![Change::Update(Box::new(no_update()))],
    }
}

fn id(sim: &Sim, name: &str) -> ResourceId {
    let found = sim.store.resources.values().find(|it| it.name == name);
    found.unwrap_or_else(|| panic!("there is no {name}")).id
}

fn nic(sim: &Sim, slot: usize) -> NicId {
    let web = &sim.store.resources[&id(sim, "web")];
    web.shown.machine().expect("it was made").nics[slot].id
}

fn done(sim: &mut Sim, ask: &Ask) {
    let answer = sim.send_ask(TENANT, ask, None).expect("nobody was killed");
    let jobs = answer.unwrap_or_else(|refusal| panic!("{ask:?}: {refusal:?}"));
    sim.run();
    for job in jobs {
        let job = &sim.store.jobs[&job.id];
        assert!(job.error.is_none() && job.state.is_final(), "{job:?}");
    }
}

fn change(sim: &mut Sim, name: &str, change: Change) {
    let ask = Ask::Change(id(sim, name), change);
    done(sim, &ask);
}

fn place(sim: &Sim) -> String {
    sim.catalogue.data_centers[0].id.to_string()
}

fn machine(sim: &Sim, name: &str) -> MachineCreate {
    MachineCreate {
        name: name.to_owned(),
        datacenter_id: place(sim),
        image_id: 12,
        configuration_id: 44,
        ..MachineCreate::default()
    }
}

fn gpu(sim: &Sim) -> GpuCreate {
    GpuCreate {
        name: "gpu".to_owned(),
        datacenter_id: place(sim),
        series_id: 7,
        gpu_count: 2,
        ..GpuCreate::default()
    }
}

fn volume(sim: &Sim) -> VolumeCreate {
    VolumeCreate {
        name: "data".to_owned(),
        datacenter_id: place(sim),
        volume_type_id: 1,
        volume_size_id: 2,
        size_gb: 20,
        team_id: None,
    }
}

fn network(sim: &Sim) -> NetworkCreate {
    NetworkCreate {
        name: "lan".to_owned(),
        datacenter_id: place(sim),
        network_type: NetworkType::Standard,
        description: None,
        cidr_block: Some("192.168.0.0/29".to_owned()),
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

fn lan(sim: &mut Sim) {
    let ask = Ask::CreateNetwork(network(sim));
    done(sim, &ask);
}

fn data(sim: &mut Sim) {
    let ask = Ask::CreateVolume(volume(sim));
    done(sim, &ask);
}

fn attached(sim: &mut Sim) {
    data(sim);
    let web = id(sim, "web").to_string();
    change(sim, "data", Change::Attach(web));
}

fn public(sim: &mut Sim) {
    let nic = nic(sim, 0);
    change(sim, "web", Change::Allocate(nic));
}
