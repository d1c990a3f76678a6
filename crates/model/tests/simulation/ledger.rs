//! Claims against what they should be: what each resource holds follows from its specs and from the
//! jobs in its line, and nobody holds more than there is.

use api::ResourceId;
use model::{
    Job, Resource, Spec, Wish,
    catalogue::Catalogue,
    claim::{self, Counter, Item},
    memory::Memory,
    spec::VolumeSpec,
};
use std::collections::BTreeMap;

type Items = BTreeMap<Item, u64>;

/// What a resource holds. To be a tenant's default network is a claim that only its delete ends,
/// and of no spec.
fn held(store: &Memory, id: ResourceId) -> Items {
    let rows = store.claims.iter().filter(|((of, _), _)| *of == id);
    rows.filter(|((_, item), _)| !matches!(item, Item::Default(..)))
        .map(|((_, item), &amount)| (item.clone(), amount))
        .collect()
}

fn raise(items: &mut Items, by: Items) {
    for (item, amount) in by {
        let entry = items.entry(item).or_default();
        *entry = amount.max(*entry);
    }
}

/// What a resource holds is what its specs and the jobs in its line say. Where something of it was
/// left over once (`vague`) it may hold more.
pub fn check(store: &Memory, id: ResourceId, vague: bool) {
    let held = held(store, id);
    let Some(resource) = store.resources.get(&id) else {
        assert_eq!(held, Items::new(), "claims of {id}, which is gone");
        return;
    };
    let expected = expected(store, resource);
    if !vague {
        assert_eq!(held, expected, "claims of {resource:?}");
        return;
    }
    for (item, amount) in expected {
        let quota = matches!(item, Item::Quota(..));
        assert!(
            quota || held.get(&item) >= Some(&amount),
            "{item:?} is not held by {resource:?}"
        );
    }
}

fn expected(store: &Memory, resource: &Resource) -> Items {
    let of = |spec: &Spec| claim::held(resource, spec);
    let mut items = of(&resource.shown);
    raise(&mut items, of(&resource.spec));
    let line = (resource.id, 0)..=(resource.id, u64::MAX);
    for (_, job) in store.tickets.range(line) {
        let job = &store.jobs[job];
        if job.resource == resource.id {
            raise(&mut items, accepted(resource, job));
        }
        if job.acted() == resource.id {
            for spec in job.before.iter().chain(&job.after) {
                raise(&mut items, of(spec));
            }
        } else if let Wish::GrowTo(size_gb) = job.wish
            && job.state.is_running()
            && job.resource == resource.id
        {
            raise(&mut items, of(&Spec::Volume(VolumeSpec { size_gb })));
        }
    }
    items
}

/// What a job claims when it is accepted.
fn accepted(resource: &Resource, job: &Job) -> Items {
    let mut items: Items = job.claimed.iter().map(|item| (item.clone(), 1)).collect();
    match &job.wish {
        Wish::Machine(wish) => {
            let nics = wish.nics.iter();
            items.extend(nics.map(|nic| (Item::Nic(nic.network, nic.id), 1)));
        }
        Wish::Network(wish) => {
            let span = wish.subnet.iter().map(|subnet| subnet.cidr.span());
            let blocks = span.flat_map(|(first, last)| claim::blocks(first, last));
            items.extend(blocks.map(|block| (Item::Block(resource.tenant, block), 1)));
        }
        _ => {}
    }
    items
}

/// At rest a resource without a leftover holds what is shown of it, and nothing else.
pub fn at_rest(store: &Memory) {
    for resource in store.resources.values() {
        if resource.leftover.is_some() {
            continue;
        }
        assert_eq!(resource.shown, resource.spec, "at rest: {resource:?}");
        assert_eq!(
            held(store, resource.id),
            claim::held(resource, &resource.shown),
            "claims at rest of {resource:?}"
        );
    }
}

/// Nobody holds more than there is.
pub fn check_limits(store: &Memory, catalogue: &Catalogue) {
    for (counter, &used) in &store.used {
        let limit = match *counter {
            Counter::Room(host, measure) => catalogue.room(host, measure),
            Counter::Quota(tenant, measure) => {
                let limits = store.limits.get(&tenant).copied().unwrap_or_default();
                limits.of(measure).unwrap_or(u64::MAX)
            }
            _ => continue,
        };
        assert!(used <= limit, "{counter:?}: {used} of {limit} are used");
    }
}
