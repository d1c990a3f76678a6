//! Names of the catalogue made into ids: data centres, images, sizes.

use crate::cli::{
    names::{Candidate, pick},
    session::Session,
};
use anyhow::bail;
use api::DataCenterId;
use std::fmt::Display;

pub(crate) async fn data_center(
    session: &Session,
    word: Option<&str>,
) -> anyhow::Result<DataCenterId> {
    if let Some(id) = word.and_then(|word| word.parse().ok()) {
        return Ok(id);
    }
    let rows = session.client.data_centers().await?;
    let Some(word) = word else {
        return match rows.first() {
            Some(first) => Ok(first.id),
            None => bail!("the server has no data centre"),
        };
    };
    let found = rows.iter().map(|row| {
        let detail = format!("{}, {}", row.region_name, row.country_name);
        (row.id, row.name.as_str(), detail)
    });
    by_name("data centre", word, found.collect())
}

pub(crate) async fn image(
    session: &Session,
    place: DataCenterId,
    word: &str,
) -> anyhow::Result<i64> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.images(place).await?;
    let found = rows
        .iter()
        .map(|row| (row.id, row.name.as_str(), String::new()));
    by_name("image", word, found.collect())
}

pub(crate) async fn size(
    session: &Session,
    place: DataCenterId,
    image: i64,
    word: &str,
) -> anyhow::Result<i64> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.sizes(place, image).await?;
    let found = rows.iter().map(|row| {
        let detail = format!("{} vCPU, {} GB, disk {} GB", row.cpu, row.ram, row.disk);
        (row.id, row.name.as_str(), detail)
    });
    by_name("size", word, found.collect())
}

/// The id of the entry of the catalogue that has this name; the case of letters does not matter.
pub(crate) fn by_name<Id: Copy + Display>(
    what: &str,
    word: &str,
    rows: Vec<(Id, &str, String)>,
) -> anyhow::Result<Id> {
    let mut same = rows
        .iter()
        .filter(|(_, name, _)| name.to_lowercase() == word.to_lowercase());
    if let (Some((id, ..)), None) = (same.next(), same.next()) {
        return Ok(*id);
    }
    let ids: Vec<Id> = rows.iter().map(|(id, ..)| *id).collect();
    let candidates: Vec<Candidate> = rows
        .into_iter()
        .map(|(id, name, detail)| Candidate {
            id: id.to_string(),
            name: name.to_owned(),
            detail,
        })
        .collect();
    Ok(ids[pick(what, word, &candidates, "")?])
}

#[cfg(test)]
mod tests {
    use super::by_name;

    #[test]
    fn the_catalogue_by_name() {
        let rows = || {
            vec![
                (12, "Debian 12.x", String::new()),
                (13, "Rocky 9.x", String::new()),
            ]
        };
        assert_eq!(by_name("image", "debian 12.X", rows()).unwrap(), 12);
        let error = by_name("image", "Debian 12", rows())
            .unwrap_err()
            .to_string();
        assert!(error.contains("did you mean 'Debian 12.x'?"), "{error}");
    }
}
