//! What passes between the engine and a host's agent: assignments one way, reports the other.
//!
//! Reports are states, not events: the newest says everything, a lost one costs nothing.

use crate::{
    job::{JobError, Phase},
    observed::Observed,
    operation::Operation,
    plan::Action,
    spec::Spec,
};
use api::{HostId, ResourceId, TenantId};
use serde::{Deserialize, Serialize};

/// What an agent is told of a resource: the newest spec.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The resource.
    pub resource: ResourceId,
    /// Where it lives: what a host has but once (a GPU, a public address) is told apart by it.
    pub host: HostId,
    /// The spec's number.
    pub generation: u64,
    /// What to make true.
    pub spec: Spec,
    /// Milliseconds without a new low of what remains, then it has stalled.
    pub stall_ms: u64,
    /// Look, but do not act: a leftover is open and waits for an operator or a delete.
    pub hold: bool,
    /// For whom and what, where a job is under way: faults are placed by it.
    pub origin: Option<Origin>,
}

/// For whom and for what a spec was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The tenant.
    pub tenant: TenantId,
    /// The operation.
    pub operation: Operation,
}

/// What an agent reports of a resource.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The resource.
    pub resource: ResourceId,
    /// The generation it works on; a report for an older one than the newest changes nothing.
    pub generation: u64,
    /// How far it is.
    pub state: ReportState,
    /// The phase at hand.
    pub phase: Option<String>,
    /// What the first plan was worth.
    pub total: u64,
    /// What the present plan is worth, the running action by its fraction.
    pub remaining: u64,
    /// The phases gone through on this generation.
    pub phases: Vec<Phase>,
    /// The actions that took effect since a spec was last reached.
    pub done: Vec<Done>,
    /// What was seen, if anybody looked.
    pub observed: Option<Observed>,
}

/// An action that took effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// For which generation.
    pub generation: u64,
    /// Which.
    pub action: Action,
}

/// How far an agent is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// On its way.
    Acting,
    /// Nothing is left to plan.
    Settled,
    /// It cannot be done.
    Failed(Failure),
}

/// Why it cannot be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For the tenant.
    pub error: JobError,
    /// Whether an action may still have an effect (it could not be ended, or its actor panicked).
    pub outstanding: bool,
}

/// What the engine answers to a report.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "almost every answer is the large one, and none is kept"
)]
pub enum Told {
    /// The newest spec.
    Spec(Assignment),
    /// The resource is gone for good: what the host still keeps of it may go.
    Forget,
}
