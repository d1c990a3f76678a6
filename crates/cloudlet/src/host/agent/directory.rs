//! Where letters to each actor go, which networks hand out ports, and who waits for one.
//!
//! A network hands out ports only while the newest generation that anybody here knows of is stored
//! as settled: else its way back could destroy it under a machine that has plugged in. Nothing of
//! this is kept: after a restart the networks report again, and the machines wait until they have.
//! Looked up, changed and waited for under one lock, so that nobody sleeps through a change.

use super::Letter;
use crate::clock::Busy;
use api::ResourceId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};

/// How many forgotten resources are remembered, so that a spec that was on its way when its
/// resource went brings nothing back.
const FORGOTTEN_LIMIT: usize = 1024;

/// The resources of an agent.
#[derive(Default)]
pub(super) struct Directory {
    known: BTreeMap<ResourceId, Known>,
    forgotten: VecDeque<ResourceId>,
    /// By network, the actors that wait for its ports.
    waiting: BTreeMap<ResourceId, BTreeSet<ResourceId>>,
}

struct Known {
    mailbox: UnboundedSender<Letter>,
    /// The newest generation that was told of.
    newest: u64,
    /// A network: it hands out ports.
    is_open: bool,
}

impl Directory {
    /// Makes a place for a resource that has none; nothing if it has one, or is gone for good.
    pub(super) fn enter(&mut self, resource: ResourceId) -> Option<UnboundedReceiver<Letter>> {
        if self.known.contains_key(&resource) || self.forgotten.contains(&resource) {
            return None;
        }
        let (mailbox, inbox) = mpsc::unbounded_channel();
        let known = Known {
            mailbox,
            newest: 0,
            is_open: false,
        };
        self.known.insert(resource, known);
        Some(inbox)
    }

    /// Sends a letter to a resource's actor, if there is one.
    pub(super) fn send(&self, resource: ResourceId, letter: Letter) {
        if let Some(known) = self.known.get(&resource) {
            // Refused by an actor whose resource is gone for good.
            drop(known.mailbox.send(letter));
        }
    }

    /// There is a generation of a resource: until a newer one is settled, a network is closed.
    pub(super) fn heard(&mut self, resource: ResourceId, generation: u64) {
        if let Some(known) = self.known.get_mut(&resource)
            && known.newest < generation
        {
            known.newest = generation;
            known.is_open = false;
        }
    }

    /// A network has settled, and the engine knows: whoever waits for it is woken.
    pub(super) fn open(&mut self, network: ResourceId, generation: u64, busy: &Busy) {
        let Some(known) = self.known.get_mut(&network) else {
            return;
        };
        if known.newest > generation {
            return;
        }
        known.newest = generation;
        known.is_open = true;
        for resource in self.waiting.remove(&network).unwrap_or_default() {
            self.send(resource, Letter::changed(busy.clone()));
        }
    }

    /// A network hands out no more ports until it has settled anew.
    pub(super) fn close(&mut self, network: ResourceId) {
        if let Some(known) = self.known.get_mut(&network) {
            known.is_open = false;
        }
    }

    /// Whether a network hands out ports.
    pub(super) fn is_open(&self, network: ResourceId) -> bool {
        self.known.get(&network).is_some_and(|known| known.is_open)
    }

    /// Lets an actor wait for a network; says whether it need not, since that is open already.
    pub(super) fn wait(&mut self, resource: ResourceId, network: ResourceId) -> bool {
        if self.is_open(network) {
            return true;
        }
        self.waiting.entry(network).or_default().insert(resource);
        false
    }

    /// An actor waits for a network no more.
    pub(super) fn wait_no_more(&mut self, resource: ResourceId, network: ResourceId) {
        if let Some(waiting) = self.waiting.get_mut(&network) {
            waiting.remove(&resource);
            if waiting.is_empty() {
                self.waiting.remove(&network);
            }
        }
    }

    /// Takes a resource out for good.
    pub(super) fn forget(&mut self, resource: ResourceId) {
        self.known.remove(&resource);
        self.forgotten.push_back(resource);
        if self.forgotten.len() > FORGOTTEN_LIMIT {
            self.forgotten.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Directory, Letter};
    use crate::clock::{Busy, Clock};
    use api::{ResourceId, Timestamp};
    use tokio::sync::mpsc::UnboundedReceiver;
    use uuid::Uuid;

    const NETWORK: ResourceId = ResourceId(Uuid::from_u128(1));
    const MACHINE: ResourceId = ResourceId(Uuid::from_u128(2));

    fn directory() -> (Directory, Busy, UnboundedReceiver<Letter>) {
        let mut directory = Directory::default();
        let busy = Clock::manual(Timestamp::from_millis(0)).busy();
        directory.enter(NETWORK).unwrap();
        let inbox = directory.enter(MACHINE).unwrap();
        (directory, busy, inbox)
    }

    fn is_woken(inbox: &mut UnboundedReceiver<Letter>) -> bool {
        inbox
            .try_recv()
            .is_ok_and(|letter| letter.assignment.is_none())
    }

    #[test]
    fn who_waits_is_woken_once_and_who_comes_later_need_not_wait() {
        let (mut directory, busy, mut inbox) = directory();
        assert!(!directory.wait(MACHINE, NETWORK));
        assert!(!is_woken(&mut inbox));
        directory.open(NETWORK, 1, &busy);
        assert!(is_woken(&mut inbox));
        directory.open(NETWORK, 1, &busy);
        assert!(!is_woken(&mut inbox));
        assert!(directory.wait(MACHINE, NETWORK));
    }

    #[test]
    fn who_waits_no_more_is_left_alone() {
        let (mut directory, busy, mut inbox) = directory();
        directory.wait(MACHINE, NETWORK);
        directory.wait_no_more(MACHINE, NETWORK);
        directory.open(NETWORK, 1, &busy);
        assert!(!is_woken(&mut inbox));
        assert!(directory.waiting.is_empty());
    }

    #[test]
    fn only_the_newest_generation_opens_a_network_and_a_newer_one_or_its_end_closes_it() {
        let (mut directory, busy, _inbox) = directory();
        directory.heard(NETWORK, 2);
        directory.open(NETWORK, 1, &busy);
        assert!(!directory.is_open(NETWORK));
        directory.open(NETWORK, 2, &busy);
        directory.heard(NETWORK, 2);
        assert!(directory.is_open(NETWORK));
        directory.heard(NETWORK, 3);
        assert!(!directory.is_open(NETWORK));
        directory.open(NETWORK, 3, &busy);
        directory.close(NETWORK);
        assert!(!directory.is_open(NETWORK));
        directory.open(NETWORK, 3, &busy);
        directory.forget(NETWORK);
        assert!(!directory.is_open(NETWORK));
        directory.open(NETWORK, 3, &busy);
        assert!(!directory.is_open(NETWORK) && directory.enter(NETWORK).is_none());
    }
}
