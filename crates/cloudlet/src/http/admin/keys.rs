//! `/admin/v1/tenants/{id}/keys`.

use crate::{
    http::{
        App,
        answer::Answer,
        auth::{Open, Operator},
        body::Body,
        error::ApiError,
        key_wish,
        limits::API_KEY_LIMIT,
        params::{Params, PathId, PathIds},
        repeat::{IdempotencyKey, Repeat},
    },
    store::{self, KeyChange, Owner},
};
use api::{
    Envelope, KeyId, TenantId,
    admin::{KeyCreate, KeyCreated, KeyRow},
};
use axum::{extract::State, http::StatusCode};
use model::accept::Idempotency;

/// Make a key for a tenant. Its secret is in this answer and nowhere else, ever.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys", tag = "Operator", operation_id = "key.create",
    params(("id" = TenantId, Path), IdempotencyKey), request_body = KeyCreate,
    responses((status = 201, description = "The key", body = Envelope<KeyCreated>)),
)]
pub(in crate::http) async fn create(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<TenantId>,
    repeat: Repeat,
    Body(body): Body<KeyCreate>,
) -> Result<Answer<KeyCreated>, ApiError> {
    let scopes = body.scopes.as_deref();
    let wish = key_wish::wish(body.name, scopes, body.expires_in_days, body.rate_limit_max)?;
    known(&app, id).await?;
    let (key, kept) = key_wish::secret();
    let made = app
        .store()
        .create_key(
            Owner::Tenant(id),
            wish,
            kept,
            API_KEY_LIMIT,
            repeat.of_operator(),
        )
        .await??
        .ok_or_else(key_wish::full)?;
    let row = shown(key_wish::with_secret(made, |id| id)?);
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
    operation_id = "key.rotate", params(("id" = TenantId, Path), ("keyId" = KeyId, Path), IdempotencyKey),
    responses((status = 200, description = "The key", body = Envelope<KeyCreated>)),
)]
pub(in crate::http) async fn rotate(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
    repeat: Repeat,
) -> Result<Answer<KeyCreated>, ApiError> {
    let (key, kept) = key_wish::secret();
    let change = KeyChange::Secret(kept);
    let changed = app
        .store()
        .change_key(tenant, id, change, repeat.of_operator())
        .await??
        .ok_or_else(unknown)?;
    key_wish::with_secret(changed, |()| id)?;
    let row = find(&app, tenant, id).await?;
    Ok(Answer::ok(KeyCreated { key, row }))
}

/// Refuse a key until it is resumed. Its tenant may do that too, with another key: to shut a tenant out,
/// suspend the tenant.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys/{keyId}/suspend", tag = "Operator",
    operation_id = "key.suspend", params(("id" = TenantId, Path), ("keyId" = KeyId, Path), IdempotencyKey),
    responses((status = 200, description = "The key", body = Envelope<KeyRow>)),
)]
pub(in crate::http) async fn suspend(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
    repeat: Repeat,
) -> Result<Answer<KeyRow>, ApiError> {
    set_suspended(&app, (tenant, id), true, repeat.of_operator()).await
}

/// Take a suspended key again.
#[utoipa::path(
    post, path = "/admin/v1/tenants/{id}/keys/{keyId}/resume", tag = "Operator",
    operation_id = "key.resume", params(("id" = TenantId, Path), ("keyId" = KeyId, Path), IdempotencyKey),
    responses((status = 200, description = "The key", body = Envelope<KeyRow>)),
)]
pub(in crate::http) async fn resume(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
    repeat: Repeat,
) -> Result<Answer<KeyRow>, ApiError> {
    set_suspended(&app, (tenant, id), false, repeat.of_operator()).await
}

/// Take a key away, at once and for ever.
#[utoipa::path(
    delete, path = "/admin/v1/tenants/{id}/keys/{keyId}", tag = "Operator",
    operation_id = "key.revoke", params(("id" = TenantId, Path), ("keyId" = KeyId, Path), IdempotencyKey),
    responses((status = 204, description = "It opens nothing any more")),
)]
pub(in crate::http) async fn revoke(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathIds(tenant, id): PathIds<TenantId, KeyId>,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    let deleted = app.store().delete_key(tenant, id, repeat.of_operator());
    deleted.await??.ok_or_else(unknown)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_suspended(
    app: &App,
    (tenant, id): (TenantId, KeyId),
    suspended: bool,
    repeat: Option<Idempotency>,
) -> Result<Answer<KeyRow>, ApiError> {
    let change = KeyChange::Suspended(suspended);
    let changed = app.store().change_key(tenant, id, change, repeat);
    changed.await??.ok_or_else(unknown)?;
    find(app, tenant, id).await.map(Answer::ok)
}

async fn find(app: &App, tenant: TenantId, id: KeyId) -> Result<KeyRow, ApiError> {
    let key = app.store().key_of(tenant, id).await?;
    key.map(shown).ok_or_else(unknown)
}

fn unknown() -> ApiError {
    ApiError::not_found("Key")
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
