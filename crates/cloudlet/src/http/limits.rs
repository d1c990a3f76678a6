//! Every limit of a request, by name. ARCHITECTURE.md has the table.

use api::Timestamp;
use std::time::Duration;

/// Connections at once; the next one waits to be accepted.
pub const CONNECTION_LIMIT: usize = 4096;
/// How long a request's head may take to arrive, and how long a connection may rest between two.
pub const HEADER_PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of a body.
pub const BODY_LIMIT: usize = 1024 * 1024;
/// Bytes of a body that is too large which are still read, so that its sender gets to the answer.
pub const BODY_DRAIN_LIMIT: usize = 16 * 1024 * 1024;
/// How long a body may take to arrive.
pub const BODY_PATIENCE: Duration = Duration::from_secs(30);
/// Levels of lists and objects in a body.
pub const DEPTH_LIMIT: usize = 32;
/// Seconds that a poll may wait for a change.
pub const WAIT_SECONDS_LIMIT: u64 = 60;
/// How long a synchronous call waits for its job.
pub const CALL_PATIENCE: Duration = Duration::from_secs(50);
/// How long the delete of a network waits for its job, in real time.
pub const NETWORK_DELETE_PATIENCE: Duration = Duration::from_secs(20);
/// `Retry-After` of a 202, in seconds, while no run of its operation is known: when to poll first.
pub const POLL_AFTER_SECONDS: u64 = 2;
/// `Retry-After` of a 503, in seconds.
pub const UNAVAILABLE_RETRY_SECONDS: u32 = 2;
/// Rows on a page where nothing is asked for.
pub const PAGE_SIZE_DEFAULT: u64 = 10;
/// Rows on a page at most.
pub const PAGE_SIZE_LIMIT: u64 = 100;
/// The highest page that may be asked for.
pub const PAGE_LIMIT: u64 = 1_000_000_000;
/// Characters of an `Idempotency-Key`.
pub const IDEMPOTENCY_KEY_LIMIT: usize = 255;
/// Characters of an `X-Correlation-ID` that is sent back.
pub const CORRELATION_ID_LIMIT: usize = 128;
/// Seconds that a manual clock is moved at once: ten years.
pub const ADVANCE_LIMIT: u64 = 315_360_000;
/// Where a manual clock ends: 9999-12-30T00:00:00Z, so that what a job takes can still be written.
pub const CLOCK_END: Timestamp = Timestamp::from_millis(253_402_128_000_000);
/// The largest quota that can be kept.
pub const QUOTA_LIMIT: u64 = i64::MAX.unsigned_abs();
/// Requests of one key within a [`RATE_WINDOW`], its polls aside.
pub const KEY_RATE_LIMIT: u32 = 1_000;
/// `POST /v1/resource/jobs` of one key within a [`RATE_WINDOW`]: fifty pollers at 3 s need 1,050.
pub const JOBS_RATE_LIMIT: u32 = 1_500;
/// Requests from one address that show no valid key, within a [`RATE_WINDOW`].
pub const ADDRESS_RATE_LIMIT: u32 = 100;
/// How long a window of these three is.
pub const RATE_WINDOW: Duration = Duration::from_secs(60);
/// Windows that are remembered of each of these three; beyond them the oldest is forgotten.
pub const RATES_KEPT: usize = 10_000;
/// Characters of a refused value that an error shows.
pub const SEEN_CHARS: usize = 64;
/// How much later an answer may come by a fault.
pub const FAULT_DELAY_LIMIT: Duration = Duration::from_secs(300);
/// How many times as long a fault may make an action take.
pub const FAULT_FACTOR_LIMIT: f64 = 1_000.0;
/// SSH keys of one tenant.
pub const SSH_KEY_LIMIT: u64 = 1_000;
/// API keys of one tenant, those that are suspended or expired as well.
pub const API_KEY_LIMIT: u64 = 1_000;
/// Characters of the passphrase of an SSH key.
pub const PASSPHRASE_LIMIT: usize = 1_024;
/// SSH keys that are being made at once: a long one keeps a processor busy for seconds.
pub const KEY_MAKERS_LIMIT: usize = 2;
/// Lines of a console where none are asked for.
pub(super) const CONSOLE_LINES_DEFAULT: u32 = 100;
/// The most lines of a console in one answer.
pub(super) const CONSOLE_LINES_LIMIT: u32 = 10_000;
