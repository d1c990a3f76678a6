//! `/v1/resource/virtual-machines`.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    calls,
    error::ApiError,
    params::{Params, PathId},
    repeat::Repeat,
    slash::{CreatedJobs, Slash},
};
use api::{
    Envelope, Job, ResourceId, TenantId,
    machine::{MachineCreate, MachineDetail, MachineRename, MachineRow},
};
use axum::extract::State;
use model::{
    Refusal,
    ops::{vm_create, vm_delete, vm_rename, vm_reset, vm_start, vm_stop},
    render,
};

type Detail = Result<Answer<MachineDetail>, ApiError>;

/// Create 1 to 50 virtual machines.
///
/// `data` is the list of jobs; with a trailing slash in the path it is `{"jobs":[…]}`.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines", tag = "Virtual machines",
    operation_id = "vm.create", request_body = MachineCreate,
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters: a repeat has the same jobs")),
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
    let repeat = repeat.of(tenant);
    let jobs = app
        .accept(move |context| vm_create::accept(context, tenant, &body, repeat))
        .await?;
    let ids: Vec<_> = jobs.iter().map(|job| job.id).collect();
    let jobs = jobs.iter().map(render::job).collect();
    Ok(Answer::accepted(slash.created(jobs), &ids))
}

/// List virtual machines, newest first.
#[utoipa::path(
    get, path = "/v1/resource/virtual-machines", tag = "Virtual machines",
    operation_id = "vm.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<MachineRow>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Answer<Vec<MachineRow>>, ApiError> {
    let page = params.page()?;
    let (machines, total) = app.store().machines(tenant, page.page, page.limit).await?;
    let rows = machines
        .iter()
        .map(|machine| render::machine_row(machine, &app.catalogue));
    Ok(Answer::page(rows.collect(), page.meta(total)))
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
    operation_id = "vm.rename", params(("id" = ResourceId, Path)), request_body = MachineRename,
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn rename(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<MachineRename>,
) -> Detail {
    let machine = app
        .accept(move |context| vm_rename::accept(context, tenant, id, &body))
        .await?;
    Ok(Answer::ok(render::machine_detail(&machine, &app.catalogue)))
}

/// Delete a virtual machine.
#[utoipa::path(
    delete, path = "/v1/resource/virtual-machines/{id}", tag = "Virtual machines",
    operation_id = "vm.delete", params(("id" = ResourceId, Path)),
    responses((status = 202, description = "Accepted: the job", body = Envelope<Job>)),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
) -> Result<Answer<Job>, ApiError> {
    let job = app
        .accept(move |context| vm_delete::accept(context, tenant, id))
        .await?;
    Ok(Answer::accepted(render::job(&job), &[job.id]))
}

/// Turn a virtual machine on; waits at most 50 s.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/start", tag = "Virtual machines",
    operation_id = "vm.start", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn start(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
) -> Detail {
    calls::call(&app, tenant, id, vm_start::accept).await
}

/// Turn a virtual machine off; waits at most 50 s.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/stop", tag = "Virtual machines",
    operation_id = "vm.stop", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn stop(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
) -> Detail {
    calls::call(&app, tenant, id, vm_stop::accept).await
}

/// Turn a running virtual machine off and on; waits at most 50 s.
#[utoipa::path(
    post, path = "/v1/resource/virtual-machines/{id}/reset", tag = "Virtual machines",
    operation_id = "vm.reset", params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The machine", body = Envelope<MachineDetail>)),
)]
pub(super) async fn reset(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
) -> Detail {
    calls::call(&app, tenant, id, vm_reset::accept).await
}

/// A machine as it is now.
pub(super) async fn detail(
    app: &App,
    tenant: TenantId,
    id: ResourceId,
) -> Result<MachineDetail, ApiError> {
    let machine = app.store().machine(tenant, id).await?;
    let machine = machine.ok_or_else(Refusal::no_machine)?;
    Ok(render::machine_detail(&machine, &app.catalogue))
}
