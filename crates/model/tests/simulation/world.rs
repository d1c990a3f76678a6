//! The simulated hosts: machines with every half-made state, and the ledgers. Survives any crash of
//! the server; a reboot ends the processes only.

use crate::referee::Referee;
use api::ResourceId;
use model::{
    actor::Ledger,
    plan::Action,
    spec::{DiskObserved, MachineObserved, ProcessObserved},
};
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct World {
    pub machines: BTreeMap<ResourceId, MachineObserved>,
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

impl World {
    pub fn machine(&self, id: ResourceId) -> MachineObserved {
        self.machines.get(&id).cloned().unwrap_or_default()
    }

    pub fn ledger(&self, id: ResourceId) -> Ledger {
        self.ledgers.get(&id).cloned().unwrap_or_default()
    }

    pub fn save(&mut self, id: ResourceId, ledger: Ledger) {
        self.referee.saved(id, &ledger);
        self.ledgers.insert(id, ledger);
    }

    pub fn forget(&mut self, id: ResourceId) {
        let machine = self.machine(id);
        assert!(
            machine.is_absent(),
            "{id} is forgotten and still there: {machine:?}"
        );
        self.ledgers.remove(&id);
        self.machines.remove(&id);
    }

    /// An effect lands. Says what is in its way, if it cannot be done in this world.
    pub fn land(
        &mut self,
        id: ResourceId,
        generation: u64,
        action: Action,
        part: Part,
    ) -> Result<(), &'static str> {
        self.referee.lands(id, generation, action);
        let machine = self.machines.entry(id).or_default();
        match (action, part) {
            (Action::MakeDisk { .. } | Action::RemoveDisk, Part::Half) => {
                machine.disk = DiskObserved::Partial;
            }
            (Action::MakeDisk { size_gb, .. }, Part::Whole) => {
                machine.disk = DiskObserved::Whole { size_gb };
            }
            (Action::RemoveDisk, Part::Whole) => {
                assert!(
                    machine.process.is_none(),
                    "the disk of a running machine is removed"
                );
                machine.disk = DiskObserved::Absent;
            }
            (Action::Launch { boot, .. }, Part::Half) => {
                assert!(
                    matches!(machine.disk, DiskObserved::Whole { .. }),
                    "launched without a whole disk: {machine:?}"
                );
                if machine.process.is_none_or(|process| process.boot != boot) {
                    assert!(
                        machine.process.is_none(),
                        "launched beside another: {machine:?}"
                    );
                    if machine.launched >= boot {
                        return Err("it was launched for this number and died");
                    }
                    self.referee.launched(id, boot);
                    machine.launched = machine.launched.max(boot);
                    machine.process = Some(ProcessObserved {
                        boot,
                        up: false,
                        ready: false,
                    });
                }
            }
            (Action::Launch { boot, .. }, Part::Whole) => match &mut machine.process {
                Some(process) if process.boot == boot => process.up = true,
                _ => return Err("the process died while it was being launched"),
            },
            (Action::AwaitReady { .. } | Action::Shutdown, Part::Half) => {}
            (Action::AwaitReady { boot }, Part::Whole) => match &mut machine.process {
                Some(process) if process.boot == boot && process.up => process.ready = true,
                _ => return Err("the machine does not run"),
            },
            (Action::Shutdown, Part::Whole) => machine.process = None,
        }
        Ok(())
    }

    /// A machine's process ends by itself; says whether there was one.
    pub fn die(&mut self, id: ResourceId) -> bool {
        let Some(process) = self
            .machines
            .get_mut(&id)
            .and_then(|found| found.process.take())
        else {
            return false;
        };
        let died = self.died.entry(id).or_default();
        *died = (*died).max(process.boot);
        true
    }
}
