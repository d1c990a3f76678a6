//! A job: one resource taken from one spec to the next, and its state machine.
//!
//! ```text
//!            start             complete
//!  pending ────────► running ───────────────► completed
//!     │ │              │ │ │ retry             ▲
//!     │ │ complete     │ │ └──────► retrying ──┤
//!     │ └──────────────┼─┼──────────────┬────► │
//!     │                │ │ revert       │      │ complete: what grew stays grown
//!     │ fail           │ └──► reverting │──────┘
//!     └────────────────┴─────────┴──────┴────► failed
//! ```
//!
//! `running`, `reverting` and `retrying` all show as `in_progress`: a job shows `failed` only when
//! its way back has ended or was handed to an operator.

use crate::{claim::Item, operation::Operation, report::Done, spec::Spec, wish::Wish};
use api::{HostId, JobErrorCode, JobId, JobStatus, ResourceId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a job stands, as the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Accepted, in line.
    Pending,
    /// Its host works towards the spec after.
    Running,
    /// Its host works towards the spec before.
    Reverting,
    /// Its host works towards the spec after once more, there being no way back.
    Retrying,
    /// Ended well.
    Completed,
    /// Ended otherwise.
    Failed,
}

/// What can happen to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobEvent {
    /// Its turn came and its spec was written.
    Start,
    /// Its effect is there.
    Complete,
    /// It ended without its effect.
    Fail,
    /// The spec before was written once more.
    Revert,
    /// The spec after was written once more.
    Retry,
}

/// An event that cannot happen in a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IllegalTransition {
    /// Where the job stood.
    pub state: JobState,
    /// What was to happen.
    pub event: JobEvent,
}

impl JobState {
    /// Every state.
    pub const ALL: [JobState; 6] = [
        Self::Pending,
        Self::Running,
        Self::Reverting,
        Self::Retrying,
        Self::Completed,
        Self::Failed,
    ];

    /// The state after an event.
    pub fn next(self, event: JobEvent) -> Result<Self, IllegalTransition> {
        match (self, event) {
            (Self::Pending, JobEvent::Start) => Ok(Self::Running),
            (Self::Running, JobEvent::Revert) => Ok(Self::Reverting),
            (Self::Running, JobEvent::Retry) => Ok(Self::Retrying),
            (
                Self::Pending | Self::Running | Self::Reverting | Self::Retrying,
                JobEvent::Complete,
            ) => Ok(Self::Completed),
            (Self::Pending | Self::Running | Self::Reverting | Self::Retrying, JobEvent::Fail) => {
                Ok(Self::Failed)
            }
            (state, event) => Err(IllegalTransition { state, event }),
        }
    }

    /// What a poll shows.
    pub fn status(self) -> JobStatus {
        match self {
            Self::Pending => JobStatus::Pending,
            Self::Running | Self::Reverting | Self::Retrying => JobStatus::InProgress,
            Self::Completed => JobStatus::Completed,
            Self::Failed => JobStatus::Failed,
        }
    }

    /// Whether its host works on it.
    pub fn is_running(self) -> bool {
        self.status() == JobStatus::InProgress
    }

    /// Whether it has ended.
    pub fn is_final(self) -> bool {
        self.status().is_final()
    }

    /// The state as it stands in the store.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Reverting => "reverting",
            Self::Retrying => "retrying",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// Why a job failed, or goes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// For programs.
    pub code: JobErrorCode,
    /// For the tenant; made one line of plain characters when shown ([`crate::render::line`]).
    pub text: String,
}

impl JobError {
    /// An error of a kind with its text.
    pub fn new(code: JobErrorCode, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }
}

/// One phase of a job, as its host went through it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phase {
    /// The generation whose plan it was part of.
    pub generation: u64,
    /// `disk`, `boot`, `ready`, `shutdown`.
    pub name: String,
    /// When it first began.
    pub started_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// How often its action was begun.
    pub attempt: u32,
    /// The last error of its action.
    pub error: Option<String>,
}

/// A job. What it carries are specs, not code: fields are only ever added, with defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its place in the order of acceptance; 0 until the store has given it one.
    pub number: u64,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where its resource lives.
    pub host: HostId,
    /// What it does.
    pub operation: Operation,
    /// The resource that it is about, and shown with.
    pub resource: ResourceId,
    /// The resource whose spec it writes, where that is another one: the machine that a volume is on.
    #[serde(default)]
    pub acts_on: Option<ResourceId>,
    /// The resources in whose lines it stands; fixed when it was accepted. None: its own.
    #[serde(default)]
    pub lines: Vec<ResourceId>,
    /// What was asked for, as far as its operation does not say it.
    #[serde(default)]
    pub wish: Wish,
    /// What its resource claimed when it was accepted.
    #[serde(default)]
    pub claimed: Vec<Item>,
    /// Whether lists leave it out: the create of a default network.
    #[serde(default)]
    pub unlisted: bool,
    /// The resource's name when the job was accepted.
    pub resource_name: String,
    /// Where it stands.
    pub state: JobState,
    /// On how many of its lines it is not the first.
    pub blockers: u32,
    /// The spec before, once started.
    #[serde(default)]
    pub before: Option<Spec>,
    /// The spec after, once started.
    #[serde(default)]
    pub after: Option<Spec>,
    /// The generation of the spec after; what follows is the way back, or the second try.
    #[serde(default)]
    pub generation: u64,
    /// What took effect on its host.
    #[serde(default)]
    pub done: Vec<Done>,
    /// What it left, in words; one for each thing.
    #[serde(default)]
    pub left: Vec<String>,
    /// What else it has to tell once it has completed.
    #[serde(default)]
    pub result: Option<serde_json::Value>,
    /// 0 to 100, as shown.
    pub progress: u8,
    /// What the first plan of the spec after was worth.
    #[serde(default)]
    pub total: Option<u64>,
    /// The phase at hand, as shown.
    pub stage: String,
    /// Why it goes back or failed, or was wished cancelled; shown only once it has failed.
    #[serde(default)]
    pub error: Option<JobError>,
    /// What its host went through.
    #[serde(default)]
    pub phases: Vec<Phase>,
    /// Whether its tenant wishes it cancelled.
    #[serde(default)]
    pub cancel: bool,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When status, progress, stage or error last moved.
    pub updated_at: Timestamp,
    /// When it ended.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
}

impl Job {
    /// Whether it may start as far as its lines go.
    pub fn is_ready(&self) -> bool {
        self.state == JobState::Pending && self.blockers == 0
    }

    /// Whether a call waits for it, so that no list shows it.
    pub fn is_synchronous(&self) -> bool {
        self.operation.definition().synchronous
    }

    /// Whether lists show it.
    pub fn is_listed(&self) -> bool {
        !self.is_synchronous() && !self.unlisted
    }

    /// The resource whose spec it writes.
    pub fn acted(&self) -> ResourceId {
        self.acts_on.unwrap_or(self.resource)
    }

    /// The resources in whose lines it stands.
    pub fn lines(&self) -> &[ResourceId] {
        if self.lines.is_empty() {
            std::slice::from_ref(&self.resource)
        } else {
            &self.lines
        }
    }

    /// Moves it on. `updated_at` never goes back, whatever the clock does.
    ///
    /// # Panics
    /// If the event cannot happen in its state: the rules ask first.
    pub fn apply(&mut self, event: JobEvent, now: Timestamp) {
        let shown = self.state.status();
        match self.state.next(event) {
            Ok(state) => self.state = state,
            Err(illegal) => panic!("job {}: {illegal:?}", self.id),
        }
        if self.state.status() != shown {
            self.touch(now);
        }
        if self.state.is_final() {
            self.completed_at = Some(self.updated_at);
            self.stage = self.state.as_str().to_owned();
        }
        if self.state == JobState::Completed {
            self.progress = 100;
        }
    }

    /// Notes that something shown has moved.
    pub fn touch(&mut self, now: Timestamp) {
        self.updated_at = self.updated_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::{JobEvent, JobState};

    /// The whole table, so that a change of it is seen in review.
    #[test]
    fn state_table() {
        let events = [
            JobEvent::Start,
            JobEvent::Complete,
            JobEvent::Fail,
            JobEvent::Revert,
            JobEvent::Retry,
        ];
        let mut table = String::new();
        for state in JobState::ALL {
            let row = events.map(|event| match state.next(event) {
                Ok(next) => next.as_str(),
                Err(_) => "-",
            });
            table.push_str(&format!("{:10} {}\n", state.as_str(), row.join(" ")));
        }
        let expected = "\
pending    running completed failed - -
running    - completed failed reverting retrying
reverting  - completed failed - -
retrying   - completed failed - -
completed  - - - - -
failed     - - - - -
";
        assert_eq!(table, expected);
    }

    #[test]
    fn final_states_never_change() {
        for state in JobState::ALL.into_iter().filter(|state| state.is_final()) {
            for event in [
                JobEvent::Start,
                JobEvent::Complete,
                JobEvent::Fail,
                JobEvent::Revert,
                JobEvent::Retry,
            ] {
                assert!(state.next(event).is_err());
            }
        }
    }
}
