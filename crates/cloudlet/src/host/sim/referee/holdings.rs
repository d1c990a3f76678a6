//! Who has what there is but once of, by what the log says.

use std::collections::BTreeMap;

/// A resource, and which part of it: an interface, a volume, its GPUs.
type Holder = (String, String);

#[derive(Default)]
pub(super) struct Holdings {
    holders: BTreeMap<String, Holder>,
    things: BTreeMap<Holder, Vec<String>>,
}

impl Holdings {
    /// From now on a part of a resource has these things and no others; says what of them another
    /// has.
    pub(super) fn give(&mut self, resource: &str, part: &str, things: Vec<String>) -> Vec<String> {
        let holder = (resource.to_owned(), part.to_owned());
        for thing in self.things.remove(&holder).unwrap_or_default() {
            if self.holders.get(&thing) == Some(&holder) {
                self.holders.remove(&thing);
            }
        }
        let mut found = Vec::new();
        for thing in &things {
            if let Some((other, _)) = self.holders.insert(thing.clone(), holder.clone()) {
                found.push(format!("{thing} given, which {other} has"));
            }
        }
        if !things.is_empty() {
            self.things.insert(holder, things);
        }
        found
    }

    /// The resource that has a thing.
    pub(super) fn holder(&self, thing: &str) -> Option<&str> {
        self.holders
            .get(thing)
            .map(|(resource, _)| resource.as_str())
    }

    /// A resource that has something on a network.
    pub(super) fn on_network(&self, network: &str) -> Option<&str> {
        let place = format!(" on {network}");
        let mut holders = self.holders.iter();
        let found = holders.find(|(thing, _)| thing.ends_with(&place));
        found.map(|(_, (resource, _))| resource.as_str())
    }
}
