//! SSH keys: plain store methods, no rules. Another tenant's is answered like what never was.

use super::{codec, facts, session::Session, sql};
use crate::store::rows::NewSshKey;
use api::{SshKeyId, TenantId, Timestamp, ssh_key::SshKey};
use rusqlite::{Connection, Result, Row, params};

impl Session<'_> {
    /// Keeps a key; `None` if the tenant has so many already.
    pub(in crate::store) fn create_ssh_key(
        &self,
        tenant: TenantId,
        new: &NewSshKey,
        limit: u64,
    ) -> Result<Option<SshKey>> {
        if count(self.connection, tenant)? >= limit {
            return Ok(None);
        }
        let key = SshKey {
            id: SshKeyId(self.new_id()),
            name: new.name.clone(),
            algorithm: new.algorithm.clone(),
            public_key: new.public_key.clone(),
            fingerprint: new.fingerprint.clone(),
            created_at: self.now,
            updated_at: self.now,
        };
        let parameters = params![
            key.id.0.as_bytes(),
            tenant.0.as_bytes(),
            key.name,
            key.algorithm,
            key.public_key,
            key.fingerprint,
            key.created_at.as_millis(),
        ];
        self.execute(sql::INSERT_SSH_KEY, parameters)?;
        Ok(Some(key))
    }

    /// Gives a key another name; `None` if the tenant has no such key.
    pub(in crate::store) fn rename_ssh_key(
        &self,
        tenant: TenantId,
        id: SshKeyId,
        name: &str,
    ) -> Result<Option<SshKey>> {
        let (id_bytes, tenant_bytes) = (id.0.as_bytes(), tenant.0.as_bytes());
        let parameters = params![id_bytes, tenant_bytes, name, self.now.as_millis()];
        self.execute(sql::RENAME_SSH_KEY, parameters)?;
        one(self.connection, tenant, id)
    }

    /// Takes a key away; says whether it was there.
    pub(in crate::store) fn delete_ssh_key(&self, tenant: TenantId, id: SshKeyId) -> Result<bool> {
        let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
        Ok(self.execute(sql::DELETE_SSH_KEY, parameters)? > 0)
    }
}

/// A tenant's keys, oldest first.
pub(in crate::store) fn all(connection: &Connection, tenant: TenantId) -> Result<Vec<SshKey>> {
    let mut statement = connection.prepare_cached(sql::SSH_KEYS)?;
    statement
        .query_map([tenant.0.as_bytes()], ssh_key)?
        .collect()
}

/// A tenant's key.
pub(in crate::store) fn one(
    connection: &Connection,
    tenant: TenantId,
    id: SshKeyId,
) -> Result<Option<SshKey>> {
    let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
    facts::row(connection, sql::SSH_KEY, parameters, ssh_key)
}

/// How many keys a tenant has.
pub(in crate::store) fn count(connection: &Connection, tenant: TenantId) -> Result<u64> {
    let count = facts::row(
        connection,
        sql::COUNT_SSH_KEYS,
        [tenant.0.as_bytes()],
        |row| row.get::<_, i64>(0),
    )?;
    Ok(count.unwrap_or(0).unsigned_abs())
}

fn ssh_key(row: &Row<'_>) -> Result<SshKey> {
    Ok(SshKey {
        id: SshKeyId(codec::uuid(row, 0)?),
        name: row.get(1)?,
        algorithm: row.get(2)?,
        public_key: row.get(3)?,
        fingerprint: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
        updated_at: Timestamp::from_millis(row.get(6)?),
    })
}
