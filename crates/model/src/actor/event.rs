//! What happens to an actor, and what it wants done.

use super::Ledger;
use crate::{
    job::JobError,
    observed::Observed,
    plan::Action,
    report::{Assignment, Report},
};
use api::{JobErrorCode, ResourceId, Timestamp};
use std::collections::BTreeSet;

/// A moment on both clocks: the wall's for what people read, the steady one for what is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// For people.
    pub wall: Timestamp,
    /// Milliseconds; never goes back.
    pub steady_ms: u64,
}

/// What happens to an actor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The engine's newest spec.
    Assigned(Assignment),
    /// The driver has looked; of the networks that the spec names, these hand out ports.
    Observed(Observed, BTreeSet<ResourceId>),
    /// The driver could not look.
    Blind(ActionError),
    /// The ledger is kept.
    Saved,
    /// The ledger could not be kept.
    Unsaved,
    /// The running action is this far, in thousandths.
    Progress(u16),
    /// The running action has ended.
    Ended(Result<(), ActionError>),
    /// The world of a resource at rest may have changed.
    Changed,
    /// The time of [`super::Actor::deadline`] has come.
    Tick,
}

/// Why an action ended without its effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionError {
    /// For the tenant.
    pub error: JobError,
    /// Whether trying again is no use.
    pub permanent: bool,
}

impl ActionError {
    /// Trying again is no use. The text is for the tenant.
    pub fn permanent(text: impl Into<String>) -> Self {
        Self::of_driver(text.into(), true)
    }

    /// Trying again may help.
    pub fn transient(text: impl Into<String>) -> Self {
        Self::of_driver(text.into(), false)
    }

    /// It was killed.
    pub fn killed() -> Self {
        Self::transient("The action was ended early.")
    }

    fn of_driver(text: String, permanent: bool) -> Self {
        let error = JobError::new(JobErrorCode::DriverError, text);
        Self { error, permanent }
    }
}

/// What an actor wants done, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Keep this durably; [`Event::Saved`] or [`Event::Unsaved`] answers before anything else
    /// happens.
    Save(Ledger),
    /// Look at the world; [`Event::Observed`] or [`Event::Blind`] answers. One look at most is
    /// under way.
    Observe,
    /// Begin an action; [`Event::Progress`] and [`Event::Ended`] answer.
    Begin(Action),
    /// End the running action now; [`Event::Ended`] answers.
    Kill,
    /// Tell the engine.
    Report(Report),
}
