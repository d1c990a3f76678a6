//! `/admin/v1/tenants` and their quotas.

use super::quotas;
use crate::{
    http::{
        App,
        answer::Answer,
        auth::{Open, Operator},
        body::Body,
        error::ApiError,
        params::{Params, PathId},
        repeat::{IdempotencyKey, Repeat},
    },
    store::TenantRow,
};
use api::{
    Envelope, ErrorCode, TenantId,
    admin::{QuotaChange, Tenant, TenantCreate},
};
use axum::extract::State;
use model::{
    accept::{Idempotency, Once},
    name,
};

/// Make a tenant; its quotas are unlimited.
#[utoipa::path(
    post, path = "/admin/v1/tenants", tag = "Operator", operation_id = "tenant.create",
    request_body = TenantCreate,
    params(IdempotencyKey),
    responses((status = 201, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    _: Operator,
    _: Open,
    repeat: Repeat,
    Body(body): Body<TenantCreate>,
) -> Result<Answer<Tenant>, ApiError> {
    name::check("name", &body.name)?;
    let made = app
        .store()
        .create_tenant(body.name, repeat.of_operator())
        .await??;
    let id = match made.ok_or_else(name_taken)? {
        Once::Now(row) => row.id,
        Once::Before(id) => id,
    };
    find(&app, id).await.map(Answer::created)
}

/// List tenants by name.
#[utoipa::path(
    get, path = "/admin/v1/tenants", tag = "Operator", operation_id = "tenant.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<Tenant>>)),
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    _: Operator,
    params: Params,
) -> Result<Answer<Vec<Tenant>>, ApiError> {
    let page = params.page()?;
    let (rows, meta) = page.cut(app.store().tenants().await?);
    let tenants = shown(&app, rows).await?;
    Ok(Answer::page(tenants, meta))
}

/// One tenant, with its quotas and what is used of them.
#[utoipa::path(
    get, path = "/admin/v1/tenants/{id}", tag = "Operator", operation_id = "tenant.show",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    _: Operator,
    PathId(id): PathId<TenantId>,
) -> Result<Answer<Tenant>, ApiError> {
    find(&app, id).await.map(Answer::ok)
}

/// Change quotas: null lifts a limit, an absent one stays.
#[utoipa::path(
    put, path = "/admin/v1/tenants/{id}/quotas", tag = "Operator", operation_id = "tenant.set_quotas",
    params(("id" = TenantId, Path), IdempotencyKey), request_body = QuotaChange,
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn set_quotas(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
    repeat: Repeat,
    Body(change): Body<QuotaChange>,
) -> Result<Answer<Tenant>, ApiError> {
    quotas::check(&change)?;
    let change = move |limits: &mut _| quotas::apply(&change, limits);
    let changed = app.store().set_limits(id, change, repeat.of_operator());
    changed.await??.ok_or_else(unknown)?;
    find(&app, id).await.map(Answer::ok)
}

/// Refuse all keys of a tenant until it is resumed. Its jobs go on.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/suspend", tag = "Operator", operation_id = "tenant.suspend",
    params(("id" = TenantId, Path), IdempotencyKey),
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn suspend(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
    repeat: Repeat,
) -> Result<Answer<Tenant>, ApiError> {
    set_suspended(&app, id, true, repeat.of_operator()).await
}

/// Take a suspended tenant's keys again.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/resume", tag = "Operator", operation_id = "tenant.resume",
    params(("id" = TenantId, Path), IdempotencyKey),
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn resume(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
    repeat: Repeat,
) -> Result<Answer<Tenant>, ApiError> {
    set_suspended(&app, id, false, repeat.of_operator()).await
}

async fn set_suspended(
    app: &App,
    id: TenantId,
    suspended: bool,
    repeat: Option<Idempotency>,
) -> Result<Answer<Tenant>, ApiError> {
    let changed = app.store().suspend_tenant(id, suspended, repeat);
    changed.await??.ok_or_else(unknown)?;
    find(app, id).await.map(Answer::ok)
}

async fn find(app: &App, id: TenantId) -> Result<Tenant, ApiError> {
    let row = app.store().tenant(id).await?;
    let tenants = shown(app, row.into_iter().collect()).await?;
    tenants.into_iter().next().ok_or_else(unknown)
}

/// Tenants with what is used of their quotas.
async fn shown(app: &App, rows: Vec<TenantRow>) -> Result<Vec<Tenant>, ApiError> {
    let items = rows
        .iter()
        .flat_map(|row| quotas::counters(row.id))
        .collect();
    let used = app.store().used(items).await?;
    let tenants = rows.into_iter().map(|row| Tenant {
        id: row.id,
        suspended: row.suspended,
        created_at: row.created_at,
        quotas: quotas::shown(row.id, &row.limits, &used),
        name: row.name,
    });
    Ok(tenants.collect())
}

fn unknown() -> ApiError {
    ApiError::not_found("Tenant")
}

fn name_taken() -> ApiError {
    let mut error = ApiError::field("name", "there is a tenant of this name; take another");
    error.code = ErrorCode::Conflict;
    error
}
