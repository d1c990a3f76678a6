//! The referee: reads the log of effects and says what should never have happened.
//!
//! It proves promise 3 (an operation happens at most once, nothing of an abandoned attempt lands
//! later, nothing is given twice) and is independent on purpose: it must share no code with the
//! planner or the actor, and knows of the world what the log says, nothing else.

mod holdings;
#[cfg(test)]
mod tests;

use super::world::{Effect, Subject};
use holdings::Holdings;
use std::collections::{BTreeMap, BTreeSet};

/// What is known after some of the effects.
#[derive(Default)]
struct Seen {
    resources: BTreeMap<String, History>,
    holdings: Holdings,
    networks: BTreeSet<String>,
}

/// What is known of one resource.
#[derive(Default)]
struct History {
    generation: u64,
    boots: BTreeSet<u64>,
    made_for: Option<u64>,
}

/// Every violation in a log, in words.
pub(super) fn violations(effects: &[Effect]) -> Vec<String> {
    let mut seen = Seen::default();
    let mut found = Vec::new();
    for effect in effects {
        let Effect {
            resource,
            generation,
            at,
            ..
        } = effect;
        let mut whats = seen.history(effect);
        whats.extend(seen.possessions(effect));
        whats.extend(seen.volume(effect));
        whats.extend(seen.network(effect));
        let whats = whats.into_iter();
        found.extend(
            whats.map(|what| format!("{resource}: {what} (generation {generation}, at {at})")),
        );
    }
    found
}

impl Seen {
    /// Once for each number, and nothing for a number that another has come after.
    fn history(&mut self, effect: &Effect) -> Vec<String> {
        let resource = effect.resource.clone();
        let history = self.resources.entry(resource).or_default();
        let newest = history.generation.max(effect.generation);
        let before = std::mem::replace(&mut history.generation, newest);
        let mut found = Vec::new();
        if effect.generation < before {
            let action = &effect.action;
            found.push(format!("{action} after generation {before} was taken up"));
        }
        match (effect.action.as_str(), effect.boot) {
            ("launch", Some(boot)) if !history.boots.insert(boot) => {
                found.push(format!("a second launch for boot {boot}"));
            }
            ("make_disk" | "make_volume", _) => {
                let before = history.made_for.replace(effect.generation);
                if before == Some(effect.generation) {
                    found.push("a disk made twice".to_owned());
                }
            }
            ("remove_disk" | "remove_volume", _) => history.made_for = None,
            _ => {}
        }
        found
    }

    /// What one alone can have: addresses, volumes, GPUs.
    fn possessions(&mut self, effect: &Effect) -> Vec<String> {
        let Effect { resource, host, .. } = effect;
        let holdings = &mut self.holdings;
        match (effect.action.as_str(), &effect.subject) {
            ("plug_nic" | "set_address", Some(Subject::Nic(nic))) => {
                let mut things = vec![format!("hardware address {} on {}", nic.mac, nic.network)];
                let address = nic.address.iter();
                things
                    .extend(address.map(|address| format!("address {address} on {}", nic.network)));
                let public = nic.public.iter();
                things.extend(public.map(|it| format!("address {} of host {host}", it.address)));
                holdings.give(resource, &nic.id.to_string(), things)
            }
            ("unplug_nic", Some(Subject::Interface(nic))) => {
                holdings.give(resource, &nic.to_string(), Vec::new())
            }
            ("take_gpus", Some(Subject::Gpus(gpus))) => {
                let name = |slot| format!("GPU {slot} of series {} of host {host}", gpus.series);
                let things = gpus.slots.iter().map(name).collect();
                holdings.give(resource, "gpus", things)
            }
            ("release_gpus", _) => holdings.give(resource, "gpus", Vec::new()),
            ("attach_volume", Some(Subject::Volume(volume))) => {
                let volume = volume.to_string();
                holdings.give(resource, &volume, vec![on(&volume)])
            }
            ("detach_volume", Some(Subject::Volume(volume))) => {
                holdings.give(resource, &volume.to_string(), Vec::new())
            }
            _ => Vec::new(),
        }
    }

    /// A volume that is on a machine is that machine's alone.
    fn volume(&mut self, effect: &Effect) -> Option<String> {
        let Some(Subject::Volume(volume)) = &effect.subject else {
            return None;
        };
        let volume = volume.to_string();
        let holder = self.holdings.holder(&on(&volume));
        match (effect.action.as_str(), holder) {
            ("grow_volume", Some(machine)) if machine != effect.resource => Some(format!(
                "{} made larger while it is on {machine}",
                on(&volume)
            )),
            ("grow_volume", None) if volume != effect.resource => Some(format!(
                "{} made larger by a machine that lacks it",
                on(&volume)
            )),
            ("remove_volume", Some(machine)) => {
                Some(format!("{} removed while it is on {machine}", on(&volume)))
            }
            _ => None,
        }
    }

    /// A port is plugged into a network that is there, and a network goes when no port is left.
    fn network(&mut self, effect: &Effect) -> Option<String> {
        let resource = &effect.resource;
        match (effect.action.as_str(), &effect.subject) {
            ("apply_network", _) => {
                self.networks.insert(resource.clone());
                None
            }
            ("remove_network", _) => {
                self.networks.remove(resource);
                let holder = self.holdings.on_network(resource)?;
                Some(format!("removed while {holder} has a port on it"))
            }
            ("plug_nic", Some(Subject::Nic(nic))) => {
                let network = nic.network.to_string();
                let is_there = self.networks.contains(&network);
                (!is_there).then(|| format!("a port on network {network}, which is not there"))
            }
            _ => None,
        }
    }
}

/// A volume as what one machine has.
fn on(volume: &str) -> String {
    format!("volume {volume}")
}
