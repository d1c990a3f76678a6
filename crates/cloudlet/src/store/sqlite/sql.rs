//! Every statement, in one place. Those of the hot path are tried by a test: none may walk over a
//! table of jobs, resources, tickets or turns.
//!
//! A query says a partial index's WHERE word for word, or SQLite does not use it.

/// Ids that one statement asks for; more are asked for in turns.
pub(super) const BATCH: usize = 50;

// Facts.
pub(super) const JOB: &str = "SELECT number, body FROM job WHERE id = ?1";
pub(super) const RESOURCE: &str = "SELECT body FROM resource WHERE id = ?1";
pub(super) const LINE: &str = "SELECT length, synchronous FROM line WHERE key = ?1";
pub(super) const FIRST: &str = "SELECT job FROM ticket WHERE key = ?1 ORDER BY number LIMIT 1";
pub(super) const LIMITS: &str = "SELECT limits FROM tenant WHERE id = ?1";
pub(super) const QUEUE: &str = "SELECT job FROM ticket WHERE key = ?1 ORDER BY number";
pub(super) const USED: &str = "SELECT used FROM usage \
    WHERE kind = ?1 AND owner = ?2 AND detail = ?3 AND number = ?4";
pub(super) const CLAIMS: &str =
    "SELECT kind, owner, detail, number, amount FROM claim WHERE holder = ?1";
pub(super) const HOLDER: &str = "SELECT holder FROM claim \
    WHERE kind = ?1 AND owner = ?2 AND detail = ?3 AND number = ?4 AND exclusive = 1";
pub(super) const GIVEN: &str = "SELECT number FROM claim WHERE kind = ?1 AND owner = ?2 \
    AND detail = ?3 AND number >= ?4 AND number <= ?5 AND exclusive = 1 ORDER BY number";
pub(super) const SMALLEST_GIVEN: &str = "SELECT number FROM claim WHERE kind = ?1 AND owner = ?2 \
    AND detail = ?3 AND exclusive = 1 ORDER BY number LIMIT 1";
pub(super) const GREATEST_GIVEN: &str = "SELECT number FROM claim WHERE kind = ?1 AND owner = ?2 \
    AND detail = ?3 AND exclusive = 1 ORDER BY number DESC LIMIT 1";
pub(super) const LAST_GIVEN: &str =
    "SELECT last FROM pool WHERE kind = ?1 AND owner = ?2 AND detail = ?3";
pub(super) const IS_DRAINED: &str = "SELECT drained FROM host WHERE id = ?1";
pub(super) const ANSWER: &str = "SELECT request, jobs, kept FROM answer WHERE key = ?1";

// Writes.
pub(super) const INSERT_JOB: &str = "INSERT INTO job \
    (id, tenant, host, synchronous, state, blockers, cancel, completed_at, body, operation, \
    resource, listed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
pub(super) const UPDATE_JOB: &str = "UPDATE job SET state = ?2, blockers = ?3, cancel = ?4, \
    completed_at = ?5, body = ?6 WHERE number = ?1";
pub(super) const UPDATE_JOB_BODY: &str = "UPDATE job SET body = ?2 WHERE number = ?1";
pub(super) const JOB_PLACE: &str = "SELECT number, synchronous FROM job WHERE id = ?1";
pub(super) const INSERT_RESOURCE: &str = "INSERT INTO resource \
    (id, body, name, leftover, tenant, host, kind, data_center) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
pub(super) const UPDATE_RESOURCE: &str =
    "UPDATE resource SET body = ?2, name = ?3, leftover = ?4 WHERE id = ?1";
pub(super) const DELETE_RESOURCE: &str =
    "DELETE FROM resource WHERE id = ?1 RETURNING tenant, kind";
pub(super) const UPDATE_TALLY: &str =
    "UPDATE tally SET resources = resources + ?3 WHERE tenant = ?1 AND kind = ?2";
pub(super) const INSERT_TALLY: &str =
    "INSERT INTO tally (tenant, kind, resources) VALUES (?1, ?2, ?3)";
pub(super) const INSERT_TICKET: &str = "INSERT INTO ticket (key, number, job) VALUES (?1, ?2, ?3)";
pub(super) const DELETE_TICKET: &str = "DELETE FROM ticket WHERE key = ?1 AND number = ?2";
pub(super) const ENTER_LINE: &str = "INSERT INTO line (key, length, synchronous) \
    VALUES (?1, 1, ?2) ON CONFLICT (key) DO UPDATE \
    SET length = length + 1, synchronous = synchronous + excluded.synchronous";
pub(super) const LEAVE_LINE: &str =
    "UPDATE line SET length = length - 1, synchronous = synchronous - ?2 WHERE key = ?1";
pub(super) const END_LINE: &str = "DELETE FROM line WHERE key = ?1 AND length = 0";
pub(super) const HELD: &str = "SELECT amount FROM claim \
    WHERE kind = ?1 AND owner = ?2 AND detail = ?3 AND number = ?4 AND holder = ?5";
// Not on any conflict: another holder's row of an exclusive item is not to be touched.
pub(super) const HOLD: &str = "INSERT INTO claim \
    (kind, owner, detail, number, holder, amount, exclusive) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
    ON CONFLICT (holder, kind, owner, detail, number) DO UPDATE SET amount = excluded.amount";
pub(super) const LET_GO: &str = "DELETE FROM claim \
    WHERE kind = ?1 AND owner = ?2 AND detail = ?3 AND number = ?4 AND holder = ?5";
pub(super) const UPDATE_USAGE: &str = "UPDATE usage SET used = used + ?5 \
    WHERE kind = ?1 AND owner = ?2 AND detail = ?3 AND number = ?4";
pub(super) const INSERT_USAGE: &str =
    "INSERT INTO usage (kind, owner, detail, number, used) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const END_USAGE: &str = "DELETE FROM usage \
    WHERE kind = ?1 AND owner = ?2 AND detail = ?3 AND number = ?4 AND used = 0";
pub(super) const SET_LAST_GIVEN: &str = "INSERT INTO pool (kind, owner, detail, last) \
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT (kind, owner, detail) DO UPDATE SET last = excluded.last";
pub(super) const DELETE_POOL: &str =
    "DELETE FROM pool WHERE kind = ?1 AND owner = ?2 AND detail = ?3";
pub(super) const ANSWERED_JOBS: &str = "SELECT jobs FROM answer WHERE key = ?1";
pub(super) const PUT_ANSWER: &str = "INSERT INTO answer \
    (key, request, jobs, created_at, jobs_left, kept) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
    ON CONFLICT (key) DO UPDATE SET request = excluded.request, jobs = excluded.jobs, \
    created_at = excluded.created_at, jobs_left = excluded.jobs_left, kept = excluded.kept";
pub(super) const INSERT_ANSWERED: &str = "INSERT OR IGNORE INTO answered (job, key) \
    SELECT id, ?2 FROM job WHERE id = ?1";
pub(super) const DELETE_ANSWERED: &str = "DELETE FROM answered WHERE job = ?1 AND key = ?2";

// Retention.
pub(super) const ENDED_JOBS: &str = "SELECT number, id FROM job \
    WHERE completed_at IS NOT NULL AND completed_at < ?1 ORDER BY completed_at LIMIT ?2";
pub(super) const ENDED_SINCE: &str = "SELECT 1 FROM job \
    WHERE completed_at IS NOT NULL AND completed_at >= ?1 LIMIT 1";
pub(super) const DELETE_JOB: &str = "DELETE FROM job WHERE number = ?1";
pub(super) const ANSWERS_OF_JOB: &str = "DELETE FROM answered WHERE job = ?1 RETURNING key";
pub(super) const LESS_JOBS_LEFT: &str =
    "UPDATE answer SET jobs_left = jobs_left - 1 WHERE key = ?1";
pub(super) const DELETE_ANSWER: &str = "DELETE FROM answer WHERE key = ?1 AND jobs_left = 0";
pub(super) const ANSWERS_ALONE: &str = "SELECT key FROM answer \
    WHERE created_at < ?1 AND jobs_left = 0 ORDER BY created_at LIMIT ?2";
pub(super) const ANSWER_ALONE_SINCE: &str = "SELECT 1 FROM answer \
    WHERE created_at >= ?1 AND created_at <= ?2 AND jobs_left = 0 LIMIT 1";

// Turns. 16 is TENANT_SLOTS; `turns.rs` refuses to compile with another.
pub(super) const NEXT_TENANT: &str = "SELECT tenant FROM turn \
    WHERE host = ?1 AND ready > 0 AND running < 16 ORDER BY last, tenant LIMIT 1";
pub(super) const NEXT_JOB: &str = "SELECT id FROM job WHERE host = ?1 AND tenant = ?2 \
    AND state = 'pending' AND blockers = 0 AND synchronous = 0 ORDER BY number LIMIT 1";
pub(super) const HOST_RUNNING: &str = "SELECT running FROM host WHERE id = ?1";
pub(super) const UPDATE_HOST: &str = "UPDATE host SET running = running + ?2 WHERE id = ?1";
pub(super) const INSERT_HOST: &str = "INSERT INTO host (id, running) VALUES (?1, ?2)";
pub(super) const SET_DRAINED: &str = "INSERT INTO host (id, running, drained) VALUES (?1, 0, ?2) \
    ON CONFLICT (id) DO UPDATE SET drained = excluded.drained";
pub(super) const UPDATE_TURN: &str = "UPDATE turn SET ready = ready + ?3, \
    running = running + ?4, last = max(last, ?5) WHERE host = ?1 AND tenant = ?2";
pub(super) const INSERT_TURN: &str =
    "INSERT INTO turn (host, tenant, ready, running, last) VALUES (?1, ?2, ?3, ?4, ?5)";
pub(super) const NEXT_NUMBER: &str = "INSERT INTO meta (name, value) VALUES (?1, 1) \
    ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value";

// Reads.
pub(super) const JOB_OF_TENANT: &str = "SELECT number, body FROM job WHERE id = ?1 AND tenant = ?2";
pub(super) const JOBS_OF_TENANT: &str = "SELECT number, body FROM job WHERE id IN (\
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
    ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, \
    ?39, ?40, ?41, ?42, ?43, ?44, ?45, ?46, ?47, ?48, ?49, ?50) AND tenant = ?51";
pub(super) const JOBS_LISTED: &str = "SELECT number, body FROM job INDEXED BY job_listed \
    WHERE tenant = ?1 AND listed = 1 AND number < ?2 AND number >= ?3 \
    ORDER BY number DESC LIMIT ?4";
pub(super) const JOBS_OF_KIND: &str = "SELECT number, body FROM job INDEXED BY job_of_kind \
    WHERE tenant = ?1 AND operation = ?5 AND state = ?6 AND listed = 1 \
    AND number < ?2 AND number >= ?3 ORDER BY number DESC LIMIT ?4";
pub(super) const JOBS_OF_RESOURCE: &str = "SELECT number, body FROM job INDEXED BY job_of_resource \
    WHERE tenant = ?1 AND resource = ?5 AND listed = 1 \
    AND number < ?2 AND number >= ?3 ORDER BY number DESC LIMIT ?4";
pub(super) const NUMBER_FROM_ID: &str = "SELECT number FROM job WHERE id >= ?1 ORDER BY id LIMIT 1";
pub(super) const AHEAD: &str = "SELECT job FROM ticket \
    WHERE key = ?1 AND number < ?2 ORDER BY number DESC LIMIT 1";
pub(super) const RUNNING_OF_TENANT: &str =
    "SELECT running FROM turn WHERE host = ?1 AND tenant = ?2";
pub(super) const RESOURCE_OF_TENANT: &str =
    "SELECT body FROM resource WHERE id = ?1 AND tenant = ?2";
pub(super) const RESOURCES_BY_ID: &str = "SELECT body FROM resource WHERE id IN (\
    ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, \
    ?21, ?22, ?23, ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31, ?32, ?33, ?34, ?35, ?36, ?37, ?38, \
    ?39, ?40, ?41, ?42, ?43, ?44, ?45, ?46, ?47, ?48, ?49, ?50) AND tenant = ?51";
pub(super) const RESOURCES_OF_KIND: &str = "SELECT body FROM resource \
    WHERE tenant = ?1 AND kind = ?2 ORDER BY number DESC LIMIT ?3 OFFSET ?4";
pub(super) const MACHINES_ON: &str = "SELECT body FROM claim \
    JOIN resource ON resource.id = claim.holder \
    WHERE claim.kind = 'nic' AND claim.owner = ?1 AND exclusive = 1 AND tenant = ?2";
pub(super) const LEFTOVERS: &str = "SELECT body FROM resource WHERE leftover = 1 ORDER BY number";
pub(super) const GPUS_USED: &str = "SELECT owner, detail, used FROM usage WHERE kind = 'gpu'";
pub(super) const CLAIMS_ON_HOST: &str = "SELECT tenant, claim.kind, owner, detail, \
    claim.number, amount FROM resource JOIN claim ON claim.holder = resource.id \
    AND claim.kind IN ('room', 'public', 'gpu') AND owner = ?1 WHERE host = ?1";
pub(super) const TALLY: &str = "SELECT resources FROM tally WHERE tenant = ?1 AND kind = ?2";
pub(super) const CALLS: &str = "SELECT id FROM job \
    WHERE state = 'pending' AND synchronous = 1 ORDER BY number";
pub(super) const READY_CALLS: &str = "SELECT id FROM job \
    WHERE state = 'pending' AND synchronous = 1 AND blockers = 0 ORDER BY number";
pub(super) const CANCEL_WISHES: &str = "SELECT id FROM job \
    WHERE cancel = 1 AND state = 'running' ORDER BY number";

// Reads at start and for `verify`: these walk over everything on purpose.
pub(super) const ALL_RESOURCES: &str = "SELECT body FROM resource ORDER BY number";
pub(super) const RESOURCES_OF_HOST: &str =
    "SELECT body FROM resource WHERE host = ?1 ORDER BY number";
pub(super) const NEWEST_ENDED: &str = "SELECT number, body FROM job \
    WHERE completed_at IS NOT NULL ORDER BY completed_at DESC LIMIT ?1";
pub(super) const GREATEST_ID: &str = "SELECT max(greatest) FROM ( \
    SELECT max(id) AS greatest FROM job UNION ALL SELECT max(id) FROM resource \
    UNION ALL SELECT max(id) FROM tenant UNION ALL SELECT max(id) FROM api_key \
    UNION ALL SELECT max(id) FROM ssh_key)";

// Tenants and keys.
pub(super) const INSERT_TENANT: &str = "INSERT INTO tenant \
    (id, name, suspended, limits, created_at) VALUES (?1, ?2, 0, ?3, ?4)";
pub(super) const TENANT_OF_NAME: &str = "SELECT 1 FROM tenant WHERE name = ?1";
pub(super) const TENANTS: &str =
    "SELECT id, name, suspended, limits, created_at FROM tenant ORDER BY name";
pub(super) const TENANT: &str =
    "SELECT id, name, suspended, limits, created_at FROM tenant WHERE id = ?1";
pub(super) const SET_LIMITS: &str = "UPDATE tenant SET limits = ?2 WHERE id = ?1";
pub(super) const SET_SUSPENDED: &str = "UPDATE tenant SET suspended = ?2 WHERE id = ?1";
pub(super) const INSERT_KEY: &str = "INSERT INTO api_key \
    (id, owner, name, start, digest, suspended, created_at, can_read, can_write, days, \
    expires_at, rate_limit) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
pub(super) const KEYS: &str = "SELECT id, owner, name, start, digest, suspended, created_at, \
    can_read, can_write, days, expires_at, rate_limit, used_at \
    FROM api_key WHERE owner = ?1 ORDER BY id";
pub(super) const KEY: &str = "SELECT key.id, owner, key.name, start, digest, key.suspended, \
    key.created_at, can_read, can_write, days, expires_at, rate_limit, used_at, tenant.suspended \
    FROM api_key AS key LEFT JOIN tenant ON tenant.id = key.owner WHERE digest = ?1";
pub(super) const COUNT_KEYS: &str = "SELECT count(*) FROM api_key WHERE owner IS ?1";
pub(super) const KEY_OF_OWNER: &str = "SELECT id, owner, name, start, digest, suspended, \
    created_at, can_read, can_write, days, expires_at, rate_limit, used_at \
    FROM api_key WHERE id = ?1 AND owner = ?2";
pub(super) const UPDATE_KEY: &str = "UPDATE api_key \
    SET start = ?2, digest = ?3, suspended = ?4, expires_at = ?5 WHERE id = ?1";
pub(super) const DELETE_KEY: &str = "DELETE FROM api_key WHERE id = ?1 AND owner = ?2";
pub(super) const USE_KEY: &str =
    "UPDATE api_key SET used_at = ?2 WHERE id = ?1 AND ifnull(used_at < ?2, TRUE)";
pub(super) const OPERATOR_KEY: &str = "SELECT 1 FROM api_key WHERE owner IS NULL LIMIT 1";
pub(super) const META: &str = "SELECT value FROM meta WHERE name = ?1";
pub(super) const PUT_META: &str = "INSERT INTO meta (name, value) VALUES (?1, ?2) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";

// SSH keys.
pub(super) const INSERT_SSH_KEY: &str = "INSERT INTO ssh_key \
    (id, tenant, name, algorithm, public_key, fingerprint, created_at, updated_at) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)";
pub(super) const SSH_KEYS: &str = "SELECT id, name, algorithm, public_key, fingerprint, \
    created_at, updated_at FROM ssh_key WHERE tenant = ?1 ORDER BY id";
pub(super) const SSH_KEY: &str = "SELECT id, name, algorithm, public_key, fingerprint, \
    created_at, updated_at FROM ssh_key WHERE id = ?1 AND tenant = ?2";
pub(super) const COUNT_SSH_KEYS: &str = "SELECT count(*) FROM ssh_key WHERE tenant = ?1";
pub(super) const RENAME_SSH_KEY: &str =
    "UPDATE ssh_key SET name = ?3, updated_at = ?4 WHERE id = ?1 AND tenant = ?2";
pub(super) const DELETE_SSH_KEY: &str = "DELETE FROM ssh_key WHERE id = ?1 AND tenant = ?2";

// Secrets.
pub(super) const PUT_SECRET: &str = "INSERT OR REPLACE INTO secret (job, padding, body) \
    VALUES (?1, zeroblob(4096), ?2)";
pub(super) const WIPE_SECRET: &str = "DELETE FROM secret WHERE job = ?1";
pub(super) const SECRET: &str = "SELECT body FROM secret WHERE job = ?1";

// Teams.
pub(super) const INSERT_TEAM: &str = "INSERT INTO team \
    (tenant, parent, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)";
pub(super) const UPDATE_TEAM: &str = "UPDATE team SET parent = ?3, name = ?4, updated_at = ?5 \
    WHERE id = ?1 AND tenant = ?2";
pub(super) const DELETE_TEAM: &str = "DELETE FROM team WHERE id = ?1 AND tenant = ?2";
pub(super) const TEAMS: &str = "SELECT id, tenant, parent, name, created_at, updated_at \
    FROM team WHERE tenant = ?1 ORDER BY id";
pub(super) const HAS_TEAM: &str = "SELECT 1 FROM team WHERE id = ?1 AND tenant = ?2";
pub(super) const IN_TEAMS: &str = "SELECT sum(used) FROM usage WHERE owner = ?1 AND kind = ?2";

/// The statements that run for every request, report, turn, poll or job that is removed.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[
    JOB,
    RESOURCE,
    LINE,
    FIRST,
    LIMITS,
    QUEUE,
    USED,
    CLAIMS,
    HOLDER,
    GIVEN,
    SMALLEST_GIVEN,
    GREATEST_GIVEN,
    LAST_GIVEN,
    IS_DRAINED,
    ANSWER,
    UPDATE_JOB,
    UPDATE_JOB_BODY,
    JOB_PLACE,
    UPDATE_RESOURCE,
    DELETE_RESOURCE,
    UPDATE_TALLY,
    DELETE_TICKET,
    LEAVE_LINE,
    END_LINE,
    HELD,
    LET_GO,
    UPDATE_USAGE,
    END_USAGE,
    DELETE_POOL,
    ANSWERED_JOBS,
    INSERT_ANSWERED,
    DELETE_ANSWERED,
    ENDED_JOBS,
    ENDED_SINCE,
    DELETE_JOB,
    ANSWERS_OF_JOB,
    LESS_JOBS_LEFT,
    DELETE_ANSWER,
    ANSWERS_ALONE,
    ANSWER_ALONE_SINCE,
    NEXT_TENANT,
    NEXT_JOB,
    HOST_RUNNING,
    UPDATE_HOST,
    UPDATE_TURN,
    JOB_OF_TENANT,
    JOBS_OF_TENANT,
    JOBS_LISTED,
    JOBS_OF_KIND,
    JOBS_OF_RESOURCE,
    NUMBER_FROM_ID,
    AHEAD,
    RUNNING_OF_TENANT,
    RESOURCE_OF_TENANT,
    RESOURCES_BY_ID,
    RESOURCES_OF_KIND,
    MACHINES_ON,
    LEFTOVERS,
    GPUS_USED,
    CLAIMS_ON_HOST,
    RESOURCES_OF_HOST,
    TALLY,
    CALLS,
    READY_CALLS,
    CANCEL_WISHES,
    TENANT,
    KEYS,
    KEY,
    KEY_OF_OWNER,
    UPDATE_KEY,
    DELETE_KEY,
    USE_KEY,
    META,
    SSH_KEYS,
    SSH_KEY,
    COUNT_SSH_KEYS,
    RENAME_SSH_KEY,
    DELETE_SSH_KEY,
    WIPE_SECRET,
    SECRET,
    UPDATE_TEAM,
    DELETE_TEAM,
    TEAMS,
    HAS_TEAM,
    IN_TEAMS,
];
