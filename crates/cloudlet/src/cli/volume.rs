//! `cloudlet volume`: disks that outlive a machine.

use crate::{
    cli::{
        STATUSES, catalogue, delete,
        ending::Ending,
        names::id_of,
        screen::Screen,
        session::Session,
        table::{pairs, squeeze, table},
        vm,
        wait::ShortPatience,
    },
    values::whole,
};
use anyhow::bail;
use api::{
    DataCenterId, ResourceId,
    volume::{VolumeCreate, VolumeDetail},
};
use clap::{Args, Subcommand};
use client::Client;

const MAKE_ONE: &str = "Make one with: cloudlet volume create NAME";

#[derive(Debug, Subcommand)]
pub(crate) enum VolumeCommand {
    /// Create a volume.
    #[command(before_help = "\
Examples:
  cloudlet volume create data-1
  cloudlet volume create logs --type NVMe --size-gb 256", after_help = STATUSES)]
    Create(CreateArgs),
    /// List the volumes.
    #[command(before_help = "\
Examples:
  cloudlet volume list
  cloudlet volume list --output json")]
    List,
    /// Show a volume.
    #[command(before_help = "\
Examples:
  cloudlet volume show data-1
  cloudlet volume show data-1 --output json")]
    Show(Which),
    /// Put a volume on a machine of its data centre, running or not.
    #[command(before_help = "\
Examples:
  cloudlet volume attach data-1 web-1
  cloudlet volume attach data-1 web-1 --no-wait", after_help = STATUSES)]
    Attach {
        /// Name or id
        #[arg(value_name = "VOLUME")]
        volume: String,
        /// The machine's name or id
        #[arg(value_name = "VM")]
        vm: String,
        #[command(flatten)]
        patience: ShortPatience,
    },
    /// Take a volume off its machine; its content stays.
    #[command(before_help = "\
Examples:
  cloudlet volume detach data-1
  cloudlet volume detach data-1 --no-wait", after_help = STATUSES)]
    Detach(Change),
    /// Make a volume larger, on a machine or off it.
    #[command(before_help = "\
Examples:
  cloudlet volume resize data-1 256
  cloudlet volume resize data-1 512 --no-wait", after_help = STATUSES)]
    Resize {
        /// Name or id
        #[arg(value_name = "VOLUME")]
        volume: String,
        /// The new size in GB: one of its type's, larger than now
        #[arg(value_name = "GB", value_parser = whole::<i64>)]
        size_gb: i64,
        #[command(flatten)]
        patience: ShortPatience,
    },
    /// Delete volumes with their content; detach them first.
    #[command(before_help = "\
Examples:
  cloudlet volume delete data-1
  cloudlet volume delete data-1 data-2 --no-wait", after_help = STATUSES)]
    Delete {
        /// Name or id; several are deleted at once
        #[arg(value_name = "VOLUME", required = true)]
        volumes: Vec<String>,
        #[command(flatten)]
        patience: ShortPatience,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// Name or id
    #[arg(value_name = "VOLUME")]
    volume: String,
}

#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Name or id
    #[arg(value_name = "VOLUME")]
    volume: String,
    #[command(flatten)]
    patience: ShortPatience,
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// The volume's name; no other volume of yours has it
    #[arg(value_name = "NAME")]
    name: String,
    /// Type, by id or name
    #[arg(long = "type", value_name = "TYPE", default_value = "1")]
    volume_type: String,
    /// Size in GB: one of its type's
    #[arg(long, value_name = "GB", default_value_t = 100, value_parser = whole::<i64>)]
    size_gb: i64,
    /// Data centre, by id or name [default: the first]
    #[arg(long, value_name = "X")]
    data_center: Option<String>,
    #[command(flatten)]
    patience: ShortPatience,
}

pub(crate) async fn run(session: &Session, command: VolumeCommand) -> anyhow::Result<Ending> {
    let client = &session.client;
    match command {
        VolumeCommand::Create(args) => create(session, args).await,
        VolumeCommand::List => list(session).await,
        VolumeCommand::Show(which) => show(session, &which.volume).await,
        VolumeCommand::Attach {
            volume,
            vm,
            patience,
        } => {
            let volume = find(session, &volume).await?;
            let machine = vm::find(session, &vm).await?;
            let accepted = client.attach_volume(volume, machine).await?;
            patience.end(session, accepted).await
        }
        VolumeCommand::Detach(Change { volume, patience }) => {
            let volume = find(session, &volume).await?;
            patience
                .end(session, client.detach_volume(volume).await?)
                .await
        }
        VolumeCommand::Resize {
            volume,
            size_gb,
            patience,
        } => {
            let volume = find(session, &volume).await?;
            patience
                .end(session, client.resize_volume(volume, size_gb).await?)
                .await
        }
        VolumeCommand::Delete { volumes, patience } => {
            let delete = |client: Client, id| async move { client.delete_volume(id).await };
            delete::run(session, &volumes, find, delete, patience.into()).await
        }
    }
}

/// The volume that a name or an id means.
async fn find(session: &Session, word: &str) -> anyhow::Result<ResourceId> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.volumes().await?.into_iter();
    let rows = rows.map(|row| {
        let detail = format!("{} GB, {}", row.size_gb, row.status.as_str());
        (row.id, row.name, detail)
    });
    id_of("volume", word, rows.collect(), MAKE_ONE)
}

async fn create(session: &Session, args: CreateArgs) -> anyhow::Result<Ending> {
    let place = catalogue::data_center(session, args.data_center.as_deref()).await?;
    let (volume_type_id, volume_size_id) =
        size(session, place, &args.volume_type, args.size_gb).await?;
    let wish = VolumeCreate {
        name: args.name,
        datacenter_id: place.to_string(),
        volume_type_id,
        volume_size_id,
        size_gb: args.size_gb,
        team_id: None,
    };
    let accepted = session.client.create_volume(&wish).await?;
    args.patience.end(session, accepted).await
}

/// A type and a size of it, by id or name and by GB.
async fn size(
    session: &Session,
    place: DataCenterId,
    word: &str,
    size_gb: i64,
) -> anyhow::Result<(i64, i64)> {
    let types = session.client.volume_sizes(place).await?.volume_types;
    let named = types.iter().find(|one| one.id.to_string() == word);
    let id = match named {
        Some(one) => one.id,
        None => {
            let rows = types
                .iter()
                .map(|one| (one.id, one.name.as_str(), String::new()));
            catalogue::by_name("volume type", word, rows.collect())?
        }
    };
    let sizes = types
        .into_iter()
        .find(|one| one.id == id)
        .map(|one| one.available_sizes);
    let sizes = sizes.unwrap_or_default();
    match sizes.iter().find(|size| i64::from(size.size_gb) == size_gb) {
        Some(size) => Ok((id, size.id)),
        None => {
            let all: Vec<_> = sizes.iter().map(|size| size.size_gb.to_string()).collect();
            bail!(
                "there is no volume of {size_gb} GB; there are: {} GB",
                all.join(", ")
            )
        }
    }
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let rows = session.client.volumes().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        screen.say(format!("There is no volume yet. {MAKE_ONE}"));
    } else if screen.quiet {
        rows.iter().for_each(|row| screen.result(row.id));
    } else {
        screen.result(listed(screen, &rows));
    }
    Ok(Ending::Done)
}

fn listed(screen: &Screen, rows: &[VolumeDetail]) -> String {
    let mut header = vec!["NAME", "STATUS", "SIZE", "TYPE", "MACHINE"];
    if screen.is_wide() {
        header.extend(["DATA CENTRE", "CREATED", "ID"]);
    }
    let rows = rows.iter().map(|row| {
        let mut cells = vec![
            row.name.clone(),
            row.status.as_str().to_owned(),
            format!("{} GB", row.size_gb),
            row.volume_type.name.clone(),
            row.virtual_machine_name
                .clone()
                .unwrap_or_else(|| "-".to_owned()),
        ];
        if screen.is_wide() {
            cells.push(row.datacenter.name.clone());
            cells.push(screen.when(row.created_at));
            cells.push(row.id.to_string());
        }
        cells
    });
    let mut rows: Vec<Vec<String>> = rows.collect();
    if let Some(columns) = screen.columns().filter(|_| !screen.is_wide()) {
        squeeze(&header, &mut rows, columns);
    }
    table(&header, rows)
}

async fn show(session: &Session, word: &str) -> anyhow::Result<Ending> {
    let volume = session.client.volume(find(session, word).await?).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&volume)?;
        return Ok(Ending::Done);
    }
    let machine = volume.virtual_machine_name.zip(volume.virtual_machine_id);
    screen.result(pairs(vec![
        ("name", volume.name),
        ("id", volume.id.to_string()),
        ("status", volume.status.as_str().to_owned()),
        ("size", format!("{} GB", volume.size_gb)),
        ("type", volume.volume_type.name),
        (
            "machine",
            machine.map_or("none".to_owned(), |(name, id)| format!("{name} ({id})")),
        ),
        ("data centre", volume.datacenter.name),
        ("created", screen.when(volume.created_at)),
        ("changed", screen.when(volume.updated_at)),
    ]));
    Ok(Ending::Done)
}
