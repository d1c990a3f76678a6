//! One file for each operation: what it is accepted for, and what its resource should be next.
//!
//! The rest of a job's life is the same for all of them and lives in [`crate::course`]; the way
//! back is [`crate::back`].

pub mod job_cancel;
pub mod vm_create;
pub mod vm_delete;
pub mod vm_rename;
pub mod vm_reset;
pub mod vm_start;
pub mod vm_stop;

use crate::{
    accept::{self, Accepted},
    claim::Item,
    facts::{Context, Refusal},
    job::Job,
    operation::Operation,
    resource::Resource,
    spec::{MachineSpec, Spec},
};
use api::{ResourceId, TenantId};

/// What an operation decides when its turn has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Its host is to make this true; these are claimed first.
    Spec {
        /// The spec after.
        spec: Spec,
        /// What the resource holds from now on.
        claims: Vec<(Item, u64)>,
    },
    /// There is nothing to do: it is as wished.
    Done,
}

/// What a synchronous call was accepted as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// The machine is as wished; nothing was written.
    AsWished(Box<Resource>),
    /// A job in line; the call waits for it.
    Job(Box<Job>),
}

/// Accepts a power operation. A conflict with the state is answered at once when nothing waits
/// before it; otherwise it is judged when its turn comes.
pub fn accept_call(
    context: &Context<'_>,
    tenant: TenantId,
    id: ResourceId,
    operation: Operation,
    judge: fn(&Resource) -> Result<bool, Refusal>,
) -> Accepted<Call> {
    let resource = accept::changeable_machine(context, tenant, id)?;
    accept::without_leftover(&resource)?;
    if context.facts.line(id).length == 0 && judge(&resource)? {
        return Ok((Vec::new(), Call::AsWished(Box::new(resource))));
    }
    let mut writes = Vec::new();
    let job = accept::enqueue(context, operation, &resource, &mut writes)?;
    Ok((writes, Call::Job(Box::new(job))))
}

/// The machine's spec; a job that changes a machine starts only on one that has been made.
fn machine_spec(resource: &Resource) -> MachineSpec {
    resource
        .spec
        .machine()
        .cloned()
        .expect("a machine whose create has ended has a spec")
}
