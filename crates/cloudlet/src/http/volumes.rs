//! `/v1/resource/volumes`.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    error::ApiError,
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
    resource_lists,
};
use api::{
    Envelope, Job, ResourceId,
    volume::{VolumeAttach, VolumeCreate, VolumeDetail, VolumeResize},
};
use axum::extract::State;
use model::{
    Context, Kind, Refusal, Resource,
    ops::{volume_attach, volume_create, volume_delete, volume_detach, volume_resize},
    render,
};

/// Create a volume.
#[utoipa::path(
    post, path = "/v1/resource/volumes", tag = "Volumes", operation_id = "volume.create",
    params(IdempotencyKey), request_body = VolumeCreate,
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    Body(body): Body<VolumeCreate>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| volume_create::accept(context, tenant, &body);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// List volumes, newest first.
///
/// A filter takes whole values, may be repeated to ask for any of several, and may also be sent as
/// `filter[name]`.
#[utoipa::path(
    get, path = "/v1/resource/volumes", tag = "Volumes", operation_id = "volume.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("sort" = Option<String>, Query, description = "`field:asc` or `field:desc`, several separated by commas; name, createdAt, updatedAt, sizeGb, region, datacenter; default `createdAt:desc`"),
        ("search" = Option<String>, Query, description = "Only with this in the name, without case"),
        ("virtualMachineId" = Option<Vec<api::ResourceId>>, Query, description = "Only on this machine"),
        ("status" = Option<Vec<api::volume::VolumeStatus>>, Query, description = "Only with this status, without case"),
        ("teamId" = Option<Vec<i64>>, Query, description = "Only in this team; 0: in none"),
        ("regionId" = Option<Vec<i64>>, Query, description = "Only in this region"),
        ("datacenterId" = Option<Vec<api::DataCenterId>>, Query, description = "Only in this data centre"),
        ("volumeTypeId" = Option<Vec<i64>>, Query, description = "Only of this type"),
        ("volumeSizeId" = Option<Vec<i64>>, Query, description = "Only of this size of the catalogue"),
        ("sizeGb" = Option<Vec<i64>>, Query, description = "Only of exactly so many GB"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<VolumeDetail>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Answer<Vec<VolumeDetail>>, ApiError> {
    let (volumes, meta) = resource_lists::volumes(&app, tenant, &params).await?;
    let machines = volumes.iter().filter_map(machine_of).collect();
    let machines = app.store().resources_by_id(tenant, machines).await?;
    let rows = volumes.iter().map(|volume| row(&app, volume, &machines));
    Ok(Answer::page(rows.collect(), meta))
}

/// One volume.
#[utoipa::path(
    get, path = "/v1/resource/volumes/{id}", tag = "Volumes", operation_id = "volume.show",
    params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The volume", body = Envelope<VolumeDetail>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
) -> Result<Answer<VolumeDetail>, ApiError> {
    let volume = app.store().resource(tenant, id).await?;
    let volume = volume.filter(|volume| volume.kind() == Kind::Volume);
    let volume = volume.ok_or_else(|| Refusal::not_found(Kind::Volume))?;
    let machine = machine_of(&volume).into_iter().collect();
    let machines = app.store().resources_by_id(tenant, machine).await?;
    Ok(Answer::ok(row(&app, &volume, &machines)))
}

/// Delete a volume with its content; one that is attached is detached first, by its owner.
#[utoipa::path(
    delete, path = "/v1/resource/volumes/{id}", tag = "Volumes", operation_id = "volume.delete",
    params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| volume_delete::accept(context, tenant, id);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Attach a volume to a virtual machine of its data centre.
#[utoipa::path(
    put, path = "/v1/resource/volumes/{id}/attach", tag = "Volumes",
    operation_id = "volume.attach", params(("id" = ResourceId, Path), IdempotencyKey),
    request_body = VolumeAttach,
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn attach(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<VolumeAttach>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| volume_attach::accept(context, (tenant, id), &body);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Detach a volume from its virtual machine; its content stays.
#[utoipa::path(
    put, path = "/v1/resource/volumes/{id}/detach", tag = "Volumes",
    operation_id = "volume.detach", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn detach(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| volume_detach::accept(context, tenant, id);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Make a volume larger, attached or not.
#[utoipa::path(
    put, path = "/v1/resource/volumes/{id}/resize", tag = "Volumes",
    operation_id = "volume.resize", params(("id" = ResourceId, Path), IdempotencyKey),
    request_body = VolumeResize,
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn resize(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<VolumeResize>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| volume_resize::accept(context, (tenant, id), &body);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

fn machine_of(volume: &Resource) -> Option<ResourceId> {
    volume.volume().and_then(|record| record.machine)
}

fn row(app: &App, volume: &Resource, machines: &[Resource]) -> VolumeDetail {
    let on = machine_of(volume);
    let machine = machines.iter().find(|machine| Some(machine.id) == on);
    render::volume_detail(volume, machine, &app.catalogue())
}
