//! What travels on the wire: ids, bodies, answers and error codes.
//!
//! Shared by the server, the client and the tests. This crate never learns how the server
//! works: no rule, no storage, no clock. The shapes are those of the GPCN API (February 2026)
//! plus the additive fields listed in `openapi.json`.

#![forbid(unsafe_code)]

pub mod admin;
pub mod catalogue;
pub mod console;
pub mod envelope;
pub mod error;
pub mod gpu;
pub mod id;
pub mod image;
pub mod job;
pub mod keys;
pub mod machine;
pub mod network;
pub mod private;
pub mod ssh_key;
pub mod team;
pub mod time;
pub mod volume;

pub use envelope::{CursorMeta, CursorPage, Envelope, PageMeta};
pub use error::{ErrorBody, ErrorCode};
pub use id::{
    DataCenterId, FaultId, HostId, JobId, KeyId, NicId, PublicIpId, ResourceId, SshKeyId, TenantId,
};
pub use job::{Job, JobErrorCode, JobStatus};
pub use private::Private;
pub use team::TeamId;
pub use time::Timestamp;
