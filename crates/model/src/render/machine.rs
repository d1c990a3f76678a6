//! Virtual machines and their interfaces.

use super::Where;
use crate::{
    ability::DriverAbilities,
    catalogue::{Catalogue, Image, Size},
    observed::Ended,
    resource::{Resource, Status},
    spec::NicSpec,
};
use api::{
    machine::{
        FlatSize, MachineDetail, MachineRow, MachineStatus, NestedMachine, RowDataCenter, RowSize,
    },
    network::{InterfaceRow, NetworkType},
};

pub(super) fn status(machine: &Resource) -> MachineStatus {
    match machine.status {
        Status::Machine(status) => status,
        Status::Volume(_) | Status::Network(_) => MachineStatus::Error,
    }
}

pub(super) fn image<'a>(machine: &Resource, catalogue: &'a Catalogue) -> Option<&'a Image> {
    let record = machine.machine()?;
    catalogue.image(record.image)
}

fn catalogued<'a>(machine: &Resource, catalogue: &'a Catalogue) -> Option<&'a Size> {
    let record = machine.machine()?;
    catalogue.size(record.size)
}

/// Cores, memory and disk: what was made, else what was asked for.
fn size(machine: &Resource, catalogue: &Catalogue) -> RowSize {
    if let Some(made) = machine.shown.machine() {
        return RowSize {
            cpu: made.cpus,
            ram: made.memory_gb,
            disk: made.disk_gb,
        };
    }
    let size = catalogued(machine, catalogue);
    RowSize {
        cpu: size.map_or(0, |size| size.cpu),
        ram: size.map_or(0, |size| size.memory_gb),
        disk: size.map_or(0, |size| size.disk_gb),
    }
}

/// The interface that is shown as the primary one.
pub(super) fn primary(machine: &Resource) -> Option<&NicSpec> {
    let id = machine.primary()?;
    machine.shown.machine()?.nic(id)
}

/// A machine as a row of the list.
pub fn machine_row(machine: &Resource, catalogue: &Catalogue) -> MachineRow {
    let place = Where::of(machine, catalogue);
    let image = image(machine, catalogue);
    let primary = primary(machine);
    MachineRow {
        id: machine.id,
        name: machine.name.clone(),
        status: status(machine),
        created_at: machine.created_at,
        updated_at: machine.updated_at,
        configuration: size(machine, catalogue),
        datacenter: RowDataCenter {
            id: machine.data_center,
            name: place.data_center().to_owned(),
            region: place.region().to_owned(),
            country: place.country().to_owned(),
        },
        image_name: image.map(|image| image.name.clone()).unwrap_or_default(),
        primary_private_ip: primary.and_then(private_ip),
        primary_public_ip: primary.and_then(public_ip),
        team_id: machine.team(),
        status_reason: status_reason(machine),
    }
}

/// Why a machine that should be on is not.
fn status_reason(machine: &Resource) -> Option<String> {
    machine.ended().map(|ended| match ended {
        Ended::Quietly => "It powered off by itself, or its host was restarted.".to_owned(),
        Ended::Died { reason } => super::line(reason),
    })
}

pub(super) fn private_ip(nic: &NicSpec) -> Option<String> {
    nic.address.map(|address| address.to_string())
}

pub(super) fn public_ip(nic: &NicSpec) -> Option<String> {
    nic.public.map(|public| public.address.to_string())
}

/// A machine in full.
pub fn machine_detail(
    machine: &Resource,
    catalogue: &Catalogue,
    driver: DriverAbilities,
) -> MachineDetail {
    let place = Where::of(machine, catalogue);
    let image = image(machine, catalogue);
    let image_name = image.map(|image| image.name.clone()).unwrap_or_default();
    let username = username(machine, catalogue);
    let ssh_key = machine.machine().and_then(|record| record.ssh_key.as_ref());
    let spec = machine.shown.machine();
    let carried = spec.and_then(|spec| spec.secret.as_ref());
    MachineDetail {
        status: status(machine),
        virtual_machine: nested(machine, catalogue, (&image_name, &username)),
        id: machine.id,
        name: machine.name.clone(),
        created_at: machine.created_at,
        updated_at: machine.updated_at,
        image: image_name,
        username,
        configuration: flat_size(machine, catalogue),
        datacenter: place.flat(machine),
        ssh_key_id: ssh_key.map(|key| key.id),
        ssh_key_name: ssh_key.map(|key| key.name.clone()),
        network_hotplug: 0,
        resource_group_id: None,
        team_id: machine.team(),
        status_reason: status_reason(machine),
        notices: driver.notices(carried.is_some()),
    }
}

/// Whom to log in as: who was asked for, else the image's own user.
pub(super) fn username(machine: &Resource, catalogue: &Catalogue) -> String {
    let asked = machine.machine().and_then(|it| it.username.clone());
    let own = || image(machine, catalogue).map(|image| image.username.clone());
    asked.or_else(own).unwrap_or_default()
}

fn nested(
    machine: &Resource,
    catalogue: &Catalogue,
    (image, username): (&str, &str),
) -> NestedMachine {
    let RowSize { cpu, ram, disk } = size(machine, catalogue);
    let place = Where::of(machine, catalogue);
    let size = catalogued(machine, catalogue);
    NestedMachine {
        id: machine.id,
        name: machine.name.clone(),
        created_at: machine.created_at,
        updated_at: machine.updated_at,
        configuration_id: machine.machine().map_or(0, |record| record.size),
        configuration: size.map(|size| size.name.clone()).unwrap_or_default(),
        cpu,
        ram,
        disk,
        image: image.to_owned(),
        username: username.to_owned(),
        datacenter_id: machine.data_center,
        datacenter: place.data_center().to_owned(),
        region_id: place.region_id(),
        region: place.region().to_owned(),
        country: place.country().to_owned(),
    }
}

fn flat_size(machine: &Resource, catalogue: &Catalogue) -> FlatSize {
    let RowSize { cpu, ram, disk } = size(machine, catalogue);
    let size = catalogued(machine, catalogue);
    let id = machine.machine().map_or(0, |record| record.size);
    let text = |of: fn(&Size) -> &String| size.map(of).cloned().unwrap_or_default();
    FlatSize {
        id,
        name: text(|size| &size.name),
        code: text(|size| &size.code),
        category_code: text(|size| &size.category),
        sku_id: id.to_string(),
        sku_code: text(|size| &size.code),
        cpu,
        ram,
        disk,
    }
}

/// The interfaces of a machine, by slot; `networks` are those that they are on.
pub fn interface_rows(machine: &Resource, networks: &[Resource]) -> Vec<InterfaceRow> {
    let nics = machine
        .shown
        .machine()
        .map_or(&[][..], |machine| &machine.nics);
    let mut nics: Vec<_> = nics.iter().collect();
    nics.sort_by_key(|nic| nic.slot);
    let primary = machine.primary();
    let row = |nic: &NicSpec| interface_row(nic, primary == Some(nic.id), networks);
    nics.into_iter().map(row).collect()
}

fn interface_row(nic: &NicSpec, is_primary: bool, networks: &[Resource]) -> InterfaceRow {
    let network = networks.iter().find(|network| network.id == nic.network);
    let spec = network.and_then(|network| network.shown.network());
    let subnet = spec.and_then(|spec| spec.subnet.as_ref());
    let record = network.and_then(|network| network.network());
    InterfaceRow {
        id: nic.id,
        network_interface: nic.slot,
        is_primary: u8::from(is_primary),
        public_ip: public_ip(nic),
        public_ip_id: nic.public.map(|public| public.id),
        private_ip: private_ip(nic),
        network_name: network
            .map(|network| network.name.clone())
            .unwrap_or_default(),
        network_id: nic.network,
        cidr_block: subnet.map(|subnet| subnet.cidr.to_string()),
        gateway_ip: subnet.map(|subnet| subnet.gateway.to_string()),
        network_type: record.map_or(NetworkType::Custom, |record| record.network_type),
        mac_address: nic.mac.to_string(),
    }
}
