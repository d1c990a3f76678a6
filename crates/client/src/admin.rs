//! The operator's API. Needs a [`Client`] with the operator's key.

use crate::{Client, Error};
use api::{
    FaultId, KeyId, TenantId,
    admin::{
        Clock, ClockAdvance, Fault, FaultCreate, KeyCreate, KeyCreated, KeyRow, QuotaChange,
        Tenant, TenantCreate, Verify,
    },
};
use reqwest::Method;
use std::time::Duration;

const TENANTS: &str = "/admin/v1/tenants";
const FAULTS: &str = "/admin/v1/faults";
const CLOCK: &str = "/admin/v1/clock";
const VERIFY: &str = "/admin/v1/verify";
/// Moving the clock answers when all that became due has run; a year of that takes a while.
const ADVANCE_TIMEOUT: Duration = Duration::from_secs(600);

impl Client {
    /// Makes a tenant; its quotas are unlimited, and it has no key yet.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_tenant(&self, name: &str) -> Result<Tenant, Error> {
        let body = TenantCreate {
            name: name.to_owned(),
        };
        self.call(Method::POST, TENANTS, &body).await
    }

    /// All tenants.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn tenants(&self) -> Result<Vec<Tenant>, Error> {
        self.get_all(TENANTS).await
    }

    /// One tenant, with its quotas and what is used of them.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn tenant(&self, id: TenantId) -> Result<Tenant, Error> {
        self.get(&format!("{TENANTS}/{id}")).await
    }

    /// Changes quotas; what the change does not name stays.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn set_quotas(&self, id: TenantId, change: &QuotaChange) -> Result<(), Error> {
        let path = format!("{TENANTS}/{id}/quotas");
        self.send_only(self.request(Method::PUT, &path).json(change))
            .await
    }

    /// Refuses all keys of a tenant until it is resumed. Its jobs go on.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn suspend_tenant(&self, id: TenantId) -> Result<Tenant, Error> {
        self.post(&format!("{TENANTS}/{id}/suspend")).await
    }

    /// Takes a suspended tenant's keys again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn resume_tenant(&self, id: TenantId) -> Result<Tenant, Error> {
        self.post(&format!("{TENANTS}/{id}/resume")).await
    }

    /// Makes a key for a tenant. Its secret is in this answer and nowhere else, ever.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_key(&self, id: TenantId, key: &KeyCreate) -> Result<KeyCreated, Error> {
        self.call(Method::POST, &format!("{TENANTS}/{id}/keys"), key)
            .await
    }

    /// A tenant's keys, without their secrets.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn keys(&self, id: TenantId) -> Result<Vec<KeyRow>, Error> {
        self.get_all(&format!("{TENANTS}/{id}/keys")).await
    }

    /// Gives a key a new secret, which is in this answer and nowhere else, ever. The old one opens
    /// nothing any more, and its expiry starts again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn rotate_key(&self, tenant: TenantId, id: KeyId) -> Result<KeyCreated, Error> {
        self.post(&format!("{TENANTS}/{tenant}/keys/{id}/rotate"))
            .await
    }

    /// Refuses a key until it is resumed.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn suspend_key(&self, tenant: TenantId, id: KeyId) -> Result<KeyRow, Error> {
        self.post(&format!("{TENANTS}/{tenant}/keys/{id}/suspend"))
            .await
    }

    /// Takes a suspended key again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn resume_key(&self, tenant: TenantId, id: KeyId) -> Result<KeyRow, Error> {
        self.post(&format!("{TENANTS}/{tenant}/keys/{id}/resume"))
            .await
    }

    /// Takes a key away, at once and for ever.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn revoke_key(&self, tenant: TenantId, id: KeyId) -> Result<(), Error> {
        let path = format!("{TENANTS}/{tenant}/keys/{id}");
        self.send_only(self.request(Method::DELETE, &path)).await
    }

    /// Places a fault: the next matching job is struck.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_fault(&self, fault: &FaultCreate) -> Result<Fault, Error> {
        self.call(Method::POST, FAULTS, fault).await
    }

    /// All faults with how often each struck.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn faults(&self) -> Result<Vec<Fault>, Error> {
        self.get_all(FAULTS).await
    }

    /// Takes one fault away.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_fault(&self, id: FaultId) -> Result<(), Error> {
        let path = format!("{FAULTS}/{id}");
        self.send_only(self.request(Method::DELETE, &path)).await
    }

    /// Takes all faults away.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn clear_faults(&self) -> Result<(), Error> {
        self.send_only(self.request(Method::DELETE, FAULTS)).await
    }

    /// The server's clock.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn clock(&self) -> Result<Clock, Error> {
        self.get(CLOCK).await
    }

    /// Moves the manual clock; answers when all that became due has run.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn advance_clock(&self, seconds: u64) -> Result<Clock, Error> {
        let body = ClockAdvance {
            advance_seconds: seconds,
        };
        let request = self
            .request(Method::POST, CLOCK)
            .json(&body)
            .timeout(ADVANCE_TIMEOUT);
        Ok(self.send(request).await?.data)
    }

    /// Compares the records with the driver's world.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn verify(&self) -> Result<Verify, Error> {
        self.get(VERIFY).await
    }
}
