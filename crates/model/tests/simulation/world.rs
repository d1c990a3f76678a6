//! The simulated hosts: machines, volumes and networks with every half-made state, and the ledgers.
//! Survives any crash of the server; a reboot ends processes, ports and networks, and no disk.

use crate::referee::Referee;
use api::ResourceId;
use model::{
    MachineObserved, Observed, Spec,
    actor::Ledger,
    observed::{DiskObserved, NetworkObserved, ProcessObserved},
    plan::Action,
    spec::{DiskSpec, GpuSpec, NicSpec},
};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct World {
    /// Machines; the sizes of the volumes on them stand with the volumes alone.
    machines: BTreeMap<ResourceId, MachineObserved>,
    volumes: BTreeMap<ResourceId, DiskObserved>,
    networks: BTreeMap<ResourceId, NetworkObserved>,
    /// Cores and memory that a machine's process was launched with.
    pub sizes: BTreeMap<ResourceId, (u32, u32)>,
    pub ledgers: BTreeMap<ResourceId, Ledger>,
    /// The highest boot number whose process died by itself.
    pub died: BTreeMap<ResourceId, u64>,
    pub referee: Referee,
}

/// How much of an action has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Half,
    Whole,
}

/// Whether an effect is there now that was not there before, or what is in its way.
type Landed = Result<bool, &'static str>;

impl World {
    /// A machine as a look sees it.
    pub fn machine(&self, id: ResourceId) -> MachineObserved {
        let mut machine = self.machines.get(&id).cloned().unwrap_or_default();
        for disk in &mut machine.disks {
            disk.size_gb = self.volume(disk.volume).size_gb().unwrap_or(0);
        }
        machine
    }

    fn volume(&self, id: ResourceId) -> DiskObserved {
        self.volumes.get(&id).copied().unwrap_or_default()
    }

    /// What a look at a resource sees.
    pub fn observe(&self, id: ResourceId) -> Observed {
        if self.machines.contains_key(&id) {
            Observed::Machine(self.machine(id))
        } else if let Some(volume) = self.volumes.get(&id) {
            Observed::Volume(*volume)
        } else if let Some(network) = self.networks.get(&id) {
            Observed::Network(network.clone())
        } else {
            Observed::Nothing
        }
    }

    /// Everything that is there.
    pub fn all(&self) -> BTreeMap<ResourceId, Observed> {
        let machines = self.machines.keys().chain(self.volumes.keys());
        let ids = machines.chain(self.networks.keys());
        ids.map(|&id| (id, self.observe(id))).collect()
    }

    /// Machines with a process.
    pub fn running(&self) -> Vec<ResourceId> {
        let machines = self.machines.iter();
        let running = machines.filter(|(_, machine)| machine.process.is_some());
        running.map(|(&id, _)| id).collect()
    }

    pub fn ledger(&self, id: ResourceId) -> Ledger {
        self.ledgers.get(&id).cloned().unwrap_or_default()
    }

    pub fn save(&mut self, id: ResourceId, ledger: Ledger) {
        self.referee.saved(id, &ledger);
        self.ledgers.insert(id, ledger);
    }

    pub fn forget(&mut self, id: ResourceId) {
        let found = self.observe(id);
        assert!(
            found.is_absent(),
            "{id} is forgotten and still there: {found:?}"
        );
        self.ledgers.remove(&id);
        self.machines.remove(&id);
        self.volumes.remove(&id);
        self.networks.remove(&id);
        self.sizes.remove(&id);
    }

    /// An effect lands. Says what is in its way, if it cannot be done in this world.
    pub fn land(
        &mut self,
        id: ResourceId,
        generation: u64,
        action: &Action,
        part: Part,
    ) -> Result<(), &'static str> {
        self.referee.lands(id, generation, action);
        let took = match action {
            Action::MakeVolume { .. } | Action::RemoveVolume | Action::GrowVolume { .. } => {
                self.volume_lands(id, action, part)
            }
            Action::ApplyNetwork(_) | Action::RemoveNetwork => self.network_lands(id, action, part),
            Action::AttachVolume(disk) => self.attaches(id, *disk, part),
            Action::DetachVolume(volume) => self.detaches(id, *volume, part),
            Action::PlugNic(nic) => self.plugs(id, *nic, part),
            Action::UnplugNic(nic) => {
                // The host's side is cut first, and that is the effect.
                let machine = self.machines.entry(id).or_default();
                let had = machine.nic(*nic).is_some();
                machine.nics.retain(|other| other.id != *nic);
                self.referee.unplugged(*nic);
                Ok(had)
            }
            Action::SetAddress(nic) => self.addresses(id, *nic, part),
            Action::TakeGpus(gpus) => self.takes(id, gpus, part),
            Action::ReleaseGpus => self.releases(id, part),
            Action::Launch { .. } => self.launches(id, action, part),
            _ => self.machine_lands(id, action, part),
        }?;
        if took {
            self.referee.took_effect(id, generation, action);
        }
        Ok(())
    }

    fn machine_lands(&mut self, id: ResourceId, action: &Action, part: Part) -> Landed {
        let machine = self.machines.entry(id).or_default();
        match (action, part) {
            (Action::MakeDisk { .. } | Action::RemoveDisk, Part::Half) => {
                machine.disk = DiskObserved::Partial;
                Ok(false)
            }
            (Action::MakeDisk { size_gb, .. }, Part::Whole) => {
                let size_gb = *size_gb;
                machine.disk = DiskObserved::Whole { size_gb };
                Ok(true)
            }
            (Action::RemoveDisk, Part::Whole) => {
                assert!(
                    machine.process.is_none(),
                    "the disk of a running machine is removed"
                );
                machine.disk = DiskObserved::Absent;
                Ok(true)
            }
            (Action::GrowDisk { size_gb }, _) => grow(&mut machine.disk, *size_gb),
            (Action::AwaitReady { boot }, Part::Whole) => match &mut machine.process {
                Some(process) if process.boot == *boot && process.up => {
                    Ok(!std::mem::replace(&mut process.ready, true))
                }
                _ => Err("the machine does not run"),
            },
            (Action::Shutdown, Part::Whole) => Ok(machine.process.take().is_some()),
            _ => Ok(false),
        }
    }

    fn launches(&mut self, id: ResourceId, action: &Action, part: Part) -> Landed {
        let &Action::Launch {
            boot,
            cpus,
            memory_gb,
        } = action
        else {
            unreachable!("only a launch launches");
        };
        let machine = self.machines.entry(id).or_default();
        if part == Part::Whole {
            return match &mut machine.process {
                Some(process) if process.boot == boot => {
                    process.up = true;
                    Ok(false)
                }
                _ => Err("the process died while it was being launched"),
            };
        }
        assert!(
            matches!(machine.disk, DiskObserved::Whole { .. }),
            "launched without a whole disk: {machine:?}"
        );
        if machine.process.is_some_and(|process| process.boot == boot) {
            return Ok(false);
        }
        assert!(
            machine.process.is_none(),
            "launched beside another: {machine:?}"
        );
        if machine.launched >= boot {
            return Err("it was launched for this number and died");
        }
        self.referee.launched(id, boot);
        machine.launched = boot;
        machine.process = Some(ProcessObserved {
            boot,
            up: false,
            ready: false,
        });
        self.sizes.insert(id, (cpus, memory_gb));
        Ok(true)
    }

    fn volume_lands(&mut self, id: ResourceId, action: &Action, part: Part) -> Landed {
        match (action, part) {
            (Action::GrowVolume { volume, size_gb }, _) => {
                self.referee.touches(id, *volume);
                let disk = self.volumes.entry(*volume).or_default();
                grow(disk, *size_gb)
            }
            (Action::MakeVolume { size_gb }, Part::Whole) => {
                self.referee.touches(id, id);
                let size_gb = *size_gb;
                self.volumes.insert(id, DiskObserved::Whole { size_gb });
                Ok(true)
            }
            (Action::RemoveVolume, Part::Whole) => {
                self.referee.touches(id, id);
                self.volumes.insert(id, DiskObserved::Absent);
                Ok(true)
            }
            _ => {
                self.referee.touches(id, id);
                self.volumes.insert(id, DiskObserved::Partial);
                Ok(false)
            }
        }
    }

    fn network_lands(&mut self, id: ResourceId, action: &Action, part: Part) -> Landed {
        let now = match (action, part) {
            (Action::ApplyNetwork(spec), Part::Whole) => NetworkObserved::Whole(spec.clone()),
            (Action::RemoveNetwork, Part::Whole) => NetworkObserved::Absent,
            _ => NetworkObserved::Partial,
        };
        if matches!(action, Action::RemoveNetwork) {
            self.referee.network_goes(id);
        }
        self.networks.insert(id, now);
        Ok(part == Part::Whole)
    }

    fn attaches(&mut self, id: ResourceId, disk: DiskSpec, part: Part) -> Landed {
        if self.volume(disk.volume).size_gb().is_none() {
            return Err("the volume is not there");
        }
        let machine = self.machines.entry(id).or_default();
        if part == Part::Half || machine.disk(disk.volume).is_some() {
            return Ok(false);
        }
        if machine.disks.iter().any(|other| other.slot == disk.slot) {
            return Err("another volume is in this slot");
        }
        machine.disks.push(disk);
        self.referee.attached(id, disk.volume);
        Ok(true)
    }

    fn detaches(&mut self, id: ResourceId, volume: ResourceId, part: Part) -> Landed {
        let machine = self.machines.entry(id).or_default();
        if part == Part::Half {
            return Ok(false);
        }
        let had = machine.disk(volume).is_some();
        machine.disks.retain(|disk| disk.volume != volume);
        self.referee.detached(id, volume);
        Ok(had)
    }

    /// A port first, its public address last.
    fn plugs(&mut self, id: ResourceId, nic: NicSpec, part: Part) -> Landed {
        let network = self.networks.get(&nic.network);
        if !matches!(network, Some(NetworkObserved::Whole(_))) {
            return Err("the network is not there");
        }
        let machine = self.machines.entry(id).or_default();
        let had = machine.nic(nic.id).is_some();
        let nic = match part {
            Part::Half => NicSpec {
                public: None,
                ..nic
            },
            Part::Whole => nic,
        };
        self.referee.plugged(id, nic);
        machine.nics.retain(|other| other.id != nic.id);
        if machine.nics.iter().any(|other| other.slot == nic.slot) {
            return Err("another interface is in this slot");
        }
        machine.nics.push(nic);
        machine.nics.sort_by_key(|nic| nic.slot);
        Ok(!had)
    }

    /// What was there is taken away first.
    fn addresses(&mut self, id: ResourceId, nic: NicSpec, part: Part) -> Landed {
        let machine = self.machines.entry(id).or_default();
        let Some(is) = machine.nics.iter_mut().find(|is| is.id == nic.id) else {
            return Err("the interface is not plugged in");
        };
        let before = is.public;
        is.public = match part {
            Part::Half => None,
            Part::Whole => nic.public,
        };
        self.referee.plugged(id, *is);
        Ok(before != is.public && is.public == nic.public)
    }

    fn takes(&mut self, id: ResourceId, gpus: &GpuSpec, part: Part) -> Landed {
        let machine = self.machines.entry(id).or_default();
        let count = match part {
            Part::Half => gpus.slots.len() / 2,
            Part::Whole => gpus.slots.len(),
        };
        let slots = gpus.slots[..count].to_vec();
        self.referee.has_gpus(id, gpus.series, &slots);
        machine.gpus = (count > 0).then_some(GpuSpec {
            series: gpus.series,
            slots,
        });
        Ok(part == Part::Whole)
    }

    fn releases(&mut self, id: ResourceId, part: Part) -> Landed {
        let machine = self.machines.entry(id).or_default();
        let Some(gpus) = &mut machine.gpus else {
            return Ok(false);
        };
        gpus.slots.truncate(match part {
            Part::Half => gpus.slots.len().div_ceil(2),
            Part::Whole => 0,
        });
        self.referee.has_gpus(id, gpus.series, &gpus.slots);
        if part == Part::Whole {
            machine.gpus = None;
        }
        Ok(part == Part::Whole)
    }

    /// A machine's process ends by itself; says whether there was one.
    pub fn die(&mut self, id: ResourceId) -> bool {
        let machine = self.machines.get_mut(&id);
        let Some(process) = machine.and_then(|found| found.process.take()) else {
            return false;
        };
        let died = self.died.entry(id).or_default();
        *died = (*died).max(process.boot);
        true
    }

    /// The hosts reboot: no process, no port, no network is left. Disks are.
    pub fn reboot(&mut self) {
        for id in self.running() {
            self.die(id);
        }
        for machine in self.machines.values_mut() {
            machine.nics.clear();
        }
        for network in self.networks.values_mut() {
            *network = NetworkObserved::Absent;
        }
        self.referee.ports_end();
    }

    /// An operator makes true by hand what a spec says, but for starting anything.
    pub fn by_hand(&mut self, id: ResourceId, spec: &Spec) {
        self.referee.by_hand(id, spec);
        match spec {
            Spec::Absent => {
                if let Some(machine) = self.machines.get_mut(&id) {
                    let launched = machine.launched;
                    *machine = MachineObserved {
                        launched,
                        ..MachineObserved::default()
                    };
                }
                if let Some(volume) = self.volumes.get_mut(&id) {
                    *volume = DiskObserved::Absent;
                }
                if let Some(network) = self.networks.get_mut(&id) {
                    *network = NetworkObserved::Absent;
                }
            }
            Spec::Machine(spec) => {
                let machine = self.machines.entry(id).or_default();
                let size_gb = spec.disk_gb.max(machine.disk.size_gb().unwrap_or(0));
                *machine = MachineObserved {
                    disk: DiskObserved::Whole { size_gb },
                    process: machine
                        .process
                        .filter(|process| spec.is_on() && process.up && process.boot == spec.boot),
                    launched: machine.launched.max(spec.boot),
                    disks: spec.disks.clone(),
                    nics: spec.nics.clone(),
                    gpus: spec.gpus.clone(),
                    ended: None,
                };
            }
            Spec::Volume(spec) => {
                let is = self.volume(id).size_gb().unwrap_or(0);
                let size_gb = spec.size_gb.max(is);
                self.volumes.insert(id, DiskObserved::Whole { size_gb });
            }
            Spec::Network(spec) => {
                self.networks
                    .insert(id, NetworkObserved::Whole(spec.clone()));
            }
        }
    }
}

/// Growing is done at once, some time before its action ends.
fn grow(disk: &mut DiskObserved, to_gb: u32) -> Landed {
    let DiskObserved::Whole { size_gb } = disk else {
        return Err("there is no whole disk to grow");
    };
    let grew = *size_gb < to_gb;
    *size_gb = to_gb.max(*size_gb);
    Ok(grew)
}
