//! The referee: reads the log of effects and says what should never have happened.
//!
//! It proves promise 3 (an operation happens at most once, nothing of an abandoned attempt lands
//! later) and is independent on purpose: it must share no code with the planner or the actor.

use super::world::Effect;
use std::collections::{BTreeMap, BTreeSet};

/// What is known of one resource after some of its effects.
#[derive(Default)]
struct Seen {
    generation: u64,
    boots: BTreeSet<u64>,
    disk_made_for: Option<u64>,
}

/// Every violation in a log, in words.
pub(super) fn violations(effects: &[Effect]) -> Vec<String> {
    let mut resources: BTreeMap<&str, Seen> = BTreeMap::new();
    let mut found = Vec::new();
    for effect in effects {
        let seen = resources.entry(&effect.resource).or_default();
        if let Some(what) = violation(seen, effect) {
            let Effect {
                resource,
                generation,
                at,
                ..
            } = effect;
            found.push(format!(
                "{resource}: {what} (generation {generation}, at {at})"
            ));
        }
    }
    found
}

fn violation(seen: &mut Seen, effect: &Effect) -> Option<String> {
    let newest = seen.generation.max(effect.generation);
    let before = std::mem::replace(&mut seen.generation, newest);
    if effect.generation < before {
        let action = &effect.action;
        return Some(format!("{action} after generation {before} was taken up"));
    }
    match (effect.action.as_str(), effect.boot) {
        ("launch", Some(boot)) if !seen.boots.insert(boot) => {
            Some(format!("a second launch for boot {boot}"))
        }
        ("make_disk", _) => {
            let again = seen.disk_made_for.replace(effect.generation) == Some(effect.generation);
            again.then(|| "a disk made twice".to_owned())
        }
        ("remove_disk", _) => {
            seen.disk_made_for = None;
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::world::TAKEN, Effect, violations};

    fn effect(generation: u64, action: &str, boot: Option<u64>) -> Effect {
        Effect {
            resource: "m".to_owned(),
            generation,
            action: action.to_owned(),
            boot,
            at: "now".to_owned(),
        }
    }

    #[test]
    fn an_honest_log_passes() {
        let log = [
            effect(1, TAKEN, None),
            effect(1, "make_disk", None),
            effect(1, "launch", Some(1)),
            effect(1, "ready", Some(1)),
            effect(2, "shutdown", None),
            effect(2, "launch", Some(2)),
            effect(3, "remove_disk", None),
            effect(3, "make_disk", None),
        ];
        assert_eq!(violations(&log), [""; 0]);
    }

    #[test]
    fn each_violation_is_named() {
        for (log, words) in [
            (
                [effect(1, "launch", Some(1)), effect(2, "launch", Some(1))],
                "a second launch for boot 1",
            ),
            (
                [effect(2, "shutdown", None), effect(1, "make_disk", None)],
                "make_disk after generation 2 was taken up",
            ),
            (
                [effect(2, TAKEN, None), effect(1, "make_disk", None)],
                "make_disk after generation 2 was taken up",
            ),
            (
                [effect(1, "make_disk", None), effect(1, "make_disk", None)],
                "a disk made twice",
            ),
        ] {
            let found = violations(&log);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(words), "{found:?}");
        }
    }
}
