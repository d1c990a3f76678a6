//! Make another network interface the primary one. A call waits for its turn; the record alone
//! changes.

use super::{Call, Next, accept_call, interface, machine::spec_as_seen};
use crate::{
    accept::{Accepted, Request, changeable},
    facts::Context,
    job::{Job, JobError},
    operation::{Definition, Operation},
    resource::{Record, Resource},
    wish::Wish,
};
use api::{NicId, ResourceId, TenantId};

/// What is particular to it.
pub const DEFINITION: Definition = Definition {
    verb: "set_primary",
    synchronous: true,
    start,
    ..Definition::OTHER
};

/// Accepts the call; one that is the primary one already is as wished.
pub fn accept(
    context: &Context<'_>,
    (tenant, id): (TenantId, ResourceId),
    nic: NicId,
) -> Accepted<Call> {
    let machine = changeable(context, tenant, id, Operation::NicSetPrimary)?;
    interface::known(context, &machine, nic)?;
    let request = Request {
        wish: Wish::OfNic(nic),
        ..Request::new(Operation::NicSetPrimary, &machine)
    };
    accept_call(context, request, |machine| {
        Ok(machine.primary() == Some(nic))
    })
}

fn start(context: &Context<'_>, job: &Job, machine: &Resource) -> Result<Next, JobError> {
    let nic = interface::of_job(&spec_as_seen(machine), job)?;
    let mut machine = machine.clone();
    if let Record::Machine(record) = &mut machine.record {
        record.primary = Some(nic.id);
    }
    machine.touch(context.now);
    Ok(Next::Record(Box::new(machine)))
}
