//! Tenants, keys and what stands in `meta`: plain store methods, no rules.

use super::{
    codec, facts,
    session::{Fault, Session, guarded},
    sql,
};
use crate::store::rows::{KeyChange, KeyRow, KeyWish, KnownKey, NewKey, Owner, Scopes, TenantRow};
use api::{KeyId, TenantId, Timestamp};
use model::claim::Limits;
use rusqlite::{Connection, Result, Row, params};

/// Where the manual clock's time stands.
const CLOCK: &str = "clock";
/// Milliseconds in a day.
const DAY_MS: i64 = 86_400_000;

impl Session<'_> {
    /// Makes a tenant; `None` if the name is taken.
    pub(in crate::store) fn create_tenant(&self, name: &str) -> Result<Option<TenantRow>> {
        let taken = facts::row(self.connection, sql::TENANT_OF_NAME, [name], |_| Ok(()))?;
        if taken.is_some() {
            return Ok(None);
        }
        let tenant = TenantRow {
            id: TenantId(self.new_id()),
            name: name.to_owned(),
            suspended: false,
            limits: Limits::default(),
            created_at: self.now,
        };
        let parameters = params![
            tenant.id.0.as_bytes(),
            name,
            codec::body(&tenant.limits)?,
            self.now.as_millis()
        ];
        self.execute(sql::INSERT_TENANT, parameters)?;
        Ok(Some(tenant))
    }

    /// Changes what a tenant may have; `None` if there is no such tenant.
    pub(in crate::store) fn set_limits(
        &self,
        id: TenantId,
        change: impl Fn(&mut Limits),
    ) -> std::result::Result<Option<TenantRow>, Fault> {
        let Some(mut tenant) = tenant(self.connection, id)? else {
            return Ok(None);
        };
        guarded(|| change(&mut tenant.limits))?;
        let limits = codec::body(&tenant.limits)?;
        self.execute(sql::SET_LIMITS, params![id.0.as_bytes(), limits])?;
        Ok(Some(tenant))
    }

    /// Refuses a tenant's keys from now on, or takes them again; `None` if there is no such tenant.
    pub(in crate::store) fn suspend_tenant(
        &mut self,
        id: TenantId,
        suspended: bool,
    ) -> Result<Option<TenantRow>> {
        self.execute(sql::SET_SUSPENDED, params![id.0.as_bytes(), suspended])?;
        self.note_keys();
        tenant(self.connection, id)
    }

    /// Keeps a key.
    pub(in crate::store) fn create_key(
        &self,
        owner: Owner,
        wish: &KeyWish,
        secret: &NewKey,
    ) -> Result<KeyRow> {
        let key = KeyRow {
            id: KeyId(self.new_id()),
            owner,
            wish: wish.clone(),
            start: secret.start.clone(),
            digest: secret.digest,
            suspended: false,
            created_at: self.now,
            expires_at: self.end_of(wish),
            used_at: None,
        };
        let owner = match owner {
            Owner::Operator => None,
            Owner::Tenant(tenant) => Some(tenant.0.into_bytes()),
        };
        let parameters = params![
            key.id.0.as_bytes(),
            owner,
            wish.name,
            key.start,
            key.digest,
            key.suspended,
            key.created_at.as_millis(),
            wish.scopes.read,
            wish.scopes.write,
            wish.days,
            key.expires_at.map(Timestamp::as_millis),
            wish.rate_limit,
        ];
        self.execute(sql::INSERT_KEY, parameters)?;
        Ok(key)
    }

    /// How many keys an owner has.
    pub(in crate::store) fn count_keys(&self, owner: Owner) -> Result<u64> {
        let owner = match owner {
            Owner::Operator => None,
            Owner::Tenant(tenant) => Some(tenant.0.into_bytes()),
        };
        let count = facts::row(self.connection, sql::COUNT_KEYS, [owner], |row| {
            row.get::<_, i64>(0)
        })?;
        Ok(count.unwrap_or(0).unsigned_abs())
    }

    /// Changes a tenant's key; `None` if it has no such key. What it was opens nothing once this is
    /// on disk.
    pub(in crate::store) fn change_key(
        &mut self,
        tenant: TenantId,
        id: KeyId,
        change: &KeyChange,
    ) -> Result<Option<KeyRow>> {
        let Some(mut key) = key_of(self.connection, tenant, id)? else {
            return Ok(None);
        };
        match change {
            KeyChange::Suspended(suspended) => key.suspended = *suspended,
            KeyChange::Secret(secret) => {
                key.start.clone_from(&secret.start);
                key.digest = secret.digest;
                key.expires_at = self.end_of(&key.wish);
            }
        }
        let parameters = params![
            id.0.as_bytes(),
            key.start,
            key.digest,
            key.suspended,
            key.expires_at.map(Timestamp::as_millis),
        ];
        self.execute(sql::UPDATE_KEY, parameters)?;
        self.note_keys();
        Ok(Some(key))
    }

    /// Takes a tenant's key away; says whether it was there.
    pub(in crate::store) fn delete_key(&mut self, tenant: TenantId, id: KeyId) -> Result<bool> {
        let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
        let deleted = self.execute(sql::DELETE_KEY, parameters)?;
        self.note_keys();
        Ok(deleted > 0)
    }

    /// Stores when keys were last used.
    pub(in crate::store) fn use_keys(&self, uses: &[(KeyId, Timestamp)]) -> Result<()> {
        for (key, at) in uses {
            self.execute(sql::USE_KEY, params![key.0.as_bytes(), at.as_millis()])?;
        }
        Ok(())
    }

    /// When a secret that is made now expires.
    fn end_of(&self, wish: &KeyWish) -> Option<Timestamp> {
        let days = wish.days?;
        Some(self.now.plus_millis(i64::from(days) * DAY_MS))
    }

    /// Stores the manual clock's time.
    pub(in crate::store) fn store_clock(&self, now: Timestamp) -> Result<()> {
        self.execute(sql::PUT_META, params![CLOCK, now.as_millis()])?;
        Ok(())
    }
}

/// Every tenant, by name.
pub(in crate::store) fn tenants(connection: &Connection) -> Result<Vec<TenantRow>> {
    let mut statement = connection.prepare_cached(sql::TENANTS)?;
    statement.query_map([], tenant_row)?.collect()
}

/// A tenant.
pub(in crate::store) fn tenant(connection: &Connection, id: TenantId) -> Result<Option<TenantRow>> {
    facts::row(connection, sql::TENANT, [id.0.as_bytes()], tenant_row)
}

fn tenant_row(row: &Row<'_>) -> Result<TenantRow> {
    Ok(TenantRow {
        id: TenantId(codec::uuid(row, 0)?),
        name: row.get(1)?,
        suspended: row.get(2)?,
        limits: codec::value(row.get_ref(3)?.as_str()?)?,
        created_at: Timestamp::from_millis(row.get(4)?),
    })
}

/// A tenant's keys, oldest first.
pub(in crate::store) fn keys(connection: &Connection, tenant: TenantId) -> Result<Vec<KeyRow>> {
    let mut statement = connection.prepare_cached(sql::KEYS)?;
    statement
        .query_map([tenant.0.as_bytes()], key_row)?
        .collect()
}

/// The key of a digest, with what its tenant adds.
pub(in crate::store) fn key(connection: &Connection, digest: [u8; 32]) -> Result<Option<KnownKey>> {
    facts::row(connection, sql::KEY, [digest], |row| {
        Ok(KnownKey {
            row: key_row(row)?,
            tenant_suspended: row.get::<_, Option<bool>>(13)?.unwrap_or(false),
        })
    })
}

/// A tenant's key.
pub(in crate::store) fn key_of(
    connection: &Connection,
    tenant: TenantId,
    id: KeyId,
) -> Result<Option<KeyRow>> {
    let parameters = params![id.0.as_bytes(), tenant.0.as_bytes()];
    facts::row(connection, sql::KEY_OF_OWNER, parameters, key_row)
}

fn key_row(row: &Row<'_>) -> Result<KeyRow> {
    let owner: Option<[u8; 16]> = row.get(1)?;
    let moment = |column| {
        let millis = row.get::<_, Option<i64>>(column)?;
        Ok::<_, rusqlite::Error>(millis.map(Timestamp::from_millis))
    };
    Ok(KeyRow {
        id: KeyId(codec::uuid(row, 0)?),
        owner: owner.map_or(Owner::Operator, |tenant| {
            Owner::Tenant(TenantId(uuid::Uuid::from_bytes(tenant)))
        }),
        start: row.get(3)?,
        digest: row.get(4)?,
        suspended: row.get(5)?,
        created_at: Timestamp::from_millis(row.get(6)?),
        wish: KeyWish {
            name: row.get(2)?,
            scopes: Scopes {
                read: row.get(7)?,
                write: row.get(8)?,
            },
            days: row.get(9)?,
            rate_limit: row.get(11)?,
        },
        expires_at: moment(10)?,
        used_at: moment(12)?,
    })
}

/// Whether the operator has no key yet.
pub(in crate::store) fn is_new(connection: &Connection) -> Result<bool> {
    let key = facts::row(connection, sql::OPERATOR_KEY, [], |_| Ok(()))?;
    Ok(key.is_none())
}

/// The manual clock's last time.
pub(in crate::store) fn stored_clock(connection: &Connection) -> Result<Option<Timestamp>> {
    facts::row(connection, sql::META, [CLOCK], |row| {
        row.get(0).map(Timestamp::from_millis)
    })
}
