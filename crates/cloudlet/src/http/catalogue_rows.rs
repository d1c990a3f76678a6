//! The catalogue as the API shows it. Plain functions over what was loaded at the start.

use super::{error::ApiError, params::Params};
use api::{
    DataCenterId,
    catalogue::{
        CountryRow, DataCenterRow, ImageRow, RegionRow, SizeCatalogue, SizeCategory, SizeRow,
        SizeTier, SkuRow, TierConfiguration, TierCpu, TierGigabytes, VolumeSizeRow, VolumeSizes,
        VolumeTypeRow,
    },
};
use model::catalogue::{Catalogue, Image, Size, VolumeSize};
use serde::Serialize;

/// Sizes in the form that a query asks for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum Sizes {
    /// With `imageId`.
    Flat(Vec<SizeRow>),
    /// Without.
    Categories(SizeCatalogue),
}

/// Data centres by name, country and region, in the order of the catalogue.
pub(super) fn data_centers(catalogue: &Catalogue, params: &Params) -> Vec<DataCenterRow> {
    let all = catalogue.data_centers.iter().filter_map(|data_center| {
        let region = catalogue.region(data_center.region)?;
        let fits = params.fits("name", &data_center.name)
            && params.fits("countryName", &region.country.name)
            && params.fits("regionName", &region.name);
        fits.then(|| DataCenterRow {
            id: data_center.id,
            name: data_center.name.clone(),
            region_id: region.id,
            region_name: region.name.clone(),
            country_id: region.country.id,
            country_name: region.country.name.clone(),
            country_abbreviation: region.country.abbreviation.clone(),
        })
    });
    all.collect()
}

/// Regions by country.
pub(super) fn regions(catalogue: &Catalogue, params: &Params) -> Vec<RegionRow> {
    let all = catalogue.regions.iter();
    let fitting = all.filter(|region| params.fits("countryName", &region.country.name));
    fitting
        .map(|region| RegionRow {
            id: region.id,
            name: region.name.clone(),
            country_id: region.country.id,
            country_name: region.country.name.clone(),
            country_abbreviation: region.country.abbreviation.clone(),
        })
        .collect()
}

/// Countries, each once.
pub(super) fn countries(catalogue: &Catalogue) -> Vec<CountryRow> {
    let mut rows: Vec<CountryRow> = Vec::new();
    for region in &catalogue.regions {
        if rows.iter().all(|row| row.id != region.country.id) {
            rows.push(CountryRow {
                id: region.country.id,
                name: region.country.name.clone(),
            });
        }
    }
    rows
}

/// The images of a data centre.
pub(super) fn images(catalogue: &Catalogue, id: DataCenterId) -> Result<Vec<ImageRow>, ApiError> {
    known(catalogue, id)?;
    let rows = catalogue.images.iter().map(|image| ImageRow {
        id: image.id,
        name: image.name.clone(),
    });
    Ok(rows.collect())
}

/// The sizes of a data centre: those that fit an image, or all by category.
pub(super) fn sizes(
    catalogue: &Catalogue,
    id: DataCenterId,
    image: Option<i64>,
) -> Result<Sizes, ApiError> {
    known(catalogue, id)?;
    let Some(image) = image else {
        return Ok(Sizes::Categories(SizeCatalogue {
            datacenter_id: id,
            categories: categories(catalogue),
        }));
    };
    let image = catalogue.image(image).ok_or_else(|| {
        let all = &catalogue.images;
        let list: Vec<_> = all
            .iter()
            .map(|it| format!("{} ({})", it.id, it.name))
            .collect();
        let text = format!("there is no image {image}. There are: {}", list.join(", "));
        ApiError::field("imageId", &text)
    })?;
    let fitting = catalogue.sizes.iter().filter(|size| fits(image, size));
    Ok(Sizes::Flat(fitting.map(flat).collect()))
}

/// The sizes of volumes, by type.
pub(super) fn volume_sizes(
    catalogue: &Catalogue,
    id: DataCenterId,
) -> Result<VolumeSizes, ApiError> {
    known(catalogue, id)?;
    let size = |size: &VolumeSize| VolumeSizeRow {
        id: size.id,
        size_gb: size.size_gb,
    };
    let types = catalogue.volume_types.iter().map(|one| VolumeTypeRow {
        id: one.id,
        name: one.name.clone(),
        description: one.description.clone(),
        available_sizes: one.sizes.iter().map(size).collect(),
    });
    Ok(VolumeSizes {
        datacenter_id: id,
        volume_types: types.collect(),
    })
}

fn known(catalogue: &Catalogue, id: DataCenterId) -> Result<(), ApiError> {
    match catalogue.data_center(id) {
        Some(_) => Ok(()),
        None => Err(ApiError::not_found("Data centre")),
    }
}

fn fits(image: &Image, size: &Size) -> bool {
    image.min_disk_gb <= size.disk_gb
}

fn flat(size: &Size) -> SizeRow {
    SizeRow {
        id: size.id,
        name: size.name.clone(),
        cpu: size.cpu,
        ram: size.memory_gb,
        disk: size.disk_gb,
    }
}

fn categories(catalogue: &Catalogue) -> Vec<SizeCategory> {
    let mut categories: Vec<SizeCategory> = Vec::new();
    for size in &catalogue.sizes {
        let found = categories.iter().position(|it| it.code == size.category);
        let index = found.unwrap_or_else(|| {
            categories.push(SizeCategory {
                code: size.category.clone(),
                name: capitalised(&size.category),
                tiers: Vec::new(),
                sizes: Vec::new(),
            });
            categories.len() - 1
        });
        categories[index].tiers.push(tier(size));
        categories[index].sizes.push(sku(size));
    }
    categories
}

fn capitalised(code: &str) -> String {
    let mut letters = code.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn tier(size: &Size) -> SizeTier {
    let gigabytes = |size_gb: u32| TierGigabytes {
        id: i64::from(size_gb),
        size_gb,
        display_name: format!("{size_gb} GB"),
    };
    SizeTier {
        id: size.id,
        name: size.name.clone(),
        code: size.code.clone(),
        configurations: vec![TierConfiguration {
            configuration_id: size.id,
            cpu: TierCpu {
                id: i64::from(size.cpu),
                cores: size.cpu,
                display_name: format!("{} vCPU", size.cpu),
            },
            memory: gigabytes(size.memory_gb),
            disk: gigabytes(size.disk_gb),
        }],
    }
}

fn sku(size: &Size) -> SkuRow {
    SkuRow {
        sku_id: size.id.to_string(),
        name: size.name.clone(),
        sku_code: size.code.clone(),
        cpu: size.cpu,
        ram: size.memory_gb,
        disk: size.disk_gb,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::catalogue::DEFAULT;

    #[test]
    fn the_default_catalogue_as_rows() {
        let catalogue = Catalogue::parse(DEFAULT).unwrap();
        let rows = data_centers(&catalogue, &Params::default());
        assert_eq!(rows[0].name, "Lab A");
        assert_eq!(regions(&catalogue, &Params::default()).len(), 3);
        assert_eq!(countries(&catalogue).len(), 2);
        let id = rows[0].id;
        assert!(
            images(&catalogue, id)
                .unwrap()
                .iter()
                .any(|row| row.id == 12)
        );
        let Sizes::Categories(all) = sizes(&catalogue, id, None).unwrap() else {
            panic!("categories without imageId");
        };
        let count: usize = all.categories.iter().map(|it| it.sizes.len()).sum();
        assert_eq!(count, catalogue.sizes.len());
        assert_eq!(all.categories[0].name, "General");
    }

    #[test]
    fn sizes_of_an_image_fit_it() {
        let catalogue = Catalogue::parse(DEFAULT).unwrap();
        let id = catalogue.data_centers[0].id;
        for image in &catalogue.images {
            let Sizes::Flat(rows) = sizes(&catalogue, id, Some(image.id)).unwrap() else {
                panic!("a list with imageId");
            };
            assert!(rows.iter().all(|row| row.disk >= image.min_disk_gb));
        }
        let error = sizes(&catalogue, id, Some(999)).expect_err("no such image");
        assert_eq!(error.details.field.as_deref(), Some("imageId"));
        let nowhere = DataCenterId(uuid::Uuid::nil());
        let error = sizes(&catalogue, nowhere, None).expect_err("no such data centre");
        assert_eq!(error.code.status(), 404);
    }
}
