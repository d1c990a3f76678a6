//! `/v1/resource/networks`.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    calls,
    error::ApiError,
    limits::NETWORK_DELETE_PATIENCE,
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
    resource_lists,
};
use api::{
    Envelope, Job, ResourceId, TenantId,
    network::{NetworkCreate, NetworkDetail, NetworkMachine, NetworkUpdate},
};
use axum::extract::State;
use model::{
    Context, Kind, Refusal, Resource,
    ops::{network_create, network_delete, network_update},
    render,
};

/// Create a network.
#[utoipa::path(
    post, path = "/v1/resource/networks", tag = "Networks", operation_id = "network.create",
    params(IdempotencyKey), request_body = NetworkCreate,
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    Body(body): Body<NetworkCreate>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| network_create::accept(context, tenant, &body);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// List networks, newest first.
///
/// A filter takes whole values, may be repeated to ask for any of several, and may also be sent as
/// `filter[name]`.
#[utoipa::path(
    get, path = "/v1/resource/networks", tag = "Networks", operation_id = "network.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("sort" = Option<String>, Query, description = "`field:asc` or `field:desc`, several separated by commas; name, createdAt, updatedAt, region, datacenter; default `createdAt:desc`"),
        ("search" = Option<String>, Query, description = "Only with this in the name or the CIDR, without case"),
        ("regionId" = Option<Vec<i64>>, Query, description = "Only in this region"),
        ("datacenterId" = Option<Vec<api::DataCenterId>>, Query, description = "Only in this data centre"),
        ("networkType" = Option<Vec<api::network::NetworkType>>, Query, description = "Only of this type, without case"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<NetworkDetail>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Answer<Vec<NetworkDetail>>, ApiError> {
    let (networks, meta) = resource_lists::networks(&app, tenant, &params).await?;
    let mut rows = Vec::with_capacity(networks.len());
    for network in &networks {
        rows.push(row(&app, network).await?);
    }
    Ok(Answer::page(rows, meta))
}

/// One network.
#[utoipa::path(
    get, path = "/v1/resource/networks/{id}", tag = "Networks", operation_id = "network.show",
    params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The network", body = Envelope<NetworkDetail>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
) -> Result<Answer<NetworkDetail>, ApiError> {
    let network = network(&app, tenant, id).await?;
    row(&app, &network).await.map(Answer::ok)
}

/// The machines on a network, all of them.
#[utoipa::path(
    get, path = "/v1/resource/networks/{id}/virtual-machines", tag = "Networks",
    operation_id = "network.machines", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The machines", body = Envelope<Vec<NetworkMachine>>)),
)]
pub(super) async fn machines(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
) -> Result<Answer<Vec<NetworkMachine>>, ApiError> {
    let network = network(&app, tenant, id).await?;
    let machines = app.store().machines_on(tenant, id).await?;
    Ok(Answer::ok(render::network_machines(&network, &machines)))
}

/// Change a network; waits at most 50 s.
#[utoipa::path(
    put, path = "/v1/resource/networks/{id}", tag = "Networks", operation_id = "network.update",
    params(("id" = ResourceId, Path), IdempotencyKey), request_body = NetworkUpdate,
    responses((status = 200, description = "The network", body = Envelope<NetworkDetail>)),
)]
pub(super) async fn update(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<NetworkUpdate>,
    repeat: Repeat,
) -> Result<Answer<NetworkDetail>, ApiError> {
    let rule = move |context: &Context<'_>| network_update::accept(context, (tenant, id), &body);
    calls::call(&app, (Kind::Network, repeat.of(tenant)), rule).await?;
    let network = network(&app, tenant, id).await?;
    row(&app, &network).await.map(Answer::ok)
}

/// Delete a network that nothing is on.
///
/// Waits at most 20 s: 200 with the job if it has ended by then, else 202 with the job as it is.
#[utoipa::path(
    delete, path = "/v1/resource/networks/{id}", tag = "Networks",
    operation_id = "network.delete", params(("id" = ResourceId, Path), IdempotencyKey),
    responses(
        (status = 200, description = "The job, ended", body = Envelope<Job>),
        (status = 202, description = "Accepted: the job", body = Envelope<Job>),
    ),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| network_delete::accept(context, tenant, id);
    let job = app.accept(repeat.of(tenant), rule).await?;
    let ended = app
        .engine
        .ended_within(job.id, NETWORK_DELETE_PATIENCE)
        .await?;
    match ended {
        Some(job) => Ok(Answer::ok(app.shown(&job))),
        None => {
            let jobs = app.store().jobs(tenant, vec![job.id]).await?;
            Ok(app.accepted(jobs.first().unwrap_or(&job)))
        }
    }
}

async fn network(app: &App, tenant: TenantId, id: ResourceId) -> Result<Resource, ApiError> {
    let network = app.store().resource(tenant, id).await?;
    let network = network.filter(|network| network.kind() == Kind::Network);
    Ok(network.ok_or_else(|| Refusal::not_found(Kind::Network))?)
}

async fn row(app: &App, network: &Resource) -> Result<NetworkDetail, ApiError> {
    let machines = app.store().machines_on(network.tenant, network.id).await?;
    Ok(render::network_detail(network, &machines, &app.catalogue()))
}
