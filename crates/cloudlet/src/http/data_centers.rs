//! `/v1/resource/data-centers`: the catalogue's reads.

use super::{
    App,
    answer::Answer,
    auth::Caller,
    catalogue_rows::{self, Sizes},
    error::ApiError,
    params::{Params, PathId},
};
use api::{
    DataCenterId, Envelope,
    catalogue::{CountryRow, DataCenterRow, ImageRow, RegionRow, VolumeSizes},
};
use axum::extract::State;

/// List data centres; the first is the default one.
#[utoipa::path(
    get, path = "/v1/resource/data-centers", tag = "Data centres",
    operation_id = "data_center.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("name" = Option<String>, Query, description = "Only with this in the name, without case"),
        ("countryName" = Option<String>, Query, description = "Only with this in the country's name, without case"),
        ("regionName" = Option<String>, Query, description = "Only with this in the region's name, without case"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<DataCenterRow>>)),
)]
pub(super) async fn list(
    State(app): State<App>,
    _: Caller,
    params: Params,
) -> Result<Answer<Vec<DataCenterRow>>, ApiError> {
    let rows = catalogue_rows::data_centers(&app.catalogue(), &params);
    let (rows, meta) = params.page()?.cut(rows);
    Ok(Answer::page(rows, meta))
}

/// List regions.
#[utoipa::path(
    get, path = "/v1/resource/data-centers/regions", tag = "Data centres",
    operation_id = "region.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
        ("countryName" = Option<String>, Query, description = "Only with this in the country's name, without case"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<RegionRow>>)),
)]
pub(super) async fn regions(
    State(app): State<App>,
    _: Caller,
    params: Params,
) -> Result<Answer<Vec<RegionRow>>, ApiError> {
    let rows = catalogue_rows::regions(&app.catalogue(), &params);
    let (rows, meta) = params.page()?.cut(rows);
    Ok(Answer::page(rows, meta))
}

/// List countries.
#[utoipa::path(
    get, path = "/v1/resource/data-centers/countries", tag = "Data centres",
    operation_id = "country.list",
    params(
        ("page" = Option<u64>, Query, description = "From 1, the default"),
        ("limit" = Option<u64>, Query, description = "Rows on a page, 1 to 100; default 10"),
    ),
    responses((status = 200, description = "A page", body = Envelope<Vec<CountryRow>>)),
)]
pub(super) async fn countries(
    State(app): State<App>,
    _: Caller,
    params: Params,
) -> Result<Answer<Vec<CountryRow>>, ApiError> {
    let rows = catalogue_rows::countries(&app.catalogue());
    let (rows, meta) = params.page()?.cut(rows);
    Ok(Answer::page(rows, meta))
}

/// The images of a data centre, all of them.
#[utoipa::path(
    get, path = "/v1/resource/data-centers/{id}/virtual-machine-images", tag = "Data centres",
    operation_id = "image.list", params(("id" = DataCenterId, Path)),
    responses((status = 200, description = "The images", body = Envelope<Vec<ImageRow>>)),
)]
pub(super) async fn images(
    State(app): State<App>,
    _: Caller,
    PathId(id): PathId<DataCenterId>,
) -> Result<Answer<Vec<ImageRow>>, ApiError> {
    catalogue_rows::images(&app.catalogue(), id).map(Answer::ok)
}

/// The sizes of a data centre: a flat list of those that fit `imageId`, else all by category.
#[utoipa::path(
    get, path = "/v1/resource/data-centers/{id}/virtual-machine-sizes", tag = "Data centres",
    operation_id = "size.list",
    params(
        ("id" = DataCenterId, Path),
        ("imageId" = Option<i64>, Query, description = "Only sizes that this image fits, as a list"),
    ),
    responses((status = 200, description = "The sizes", body = Envelope<Sizes>)),
)]
pub(super) async fn sizes(
    State(app): State<App>,
    _: Caller,
    PathId(id): PathId<DataCenterId>,
    params: Params,
) -> Result<Answer<Sizes>, ApiError> {
    let image = params.integer("imageId")?;
    catalogue_rows::sizes(&app.catalogue(), id, image).map(Answer::ok)
}

/// The sizes of volumes in a data centre, by type, all of them.
#[utoipa::path(
    get, path = "/v1/resource/data-centers/{id}/volume-sizes", tag = "Data centres",
    operation_id = "volume_size.list", params(("id" = DataCenterId, Path)),
    responses((status = 200, description = "The sizes", body = Envelope<VolumeSizes>)),
)]
pub(super) async fn volume_sizes(
    State(app): State<App>,
    _: Caller,
    PathId(id): PathId<DataCenterId>,
) -> Result<Answer<VolumeSizes>, ApiError> {
    catalogue_rows::volume_sizes(&app.catalogue(), id).map(Answer::ok)
}
