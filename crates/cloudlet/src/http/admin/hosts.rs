//! `/admin/v1/hosts`: what is used and by whom; where nothing new is placed.

use crate::http::{
    App,
    answer::Answer,
    auth::{Open, Operator},
    error::ApiError,
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
};
use api::{
    Envelope, HostId, TenantId,
    admin::{Host, HostRoom, HostShare, Quota},
};
use axum::extract::State;
use model::{
    accept::Idempotency,
    catalogue::{Catalogue, DataCenter},
    claim::{Counter, Measure, Pool},
};
use std::collections::BTreeMap;

/// List hosts with what is given out of each, and to whom.
#[utoipa::path(
    get, path = "/admin/v1/hosts", tag = "Operator", operation_id = "host.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<Host>>)),
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    _: Operator,
    params: Params,
) -> Result<Answer<Vec<Host>>, ApiError> {
    let page = params.page()?;
    let mut rows = Vec::new();
    for data_center in &app.catalogue().data_centers {
        rows.push(row(&app, data_center).await?);
    }
    let (rows, meta) = page.cut(rows);
    Ok(Answer::page(rows, meta))
}

/// Place nothing new on a host; what is there goes on.
#[utoipa::path(
    post, path = "/admin/v1/hosts/{id}/drain", tag = "Operator", operation_id = "host.drain",
    params(("id" = HostId, Path), IdempotencyKey),
    responses((status = 200, description = "The host", body = Envelope<Host>)),
)]
pub(in crate::http) async fn drain(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<HostId>,
    repeat: Repeat,
) -> Result<Answer<Host>, ApiError> {
    set(&app, id, true, repeat.of_operator()).await
}

/// Place new things on a host again.
#[utoipa::path(
    post, path = "/admin/v1/hosts/{id}/undrain", tag = "Operator", operation_id = "host.undrain",
    params(("id" = HostId, Path), IdempotencyKey),
    responses((status = 200, description = "The host", body = Envelope<Host>)),
)]
pub(in crate::http) async fn undrain(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<HostId>,
    repeat: Repeat,
) -> Result<Answer<Host>, ApiError> {
    set(&app, id, false, repeat.of_operator()).await
}

async fn set(
    app: &App,
    id: HostId,
    drained: bool,
    repeat: Option<Idempotency>,
) -> Result<Answer<Host>, ApiError> {
    let catalogue = app.catalogue();
    let mut data_centers = catalogue.data_centers.iter();
    let data_center = data_centers.find(|data_center| data_center.host_id() == id);
    let data_center = data_center.ok_or_else(|| ApiError::not_found("Host"))?;
    app.store().drain_host(id, drained, repeat).await??;
    row(app, data_center).await.map(Answer::ok)
}

async fn row(app: &App, data_center: &DataCenter) -> Result<Host, ApiError> {
    let id = data_center.host_id();
    let used = app.store().used_by_tenant(id).await?;
    let mut tenants: BTreeMap<TenantId, HostShare> = BTreeMap::new();
    for (tenant, counter, amount) in used {
        let share = tenants.entry(tenant).or_insert(HostShare {
            tenant_id: tenant,
            vcpus: 0,
            memory_gb: 0,
            disk_gb: 0,
            public_ips: 0,
            gpus: 0,
        });
        if let Some(field) = field(share, &counter) {
            *field += amount;
        }
    }
    let tenants: Vec<HostShare> = tenants.into_values().collect();
    Ok(Host {
        id,
        datacenter_id: data_center.id,
        datacenter_name: data_center.name.clone(),
        drained: app.store().is_drained(id).await?,
        room: room(&app.catalogue(), data_center, &tenants),
        tenants,
    })
}

fn field<'a>(share: &'a mut HostShare, counter: &Counter) -> Option<&'a mut u64> {
    match counter {
        Counter::Room(_, Measure::Vcpus) => Some(&mut share.vcpus),
        Counter::Room(_, Measure::MemoryGb) => Some(&mut share.memory_gb),
        Counter::Room(_, Measure::DiskGb) => Some(&mut share.disk_gb),
        Counter::Pool(Pool::Public(_)) => Some(&mut share.public_ips),
        Counter::Pool(Pool::Gpus(..)) => Some(&mut share.gpus),
        _ => None,
    }
}

fn room(catalogue: &Catalogue, data_center: &DataCenter, tenants: &[HostShare]) -> HostRoom {
    let id = data_center.host_id();
    let sum = |of: fn(&HostShare) -> u64| tenants.iter().map(of).sum();
    let measured = |measure, of| Quota {
        limit: Some(catalogue.room(id, measure)),
        used: sum(of),
    };
    let addresses = data_center.public_ranges().into_iter();
    let addresses = addresses.map(|(first, last)| u64::from(last - first) + 1);
    HostRoom {
        vcpus: measured(Measure::Vcpus, |share| share.vcpus),
        memory_gb: measured(Measure::MemoryGb, |share| share.memory_gb),
        disk_gb: measured(Measure::DiskGb, |share| share.disk_gb),
        public_ips: Quota {
            limit: Some(addresses.sum()),
            used: sum(|share| share.public_ips),
        },
        gpus: Quota {
            limit: Some(
                data_center
                    .gpus
                    .iter()
                    .map(|gpus| u64::from(gpus.count))
                    .sum(),
            ),
            used: sum(|share| share.gpus),
        },
    }
}
