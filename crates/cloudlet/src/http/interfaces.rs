//! `/v1/resource/virtual-machines/{id}/network-interfaces`, public addresses included.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    calls,
    error::ApiError,
    params::{PathId, PathIds},
    repeat::{IdempotencyKey, Repeat},
};
use api::{
    Envelope, Job, NicId, ResourceId, TenantId,
    network::{InterfaceAdd, InterfaceRow, InterfaceUpdate},
};
use axum::extract::State;
use model::{
    Context, Kind, Refusal,
    ops::{nic_add, nic_remove, nic_set_primary, public_ip_allocate, public_ip_release},
    render,
};

/// The interfaces of a machine, all of them, by slot.
#[utoipa::path(
    get, path = "/v1/resource/virtual-machines/{id}/network-interfaces",
    tag = "Network interfaces", operation_id = "nic.list", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The interfaces", body = Envelope<Vec<InterfaceRow>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
) -> Result<Answer<Vec<InterfaceRow>>, ApiError> {
    rows(&app, tenant, id).await.map(Answer::ok)
}

/// Add an interface, on a network of the machine's data centre.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/network-interfaces",
    tag = "Network interfaces", operation_id = "nic.add",
    params(("id" = ResourceId, Path), IdempotencyKey), request_body = InterfaceAdd,
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn add(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<InterfaceAdd>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| nic_add::accept(context, (tenant, id), &body);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Make an interface the primary one; waits at most 50 s.
#[utoipa::path(
    put, path = "/v1/resource/virtual-machines/{id}/network-interfaces/{nicId}",
    tag = "Network interfaces", operation_id = "nic.set_primary",
    params(("id" = ResourceId, Path), ("nicId" = NicId, Path), IdempotencyKey),
    request_body = InterfaceUpdate,
    responses((status = 200, description = "The interface", body = Envelope<InterfaceRow>)),
)]
pub(super) async fn set_primary(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathIds(id, nic): PathIds<ResourceId, NicId>,
    Body(body): Body<InterfaceUpdate>,
    repeat: Repeat,
) -> Result<Answer<InterfaceRow>, ApiError> {
    if !body.set_primary {
        let text = "is false; true is right: make another interface primary instead";
        return Err(ApiError::field("setPrimary", text));
    }
    let rule = move |context: &Context<'_>| nic_set_primary::accept(context, (tenant, id), nic);
    calls::call(&app, (Kind::Vm, repeat.of(tenant)), rule).await?;
    let mut rows = rows(&app, tenant, id).await?.into_iter();
    let row = rows.find(|row| row.id == nic);
    let row = row.ok_or_else(|| ApiError::not_found("Network interface"))?;
    Ok(Answer::ok(row))
}

/// Remove an interface, but not the primary one.
#[utoipa::path(
    delete, path = "/v1/resource/virtual-machines/{id}/network-interfaces/{nicId}",
    tag = "Network interfaces", operation_id = "nic.remove",
    params(("id" = ResourceId, Path), ("nicId" = NicId, Path), IdempotencyKey),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn remove(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathIds(id, nic): PathIds<ResourceId, NicId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| nic_remove::accept(context, (tenant, id), nic);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Give an interface a public address.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/network-interfaces/{nicId}/public-ip",
    tag = "Network interfaces", operation_id = "public_ip.allocate",
    params(("id" = ResourceId, Path), ("nicId" = NicId, Path), IdempotencyKey),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn allocate(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathIds(id, nic): PathIds<ResourceId, NicId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| public_ip_allocate::accept(context, (tenant, id), nic);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Take an interface's public address away; open flows are cut.
#[utoipa::path(
    delete, path = "/v1/resource/virtual-machines/{id}/network-interfaces/{nicId}/public-ip",
    tag = "Network interfaces", operation_id = "public_ip.release",
    params(("id" = ResourceId, Path), ("nicId" = NicId, Path), IdempotencyKey),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn release(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathIds(id, nic): PathIds<ResourceId, NicId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| public_ip_release::accept(context, (tenant, id), nic);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

async fn rows(app: &App, tenant: TenantId, id: ResourceId) -> Result<Vec<InterfaceRow>, ApiError> {
    let machine = app.store().resource(tenant, id).await?;
    let machine = machine.filter(|machine| machine.kind() == Kind::Vm);
    let machine = machine.ok_or_else(|| Refusal::not_found(Kind::Vm))?;
    let nics = machine
        .shown
        .machine()
        .map_or(&[][..], |machine| &machine.nics);
    let networks = nics.iter().map(|nic| nic.network).collect();
    let networks = app.store().resources_by_id(tenant, networks).await?;
    Ok(render::interface_rows(&machine, &networks))
}
