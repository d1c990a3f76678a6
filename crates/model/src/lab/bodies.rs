//! Requests as clients send them, accepted and carried out.

use super::{Lab, OWNER};
use crate::{
    JobState, Kind, Operation, Resource,
    facts::Refusal,
    ops::{self, Call},
    secret::Carried,
};
use api::{
    JobId, NicId, ResourceId,
    gpu::GpuCreate,
    machine::{InterfaceCreate, MachineCreate, MachineResize},
    network::{InterfaceAdd, NetworkCreate, NetworkType, NetworkUpdate},
    volume::{VolumeAttach, VolumeCreate, VolumeResize},
};

/// A job, or why there is none.
pub(crate) type Asked = Result<JobId, Refusal>;

impl Lab {
    pub(crate) fn machine_body(&self, networks: &[ResourceId]) -> MachineCreate {
        let interface = |(index, id): (usize, &ResourceId)| InterfaceCreate {
            network_id: id.to_string(),
            primary: Some(index == 0),
        };
        let interfaces: Vec<_> = networks.iter().enumerate().map(interface).collect();
        MachineCreate {
            name: "web".to_owned(),
            datacenter_id: self.catalogue.data_centers[0].id.to_string(),
            image_id: 12,
            configuration_id: 45,
            network_interfaces: (!interfaces.is_empty()).then_some(interfaces),
            ..MachineCreate::default()
        }
    }

    pub(crate) fn ask_machine(&mut self, body: &MachineCreate) -> Asked {
        let jobs = self.run(|it| ops::vm_create::accept(it, OWNER, body, &Carried::default()))?;
        Ok(jobs[0].id)
    }

    pub(crate) fn network_body(&self, name: &str, cidr: &str) -> NetworkCreate {
        NetworkCreate {
            name: name.to_owned(),
            datacenter_id: self.catalogue.data_centers[0].id.to_string(),
            network_type: match cidr {
                "" => NetworkType::Custom,
                _ => NetworkType::Standard,
            },
            description: None,
            cidr_block: Some(cidr.to_owned()),
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

    pub(crate) fn ask_network(&mut self, name: &str, cidr: &str) -> Asked {
        let body = self.network_body(name, cidr);
        let job = self.run(|it| ops::network_create::accept(it, OWNER, &body))?;
        Ok(job.id)
    }

    pub(crate) fn ask_volume(&mut self, name: &str) -> Asked {
        let body = VolumeCreate {
            name: name.to_owned(),
            datacenter_id: self.catalogue.data_centers[0].id.to_string(),
            volume_type_id: 1,
            volume_size_id: 11,
            size_gb: 100,
            team_id: None,
        };
        let job = self.run(|it| ops::volume_create::accept(it, OWNER, &body))?;
        Ok(job.id)
    }

    pub(crate) fn ask_gpu(&mut self, count: i64) -> Asked {
        let body = GpuCreate {
            name: "train".to_owned(),
            datacenter_id: self.catalogue.data_centers[0].id.to_string(),
            series_id: 1,
            gpu_count: count,
            image_id: None,
            ..GpuCreate::default()
        };
        let jobs = self.run(|it| ops::gpu_create::accept(it, OWNER, &body, &Carried::default()))?;
        Ok(jobs[0].id)
    }

    pub(crate) fn ask_rename(&mut self, network: ResourceId, name: &str) -> Asked {
        let mut body = update();
        body.name = Some(name.to_owned());
        self.ask_update(network, &body)
    }

    pub(crate) fn ask_update(&mut self, network: ResourceId, body: &NetworkUpdate) -> Asked {
        let call = self.run(|it| ops::network_update::accept(it, (OWNER, network), body));
        call.map(|call| of_call(&call).expect("an update is a job"))
    }

    pub(crate) fn ask_attach(&mut self, volume: ResourceId, machine: ResourceId) -> Asked {
        let body = VolumeAttach {
            virtual_machine_id: machine.to_string(),
        };
        let job = self.run(|it| ops::volume_attach::accept(it, (OWNER, volume), &body));
        job.map(|job| job.id)
    }

    pub(crate) fn ask_detach(&mut self, volume: ResourceId) -> Asked {
        let job = self.run(|it| ops::volume_detach::accept(it, OWNER, volume));
        job.map(|job| job.id)
    }

    pub(crate) fn ask_grow(&mut self, volume: ResourceId, new_size_gb: i64) -> Asked {
        let body = VolumeResize { new_size_gb };
        let job = self.run(|it| ops::volume_resize::accept(it, (OWNER, volume), &body));
        job.map(|job| job.id)
    }

    pub(crate) fn ask_resize(&mut self, machine: ResourceId, configuration_id: i64) -> Asked {
        let body = MachineResize { configuration_id };
        let job = self.run(|it| ops::vm_resize::accept(it, (OWNER, machine), &body));
        job.map(|job| job.id)
    }

    pub(crate) fn ask_nic(&mut self, machine: ResourceId, network: ResourceId) -> Asked {
        let body = InterfaceAdd {
            network_id: network.to_string(),
        };
        let job = self.run(|it| ops::nic_add::accept(it, (OWNER, machine), &body));
        job.map(|job| job.id)
    }

    /// An operation on an interface.
    pub(crate) fn ask_of_nic(
        &mut self,
        operation: Operation,
        machine: ResourceId,
        nic: NicId,
    ) -> Asked {
        let of = (OWNER, machine);
        let job = match operation {
            Operation::NicRemove => self.run(|it| ops::nic_remove::accept(it, of, nic)),
            Operation::PublicIpAllocate => {
                self.run(|it| ops::public_ip_allocate::accept(it, of, nic))
            }
            Operation::PublicIpRelease => {
                self.run(|it| ops::public_ip_release::accept(it, of, nic))
            }
            Operation::NicSetPrimary => {
                let made = self.run(|it| ops::nic_set_primary::accept(it, of, nic));
                return made.map(|made| of_call(&made).expect("another one is primary"));
            }
            other => panic!("{other:?} is not about an interface"),
        };
        job.map(|job| job.id)
    }

    /// Start, stop and reset; `None`: it is as wished.
    pub(crate) fn ask_power(
        &mut self,
        operation: Operation,
        machine: ResourceId,
    ) -> Result<Option<JobId>, Refusal> {
        let call = match operation {
            Operation::VmStart => self.run(|it| ops::vm_start::accept(it, OWNER, machine)),
            Operation::VmStop => self.run(|it| ops::vm_stop::accept(it, OWNER, machine)),
            Operation::VmReset => self.run(|it| ops::vm_reset::accept(it, OWNER, machine)),
            other => panic!("{other:?} is no call"),
        };
        call.map(|call| of_call(&call))
    }

    pub(crate) fn ask_delete(&mut self, id: ResourceId) -> Asked {
        let kind = self.store.resources.get(&id).map(Resource::kind);
        let job = match kind.unwrap_or(Kind::Vm) {
            Kind::Vm => self.run(|it| ops::vm_delete::accept(it, OWNER, id)),
            Kind::Gpu => self.run(|it| ops::gpu_delete::accept(it, OWNER, id)),
            Kind::Volume => self.run(|it| ops::volume_delete::accept(it, OWNER, id)),
            Kind::Network => self.run(|it| ops::network_delete::accept(it, OWNER, id)),
        };
        job.map(|job| job.id)
    }

    /// A network that is there.
    pub(crate) fn network(&mut self, name: &str, cidr: &str) -> ResourceId {
        let job = self.ask_network(name, cidr).expect("a good network");
        self.made(job)
    }

    /// A volume of 100 GB that is there.
    pub(crate) fn volume(&mut self, name: &str) -> ResourceId {
        let job = self.ask_volume(name).expect("a good volume");
        self.made(job)
    }

    /// A machine that runs, on these networks.
    pub(crate) fn machine(&mut self, networks: &[ResourceId]) -> ResourceId {
        let body = self.machine_body(networks);
        let job = self.ask_machine(&body).expect("a good machine");
        self.make_defaults();
        self.made(job)
    }

    /// Carries out the creates of default networks.
    pub(crate) fn make_defaults(&mut self) {
        let jobs = self.store.jobs.values();
        let waits = jobs.filter(|job| job.unlisted && job.is_ready());
        let waits: Vec<JobId> = waits.map(|job| job.id).collect();
        for job in waits {
            self.made(job);
        }
    }

    /// A job that completes.
    pub(crate) fn made(&mut self, job: JobId) -> ResourceId {
        let state = self.finish(job);
        assert_eq!(state, JobState::Completed, "{:?}", self.job(job).error);
        self.job(job).resource
    }
}

/// A change of a network that changes nothing.
pub(crate) fn update() -> NetworkUpdate {
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

fn of_call(call: &Call) -> Option<JobId> {
    match call {
        Call::AsWished => None,
        Call::Job(job) => Some(job.id),
    }
}
