//! Whether there is room for what is claimed beyond what is held, and the claims that follow.

use super::{Claim, Counter, Item, Measure, held};
use crate::{facts::Context, job::JobError, resource::Resource, spec::Spec, writes::Write};
use api::JobErrorCode;
use std::collections::BTreeMap;

/// What a resource must hold while it is taken from one spec to another: the larger of the two.
fn larger(resource: &Resource, before: &Spec, after: &Spec) -> BTreeMap<Item, u64> {
    let mut items = held(resource, before);
    for (item, amount) in held(resource, after) {
        let entry = items.entry(item).or_default();
        *entry = amount.max(*entry);
    }
    items
}

/// Claims what a resource needs on its way from one spec to another; refuses where a quota or its
/// host has no room. `asked` says in words what there is no room for.
pub fn raise(
    context: &Context<'_>,
    resource: &Resource,
    (before, after): (&Spec, &Spec),
    asked: &str,
    writes: &mut Vec<Write>,
) -> Result<(), JobError> {
    let holder = resource.id;
    let now: BTreeMap<Item, u64> = context
        .facts
        .claims(holder)
        .into_iter()
        .map(|claim| (claim.item, claim.amount))
        .collect();
    for (item, amount) in larger(resource, before, after) {
        let holds = now.get(&item).copied().unwrap_or(0);
        if amount <= holds {
            continue;
        }
        check(context, resource, &item, amount - holds, asked)?;
        writes.push(Write::Claim(Claim {
            holder,
            item,
            amount,
        }));
    }
    Ok(())
}

/// Whether there is room for so much more of an item; never says what is left, which would tell of
/// other tenants.
pub fn check(
    context: &Context<'_>,
    resource: &Resource,
    item: &Item,
    more: u64,
    asked: &str,
) -> Result<(), JobError> {
    let used = |counter: Counter| context.facts.used(&counter);
    match *item {
        Item::Quota(tenant, measure) => {
            let limit = context.facts.limits(tenant).of(measure);
            let used = used(Counter::Quota(tenant, measure));
            match limit {
                Some(limit) if used.saturating_add(more) > limit => {
                    Err(over_quota(measure, more, used, limit))
                }
                _ => Ok(()),
            }
        }
        Item::Room(host, measure) => {
            let room = context.catalogue.room(host, measure);
            if used(Counter::Room(host, measure)).saturating_add(more) > room {
                return Err(no_room(context, resource, asked));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn over_quota(measure: Measure, more: u64, used: u64, limit: u64) -> JobError {
    let text = format!(
        "Quota exceeded for {}: asked {more}, in use {used}, limit {limit}.",
        measure.words()
    );
    JobError::new(JobErrorCode::QuotaExceeded, text)
}

/// The data centre has no room for what was asked.
pub fn no_room(context: &Context<'_>, resource: &Resource, asked: &str) -> JobError {
    let data_center = context.catalogue.data_center(resource.data_center);
    let name = data_center.map_or("?", |data_center| &data_center.name);
    let text = format!("Data centre {name} has no room for {asked}.");
    JobError::new(JobErrorCode::CapacityExceeded, text)
}
