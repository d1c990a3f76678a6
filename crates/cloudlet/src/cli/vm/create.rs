//! `cloudlet vm create`: names of the catalogue made into ids, one request, one wait.

use super::Patience;
use crate::cli::{
    ending::Ending,
    names::{Candidate, pick},
    session::Session,
    wait,
};
use anyhow::bail;
use api::{DataCenterId, machine::MachineCreate};
use clap::Args;
use client::{Accepted, Error};
use std::fmt::Display;

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// The machine's name; with --count it becomes NAME-1, NAME-2 …
    #[arg(value_name = "NAME")]
    name: String,
    /// How many to make, 1 to 50
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=50))]
    count: Option<i64>,
    /// Size, by id or name
    #[arg(long, value_name = "SIZE", default_value = "45")]
    size: String,
    /// Image, by id or name
    #[arg(long, value_name = "IMAGE", default_value = "12")]
    image: String,
    /// Data centre, by id or name [default: the first]
    #[arg(long, value_name = "X")]
    data_center: Option<String>,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) async fn run(session: &Session, args: CreateArgs) -> anyhow::Result<Ending> {
    let place = data_center(session, args.data_center.as_deref()).await?;
    let image_id = image(session, place, &args.image).await?;
    let wish = MachineCreate {
        name: args.name,
        datacenter_id: place.to_string(),
        image_id,
        configuration_id: size(session, place, image_id, &args.size).await?,
        number_of_instances: args.count,
        ..MachineCreate::default()
    };
    let accepted = submit(session, &wish).await?;
    if args.patience.no_wait {
        return wait::submitted(&session.screen, &accepted);
    }
    wait::follow(session, accepted, args.patience.timeout).await
}

/// Sends the create, again if the connection broke before the answer came.
async fn submit(session: &Session, wish: &MachineCreate) -> Result<Accepted, Error> {
    let again = |error: &Error| {
        let screen = &session.screen;
        screen.say(format!(
            "{error}; sending it again, which cannot make it twice"
        ));
    };
    let client = &session.client;
    client.create_machines_telling(wish, None, again).await
}

async fn data_center(session: &Session, word: Option<&str>) -> anyhow::Result<DataCenterId> {
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

async fn image(session: &Session, place: DataCenterId, word: &str) -> anyhow::Result<i64> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.images(place).await?;
    let found = rows
        .iter()
        .map(|row| (row.id, row.name.as_str(), String::new()));
    by_name("image", word, found.collect())
}

async fn size(
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
fn by_name<Id: Copy + Display>(
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
