//! `/admin/v1/tenants/{id}/keys`.

use crate::{
    http::{
        App,
        answer::Answer,
        auth::{Open, Operator},
        body::Body,
        error::ApiError,
        key_wish,
        params::{Params, PathId, PathIds},
    },
    store::{self, KeyChange, Owner},
};
use api::{
    Envelope, KeyId, TenantId,
    admin::{KeyCreate, KeyCreated, KeyRow},
};
use axum::{extract::State, http::StatusCode};

/// Make a key for a tenant. Its secret is in this answer and nowhere else, ever.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys", tag = "Operator", operation_id = "key.create",
    params(("id" = TenantId, Path)), request_body = KeyCreate,
    responses((status = 201, description = "The key", body = Envelope<KeyCreated>)),
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
    Body(body): Body<KeyCreate>,
) -> Result<Answer<KeyCreated>, ApiError> {
    let scopes = body.scopes.as_deref();
    let wish = key_wish::wish(body.name, scopes, body.expires_in_days, body.rate_limit_max)?;
    known(&app, id).await?;
    let (key, kept) = key_wish::secret();
    let row = app
        .store()
        .create_key(Owner::Tenant(id), wish, kept)
        .await?;
    let row = shown(row);
    Ok(Answer::created(KeyCreated { key, row }))
}

/// List a tenant's keys without their secrets, oldest first.
#[utoipa::path(
    get, path = "/admin/v1/tenants/{id}/keys", tag = "Operator", operation_id = "key.list",
    params(
        ("id" = TenantId, Path),
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<KeyRow>>)),
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    _: Operator,
    PathId(id): PathId<TenantId>,
    params: Params,
) -> Result<Answer<Vec<KeyRow>>, ApiError> {
    let page = params.page()?;
    known(&app, id).await?;
    let (rows, meta) = page.cut(app.store().keys(id).await?);
    Ok(Answer::page(rows.into_iter().map(shown).collect(), meta))
}

/// Give a key a new secret, shown in this answer and nowhere else, ever. The old one opens nothing
/// any more; name and scopes stay, and its expiry starts again.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys/{keyId}/rotate", tag = "Operator",
    operation_id = "key.rotate", params(("id" = TenantId, Path), ("keyId" = KeyId, Path)),
    responses((status = 200, description = "The key", body = Envelope<KeyCreated>)),
)]
pub(in crate::http) async fn rotate(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
) -> Result<Answer<KeyCreated>, ApiError> {
    let (key, kept) = key_wish::secret();
    let row = change(&app, tenant, id, KeyChange::Secret(kept)).await?;
    Ok(Answer::ok(KeyCreated { key, row }))
}

/// Refuse a key until it is resumed.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys/{keyId}/suspend", tag = "Operator",
    operation_id = "key.suspend", params(("id" = TenantId, Path), ("keyId" = KeyId, Path)),
    responses((status = 200, description = "The key", body = Envelope<KeyRow>)),
)]
pub(in crate::http) async fn suspend(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
) -> Result<Answer<KeyRow>, ApiError> {
    let row = change(&app, tenant, id, KeyChange::Suspended(true)).await?;
    Ok(Answer::ok(row))
}

/// Take a suspended key again.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys/{keyId}/resume", tag = "Operator",
    operation_id = "key.resume", params(("id" = TenantId, Path), ("keyId" = KeyId, Path)),
    responses((status = 200, description = "The key", body = Envelope<KeyRow>)),
)]
pub(in crate::http) async fn resume(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
) -> Result<Answer<KeyRow>, ApiError> {
    let row = change(&app, tenant, id, KeyChange::Suspended(false)).await?;
    Ok(Answer::ok(row))
}

/// Take a key away, at once and for ever.
#[utoipa::path(
    delete, path = "/admin/v1/tenants/{id}/keys/{keyId}", tag = "Operator",
    operation_id = "key.revoke", params(("id" = TenantId, Path), ("keyId" = KeyId, Path)),
    responses((status = 204, description = "It opens nothing any more")),
)]
pub(in crate::http) async fn revoke(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
) -> Result<StatusCode, ApiError> {
    if app.store().delete_key(tenant, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::not_found("Key"))
}

async fn change(
    app: &App,
    tenant: TenantId,
    id: KeyId,
    change: KeyChange,
) -> Result<KeyRow, ApiError> {
    let row = app.store().change_key(tenant, id, change).await?;
    row.map(shown).ok_or_else(|| ApiError::not_found("Key"))
}

async fn known(app: &App, id: TenantId) -> Result<(), ApiError> {
    match app.store().tenant(id).await? {
        Some(_) => Ok(()),
        None => Err(ApiError::not_found("Tenant")),
    }
}

fn shown(row: store::KeyRow) -> KeyRow {
    KeyRow {
        id: row.id,
        name: row.wish.name,
        start: row.start,
        scopes: key_wish::shown(row.wish.scopes),
        suspended: row.suspended,
        rate_limit_max: row.wish.rate_limit,
        created_at: row.created_at,
        expires_at: row.expires_at,
        last_used_at: row.used_at,
    }
}
