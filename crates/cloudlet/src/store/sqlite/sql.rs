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
pub(super) const USED: &str =
    "SELECT used FROM usage WHERE kind = ?1 AND owner = ?2 AND measure = ?3";
pub(super) const CLAIMS: &str = "SELECT kind, owner, measure, amount FROM claim WHERE holder = ?1";
pub(super) const ANSWER: &str = "SELECT request, jobs FROM answer WHERE key = ?1";

// Writes.
pub(super) const INSERT_JOB: &str = "INSERT INTO job \
    (id, tenant, host, synchronous, state, blockers, cancel, completed_at, body, operation, \
    resource) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
pub(super) const UPDATE_JOB: &str = "UPDATE job SET state = ?2, blockers = ?3, cancel = ?4, \
    completed_at = ?5, body = ?6 WHERE number = ?1";
pub(super) const UPDATE_JOB_BODY: &str = "UPDATE job SET body = ?2 WHERE number = ?1";
pub(super) const JOB_PLACE: &str = "SELECT number, synchronous FROM job WHERE id = ?1";
pub(super) const INSERT_RESOURCE: &str =
    "INSERT INTO resource (id, tenant, host, body) VALUES (?1, ?2, ?3, ?4)";
pub(super) const UPDATE_RESOURCE: &str = "UPDATE resource SET body = ?2 WHERE id = ?1";
pub(super) const DELETE_RESOURCE: &str = "DELETE FROM resource WHERE id = ?1 RETURNING tenant";
pub(super) const UPDATE_TALLY: &str =
    "UPDATE tally SET resources = resources + ?2 WHERE tenant = ?1";
pub(super) const INSERT_TALLY: &str = "INSERT INTO tally (tenant, resources) VALUES (?1, ?2)";
pub(super) const INSERT_TICKET: &str = "INSERT INTO ticket (key, number, job) VALUES (?1, ?2, ?3)";
pub(super) const DELETE_TICKET: &str = "DELETE FROM ticket WHERE key = ?1 AND number = ?2";
pub(super) const ENTER_LINE: &str = "INSERT INTO line (key, length, synchronous) \
    VALUES (?1, 1, ?2) ON CONFLICT (key) DO UPDATE \
    SET length = length + 1, synchronous = synchronous + excluded.synchronous";
pub(super) const LEAVE_LINE: &str =
    "UPDATE line SET length = length - 1, synchronous = synchronous - ?2 WHERE key = ?1";
pub(super) const END_LINE: &str = "DELETE FROM line WHERE key = ?1 AND length = 0";
pub(super) const HELD: &str = "SELECT amount FROM claim \
    WHERE holder = ?1 AND kind = ?2 AND owner = ?3 AND measure = ?4";
pub(super) const HOLD: &str = "INSERT INTO claim (holder, kind, owner, measure, amount) \
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET amount = excluded.amount";
pub(super) const LET_GO: &str = "DELETE FROM claim \
    WHERE holder = ?1 AND kind = ?2 AND owner = ?3 AND measure = ?4";
pub(super) const UPDATE_USAGE: &str = "UPDATE usage SET used = used + ?4 \
    WHERE kind = ?1 AND owner = ?2 AND measure = ?3";
pub(super) const INSERT_USAGE: &str =
    "INSERT INTO usage (kind, owner, measure, used) VALUES (?1, ?2, ?3, ?4)";
pub(super) const PUT_ANSWER: &str = "INSERT INTO answer (key, request, jobs, created_at) \
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT (key) DO UPDATE SET request = excluded.request, \
    jobs = excluded.jobs, created_at = excluded.created_at";
pub(super) const SET_JOB_ANSWER: &str = "UPDATE job SET answer = ?2 WHERE id = ?1";

// Retention.
pub(super) const ENDED_JOBS: &str = "SELECT number, id, answer FROM job \
    WHERE completed_at IS NOT NULL AND completed_at < ?1 ORDER BY completed_at LIMIT ?2";
pub(super) const ENDED_SINCE: &str = "SELECT 1 FROM job \
    WHERE completed_at IS NOT NULL AND completed_at >= ?1 LIMIT 1";
pub(super) const DELETE_JOB: &str = "DELETE FROM job WHERE number = ?1";
pub(super) const DELETE_ANSWER: &str = "DELETE FROM answer WHERE key = ?1";

// Turns. 16 is TENANT_SLOTS; `turns.rs` refuses to compile with another.
pub(super) const NEXT_TENANT: &str = "SELECT tenant FROM turn \
    WHERE host = ?1 AND ready > 0 AND running < 16 ORDER BY last, tenant LIMIT 1";
pub(super) const NEXT_JOB: &str = "SELECT id FROM job WHERE host = ?1 AND tenant = ?2 \
    AND state = 'pending' AND blockers = 0 AND synchronous = 0 ORDER BY number LIMIT 1";
pub(super) const HOST_RUNNING: &str = "SELECT running FROM host WHERE id = ?1";
pub(super) const UPDATE_HOST: &str = "UPDATE host SET running = running + ?2 WHERE id = ?1";
pub(super) const INSERT_HOST: &str = "INSERT INTO host (id, running) VALUES (?1, ?2)";
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
    WHERE tenant = ?1 AND synchronous = 0 AND number < ?2 AND number >= ?3 \
    ORDER BY number DESC LIMIT ?4";
pub(super) const JOBS_OF_KIND: &str = "SELECT number, body FROM job INDEXED BY job_of_kind \
    WHERE tenant = ?1 AND operation = ?5 AND state = ?6 AND synchronous = 0 \
    AND number < ?2 AND number >= ?3 ORDER BY number DESC LIMIT ?4";
pub(super) const JOBS_OF_RESOURCE: &str = "SELECT number, body FROM job INDEXED BY job_of_resource \
    WHERE tenant = ?1 AND resource = ?5 AND synchronous = 0 \
    AND number < ?2 AND number >= ?3 ORDER BY number DESC LIMIT ?4";
pub(super) const NUMBER_FROM_ID: &str = "SELECT number FROM job WHERE id >= ?1 ORDER BY id LIMIT 1";
pub(super) const AHEAD: &str = "SELECT job FROM ticket \
    WHERE key = ?1 AND number < ?2 ORDER BY number DESC LIMIT 1";
pub(super) const RUNNING_OF_TENANT: &str =
    "SELECT running FROM turn WHERE host = ?1 AND tenant = ?2";
pub(super) const RESOURCE_OF_TENANT: &str =
    "SELECT body FROM resource WHERE id = ?1 AND tenant = ?2";
pub(super) const RESOURCES_OF_TENANT: &str = "SELECT body FROM resource WHERE tenant = ?1 \
    ORDER BY number DESC LIMIT ?2 OFFSET ?3";
pub(super) const TALLY: &str = "SELECT resources FROM tally WHERE tenant = ?1";
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

// Teams.
pub(super) const INSERT_TEAM: &str = "INSERT INTO team \
    (tenant, parent, name, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?4)";
pub(super) const UPDATE_TEAM: &str = "UPDATE team SET parent = ?3, name = ?4, updated_at = ?5 \
    WHERE id = ?1 AND tenant = ?2";
pub(super) const DELETE_TEAM: &str = "DELETE FROM team WHERE id = ?1 AND tenant = ?2";
pub(super) const TEAMS: &str = "SELECT id, tenant, parent, name, created_at, updated_at \
    FROM team WHERE tenant = ?1 ORDER BY id";

/// The statements that run for every request, report, turn, poll or job that is removed.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[
    JOB,
    RESOURCE,
    LINE,
    FIRST,
    LIMITS,
    USED,
    CLAIMS,
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
    SET_JOB_ANSWER,
    ENDED_JOBS,
    ENDED_SINCE,
    DELETE_JOB,
    DELETE_ANSWER,
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
    RESOURCES_OF_TENANT,
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
    UPDATE_TEAM,
    DELETE_TEAM,
    TEAMS,
];
