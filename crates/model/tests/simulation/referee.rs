//! The referee: reads the log of effects as it is written and knows only what must never be seen
//! there. Shares no code with the planner, the actor or the engine.

use api::ResourceId;
use model::{actor::Ledger, plan::Action};
use std::collections::{BTreeMap, BTreeSet};

/// One line of the log.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    pub resource: ResourceId,
    pub generation: u64,
    #[expect(dead_code, reason = "for whoever reads the log of a failed history")]
    pub action: Action,
}

#[derive(Debug, Default)]
pub struct Referee {
    /// Append-only.
    pub log: Vec<Entry>,
    launches: BTreeSet<(ResourceId, u64)>,
    newest: BTreeMap<ResourceId, u64>,
    settled: BTreeMap<ResourceId, u64>,
    recorded: BTreeMap<ResourceId, (u64, Action)>,
    running: BTreeMap<ResourceId, Action>,
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
            self.recorded.insert(id, (record.generation, record.action));
        }
    }

    /// An action begins.
    pub fn begins(&mut self, id: ResourceId, generation: u64, action: Action) {
        let other = self.running.insert(id, action);
        assert_eq!(other, None, "{id}: {action:?} begins while another runs");
        let recorded = self.recorded.get(&id);
        assert_eq!(
            recorded,
            Some(&(generation, action)),
            "{id}: begun before it was kept"
        );
        self.lands(id, generation, action);
    }

    /// An action has ended, by itself, killed, or with its process.
    pub fn ends(&mut self, id: ResourceId) {
        self.running.remove(&id);
    }

    /// Every process of the server has ended.
    pub fn all_end(&mut self) {
        self.running.clear();
    }

    /// An effect lands.
    pub fn lands(&mut self, resource: ResourceId, generation: u64, action: Action) {
        let newest = self.newest.get(&resource).copied().unwrap_or(0);
        assert_eq!(
            newest, generation,
            "{resource}: {action:?} of a superseded generation"
        );
        let settled = self.settled.get(&resource).copied().unwrap_or(0);
        assert!(
            settled < generation,
            "{resource}: {action:?} after {settled} was settled"
        );
        let running = self.running.get(&resource);
        assert_eq!(
            running,
            Some(&action),
            "{resource}: an effect of an action that has ended"
        );
        self.log.push(Entry {
            resource,
            generation,
            action,
        });
    }

    /// A new process was made for a boot number.
    pub fn launched(&mut self, id: ResourceId, boot: u64) {
        assert!(
            self.launches.insert((id, boot)),
            "{id}: a second launch for boot {boot}"
        );
    }
}
