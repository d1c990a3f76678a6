//! `/v1/resource/virtual-machines`.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    calls::{self, Called},
    error::ApiError,
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
    resource_lists,
    slash::{CreatedJobs, Slash},
};
use api::{
    Envelope, Job, ResourceId, TenantId,
    machine::{
        MachineCreate, MachineDetail, MachineRename, MachineResize, MachineRow, MachineStatus,
    },
};
use axum::extract::State;
use model::{
    Context, Kind, Refusal,
    accept::{Accepted, Idempotency},
    ops::{Call, vm_create, vm_delete, vm_rename, vm_reset, vm_resize, vm_start, vm_stop},
    render,
    secret::Wished,
};

type PowerRule = fn(&Context<'_>, TenantId, ResourceId) -> Accepted<Call>;
type Detail = Result<Answer<MachineDetail>, ApiError>;

/// Create 1 to 50 virtual machines.
///
/// `data` is the list of jobs; with a trailing slash in the path it is `{"jobs":[…]}`.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines", tag = "Virtual machines",
    operation_id = "vm.create", request_body = MachineCreate,
    params(IdempotencyKey),
    responses((status = 202, description = "Accepted: a job for each machine", body = Envelope<CreatedJobs>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    slash: Slash,
    Body(body): Body<MachineCreate>,
    repeat: Repeat,
) -> Result<Answer<CreatedJobs>, ApiError> {
    let carried = app.carried(tenant, Wished::from(&body)).await?;
    let rule = move |context: &Context<'_>| vm_create::accept(context, tenant, &body, &carried);
    let jobs = app.accept(repeat.of(tenant), rule).await?;
    Ok(slash.accepted(&app, &jobs))
}

/// List virtual machines, newest first.
///
/// A filter takes whole values, may be repeated to ask for any of several, and may also be sent as
/// `filter[name]`.
#[utoipa::path(
    get, path = "/v1/resource/virtual-machines", tag = "Virtual machines",
    operation_id = "vm.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("sort" = Option<String>, Query, description = "`field:asc` or `field:desc`, several separated by commas; name, createdAt, updatedAt, configuration, region, datacenter; default `createdAt:desc`"),
        ("search" = Option<String>, Query, description = "Only with this in the name or an address, without case"),
        ("teamId" = Option<Vec<i64>>, Query, description = "Only in this team; 0: in none"),
        ("regionId" = Option<Vec<i64>>, Query, description = "Only in this region"),
        ("datacenterId" = Option<Vec<api::DataCenterId>>, Query, description = "Only in this data centre"),
        ("configurationId" = Option<Vec<i64>>, Query, description = "Only of this size"),
        ("imageName" = Option<Vec<String>>, Query, description = "Only made from the image of this name, without case"),
        ("status" = Option<Vec<api::machine::MachineStatus>>, Query, description = "Only with this status, without case"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<MachineRow>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Answer<Vec<MachineRow>>, ApiError> {
    let (machines, meta) = resource_lists::machines(&app, tenant, &params).await?;
    let rows = machines
        .iter()
        .map(|machine| render::machine_row(machine, &app.catalogue()));
    Ok(Answer::page(rows.collect(), meta))
}

/// One virtual machine.
#[utoipa::path(
    get, path = "/v1/resource/virtual-machines/{id}", tag = "Virtual machines",
    operation_id = "vm.show", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
) -> Detail {
    detail(&app, tenant, id).await.map(Answer::ok)
}

/// Rename a virtual machine, at once.
#[utoipa::path(
    put, path = "/v1/resource/virtual-machines/{id}", tag = "Virtual machines",
    operation_id = "vm.rename", params(("id" = ResourceId, Path), IdempotencyKey), request_body = MachineRename,
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn rename(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<MachineRename>,
    repeat: Repeat,
) -> Detail {
    let of = (tenant, id, Kind::Vm);
    let rule = move |context: &Context<'_>| vm_rename::accept(context, of, &body);
    app.accept(repeat.of(tenant), rule).await?;
    detail(&app, tenant, id).await.map(Answer::ok)
}

/// Resize a virtual machine; a running one is restarted.
#[utoipa::path(
    put, path = "/v1/resource/virtual-machines/{id}/size", tag = "Virtual machines",
    operation_id = "vm.resize", params(("id" = ResourceId, Path), IdempotencyKey),
    request_body = MachineResize,
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn resize(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<MachineResize>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| vm_resize::accept(context, (tenant, id), &body);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Delete a virtual machine.
#[utoipa::path(
    delete, path = "/v1/resource/virtual-machines/{id}", tag = "Virtual machines",
    operation_id = "vm.delete", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Result<Answer<Job>, ApiError> {
    let rule = move |context: &Context<'_>| vm_delete::accept(context, tenant, id);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

/// Turn a virtual machine on; waits at most 50 s.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/start", tag = "Virtual machines",
    operation_id = "vm.start", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn start(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Detail {
    let reached = MachineStatus::Running;
    power(
        &app,
        (tenant, id),
        repeat.of(tenant),
        (vm_start::accept, reached),
    )
    .await
}

/// Turn a virtual machine off; waits at most 50 s.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/stop", tag = "Virtual machines",
    operation_id = "vm.stop", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn stop(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Detail {
    let reached = MachineStatus::Shutoff;
    power(
        &app,
        (tenant, id),
        repeat.of(tenant),
        (vm_stop::accept, reached),
    )
    .await
}

/// Turn a running virtual machine off and on; waits at most 50 s.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/reset", tag = "Virtual machines",
    operation_id = "vm.reset", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn reset(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Detail {
    let reached = MachineStatus::Running;
    power(
        &app,
        (tenant, id),
        repeat.of(tenant),
        (vm_reset::accept, reached),
    )
    .await
}

/// Does a power call and answers with the machine. If it has reached what was wished, that is what is
/// shown: the machine may be on its way elsewhere already, for the next in line, but that is not what
/// this caller asked about.
async fn power(
    app: &App,
    (tenant, id): (TenantId, ResourceId),
    repeat: Option<Idempotency>,
    (rule, reached): (PowerRule, MachineStatus),
) -> Detail {
    let rule = move |context: &Context<'_>| rule(context, tenant, id);
    let called = calls::call(app, (Kind::Vm, repeat), rule).await?;
    let mut machine = detail(app, tenant, id).await?;
    if called == Called::Reached {
        machine.status = reached;
        machine.status_reason = None;
    }
    Ok(Answer::ok(machine))
}

/// A machine as it is now.
pub(super) async fn detail(
    app: &App,
    tenant: TenantId,
    id: ResourceId,
) -> Result<MachineDetail, ApiError> {
    let machine = app.store().resource(tenant, id).await?;
    let machine = machine.filter(|machine| machine.kind() == Kind::Vm);
    let machine = machine.ok_or_else(|| Refusal::not_found(Kind::Vm))?;
    Ok(render::machine_detail(
        &machine,
        &app.catalogue(),
        app.supply.driver(),
    ))
}
