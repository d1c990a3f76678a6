//! `/v1/teams`: resource groups, without members until there are users.

use super::{
    App,
    answer::Answer,
    auth::{Caller, Open},
    body::Body,
    error::ApiError,
    listing::{Filter, Key, Listing},
    params::{Params, PathId},
    repeat::{IdempotencyKey, Repeat},
};
use api::{
    Envelope, TeamId, TenantId,
    team::{
        Team, TeamCreate, TeamCreated, TeamDetail, TeamMeta, TeamPage, TeamUpdate, TeamsDelete,
    },
};
use axum::{Json, extract::State, http::StatusCode};
use model::{Context, Kind, accept::Idempotency, team};

const TEAMS: Listing<Team> = Listing {
    fields: &[
        ("name", |team| Key::text(&team.name)),
        ("createdAt", |team| team.created_at.into()),
        ("updatedAt", |team| team.updated_at.into()),
    ],
    id: |team| Key::Number(team.id.0),
    default: "name:asc",
    searched: |team| vec![(&team.name).into()],
    filters: &[("entityId", Filter::Id(|team| Some(team.entity_id.0)))],
};

/// List teams, by name.
#[utoipa::path(
    get, path = "/v1/teams", tag = "Teams", operation_id = "team.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("sort" = Option<String>, Query, description = "`field:asc` or `field:desc`, several separated by commas; name, createdAt, updatedAt; default `name:asc`"),
        ("search" = Option<String>, Query, description = "Only with this in the name, without case"),
        ("entityId" = Option<TenantId>, Query, description = "Only of this tenant; another's are never shown"),
    ),
    responses((status = 200, description = "A page", body = TeamPage)),
)]
pub(super) async fn list(
    State(app): State<App>,
    Caller(tenant): Caller,
    params: Params,
) -> Result<Json<TeamPage>, ApiError> {
    let order = TEAMS.order(&params)?;
    let teams = app.store().teams(tenant).await?;
    let (data, page) = order.page(teams);
    let unassigned_vms = app.store().in_no_team(tenant, Kind::Vm).await?;
    Ok(Json(TeamPage {
        success: true,
        message: String::new(),
        data,
        meta: TeamMeta {
            page,
            unassigned_users: 0,
            unassigned_vms,
        },
    }))
}

/// Make a team, perhaps under another one.
#[utoipa::path(
    post, path = "/v1/teams", tag = "Teams", operation_id = "team.create",
    request_body = TeamCreate,
    params(IdempotencyKey),
    responses((status = 201, description = "The team's id", body = Envelope<TeamCreated>)),
)]
pub(super) async fn create(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    repeat: Repeat,
    Body(body): Body<TeamCreate>,
) -> Result<Answer<TeamCreated>, ApiError> {
    let rule = move |_: &Context<'_>, teams: &[Team]| team::create(teams, &body);
    let made = app
        .store()
        .change_teams(tenant, rule, repeat.of(tenant))
        .await??;
    let made = made.and_then(|once| once.either().first().copied());
    let team_id = made.ok_or_else(|| ApiError::internal("a team was made without an id"))?;
    Ok(Answer::created(TeamCreated { team_id }))
}

/// One team with a page of its members, of which there are none.
#[utoipa::path(
    get, path = "/v1/teams/{id}", tag = "Teams", operation_id = "team.show",
    params(
        ("id" = TeamId, Path),
        ("page" = Option<u64>, Query, description = "Of the members; from 1, the default"),
        ("limit" = Option<u64>, Query, description = "Members on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "The team", body = Envelope<TeamDetail>)),
)]
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    PathId(id): PathId<TeamId>,
    params: Params,
) -> Result<Answer<TeamDetail>, ApiError> {
    let (members, meta) = params.page()?.cut(Vec::new());
    let team = find(&app, tenant, id).await?;
    Ok(Answer::page(TeamDetail { team, members }, meta))
}

/// Rename a team or move it; what is absent stays. It stands neither under itself nor under a team
/// below it: 400.
#[utoipa::path(
    put, path = "/v1/teams/{id}", tag = "Teams", operation_id = "team.update",
    params(("id" = TeamId, Path), IdempotencyKey), request_body = TeamUpdate,
    responses((status = 200, description = "The team", body = Envelope<Team>)),
)]
pub(super) async fn update(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<TeamId>,
    repeat: Repeat,
    Body(body): Body<TeamUpdate>,
) -> Result<Answer<Team>, ApiError> {
    let rule = move |_: &Context<'_>, teams: &[Team]| team::change(teams, id, &body);
    app.store()
        .change_teams(tenant, rule, repeat.of(tenant))
        .await??;
    find(&app, tenant, id).await.map(Answer::ok)
}

/// Delete a team.
///
/// One with teams under it stays, 409 `INVALID_STATE` with their names; so does one with machines or
/// volumes in it, 409 `INVALID_STATE` with their number: nobody loses a group that was not named, and
/// nothing is deleted with its team.
#[utoipa::path(
    delete, path = "/v1/teams/{id}", tag = "Teams", operation_id = "team.delete",
    params(("id" = TeamId, Path), IdempotencyKey),
    responses((status = 204, description = "It is gone")),
)]
pub(super) async fn delete(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    PathId(id): PathId<TeamId>,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    remove(&app, (tenant, repeat.of(tenant)), vec![id]).await
}

/// Delete 1 to 50 teams, all of them or none. One with teams under it goes only together with them, one
/// with machines or volumes in it not at all.
#[utoipa::path(
    post, path = "/v1/teams/bulk/delete", tag = "Teams", operation_id = "team.delete_several",
    request_body = TeamsDelete,
    params(IdempotencyKey),
    responses((status = 204, description = "They are gone")),
)]
pub(super) async fn delete_several(
    State(app): State<App>,
    Caller(tenant): Caller,
    _: Open,
    repeat: Repeat,
    Body(body): Body<TeamsDelete>,
) -> Result<StatusCode, ApiError> {
    team::check_count(&body.ids)?;
    remove(&app, (tenant, repeat.of(tenant)), body.ids).await
}

async fn remove(
    app: &App,
    (tenant, repeat): (TenantId, Option<Idempotency>),
    ids: Vec<TeamId>,
) -> Result<StatusCode, ApiError> {
    let rule = move |context: &Context<'_>, teams: &[Team]| {
        let in_it = |team| team::resources(context, tenant, team);
        team::delete(teams, &ids, in_it)
    };
    app.store().change_teams(tenant, rule, repeat).await??;
    Ok(StatusCode::NO_CONTENT)
}

async fn find(app: &App, tenant: TenantId, id: TeamId) -> Result<Team, ApiError> {
    let teams = app.store().teams(tenant).await?;
    let found = teams.into_iter().find(|team| team.id == id);
    found.ok_or_else(|| team::unknown().into())
}
