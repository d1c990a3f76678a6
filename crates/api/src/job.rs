//! The job: what a request that takes time is answered with, and what a poll shows.

use crate::{JobId, ResourceId, Timestamp};
use serde::{Deserialize, Serialize};

/// Where a job stands. It only moves forward: pending, in progress, then one final state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum JobStatus {
    /// Accepted and on disk; waiting for its turn.
    Pending,
    /// Being worked on, forward or back.
    InProgress,
    /// Done; never changes again.
    Completed,
    /// Not done, and the world is as it was before; never changes again.
    Failed,
}

impl JobStatus {
    /// Every status.
    pub const ALL: [JobStatus; 4] = [
        Self::Pending,
        Self::InProgress,
        Self::Completed,
        Self::Failed,
    ];

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Whether the job has ended.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// Why a job failed. The set is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JobErrorCode {
    /// The tenant's quota has no room.
    QuotaExceeded,
    /// The data centre has no room.
    CapacityExceeded,
    /// A known image and a known size that do not fit each other.
    InvalidConfiguration,
    /// No progress within the operation's limit.
    Stalled,
    /// Cancelled by its tenant.
    Cancelled,
    /// The resource's state, when the job's turn came, did not allow it.
    InvalidState,
    /// The resource was gone when the job's turn came.
    NotFound,
    /// The machine stopped by itself while it was being started.
    Died,
    /// An action was begun too often without getting anywhere.
    Poison,
    /// The host could not do it.
    DriverError,
    /// A fault of Cloudlet itself.
    InternalError,
}

/// A job as the API shows it: GPCN's keys of every generation side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// The job's id.
    pub id: JobId,
    /// The same, for clients of the later generation.
    pub job_id: JobId,
    /// Where it stands.
    pub status: JobStatus,
    /// 0 to 100; never falls, and is 100 only when completed.
    pub progress: u8,
    /// The same, for clients of the later generation.
    pub progress_percentage: u8,
    /// `vm`, `volume`, `network` or `gpu`.
    pub resource_type: String,
    /// The resource, once completed; null before, on failure, and after a delete.
    pub resource_id: Option<ResourceId>,
    /// The name of the resource.
    pub resource_name: String,
    /// The same.
    pub resource_display_name: String,
    /// The verb alone, e.g. `create`.
    pub operation: String,
    /// Additive: the operation in full, e.g. `vm.create`.
    pub kind: String,
    /// The phase at hand, e.g. `queued`, `disk`, `boot`, `reverting`, `completed`.
    pub stage: String,
    /// What is happening, in words.
    pub message: String,
    /// Why it failed, on one line; null otherwise.
    pub error: Option<String>,
    /// The same.
    pub error_message: Option<String>,
    /// Additive: why it failed, for programs.
    pub error_code: Option<JobErrorCode>,
    /// `status` is `completed`.
    pub is_completed: bool,
    /// `status` is `failed`.
    pub has_failed: bool,
    /// Always false: submit the request again instead.
    pub can_retry: bool,
    /// When it will probably be done; null where nobody knows.
    pub estimated_completion: Option<Timestamp>,
    /// Whole seconds until then; null where nobody knows.
    pub time_remaining: Option<u64>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When status, progress, stage or error last moved.
    pub updated_at: Timestamp,
    /// When it ended, either way; null before.
    pub completed_at: Option<Timestamp>,
    /// Additive: the resource it is about, from the 202 on.
    pub target_id: ResourceId,
    /// Additive: what else the operation has to tell; null for most.
    pub result: Option<serde_json::Value>,
}

/// A job with its phases: `GET /v1/resource/jobs/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobDetail {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// What its host has begun, in order.
    pub phases: Vec<JobPhase>,
    /// Additive: what it waits for; null unless it is pending and that is known.
    #[serde(default)]
    pub pending_reason: Option<String>,
    /// Additive: what became of what it had begun; null unless it failed.
    #[serde(default)]
    pub receipt: Option<Receipt>,
}

/// What a failed job had made, what of it was put back, and what is left.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// What its host had really done, in order.
    pub made: Vec<ReceiptEntry>,
    /// What was done to put it back, in order.
    pub put_back: Vec<ReceiptEntry>,
    /// What could be neither finished nor put back.
    pub left: Vec<ReceiptEntry>,
}

/// One thing that was done, or is left.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReceiptEntry {
    /// The kind of thing: `vm`, `disk`, `volume`, `nic`, `public_ip`, `gpu`, `network`.
    pub kind: String,
    /// Its id; a part of a machine that has none goes by the machine's.
    pub id: String,
    /// What was done, or is left, in words.
    pub what: String,
}

/// One phase of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobPhase {
    /// `disk`, `boot`, `ready`, `shutdown` …
    pub name: String,
    /// When it first began.
    pub started_at: Timestamp,
    /// When it ended; null while it runs.
    pub ended_at: Option<Timestamp>,
    /// How often its action was begun.
    pub attempt: u32,
    /// The last error of its action, if it had one.
    pub error: Option<String>,
}

/// The batch poll's request: `{"jobIds":["…"]}`, 1 to 50 ids; with `waitSeconds` it waits for a change.
///
/// Ids are strings here, since one that names no job is left out of the answer, UUID or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct JobPoll {
    /// The jobs asked for.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 50))]
    pub job_ids: Vec<String>,
    /// Additive: 0 to 60. Answer once a job of the list has changed, after so many seconds at the latest;
    /// at once if all have ended or none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(maximum = 60))]
    pub wait_seconds: Option<u64>,
    /// Additive: changed since the answer with this `cursor`; since the request arrived where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// The batch poll's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobsNow {
    /// The jobs, in the order asked for; what names no job of this tenant is left out.
    pub jobs: Vec<Job>,
    /// Additive: what `since` takes, for the same list of jobs.
    #[serde(default)]
    pub cursor: String,
}

/// Several jobs: the form of a create with a trailing slash.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobList {
    /// The jobs, in the order of their machines' names.
    pub jobs: Vec<Job>,
}
