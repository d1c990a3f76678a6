//! `/admin/v1/images`: the images of a host whose machines are real.

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
    images::{Images, ImportError, Readiness, Wish},
    store::Urgency,
};
use api::{
    Envelope, ErrorCode,
    image::{HostImage, ImageImport, ImageState},
};
use axum::{extract::State, http::StatusCode};
use model::{Refusal, name};
use std::{collections::BTreeMap, path::PathBuf};

/// The highest id of an image: clients keep it in 32 bits.
const IMAGE_ID_MAX: i64 = 2_147_483_647;

/// Bring an image in from a file of the server's own host. The answer comes at once: read the image
/// until it is `ready` or `failed`.
#[utoipa::path(
    post, path = "/admin/v1/images", tag = "Operator", operation_id = "host_image.import",
    request_body = ImageImport,
    params(IdempotencyKey),
    responses((status = 202, description = "The image, on its way", body = Envelope<HostImage>)),
)]
pub(in crate::http) async fn import(
    State(app): State<App>,
    _: Operator,
    _: Open,
    repeat: Repeat,
    Body(body): Body<ImageImport>,
) -> Result<Answer<HostImage>, ApiError> {
    let wish = wish(body)?;
    let (images, supply) = (images(&app)?.clone(), app.supply.clone());
    let begin = async move {
        let begun = images.begin(wish, supply).await;
        begun.map_err(|error| match error {
            ImportError::Taken(_) | ImportError::Damaged(_) => {
                ApiError::new(ErrorCode::Conflict, error.to_string())
            }
            ImportError::File(text) => Refusal::field("file", text).into(),
        })
    };
    let image = app.once_apart(repeat.of_operator(), begin).await?;
    Ok(Answer::begun(image))
}

/// List images, those that are being brought in as well.
#[utoipa::path(
    get, path = "/admin/v1/images", tag = "Operator", operation_id = "host_image.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<HostImage>>)),
)]
pub(in crate::http) async fn list(
    State(app): State<App>,
    _: Operator,
    params: Params,
) -> Result<Answer<Vec<HostImage>>, ApiError> {
    let page = params.page()?;
    let (rows, meta) = page.cut(rows(&app).await?);
    Ok(Answer::page(rows, meta))
}

/// Show an image.
#[utoipa::path(
    get, path = "/admin/v1/images/{id}", tag = "Operator", operation_id = "host_image.show",
    params(("id" = i64, Path)),
    responses((status = 200, description = "The image", body = Envelope<HostImage>)),
)]
pub(in crate::http) async fn show(
    State(app): State<App>,
    _: Operator,
    PathId(id): PathId<i64>,
) -> Result<Answer<HostImage>, ApiError> {
    find(&app, id).await.map(Answer::ok)
}

/// Remove an image that no machine was made from.
#[utoipa::path(
    delete, path = "/admin/v1/images/{id}", tag = "Operator", operation_id = "host_image.remove",
    params(("id" = i64, Path), IdempotencyKey),
    responses((status = 204, description = "It is gone")),
)]
pub(in crate::http) async fn remove(
    State(app): State<App>,
    _: Operator,
    _: Open,
    PathId(id): PathId<i64>,
    repeat: Repeat,
) -> Result<StatusCode, ApiError> {
    let deed = take_away(app.clone(), id);
    app.once_apart(repeat.of_operator(), deed).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn take_away(app: App, id: i64) -> Result<(), ApiError> {
    find(&app, id).await?;
    let images = images(&app)?;
    let _changing = images.changing().await;
    if find(&app, id).await?.state == ImageState::Importing {
        let text = format!("image {id} is being imported; wait until that has ended");
        return Err(ApiError::new(ErrorCode::InvalidState, text));
    }
    // Nobody's create is refused for the sake of a removal that is.
    unused(&app, id).await?;
    let remove = async {
        off_the_shelf(&app, id).await?;
        unused(&app, id).await?;
        let images = images.clone();
        // A large file takes its time.
        let removed = tokio::task::spawn_blocking(move || images.remove(id)).await;
        let removed = removed.unwrap_or_else(|error| Err(error.into()));
        removed.map_err(unreadable)
    };
    let removed = remove.await;
    images.show(&app.supply).map_err(unreadable)?;
    removed
}

/// Refuses what machines were made from.
async fn unused(app: &App, id: i64) -> Result<(), ApiError> {
    match machines(app).await?.get(&id) {
        None => Ok(()),
        Some(machines) => {
            let text = format!(
                "{machines} machines were made from image {id}; it can be removed once they are deleted"
            );
            Err(ApiError::new(ErrorCode::InvalidState, text))
        }
    }
}

/// No machine is made from it from now on: what was accepted before is in the records now.
async fn off_the_shelf(app: &App, id: i64) -> Result<(), ApiError> {
    let rest = app
        .catalogue()
        .images
        .iter()
        .filter(|image| image.id != id)
        .cloned()
        .collect();
    app.supply.stock(rest);
    let nothing = |_: &model::Context<'_>| Ok((Vec::new(), ()));
    let passed = app.store().transact(Urgency::Request, nothing).await?;
    Ok(passed?)
}

async fn find(app: &App, id: i64) -> Result<HostImage, ApiError> {
    let mut rows = rows(app).await?.into_iter();
    let found = rows.find(|image| image.id == id);
    found.ok_or_else(|| ApiError::not_found("Image"))
}

async fn rows(app: &App) -> Result<Vec<HostImage>, ApiError> {
    let Some(images) = &app.images else {
        return Ok(Vec::new());
    };
    images.list(&machines(app).await?).map_err(unreadable)
}

/// How many machines were made from each image.
async fn machines(app: &App) -> Result<BTreeMap<i64, u64>, ApiError> {
    let mut machines = BTreeMap::new();
    for resource in app.store().resources().await? {
        if let Some(machine) = resource.machine() {
            *machines.entry(machine.image).or_insert(0) += 1;
        }
    }
    Ok(machines)
}

fn images(app: &App) -> Result<&Images, ApiError> {
    app.images.as_ref().ok_or_else(|| {
        let driver = app.supply.driver().name;
        let text = format!("The driver {driver} has the images of its catalogue and no others");
        let mut refusal = Refusal::new(ErrorCode::NotSupported, text);
        refusal.details.driver = Some(driver.to_owned());
        refusal.into()
    })
}

fn wish(body: ImageImport) -> Result<Wish, ApiError> {
    if !(1..=IMAGE_ID_MAX).contains(&body.id) {
        let text = format!("is {}; 1 to {IMAGE_ID_MAX} are right", body.id);
        return Err(Refusal::field("id", text).into());
    }
    name::check("name", &body.name)?;
    let username = body.username.unwrap_or_else(|| "root".to_owned());
    name::check("username", &username)?;
    let ready = body.ready.as_deref().unwrap_or("none").parse::<Readiness>();
    let file = PathBuf::from(body.file);
    if !file.is_absolute() {
        let text = "the absolute path of a file on the server's own host is right";
        return Err(Refusal::field("file", text).into());
    }
    Ok(Wish {
        id: body.id,
        name: body.name,
        username,
        ready: ready.map_err(|text| Refusal::field("ready", text))?,
        file,
    })
}

#[allow(clippy::needless_pass_by_value, reason = "it stands in map_err")]
fn unreadable(error: std::io::Error) -> ApiError {
    ApiError::internal(format!("the images: {error}"))
}
