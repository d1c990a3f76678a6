//! Tenants, keys and what stands in `meta`: plain store methods, no rules.

use super::{
    codec, facts,
    session::{Fault, Session, guarded},
    sql,
};
use crate::store::rows::{KeyRow, Owner, TenantRow};
use api::{KeyId, TenantId, Timestamp};
use model::claim::Limits;
use rusqlite::{Connection, Result, Row, params};

/// Where the manual clock's time stands.
const CLOCK: &str = "clock";

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

    /// Keeps a key.
    pub(in crate::store) fn create_key(
        &self,
        owner: Owner,
        name: &str,
        start: &str,
        digest: [u8; 32],
    ) -> Result<KeyRow> {
        let key = KeyRow {
            id: KeyId(self.new_id()),
            owner,
            name: name.to_owned(),
            start: start.to_owned(),
            digest,
            created_at: self.now,
        };
        let owner = match owner {
            Owner::Operator => None,
            Owner::Tenant(tenant) => Some(tenant.0.into_bytes()),
        };
        let created_at = self.now.as_millis();
        self.execute(
            sql::INSERT_KEY,
            params![key.id.0.as_bytes(), owner, name, start, digest, created_at],
        )?;
        Ok(key)
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

/// The key of a digest.
pub(in crate::store) fn key(connection: &Connection, digest: [u8; 32]) -> Result<Option<KeyRow>> {
    facts::row(connection, sql::KEY, [digest], key_row)
}

fn key_row(row: &Row<'_>) -> Result<KeyRow> {
    let owner: Option<[u8; 16]> = row.get(1)?;
    Ok(KeyRow {
        id: KeyId(codec::uuid(row, 0)?),
        owner: owner.map_or(Owner::Operator, |tenant| {
            Owner::Tenant(TenantId(uuid::Uuid::from_bytes(tenant)))
        }),
        name: row.get(2)?,
        start: row.get(3)?,
        digest: row.get(4)?,
        created_at: Timestamp::from_millis(row.get(5)?),
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
