//! Whether a catalogue makes sense as a whole: ids are unique, references lead somewhere.

use super::{Catalogue, CatalogueError, addresses};
use std::{collections::BTreeSet, net::Ipv4Addr};

/// The largest overcommit of CPUs that is believed.
const OVERCOMMIT_LIMIT: f64 = 64.0;

pub(super) fn check(catalogue: &Catalogue) -> Result<(), CatalogueError> {
    unique("region", catalogue.regions.iter().map(|region| region.id))?;
    unique(
        "data_center",
        catalogue
            .data_centers
            .iter()
            .map(|data_center| data_center.id),
    )?;
    unique("image", catalogue.images.iter().map(|image| image.id))?;
    unique("size", catalogue.sizes.iter().map(|size| size.id))?;
    unique(
        "volume_type",
        catalogue.volume_types.iter().map(|kind| kind.id),
    )?;
    unique(
        "gpu_series",
        catalogue.gpu_series.iter().map(|series| series.id),
    )?;
    if catalogue.data_centers.is_empty() {
        return Err(CatalogueError(
            "there is no [[data_center]]; at least one is needed".into(),
        ));
    }
    for data_center in &catalogue.data_centers {
        let name = &data_center.name;
        if catalogue.region(data_center.region).is_none() {
            let text = format!(
                "data_center {name}: there is no region {}",
                data_center.region
            );
            return Err(CatalogueError(text));
        }
        let overcommit = data_center.host.cpu_overcommit;
        if !(1.0..=OVERCOMMIT_LIMIT).contains(&overcommit) {
            let text = format!(
                "data_center {name}: cpu_overcommit is {overcommit}; 1 to {OVERCOMMIT_LIMIT} is allowed"
            );
            return Err(CatalogueError(text));
        }
        for text in &data_center.public_ips {
            if addresses(text).is_none() {
                let text = format!(
                    "data_center {name}: public_ips has '{text}'; a network such as \
                     203.0.113.0/26 or an address is right"
                );
                return Err(CatalogueError(text));
            }
        }
        for gpu in &data_center.gpus {
            if !catalogue
                .gpu_series
                .iter()
                .any(|series| series.id == gpu.series)
            {
                let text = format!("data_center {name}: there is no gpu_series {}", gpu.series);
                return Err(CatalogueError(text));
            }
        }
    }
    check_sizes(catalogue)?;
    check_volume_types(catalogue)?;
    check_series(catalogue)?;
    check_public_addresses(catalogue)
}

fn check_sizes(catalogue: &Catalogue) -> Result<(), CatalogueError> {
    for size in &catalogue.sizes {
        if size.cpu == 0 || size.memory_gb == 0 || size.disk_gb == 0 {
            let text = format!(
                "size {}: cpu, memory_gb and disk_gb are at least 1",
                size.name
            );
            return Err(CatalogueError(text));
        }
    }
    Ok(())
}

fn check_volume_types(catalogue: &Catalogue) -> Result<(), CatalogueError> {
    for kind in &catalogue.volume_types {
        let what = format!("volume_type {}: size", kind.name);
        unique(&what, kind.sizes.iter().map(|size| size.id))?;
        if kind.sizes.iter().any(|size| size.size_gb == 0) {
            let text = format!("volume_type {}: size_gb is at least 1", kind.name);
            return Err(CatalogueError(text));
        }
    }
    Ok(())
}

fn check_series(catalogue: &Catalogue) -> Result<(), CatalogueError> {
    for series in &catalogue.gpu_series {
        let per_gpu = series.per_gpu;
        if per_gpu.cpu == 0 || per_gpu.memory_gb == 0 || per_gpu.disk_gb == 0 {
            let text = format!(
                "gpu_series {}: cpu, memory_gb and disk_gb are at least 1",
                series.name
            );
            return Err(CatalogueError(text));
        }
    }
    for data_center in &catalogue.data_centers {
        let what = format!("data_center {}: gpus of series", data_center.name);
        unique(&what, data_center.gpus.iter().map(|gpus| gpus.series))?;
    }
    Ok(())
}

/// An address that stands twice would be given out twice.
fn check_public_addresses(catalogue: &Catalogue) -> Result<(), CatalogueError> {
    let data_centers = catalogue.data_centers.iter();
    let mut ranges: Vec<_> = data_centers
        .flat_map(|data_center| data_center.public_ranges())
        .collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        if after.0 <= before.1 {
            let address = Ipv4Addr::from(after.0);
            let text = format!("public_ips: {address} stands there twice");
            return Err(CatalogueError(text));
        }
    }
    Ok(())
}

fn unique<T: Ord + std::fmt::Display>(
    what: &str,
    ids: impl Iterator<Item = T>,
) -> Result<(), CatalogueError> {
    let mut seen = BTreeSet::new();
    for id in ids {
        let text = format!("{what} {id} is there twice; ids are unique");
        if !seen.insert(id) {
            return Err(CatalogueError(text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::catalogue::{Catalogue, DEFAULT};

    #[test]
    fn the_default_is_sound() {
        let catalogue = Catalogue::parse(DEFAULT).unwrap();
        assert_eq!(catalogue.data_centers.len(), 3);
        assert_eq!(catalogue.image(12).unwrap().name, "Debian 12.x");
        assert_eq!(catalogue.size(45).unwrap().name, "Small");
    }

    #[test]
    fn nonsense_is_named() {
        let cases = [
            (DEFAULT.replace("[[region]]", "[[regoin]]"), "regoin"),
            (
                DEFAULT.replace("cpu_overcommit = 4.0", "cpu_overcommit = 0.5"),
                "cpu_overcommit is 0.5",
            ),
            (
                DEFAULT.replacen("region = 3", "region = 99", 1),
                "there is no region 99",
            ),
            (DEFAULT.replacen("id = 13", "id = 12", 1), "there twice"),
            (DEFAULT.replacen("cpu = 1", "cpu = 0", 1), "at least 1"),
            (DEFAULT.replacen("id = 22", "id = 21", 1), "there twice"),
            (
                DEFAULT.replacen("size_gb = 100", "size_gb = 0", 1),
                "size_gb is at least 1",
            ),
            (
                DEFAULT.replacen("{ cpu = 16", "{ cpu = 0", 1),
                "gpu_series NVIDIA H100",
            ),
            (
                DEFAULT.replace("203.0.113.64/26", "203.0.113.63"),
                "203.0.113.63 stands there twice",
            ),
        ];
        for (text, expected) in cases {
            let error = Catalogue::parse(&text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error} should name {expected}");
        }
    }
}
