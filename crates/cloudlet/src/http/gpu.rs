//! `/v1/resource/gpu`: machines with GPUs, and what there is of GPUs.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    error::ApiError,
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
    resource_lists,
    slash::{CreatedJobs, Slash},
};
use api::{
    Envelope, Job, ResourceId, TenantId,
    gpu::{GpuCreate, GpuDetail, GpuInventoryRow},
    machine::MachineRename,
};
use axum::extract::State;
use model::{
    Context, Kind, Refusal,
    ops::{gpu_create, gpu_delete, vm_rename},
    render,
    secret::Wished,
};

/// Create a GPU machine; a series that is sold out is refused at once.
///
/// `data` is the list of jobs; with a trailing slash in the path it is `{"jobs":[…]}`.
#[utoipa::path(
    post, path = "/v1/resource/gpu", tag = "GPU machines", operation_id = "gpu.create",
    params(IdempotencyKey), request_body = GpuCreate,
    responses((status = 202, description = "Accepted: the job", body = Envelope<CreatedJobs>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    slash: Slash,
    Body(body): Body<GpuCreate>,
    repeat: Repeat,
) -> Result<Answer<CreatedJobs>, ApiError> {
    let carried = app.carried(tenant, Wished::from(&body)).await?;
    let rule = move |context: &Context<'_>| gpu_create::accept(context, tenant, &body, &carried);
    let jobs = app.accept(repeat.of(tenant), rule).await?;
    Ok(slash.accepted(&app, &jobs))
}

/// List GPU machines, newest first.
///
/// A filter takes whole values, may be repeated to ask for any of several, and may also be sent as
/// `filter[name]`.
#[utoipa::path(
    get, path = "/v1/resource/gpu", tag = "GPU machines", operation_id = "gpu.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("sort" = Option<String>, Query, description = "`field:asc` or `field:desc`, several separated by commas; name, createdAt, updatedAt, configuration, region, datacenter; default `createdAt:desc`"),
        ("search" = Option<String>, Query, description = "Only with this in the name, without case"),
        ("teamId" = Option<Vec<i64>>, Query, description = "Only in this team; 0: in none"),
        ("regionId" = Option<Vec<i64>>, Query, description = "Only in this region"),
        ("datacenterId" = Option<Vec<api::DataCenterId>>, Query, description = "Only in this data centre"),
        ("status" = Option<Vec<api::machine::MachineStatus>>, Query, description = "Only with this status, without case"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<GpuDetail>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Answer<Vec<GpuDetail>>, ApiError> {
    let (machines, meta) = resource_lists::gpus(&app, tenant, &params).await?;
    let rows = machines
        .iter()
        .map(|machine| render::gpu_detail(machine, &app.catalogue()));
    Ok(Answer::page(rows.collect(), meta))
}

/// What there is of GPUs now, series by series.
#[utoipa::path(
    get, path = "/v1/resource/gpu/inventory", tag = "GPU machines",
    operation_id = "gpu.inventory",
    params(
        ("code" = Option<String>, Query, description = "Only the series with this code"),
        ("datacenterId" = Option<String>, Query, description = "Only in this data centre"),
        ("count" = Option<i64>, Query, description = "Only so many GPUs: 1, 2, 4 or 8"),
    ),
    responses((status = 200, description = "The series", body = Envelope<Vec<GpuInventoryRow>>)),
)]
pub(super) async fn inventory(
    State(app): State<App>,
    _: Caller,
    params: Params,
) -> Result<Answer<Vec<GpuInventoryRow>>, ApiError> {
    let count = count(&params)?;
    let used = app.store().gpus_used().await?;
    let of = |host, series| used.get(&(host, series)).copied().unwrap_or(0);
    let mut rows = render::inventory(&app.catalogue(), |data_center, series| {
        of(data_center.host_id(), series.id)
    });
    let is_asked = |name: &str, text: &str| {
        let mut asked = params.all(name).peekable();
        asked.peek().is_none() || asked.any(|asked| asked.eq_ignore_ascii_case(text))
    };
    rows.retain(|row| is_asked("code", &row.series_code));
    for row in &mut rows {
        row.availability
            .retain(|one| is_asked("datacenterId", &one.datacenter_id.to_string()));
        for one in &mut row.availability {
            one.gpu_counts
                .retain(|key, _| count.is_none_or(|count| *key == count.to_string()));
        }
    }
    Ok(Answer::ok(rows))
}

fn count(params: &Params) -> Result<Option<i64>, ApiError> {
    let count = params.integer("count")?;
    let right = model::limits::GPU_COUNTS.map(i64::from);
    match count {
        Some(wrong) if !right.contains(&wrong) => {
            let text = format!("is {wrong}; 1, 2, 4 or 8 are right");
            Err(ApiError::field("count", &text))
        }
        count => Ok(count),
    }
}

/// One GPU machine.
#[utoipa::path(
    get, path = "/v1/resource/gpu/{id}", tag = "GPU machines", operation_id = "gpu.show",
    params(("id" = ResourceId, Path)),
    responses((status = 200, description = "The machine", body = Envelope<GpuDetail>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<ResourceId>,
) -> Result<Answer<GpuDetail>, ApiError> {
    detail(&app, tenant, id).await.map(Answer::ok)
}

/// Rename a GPU machine, at once.
#[utoipa::path(
    put, path = "/v1/resource/gpu/{id}", tag = "GPU machines", operation_id = "gpu.rename",
    params(("id" = ResourceId, Path), IdempotencyKey), request_body = MachineRename,
    responses((status = 200, description = "The machine", body = Envelope<GpuDetail>)),
)]
pub(super) async fn rename(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<ResourceId>,
    Body(body): Body<MachineRename>,
    repeat: Repeat,
) -> Result<Answer<GpuDetail>, ApiError> {
    let of = (tenant, id, Kind::Gpu);
    let rule = move |context: &Context<'_>| vm_rename::accept(context, of, &body);
    app.accept(repeat.of(tenant), rule).await?;
    detail(&app, tenant, id).await.map(Answer::ok)
}

/// Delete a GPU machine; its GPUs are free again.
#[utoipa::path(
    delete, path = "/v1/resource/gpu/{id}", tag = "GPU machines", operation_id = "gpu.delete",
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
    let rule = move |context: &Context<'_>| gpu_delete::accept(context, tenant, id);
    let job = app.accept(repeat.of(tenant), rule).await?;
    Ok(app.accepted(&job))
}

async fn detail(app: &App, tenant: TenantId, id: ResourceId) -> Result<GpuDetail, ApiError> {
    let machine = app.store().resource(tenant, id).await?;
    let machine = machine.filter(|machine| machine.kind() == Kind::Gpu);
    let machine = machine.ok_or_else(|| Refusal::not_found(Kind::Gpu))?;
    Ok(render::gpu_detail(&machine, &app.catalogue()))
}
