//! `/v1/auth`: a tenant's own keys, and what a key is good for.
//!
//! A key makes no key that may do more than itself, and shows no secret of one.

use super::{
    App,
    answer::Answer,
    auth::{Myself, Open},
    body::Body,
    error::ApiError,
    key_wish,
    limits::{API_KEY_LIMIT, RATE_WINDOW},
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
};
use crate::{
    keys,
    store::{KeyChange, KeyRow, Owner, Scopes},
};
use api::{
    Envelope, ErrorCode, KeyId, TenantId,
    keys::{ApiKeyInfo, AuthCheck, Credential, Grants, OwnKeyCreate, OwnKeyCreated},
};
use axum::{extract::State, http::StatusCode};
use model::accept::{Idempotency, Once};

/// The window of every limit, in seconds.
const RATE_WINDOW_SECONDS: u64 = RATE_WINDOW.as_secs();
const KIND: &str = "api_key";
const STORE_IT: &str = "Store it now: it is not shown again";

/// Who this key says that you are, and what it may do. Needs no scope.
#[utoipa::path(
    get, path = "/v1/auth/check", tag = "Keys", operation_id = "auth.check",
    responses((status = 200, description = "The key", body = Envelope<AuthCheck>)),
)]
pub(super) async fn check(myself: Myself) -> Answer<AuthCheck> {
    let key = &myself.key.row;
    let permissions = key_wish::shown(key.wish.scopes).into_iter();
    Answer::ok(AuthCheck {
        authenticated: true,
        credential: Some(Credential {
            kind: KIND.to_owned(),
            id: key.id,
            name: Some(key.wish.name.clone()),
            key_start: Some(key.start.clone()),
            entity_id: Some(myself.tenant),
            expires_at: key.expires_at,
        }),
        grants: Grants {
            source: KIND.to_owned(),
            entity_id: Some(myself.tenant),
            permissions: permissions.map(|it| it.as_str().to_owned()).collect(),
        },
    })
}

/// List your keys without their secrets, oldest first.
#[utoipa::path(
    get, path = "/v1/auth/api-keys/me", tag = "Keys", operation_id = "own_key.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<ApiKeyInfo>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Myself { tenant, .. }: Myself,
    params: Params,
) -> Result<Answer<Vec<ApiKeyInfo>>, ApiError> {
    let page = params.page()?;
    let (rows, meta) = page.cut(app.store().keys(tenant).await?);
    let rows = rows.into_iter().map(|key| info(tenant, key));
    Ok(Answer::page(rows.collect(), meta))
}

/// Make a key for yourself. Its secret is in this answer and nowhere else, ever.
///
/// It may do what the key that asks may do, or less, and has the same rate limit.
#[utoipa::path(
    post, path = "/v1/auth/api-keys/me", tag = "Keys", operation_id = "own_key.create",
    request_body = OwnKeyCreate,
    params(IdempotencyKey),
    responses((status = 201, description = "The key", body = Envelope<OwnKeyCreated>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    myself: Myself,
    _: Open,
    repeat: Repeat,
    Body(body): Body<OwnKeyCreate>,
) -> Result<Answer<OwnKeyCreated>, ApiError> {
    let own = &myself.key.row.wish;
    let scopes = body.scopes.as_deref();
    let mut wish = key_wish::wish(body.name, scopes, body.expires_in_days, None)?;
    if scopes.is_none() {
        wish.scopes = own.scopes;
    }
    wish.rate_limit = own.rate_limit;
    if body.role_id.is_some() {
        let text = "There are no roles here, so none may be assigned; leave roleId out";
        return Err(ApiError::new(ErrorCode::Forbidden, text));
    }
    within(own.scopes, wish.scopes)?;
    let (key, kept) = key_wish::secret();
    let owner = Owner::Tenant(myself.tenant);
    let made = app
        .store()
        .create_key(owner, wish, kept, API_KEY_LIMIT, repeat.of(myself.tenant))
        .await??
        .ok_or_else(key_wish::full)?;
    let row = key_wish::with_secret(made, |id| id)?;
    Ok(Answer::created(created(key, row)))
}

/// One of your keys, without its secret.
#[utoipa::path(
    get, path = "/v1/auth/api-keys/me/{id}", tag = "Keys", operation_id = "own_key.show",
    params(("id" = KeyId, Path)),
    responses((status = 200, description = "The key", body = Envelope<ApiKeyInfo>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Myself { tenant, .. }: Myself,
    PathId(id): PathId<KeyId>,
) -> Result<Answer<ApiKeyInfo>, ApiError> {
    let key = app.store().key_of(tenant, id).await?;
    let key = key.ok_or_else(unknown)?;
    Ok(Answer::ok(info(tenant, key)))
}

/// Take one of your keys away, at once; it may be the one that asks.
#[utoipa::path(
    delete, path = "/v1/auth/api-keys/me/{id}", tag = "Keys", operation_id = "own_key.revoke",
    params(("id" = KeyId, Path), IdempotencyKey),
    responses((status = 204, description = "It opens nothing any more")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Myself { tenant, .. }: Myself,
    _: Open,
    PathId(id): PathId<KeyId>,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    let deleted = app.store().delete_key(tenant, id, repeat.of(tenant));
    deleted.await??.ok_or_else(unknown)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give one of your keys a new secret: the old one opens nothing any more, and its expiry starts
/// again.
#[utoipa::path(
    post, path = "/v1/auth/api-keys/me/{id}/rotate", tag = "Keys", operation_id = "own_key.rotate",
    params(("id" = KeyId, Path), IdempotencyKey),
    responses((status = 200, description = "The new secret", body = Envelope<OwnKeyCreated>)),
)]
pub(super) async fn rotate(
    State(app): State<App>,
    myself: Myself,
    _: Open,
    PathId(id): PathId<KeyId>,
    repeat: Repeat,
) -> Result<Answer<OwnKeyCreated>, ApiError> {
    let repeat = repeat.of(myself.tenant);
    if let Some(()) = app.before(repeat).await? {
        return key_wish::with_secret(Once::Before(()), |()| id);
    }
    let before = app.store().key_of(myself.tenant, id).await?;
    let before = before.ok_or_else(unknown)?;
    within(myself.key.row.wish.scopes, before.wish.scopes)?;
    let (key, kept) = key_wish::secret();
    let change = KeyChange::Secret(kept);
    let changed = app
        .store()
        .change_key(myself.tenant, id, change, repeat)
        .await??
        .ok_or_else(unknown)?;
    let row = key_wish::with_secret(changed, |()| id)?;
    Ok(Answer::ok(created(key, row)))
}

/// Refuse one of your keys until it is reactivated.
#[utoipa::path(
    post, path = "/v1/auth/api-keys/me/{id}/suspend", tag = "Keys", operation_id = "own_key.suspend",
    params(("id" = KeyId, Path), IdempotencyKey),
    responses((status = 200, description = "The key", body = Envelope<ApiKeyInfo>)),
)]
pub(super) async fn suspend(
    State(app): State<App>,
    Myself { tenant, .. }: Myself,
    _: Open,
    PathId(id): PathId<KeyId>,
    repeat: Repeat,
) -> Result<Answer<ApiKeyInfo>, ApiError> {
    set_suspended(&app, (tenant, repeat.of(tenant)), id, true).await
}

/// Take a suspended key of yours again.
#[utoipa::path(
    post, path = "/v1/auth/api-keys/me/{id}/reactivate", tag = "Keys",
    operation_id = "own_key.reactivate", params(("id" = KeyId, Path), IdempotencyKey),
    responses((status = 200, description = "The key", body = Envelope<ApiKeyInfo>)),
)]
pub(super) async fn reactivate(
    State(app): State<App>,
    Myself { tenant, .. }: Myself,
    _: Open,
    PathId(id): PathId<KeyId>,
    repeat: Repeat,
) -> Result<Answer<ApiKeyInfo>, ApiError> {
    set_suspended(&app, (tenant, repeat.of(tenant)), id, false).await
}

async fn set_suspended(
    app: &App,
    (tenant, repeat): (TenantId, Option<Idempotency>),
    id: KeyId,
    suspended: bool,
) -> Result<Answer<ApiKeyInfo>, ApiError> {
    let change = KeyChange::Suspended(suspended);
    let changed = app.store().change_key(tenant, id, change, repeat);
    changed.await??.ok_or_else(unknown)?;
    let key = app.store().key_of(tenant, id).await?;
    Ok(Answer::ok(info(tenant, key.ok_or_else(unknown)?)))
}

fn within(own: Scopes, other: Scopes) -> Result<(), ApiError> {
    if (other.read && !own.read) || (other.write && !own.write) {
        let text = "This key may do less than that one; ask with a key that may do as much";
        return Err(ApiError::new(ErrorCode::Forbidden, text));
    }
    Ok(())
}

fn created(key: String, row: KeyRow) -> OwnKeyCreated {
    OwnKeyCreated {
        key,
        id: row.id,
        prefix: keys::PREFIX.to_owned(),
        start: row.start,
        message: STORE_IT.to_owned(),
    }
}

fn info(tenant: TenantId, key: KeyRow) -> ApiKeyInfo {
    ApiKeyInfo {
        id: key.id,
        name: key.wish.name,
        prefix: keys::PREFIX.to_owned(),
        start: key.start,
        enabled: !key.suspended,
        entity_id: tenant,
        user_id: None,
        user_name: None,
        user_email: None,
        role_id: None,
        is_inherited: false,
        roles: Vec::new(),
        scopes: key_wish::shown(key.wish.scopes),
        rate_limit_enabled: key.wish.rate_limit.is_some(),
        rate_limit_max: key.wish.rate_limit,
        rate_limit_window: key.wish.rate_limit.map(|_| RATE_WINDOW_SECONDS),
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.used_at,
    }
}

fn unknown() -> ApiError {
    ApiError::not_found("Key")
}
