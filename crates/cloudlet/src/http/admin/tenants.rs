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
    },
    store::TenantRow,
};
use api::{
    Envelope, ErrorCode, TenantId,
    admin::{QuotaChange, Tenant, TenantCreate},
};
use axum::extract::State;
use model::name;

/// Make a tenant; its quotas are unlimited.
#[utoipa::path(
    post, path = "/admin/v1/tenants", tag = "Operator", operation_id = "tenant.create",
    request_body = TenantCreate,
    responses((status = 201, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    _: Operator,
    _: Open,
    Body(body): Body<TenantCreate>,
) -> Result<Answer<Tenant>, ApiError> {
    name::check("name", &body.name)?;
    let row = app.store().create_tenant(body.name).await?;
    let row = row.ok_or_else(name_taken)?;
    let tenants = shown(&app, vec![row]).await?;
    one(tenants).map(Answer::created)
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
    let row = app.store().tenant(id).await?;
    let rows = row.into_iter().collect();
    one(shown(&app, rows).await?).map(Answer::ok)
}

/// Change quotas: null lifts a limit, an absent one stays.
#[utoipa::path(
    put, path = "/admin/v1/tenants/{id}/quotas", tag = "Operator", operation_id = "tenant.set_quotas",
    params(("id" = TenantId, Path)), request_body = QuotaChange,
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn set_quotas(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
    Body(change): Body<QuotaChange>,
) -> Result<Answer<Tenant>, ApiError> {
    quotas::check(&change)?;
    let changed = app
        .store()
        .set_limits(id, move |limits| quotas::apply(&change, limits))
        .await?;
    let rows = changed.into_iter().collect();
    one(shown(&app, rows).await?).map(Answer::ok)
}

/// Refuse all keys of a tenant until it is resumed. Its jobs go on.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/suspend", tag = "Operator", operation_id = "tenant.suspend",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn suspend(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
) -> Result<Answer<Tenant>, ApiError> {
    set_suspended(&app, id, true).await
}

/// Take a suspended tenant's keys again.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/resume", tag = "Operator", operation_id = "tenant.resume",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The tenant", body = Envelope<Tenant>)),
)]
pub(in crate::http) async fn resume(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
) -> Result<Answer<Tenant>, ApiError> {
    set_suspended(&app, id, false).await
}

async fn set_suspended(
    app: &App,
    id: TenantId,
    suspended: bool,
) -> Result<Answer<Tenant>, ApiError> {
    let row = app.store().suspend_tenant(id, suspended).await?;
    let rows = row.into_iter().collect();
    one(shown(app, rows).await?).map(Answer::ok)
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

fn one(tenants: Vec<Tenant>) -> Result<Tenant, ApiError> {
    let first = tenants.into_iter().next();
    first.ok_or_else(|| ApiError::not_found("Tenant"))
}

fn name_taken() -> ApiError {
    let mut error = ApiError::field("name", "there is a tenant of this name; take another");
    error.code = ErrorCode::Conflict;
    error
}
