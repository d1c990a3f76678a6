//! Every limit that a rule knows, by name. ARCHITECTURE.md has the table.

/// Jobs that may wait behind the first on one line; a delete is always admitted.
pub const LINE_LIMIT: u32 = 64;
/// Synchronous calls that may be in one line.
pub const SYNCHRONOUS_LIMIT: u32 = 8;
/// Machines that one create may ask for.
pub const INSTANCE_LIMIT: i64 = 50;
/// Ids that one poll may ask for.
pub const POLL_LIMIT: usize = 50;
/// Characters of a name.
pub const NAME_LIMIT: usize = 63;
/// Characters of a job's error text.
pub const ERROR_LIMIT: usize = 300;
/// Jobs of one tenant that may run at once on one host.
pub const TENANT_SLOTS: u32 = 16;
/// Jobs that may run at once on one host.
pub const HOST_SLOTS: u32 = 64;
/// Actions begun without a new low of what remains; then the job is poisoned.
pub const POISON_ATTEMPTS: u32 = 10;
/// Milliseconds without a new low after which a machine's operation has stalled.
pub const MACHINE_STALL_MS: u64 = 120_000;
/// The same for whatever starts a real machine: an emulated guest may take 300 s to be ready, and its
/// driver says better than this limit what was waited for.
pub const BOOT_STALL_MS: u64 = 330_000;
/// Milliseconds without a new low after which any other operation has stalled.
pub const OTHER_STALL_MS: u64 = 45_000;
/// GPUs that a machine can have.
pub const GPU_COUNTS: [u32; 4] = [1, 2, 4, 8];
/// Numbers of networks, as many as a network card can tell apart (VXLAN).
pub const NETWORK_NUMBERS: (u32, u32) = (1, 16_777_215);
/// Names that are tried for a default network: `default` to `default-1000`.
pub const DEFAULT_NAMES: u32 = 1_000;
/// Network interfaces of a machine, planned ones too.
pub const NIC_LIMIT: usize = 5;
/// Volumes of a machine.
pub const DISK_LIMIT: usize = 5;
/// Characters of a network's description.
pub const DESCRIPTION_LIMIT: usize = 500;
/// The first pause after a transient error, in milliseconds; doubled for each that follows.
pub const RETRY_FIRST_MS: u64 = 500;
/// The longest pause after a transient error, in milliseconds.
pub const RETRY_LONGEST_MS: u64 = 8_000;
/// Milliseconds between two writes of a job's progress, phases apart (`PROGRESS_WRITE_INTERVAL`).
pub const PROGRESS_WRITE_INTERVAL_MS: u64 = 250;
/// Seconds after which somebody who waits for a job is to ask for it, at most.
pub const POLL_AFTER_LIMIT: u64 = 10;
/// Milliseconds that a job stays readable after it has ended, and its idempotency key remembered.
pub const RETENTION_MS: i64 = 24 * 60 * 60 * 1_000;
/// Public keys that a create may carry, beside a stored one.
pub const CREATE_KEYS_LIMIT: usize = 16;
/// Bytes of the user data of a create.
pub const USER_DATA_LIMIT: usize = 64 * 1024;
/// Characters of the name of whoever logs in.
pub const USERNAME_LIMIT: usize = 32;
/// Characters of a password, at least and at most.
pub const PASSWORD_LENGTHS: (usize, usize) = (12, 50);
/// Phases kept with a job: the oldest stay.
pub const PHASE_LIMIT: usize = 64;
/// Effects kept with a job for its receipt: the oldest stay.
pub const DONE_LIMIT: usize = 128;
/// Teams of one tenant.
pub const TEAM_LIMIT: usize = 1_000;
/// Teams that one request may delete.
pub const TEAMS_AT_ONCE_LIMIT: usize = 50;
