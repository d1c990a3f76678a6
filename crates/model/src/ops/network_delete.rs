//! Delete a network that nothing is on. There is no way back, only forward.

use super::{Next, accept_delete, own_line};
use crate::{
    accept::{Accepted, too_late},
    claim::{Counter, Item},
    facts::{Context, Refusal},
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::{Kind, Resource, Status},
    spec::Spec,
    writes::Write,
};
use api::{ErrorCode, ResourceId, TenantId, network::NetworkStatus};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    kind: Kind::Network,
    verb: "delete",
    status: Some(Status::Network(NetworkStatus::Deleting)),
    removes: true,
    phases: &["network"],
    start,
    ..Definition::OTHER
};

/// Accepts it, unless an interface is on it or planned to be: whatever waits in its line, that is
/// seen at once, since nothing new comes onto it from then on.
pub fn accept(context: &Context<'_>, tenant: TenantId, id: ResourceId) -> Accepted<Job> {
    let operation = Operation::NetworkDelete;
    let known = context
        .facts
        .resource(id)
        .filter(|network| network.tenant == tenant);
    if let Some(network) = known.filter(|network| network.deleting.is_none()) {
        unused(context, &network)?;
    }
    let accepted = accept_delete(context, operation, (tenant, id), own_line, |_| Ok(()));
    let (mut writes, job) = accepted?;
    // The next machine that names no network gets a new default one.
    for claim in context.facts.claims(id) {
        if let item @ Item::Default(..) = claim.item {
            writes.push(Write::Unclaim { holder: id, item });
        }
    }
    Ok((writes, job))
}

fn start(context: &Context<'_>, _: &Job, network: &Resource) -> Result<Next, JobError> {
    unused(context, network).map_err(|refusal| too_late(&refusal))?;
    Ok(Next::spec(network, Spec::Absent))
}

/// Refuses what a network cannot have done to it while interfaces are on it or planned to be.
pub(super) fn unused(context: &Context<'_>, network: &Resource) -> Result<(), Refusal> {
    let count = context.facts.used(&Counter::Nics(network.id));
    if count == 0 {
        return Ok(());
    }
    let text = format!(
        "{} has {count} network interfaces on it, planned ones included; remove them first",
        network.words()
    );
    Err(Refusal::new(ErrorCode::NetworkInUse, text))
}
