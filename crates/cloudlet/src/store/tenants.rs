//! Tenants, in the store's own words.

use super::{
    Done, KeyWish, NewKey, Owner, Store, StoreError, TenantRow, Urgency,
    sqlite::{session::Session, tenants},
};
use api::TenantId;
use model::{accept::Idempotency, claim::Limits};

impl Store {
    /// Whether this is the first start: the operator has no key yet.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        self.sqlite.read(tenants::is_new).await
    }

    /// The first start, whole or not at all: tenant `default` with a key, and the operator's key.
    pub async fn create_first(&self, tenant: NewKey, operator: NewKey) -> Result<(), StoreError> {
        self.sqlite
            .write(Urgency::Request, move |session| {
                if let Some(row) = session.create_tenant("default")? {
                    let wish = KeyWish::wide("first");
                    session.create_key(Owner::Tenant(row.id), &wish, &tenant)?;
                    session.create_key(Owner::Operator, &wish, &operator)?;
                }
                Ok(())
            })
            .await
    }

    /// Makes a tenant; `None` if the name is taken.
    pub async fn create_tenant(
        &self,
        name: String,
        repeat: Option<Idempotency>,
    ) -> Result<Done<TenantRow, TenantId>, StoreError> {
        let work = move |session: &mut Session<'_>| Ok(Ok(session.create_tenant(&name)?));
        self.once(repeat, work, |row| row.id).await
    }

    /// Every tenant, by name.
    pub async fn tenants(&self) -> Result<Vec<TenantRow>, StoreError> {
        self.sqlite.read(tenants::tenants).await
    }

    /// A tenant.
    pub async fn tenant(&self, id: TenantId) -> Result<Option<TenantRow>, StoreError> {
        self.sqlite
            .read(move |connection| tenants::tenant(connection, id))
            .await
    }

    /// Changes what a tenant may have; `None` if there is no such tenant.
    pub async fn set_limits(
        &self,
        id: TenantId,
        change: impl Fn(&mut Limits) + Send + 'static,
        repeat: Option<Idempotency>,
    ) -> Result<Done<TenantRow, ()>, StoreError> {
        let work = move |session: &mut Session<'_>| Ok(Ok(session.set_limits(id, &change)?));
        self.once(repeat, work, |_| ()).await
    }

    /// Refuses a tenant's keys from now on, or takes them again; `None` if there is no such tenant.
    pub async fn suspend_tenant(
        &self,
        id: TenantId,
        suspended: bool,
        repeat: Option<Idempotency>,
    ) -> Result<Done<TenantRow, ()>, StoreError> {
        let work = move |session: &mut Session<'_>| Ok(Ok(session.suspend_tenant(id, suspended)?));
        self.once(repeat, work, |_| ()).await
    }
}
