//! `/admin/v1/tenants/{id}/keys`.

use crate::{
    http::{
        App,
        answer::Answer,
        auth::{Open, Operator},
        body::Body,
        error::ApiError,
        params::{Params, PathId},
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
use serde::Deserialize;
use serde_json::Value;

/// What a client may ask of a key, whether it is built or not.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct Asked {
    name: String,
    scopes: Option<Value>,
    expires_in_days: Option<Value>,
    rate_limit_max: Option<Value>,
}

impl Asked {
    /// Refuses what would narrow the key and is not built yet: a key that is wider than its owner
    /// believes is worse than none.
    fn check(&self) -> Result<(), ApiError> {
        for (field, value) in [
            ("scopes", &self.scopes),
            ("expiresInDays", &self.expires_in_days),
            ("rateLimitMax", &self.rate_limit_max),
        ] {
            if value.is_some() {
                let text = "is not built yet, and the key would not be held to it; leave it out for \
                            a key that may do everything and does not expire";
                return Err(ApiError::field(field, text));
            }
        }
        name::check("name", &self.name).map_err(ApiError::from)
    }
}

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
    Body(body): Body<Asked>,
) -> Result<Answer<KeyCreated>, ApiError> {
    body.check()?;
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
