//! The referee: reads the log of effects as it is written and knows only what must never be seen
//! there. Shares no code with the planner, the actor or the engine.

use api::{NicId, ResourceId};
use model::{
    Spec,
    actor::Ledger,
    plan::Action,
    spec::{Mac, NicSpec},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
};

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Entry {
    pub resource: ResourceId,
    pub generation: u64,
    pub action: Action,
}

#[derive(Debug, Default)]
pub struct Referee {
    /// Whatever was begun or landed; append-only.
    pub log: Vec<Entry>,
    /// The actions that were begun; append-only.
    pub begun: Vec<Entry>,
    /// The effects that were not there before; append-only.
    pub effects: Vec<Entry>,
    launches: BTreeSet<(ResourceId, u64)>,
    newest: BTreeMap<ResourceId, u64>,
    settled: BTreeMap<ResourceId, u64>,
    recorded: BTreeMap<ResourceId, (u64, Action)>,
    running: BTreeMap<ResourceId, Action>,
    ports: BTreeMap<NicId, (ResourceId, NicSpec)>,
    attached: BTreeMap<ResourceId, ResourceId>,
    gpus: BTreeMap<(i64, u32), ResourceId>,
}

impl Referee {
    /// The host has kept a ledger.
    pub fn saved(&mut self, id: ResourceId, ledger: &Ledger) {
        let newest = self.newest.entry(id).or_default();
        assert!(
            *newest <= ledger.generation,
            "{id}: the ledger goes back from {newest}"
        );
        *newest = ledger.generation;
        let settled = self.settled.entry(id).or_default();
        assert!(
            *settled <= ledger.settled,
            "{id}: settled goes back from {settled}"
        );
        *settled = ledger.settled;
        if let Some(record) = &ledger.action {
            self.recorded
                .insert(id, (record.generation, record.action.clone()));
        }
    }

    /// An action begins.
    pub fn begins(&mut self, id: ResourceId, generation: u64, action: &Action) {
        let other = self.running.insert(id, action.clone());
        assert_eq!(other, None, "{id}: {action:?} begins while another runs");
        let recorded = self.recorded.get(&id);
        assert_eq!(
            recorded,
            Some(&(generation, action.clone())),
            "{id}: begun before it was kept"
        );
        self.lands(id, generation, action);
        self.begun.push(Entry {
            resource: id,
            generation,
            action: action.clone(),
        });
    }

    /// An action has ended, by itself, killed, or with its process.
    pub fn ends(&mut self, id: ResourceId) {
        self.running.remove(&id);
    }

    /// Every process of the server has ended.
    pub fn all_end(&mut self) {
        self.running.clear();
    }

    /// An effect lands, or part of it.
    pub fn lands(&mut self, resource: ResourceId, generation: u64, action: &Action) {
        let newest = self.newest.get(&resource).copied().unwrap_or(0);
        assert_eq!(
            newest, generation,
            "{resource}: {action:?} of a superseded generation"
        );
        let settled = self.settled.get(&resource).copied().unwrap_or(0);
        assert!(
            settled < generation || heals(action),
            "{resource}: {action:?} after {settled} was settled"
        );
        let running = self.running.get(&resource);
        assert_eq!(
            running,
            Some(action),
            "{resource}: an effect of an action that has ended"
        );
        self.log.push(Entry {
            resource,
            generation,
            action: action.clone(),
        });
    }

    /// An effect is there that was not.
    pub fn took_effect(&mut self, resource: ResourceId, generation: u64, action: &Action) {
        self.effects.push(Entry {
            resource,
            generation,
            action: action.clone(),
        });
    }

    /// A new process was made for a boot number.
    pub fn launched(&mut self, id: ResourceId, boot: u64) {
        assert!(
            self.launches.insert((id, boot)),
            "{id}: a second launch for boot {boot}"
        );
    }

    /// A port is there with these addresses.
    pub fn plugged(&mut self, machine: ResourceId, nic: NicSpec) {
        self.ports.remove(&nic.id);
        for (other, is) in self.ports.values() {
            let in_words = format!("{machine} and {other}");
            assert!(!same_mac(is.mac, nic.mac), "{in_words}: {} twice", nic.mac);
            let on_one = is.network == nic.network && is.address.is_some();
            assert!(
                !on_one || is.address != nic.address,
                "{in_words}: {:?} twice",
                nic.address
            );
            let public = |nic: &NicSpec| -> Option<Ipv4Addr> { nic.public.map(|it| it.address) };
            assert!(
                public(is).is_none() || public(is) != public(&nic),
                "{in_words}: {:?} twice",
                nic.public
            );
        }
        self.ports.insert(nic.id, (machine, nic));
    }

    pub fn unplugged(&mut self, nic: NicId) {
        self.ports.remove(&nic);
    }

    /// The host has rebooted.
    pub fn ports_end(&mut self) {
        self.ports.clear();
    }

    /// A network is taken away.
    pub fn network_goes(&self, network: ResourceId) {
        let on_it = |(_, nic): &&(ResourceId, NicSpec)| nic.network == network;
        let port = self.ports.values().find(on_it);
        assert_eq!(port, None, "network {network} goes from under a machine");
    }

    /// A volume is put on a machine.
    pub fn attached(&mut self, machine: ResourceId, volume: ResourceId) {
        let other = self.attached.insert(volume, machine);
        assert!(
            other.is_none_or(|other| other == machine),
            "{machine}: volume {volume} is on {other:?}"
        );
    }

    pub fn detached(&mut self, machine: ResourceId, volume: ResourceId) {
        if self.attached.get(&volume) == Some(&machine) {
            self.attached.remove(&volume);
        }
    }

    /// The content of a volume is touched: by its machine where it is on one, else by itself.
    pub fn touches(&self, who: ResourceId, volume: ResourceId) {
        let on = self.attached.get(&volume).copied().unwrap_or(volume);
        assert_eq!(on, who, "volume {volume} is touched by another");
    }

    /// A machine has these GPUs and no others.
    pub fn has_gpus(&mut self, machine: ResourceId, series: i64, slots: &[u32]) {
        self.gpus.retain(|_, holder| *holder != machine);
        for &slot in slots {
            let other = self.gpus.insert((series, slot), machine);
            assert_eq!(other, None, "{machine}: GPU {slot} twice");
        }
    }

    /// An operator has made true what a spec says.
    pub fn by_hand(&mut self, id: ResourceId, spec: &Spec) {
        self.ports.retain(|_, (machine, _)| *machine != id);
        self.attached.retain(|_, machine| *machine != id);
        self.gpus.retain(|_, machine| *machine != id);
        let Some(machine) = spec.machine() else {
            return;
        };
        for nic in &machine.nics {
            self.plugged(id, *nic);
        }
        for disk in &machine.disks {
            self.attached(id, disk.volume);
        }
        if let Some(gpus) = &machine.gpus {
            self.has_gpus(id, gpus.series, &gpus.slots);
        }
    }
}

fn same_mac(one: Mac, other: Mac) -> bool {
    one.0 == other.0
}

/// What may be done once more for a generation that was settled: nothing that starts or stops a
/// process, makes disk content or destroys it.
fn heals(action: &Action) -> bool {
    matches!(
        action,
        Action::TakeGpus(_)
            | Action::ReleaseGpus
            | Action::AttachVolume(_)
            | Action::DetachVolume(_)
            | Action::PlugNic(_)
            | Action::UnplugNic(_)
            | Action::SetAddress(_)
            | Action::ApplyNetwork(_)
            | Action::RemoveNetwork
    )
}
