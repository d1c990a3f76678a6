//! `/admin/v1/tenants/{id}/keys`.

use crate::{
    http::{
        App,
        answer::Answer,
        auth::{Open, Operator},
        body::Body,
        error::ApiError,
        params::PathId,
    },
    keys,
    store::{self, Owner},
};
use api::{
    Envelope, TenantId,
    admin::{KeyCreate, KeyCreated, KeyRow},
};
use axum::extract::State;
use model::name;

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
    name::check("name", &body.name)?;
    known(&app, id).await?;
    let (key, owner) = (keys::new_key(), Owner::Tenant(id));
    let (start, digest) = (keys::start(&key), keys::digest(&key));
    let row = app
        .store()
        .create_key(owner, body.name, start, digest)
        .await?;
    let row = shown(row);
    Ok(Answer::created(KeyCreated { key, row }))
}

/// List a tenant's keys without their secrets, oldest first, all of them.
#[utoipa::path(
    get, path = "/admin/v1/tenants/{id}/keys", tag = "Operator", operation_id = "key.list",
    params(("id" = TenantId, Path)),
    responses((status = 200, description = "The keys", body = Envelope<Vec<KeyRow>>)),
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    _: Operator,
    PathId(id): PathId<TenantId>,
) -> Result<Answer<Vec<KeyRow>>, ApiError> {
    known(&app, id).await?;
    let rows = app.store().keys(id).await?;
    Ok(Answer::ok(rows.into_iter().map(shown).collect()))
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
        name: row.name,
        start: row.start,
        created_at: row.created_at,
    }
}
