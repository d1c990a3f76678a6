//! `/admin/v1/leftovers`: what jobs could neither finish nor put back, by hand.

use crate::http::{
    App,
    answer::Answer,
    auth::{Open, Operator},
    error::ApiError,
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
};
use api::{Envelope, ResourceId, admin::Leftover};
use axum::extract::State;
use model::{
    Resource,
    accept::{Idempotency, Once},
    render,
};

/// List leftovers, oldest first.
#[utoipa::path(
    get, path = "/admin/v1/leftovers", tag = "Operator", operation_id = "leftover.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<Leftover>>)),
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    _: Operator,
    params: Params,
) -> Result<Answer<Vec<Leftover>>, ApiError> {
    let page = params.page()?;
    let mut rows: Vec<_> = app
        .store()
        .leftovers()
        .await?
        .iter()
        .filter_map(row)
        .collect();
    rows.sort_by_key(|row| (row.since, row.id));
    let (rows, meta) = page.cut(rows);
    Ok(Answer::page(rows, meta))
}

/// Have the host try again what was left over.
#[utoipa::path(
    post, path = "/admin/v1/leftovers/{id}/retry", tag = "Operator",
    operation_id = "leftover.retry", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 200, description = "The leftover, being tried again", body = Envelope<Leftover>)),
)]
pub(in crate::http) async fn retry(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Result<Answer<Leftover>, ApiError> {
    let repeat = repeat.of_operator();
    let leftover = match open(&app, id, repeat).await? {
        Once::Now(leftover) => leftover,
        Once::Before(leftover) => return Ok(Answer::ok(leftover)),
    };
    let leftover = Leftover {
        retrying: true,
        ..leftover
    };
    let repeat = keeping(repeat, &leftover)?;
    app.engine.retry_leftover(id, repeat).await??;
    Ok(Answer::ok(leftover))
}

/// Take a leftover as settled: it was seen to by hand, and what it holds is given back.
#[utoipa::path(
    post, path = "/admin/v1/leftovers/{id}/settle", tag = "Operator",
    operation_id = "leftover.settle", params(("id" = ResourceId, Path), IdempotencyKey),
    responses((status = 200, description = "The leftover as it was", body = Envelope<Leftover>)),
)]
pub(in crate::http) async fn settle(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<ResourceId>,
    repeat: Repeat,
) -> Result<Answer<Leftover>, ApiError> {
    let repeat = repeat.of_operator();
    let leftover = match open(&app, id, repeat).await? {
        Once::Now(leftover) => leftover,
        Once::Before(leftover) => return Ok(Answer::ok(leftover)),
    };
    let repeat = keeping(repeat, &leftover)?;
    app.engine.settle_leftover(id, repeat).await??;
    Ok(Answer::ok(leftover))
}

/// The leftover as it is, or as the same request was answered before. It looks there last: a twin of
/// this request may be at work, and what is not there any more has been answered.
async fn open(
    app: &App,
    id: ResourceId,
    repeat: Option<Idempotency>,
) -> Result<Once<Leftover>, ApiError> {
    let leftover = found(app, id).await;
    match app.before(repeat).await? {
        Some(before) => Ok(Once::Before(before)),
        None => leftover.map(Once::Now),
    }
}

/// The leftover itself is kept for a repeat: by then it may be gone.
fn keeping(
    repeat: Option<Idempotency>,
    leftover: &Leftover,
) -> Result<Option<(Idempotency, String)>, ApiError> {
    let kept = serde_json::to_string(leftover)
        .map_err(|error| ApiError::internal(format!("a leftover cannot be written: {error}")))?;
    Ok(repeat.map(|repeat| (repeat, kept)))
}

async fn found(app: &App, id: ResourceId) -> Result<Leftover, ApiError> {
    let leftovers = app.store().leftovers().await?;
    let mut rows = leftovers
        .iter()
        .filter(|resource| resource.id == id)
        .filter_map(row);
    rows.next().ok_or_else(|| ApiError::not_found("Leftover"))
}

fn row(resource: &Resource) -> Option<Leftover> {
    let leftover = resource.leftover.as_ref()?;
    Some(Leftover {
        id: resource.id,
        kind: resource.kind().as_str().to_owned(),
        name: resource.name.clone(),
        tenant_id: resource.tenant,
        host_id: resource.host,
        job_id: leftover.job,
        since: leftover.since,
        what: render::line(&leftover.what),
        retrying: leftover.retry,
    })
}
