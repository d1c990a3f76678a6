//! Lists of machines, volumes, networks and GPU machines: by what each is sorted, searched and filtered.
//!
//! A page that nothing else is asked of is read alone, from an index; else all that the tenant has of
//! the kind is read, and put in order here. Answers with the resources of the page: how they are shown
//! is the handlers' own.

use super::{
    App,
    error::ApiError,
    listing::{Filter, Key, Listing},
    params::Params,
};
use api::{
    DataCenterId, PageMeta, TenantId,
    gpu::GpuDetail,
    machine::{FlatDataCenter, MachineRow, MachineStatus, RowDataCenter},
    network::{NetworkDetail, NetworkType},
    volume::{VolumeDetail, VolumeStatus},
};
use model::{Kind, Resource, catalogue::Catalogue, render};
use std::borrow::Cow;

/// A resource that is looked at for a list.
struct Listed<R> {
    resource: Resource,
    region: i64,
    /// As it is shown, as far as it is sorted, searched or filtered by that.
    row: R,
}

/// Where something is shown to be.
trait Placed {
    /// The names of its region and its data centre.
    fn place(&self) -> (&str, &str);
}

const MACHINES: Listing<Listed<MachineRow>> = Listing {
    fields: &[
        ("name", name),
        ("createdAt", created),
        ("updatedAt", updated),
        ("configuration", |one| {
            let size = one.row.configuration;
            Key::Numbers([size.cpu, size.ram, size.disk].map(i64::from).to_vec())
        }),
        ("region", region),
        ("datacenter", data_center),
    ],
    id,
    default: NEWEST,
    searched: |one| {
        let made = one.resource.shown.machine();
        let nics = made.map_or(&[][..], |made| &made.nics).iter();
        let private = nics.clone().filter_map(|nic| nic.address);
        let public = nics.filter_map(|nic| nic.public.map(|public| public.address));
        let addresses = private.chain(public).map(|address| address.to_string());
        let name = Cow::Borrowed(one.row.name.as_str());
        [name]
            .into_iter()
            .chain(addresses.map(Cow::Owned))
            .collect()
    },
    filters: &[
        ("teamId", Filter::Number(team)),
        ("regionId", Filter::Number(|one| one.region)),
        (
            "datacenterId",
            Filter::Id(|one| Some(data_center_id(one).0)),
        ),
        (
            "configurationId",
            Filter::Number(|one| one.resource.machine().map_or(0, |machine| machine.size)),
        ),
        (
            "imageName",
            Filter::Text(|one| one.row.image_name.as_str().into()),
        ),
        (
            "status",
            Filter::Word(
                |one| one.row.status.as_str(),
                || MachineStatus::ALL.map(MachineStatus::as_str).to_vec(),
            ),
        ),
    ],
};

const VOLUMES: Listing<Listed<VolumeDetail>> = Listing {
    fields: &[
        ("name", name),
        ("createdAt", created),
        ("updatedAt", updated),
        ("sizeGb", |one| Key::Number(one.row.size_gb.into())),
        ("region", region),
        ("datacenter", data_center),
    ],
    id,
    default: NEWEST,
    searched: |one| vec![one.row.name.as_str().into()],
    filters: &[
        (
            "virtualMachineId",
            Filter::Id(|one| one.row.virtual_machine_id.map(|id| id.0)),
        ),
        (
            "status",
            Filter::Word(
                |one| one.row.status.as_str(),
                || VolumeStatus::ALL.map(VolumeStatus::as_str).to_vec(),
            ),
        ),
        ("teamId", Filter::Number(team)),
        ("regionId", Filter::Number(|one| one.region)),
        (
            "datacenterId",
            Filter::Id(|one| Some(data_center_id(one).0)),
        ),
        ("volumeTypeId", Filter::Number(|one| one.row.volume_type.id)),
        // The catalogue counts from 1: what has no size in it is found by none.
        (
            "volumeSizeId",
            Filter::Number(|one| one.row.volume_size_id.unwrap_or(i64::MIN)),
        ),
        ("sizeGb", Filter::Number(|one| one.row.size_gb.into())),
    ],
};

const NETWORKS: Listing<Listed<NetworkDetail>> = Listing {
    fields: &[
        ("name", name),
        ("createdAt", created),
        ("updatedAt", updated),
        ("region", region),
        ("datacenter", data_center),
    ],
    id,
    default: NEWEST,
    searched: |one| {
        let NetworkDetail {
            name, cidr_block, ..
        } = &one.row;
        vec![name.as_str().into(), cidr_block.as_str().into()]
    },
    filters: &[
        ("regionId", Filter::Number(|one| one.region)),
        (
            "datacenterId",
            Filter::Id(|one| Some(data_center_id(one).0)),
        ),
        (
            "networkType",
            Filter::Word(
                |one| one.row.network_type.as_str(),
                || NetworkType::ALL.map(NetworkType::as_str).to_vec(),
            ),
        ),
    ],
};

const GPUS: Listing<Listed<GpuDetail>> = Listing {
    fields: &[
        ("name", name),
        ("createdAt", created),
        ("updatedAt", updated),
        ("configuration", |one| {
            let size = &one.row.configuration;
            let numbers = [size.gpu_count, size.cpu, size.ram, size.disk];
            Key::Numbers(numbers.map(i64::from).to_vec())
        }),
        ("region", region),
        ("datacenter", data_center),
    ],
    id,
    default: NEWEST,
    searched: |one| vec![one.row.name.as_str().into()],
    filters: &[
        ("teamId", Filter::Number(team)),
        ("regionId", Filter::Number(|one| one.region)),
        (
            "datacenterId",
            Filter::Id(|one| Some(data_center_id(one).0)),
        ),
        (
            "status",
            Filter::Word(
                |one| one.row.status.as_str(),
                || MachineStatus::ALL.map(MachineStatus::as_str).to_vec(),
            ),
        ),
    ],
};

/// As pages are read where nothing is asked for.
const NEWEST: &str = "createdAt:desc";

/// A page of a tenant's machines.
pub(super) async fn machines(
    app: &App,
    tenant: TenantId,
    params: &Params,
) -> Result<(Vec<Resource>, PageMeta), ApiError> {
    page(
        app,
        (tenant, Kind::Vm),
        params,
        &MACHINES,
        render::machine_row,
    )
    .await
}

/// A page of a tenant's volumes.
pub(super) async fn volumes(
    app: &App,
    tenant: TenantId,
    params: &Params,
) -> Result<(Vec<Resource>, PageMeta), ApiError> {
    let row =
        |volume: &Resource, catalogue: &Catalogue| render::volume_detail(volume, None, catalogue);
    page(app, (tenant, Kind::Volume), params, &VOLUMES, row).await
}

/// A page of a tenant's networks.
pub(super) async fn networks(
    app: &App,
    tenant: TenantId,
    params: &Params,
) -> Result<(Vec<Resource>, PageMeta), ApiError> {
    let row =
        |network: &Resource, catalogue: &Catalogue| render::network_detail(network, &[], catalogue);
    page(app, (tenant, Kind::Network), params, &NETWORKS, row).await
}

/// A page of a tenant's GPU machines.
pub(super) async fn gpus(
    app: &App,
    tenant: TenantId,
    params: &Params,
) -> Result<(Vec<Resource>, PageMeta), ApiError> {
    page(app, (tenant, Kind::Gpu), params, &GPUS, render::gpu_detail).await
}

async fn page<R>(
    app: &App,
    (tenant, kind): (TenantId, Kind),
    params: &Params,
    listing: &'static Listing<Listed<R>>,
    row: fn(&Resource, &Catalogue) -> R,
) -> Result<(Vec<Resource>, PageMeta), ApiError> {
    let order = listing.order(params)?;
    if let Some(page) = order.plain_page() {
        let found = app.store().page_of(tenant, kind, page.page, page.limit);
        let (resources, total) = found.await?;
        return Ok((resources, page.meta(total)));
    }
    let resources = app.store().resources_of(tenant, kind).await?;
    let catalogue = app.catalogue();
    let listed = |resource: Resource| {
        let data_center = catalogue.data_center(resource.data_center);
        Listed {
            region: data_center.map_or(0, |data_center| data_center.region),
            row: row(&resource, &catalogue),
            resource,
        }
    };
    let (rows, meta) = order.page(resources.into_iter().map(listed).collect());
    let resources = rows.into_iter().map(|one| one.resource);
    Ok((resources.collect(), meta))
}

fn id<R>(one: &Listed<R>) -> Key {
    Key::Id(one.resource.id.0)
}

fn name<R>(one: &Listed<R>) -> Key {
    Key::text(&one.resource.name)
}

fn created<R>(one: &Listed<R>) -> Key {
    one.resource.created_at.into()
}

fn updated<R>(one: &Listed<R>) -> Key {
    one.resource.updated_at.into()
}

fn region<R: Placed>(one: &Listed<R>) -> Key {
    Key::text(one.row.place().0)
}

fn data_center<R: Placed>(one: &Listed<R>) -> Key {
    Key::text(one.row.place().1)
}

fn data_center_id<R>(one: &Listed<R>) -> DataCenterId {
    one.resource.data_center
}

/// 0 is no team.
fn team<R>(one: &Listed<R>) -> i64 {
    one.resource.team().unwrap_or(0)
}

impl Placed for MachineRow {
    fn place(&self) -> (&str, &str) {
        let RowDataCenter { name, region, .. } = &self.datacenter;
        (region, name)
    }
}

impl Placed for VolumeDetail {
    fn place(&self) -> (&str, &str) {
        flat(&self.datacenter)
    }
}

impl Placed for NetworkDetail {
    fn place(&self) -> (&str, &str) {
        flat(&self.datacenter)
    }
}

impl Placed for GpuDetail {
    fn place(&self) -> (&str, &str) {
        flat(&self.datacenter)
    }
}

fn flat(place: &FlatDataCenter) -> (&str, &str) {
    (&place.region, &place.name)
}
