//! Hosts and leftovers. Needs a [`Client`] with the operator's key.

use crate::{Client, Error};
use api::{
    HostId, ResourceId,
    admin::{Host, Leftover},
};

const HOSTS: &str = "/admin/v1/hosts";
const LEFTOVERS: &str = "/admin/v1/leftovers";

impl Client {
    /// All hosts, with what is given out of each and to whom.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn hosts(&self) -> Result<Vec<Host>, Error> {
        self.get_all(HOSTS).await
    }

    /// Places nothing new on a host from now on.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn drain_host(&self, id: HostId) -> Result<Host, Error> {
        self.post(&format!("{HOSTS}/{id}/drain")).await
    }

    /// Places new things on a host again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn undrain_host(&self, id: HostId) -> Result<Host, Error> {
        self.post(&format!("{HOSTS}/{id}/undrain")).await
    }

    /// All leftovers, oldest first.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, Error> {
        self.get_all(LEFTOVERS).await
    }

    /// Has the host try a leftover again.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn retry_leftover(&self, id: ResourceId) -> Result<Leftover, Error> {
        self.post(&format!("{LEFTOVERS}/{id}/retry")).await
    }

    /// Says that a leftover was seen to by hand.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn settle_leftover(&self, id: ResourceId) -> Result<Leftover, Error> {
        self.post(&format!("{LEFTOVERS}/{id}/settle")).await
    }
}
