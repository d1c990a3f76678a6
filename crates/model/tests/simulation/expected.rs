//! What a resource should be, as the jobs that have completed say.

use crate::world::World;
use api::{NicId, ResourceId};
use model::{
    Job, Operation, Resource, Wish,
    job::JobState,
    resource::Record,
    spec::{MachineSpec, NicSpec, Power},
};
use std::{collections::BTreeMap, net::Ipv4Addr};

#[derive(Debug, Default)]
pub struct Expected {
    pub name: String,
    /// Whether its create has completed and no delete has.
    pub exists: bool,
    /// The job that last completed on it.
    pub last: u64,
    /// Of a machine: whether the last completed job left it on, and by which launch.
    on: Option<u64>,
    size: i64,
    nics: BTreeMap<NicId, Option<Ipv4Addr>>,
    primary: Option<NicId>,
    /// Of a volume: its size, and the machine that it is on.
    size_gb: u32,
    pub machine: Option<ResourceId>,
    /// Of a network.
    description: String,
    snat: Option<bool>,
}

impl Expected {
    /// A job about it has completed; `acted` is what it acted on as it is then.
    pub fn completed(&mut self, acted: Option<&Resource>, from: JobState, job: &Job) {
        let made = acted.and_then(|it| it.spec.machine());
        match (job.operation, &job.wish) {
            (Operation::VmCreate | Operation::GpuCreate, Wish::Machine(_)) => {
                let acted = acted.expect("it was made");
                let made = made.expect("it was made");
                self.made(job, acted, made);
            }
            (operation, _) if operation.definition().removes => self.exists = false,
            (Operation::VmResize, Wish::Size(size)) => {
                self.size = *size;
                self.launched(made);
            }
            (Operation::VmStop, _) => self.on = None,
            // Begun on a machine that ran: nothing was launched.
            (Operation::VmStart, _) if from == JobState::Pending => {
                assert!(acted.is_some_and(|it| it.power() == Power::On));
            }
            (Operation::VmStart | Operation::VmReset, _) => {
                assert!(acted.is_some_and(|it| it.power() == Power::On), "{job:?}");
                let boot = made.map(|made| made.boot);
                assert_ne!(boot, self.on, "completed without a launch: {job:?}");
                self.on = boot;
            }
            (Operation::NicAdd, Wish::Nic(nic)) => {
                self.nics.insert(nic.id, None);
            }
            (Operation::NicRemove, Wish::OfNic(nic)) => {
                self.nics.remove(nic);
            }
            (Operation::NicSetPrimary, Wish::OfNic(nic)) => self.primary = Some(*nic),
            (Operation::PublicIpAllocate, Wish::OfNic(nic)) => {
                let result = job.result.as_ref().expect("it tells the address");
                let text = result["publicIp"].as_str().expect("a text");
                let address = text.parse().expect("an address");
                self.nics.insert(*nic, Some(address));
            }
            (Operation::PublicIpRelease, Wish::OfNic(nic)) => {
                self.nics.insert(*nic, None);
            }
            (Operation::VolumeCreate, _) => {
                self.exists = true;
                let volume = acted.and_then(Resource::volume).expect("a volume");
                self.size_gb = volume.size_gb;
            }
            (Operation::VolumeAttach, Wish::Attach(machine)) => self.machine = Some(*machine),
            (Operation::VolumeDetach, _) => self.machine = None,
            (Operation::VolumeResize, Wish::GrowTo(size_gb)) => self.size_gb = *size_gb,
            (Operation::NetworkCreate, Wish::Network(wish)) => {
                self.exists = true;
                self.snat = wish.subnet.as_ref().map(|subnet| subnet.snat);
            }
            (Operation::NetworkUpdate, Wish::NetworkUpdate(body)) => {
                if let Some(name) = &body.name {
                    self.name.clone_from(name);
                }
                if let Some(description) = &body.description {
                    self.description.clone_from(description);
                }
                self.snat = match body.snat_enabled {
                    Some(snat) if self.snat.is_some() => Some(snat),
                    // Another block begins with what is usual.
                    None if body.cidr_block.is_some() => acted
                        .and_then(|it| it.spec.network()?.subnet.as_ref())
                        .map(|subnet| subnet.snat),
                    _ => self.snat,
                };
            }
            (operation, wish) => panic!("{operation:?} with {wish:?}"),
        }
    }

    fn made(&mut self, job: &Job, acted: &Resource, made: &MachineSpec) {
        let Wish::Machine(wish) = &job.wish else {
            return;
        };
        assert_eq!(acted.power(), Power::On, "{job:?} does not run");
        self.exists = true;
        self.on = Some(made.boot);
        self.size = acted.machine().map_or(0, |record| record.size);
        self.primary = wish.nics.first().map(|nic| nic.id);
        let ids = wish.nics.iter().map(|nic| nic.id);
        self.nics = ids.map(|id| (id, None)).collect();
        if wish.public_ip {
            let public = |nic: &NicSpec| nic.public.map(|public| public.address);
            let primary = self.primary.and_then(|id| made.nic(id));
            let address = primary.and_then(public).expect("it was asked for one");
            self.nics.insert(wish.nics[0].id, Some(address));
        }
    }

    /// A machine that was on is so by the launch that its spec names now.
    fn launched(&mut self, made: Option<&MachineSpec>) {
        self.on = self.on.and(made.map(|made| made.boot));
    }

    /// It was acted on and is as it was, but perhaps launched anew.
    pub fn went_back(&mut self, acted: &Resource) {
        self.launched(acted.spec.machine());
    }

    /// At rest, records and world are this.
    pub fn check(&self, resource: &Resource, world: &World) {
        assert_eq!(resource.name, self.name, "{resource:?}");
        match &resource.record {
            Record::Machine(record) => {
                assert_eq!(record.size, self.size, "{resource:?}");
                self.check_machine(resource, world);
            }
            Record::Volume(record) => {
                assert_eq!(record.machine, self.machine, "{resource:?}");
                assert_eq!(resource.volume_gb(), Some(self.size_gb), "{resource:?}");
                let found = world.observe(resource.id).volume();
                assert_eq!(found.size_gb(), Some(self.size_gb), "{resource:?}");
                if let Some(machine) = self.machine {
                    let on = world.machine(machine);
                    assert!(on.disk(resource.id).is_some(), "{resource:?} {on:?}");
                }
            }
            Record::Network(record) => {
                assert_eq!(record.description, self.description, "{resource:?}");
                let spec = resource.spec.network().expect("it was made");
                let snat = spec.subnet.as_ref().map(|subnet| subnet.snat);
                assert_eq!(snat, self.snat, "{resource:?}");
            }
        }
    }

    fn check_machine(&self, resource: &Resource, world: &World) {
        let id = resource.id;
        let found = world.machine(id);
        let died = world.died.get(&id).copied().unwrap_or(0);
        let should = self.on.is_some_and(|boot| died < boot);
        assert_eq!(
            found.is_running(),
            should,
            "{id}: {self:?}, died {died}, {resource:?}"
        );
        let public = |nic: &NicSpec| (nic.id, nic.public.map(|public| public.address));
        let nics: BTreeMap<_, _> = found.nics.iter().map(public).collect();
        assert_eq!(nics, self.nics, "{resource:?}");
        assert_eq!(resource.primary(), self.primary, "{resource:?}");
    }
}
