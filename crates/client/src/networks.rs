//! Networks, and the interfaces that machines have on them.

use crate::{Accepted, Client, Error, changes::NOTHING};
use api::{
    NicId, ResourceId,
    network::{
        InterfaceAdd, InterfaceRow, InterfaceUpdate, NetworkCreate, NetworkDetail, NetworkMachine,
        NetworkUpdate,
    },
};
use reqwest::Method;

const NETWORKS: &str = "/v1/resource/networks";

fn interfaces(machine: ResourceId) -> String {
    format!("/v1/resource/virtual-machines/{machine}/network-interfaces")
}

impl Client {
    /// All networks, page after page.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn networks(&self) -> Result<Vec<NetworkDetail>, Error> {
        self.get_all(NETWORKS).await
    }

    /// One network.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn network(&self, id: ResourceId) -> Result<NetworkDetail, Error> {
        self.get(&format!("{NETWORKS}/{id}")).await
    }

    /// The machines on a network.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn network_machines(&self, id: ResourceId) -> Result<Vec<NetworkMachine>, Error> {
        self.get(&format!("{NETWORKS}/{id}/virtual-machines")).await
    }

    /// Asks for a network; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_network(&self, wish: &NetworkCreate) -> Result<Accepted, Error> {
        self.change(Method::POST, NETWORKS, Some(wish)).await
    }

    /// Changes a network. Answers within 50 s.
    ///
    /// # Errors
    /// Whatever [`Error`] names; `RESOURCE_BUSY` if its turn did not come: it has no effect then.
    pub async fn update_network(
        &self,
        id: ResourceId,
        change: &NetworkUpdate,
    ) -> Result<NetworkDetail, Error> {
        let path = format!("{NETWORKS}/{id}");
        let answer = self.repeatable(Method::PUT, &path, Some(change)).await?;
        Ok(answer.data)
    }

    /// Asks for a network to be deleted; one job, which may have ended already.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_network(&self, id: ResourceId) -> Result<Accepted, Error> {
        let path = format!("{NETWORKS}/{id}");
        self.change(Method::DELETE, &path, NOTHING).await
    }

    /// The interfaces of a machine, by slot.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn interfaces(&self, machine: ResourceId) -> Result<Vec<InterfaceRow>, Error> {
        self.get(&interfaces(machine)).await
    }

    /// Asks for another interface; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn add_interface(
        &self,
        machine: ResourceId,
        network: ResourceId,
    ) -> Result<Accepted, Error> {
        let body = InterfaceAdd {
            network_id: network.to_string(),
        };
        let path = interfaces(machine);
        self.change(Method::POST, &path, Some(&body)).await
    }

    /// Makes an interface the primary one. Answers within 50 s.
    ///
    /// # Errors
    /// Whatever [`Error`] names; `RESOURCE_BUSY` if its turn did not come: it has no effect then.
    pub async fn set_primary_interface(
        &self,
        machine: ResourceId,
        nic: NicId,
    ) -> Result<InterfaceRow, Error> {
        let path = format!("{}/{nic}", interfaces(machine));
        let body = InterfaceUpdate { set_primary: true };
        let answer = self.repeatable(Method::PUT, &path, Some(&body)).await?;
        Ok(answer.data)
    }

    /// Asks for an interface to be removed; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn remove_interface(
        &self,
        machine: ResourceId,
        nic: NicId,
    ) -> Result<Accepted, Error> {
        let path = format!("{}/{nic}", interfaces(machine));
        self.change(Method::DELETE, &path, NOTHING).await
    }

    /// Asks for a public address for an interface; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn allocate_public_ip(
        &self,
        machine: ResourceId,
        nic: NicId,
    ) -> Result<Accepted, Error> {
        let path = format!("{}/{nic}/public-ip", interfaces(machine));
        self.change(Method::POST, &path, NOTHING).await
    }

    /// Asks for an interface's public address to be taken away; one job.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn release_public_ip(
        &self,
        machine: ResourceId,
        nic: NicId,
    ) -> Result<Accepted, Error> {
        let path = format!("{}/{nic}/public-ip", interfaces(machine));
        self.change(Method::DELETE, &path, NOTHING).await
    }
}
