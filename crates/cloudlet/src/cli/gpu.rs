//! `cloudlet gpu`: machines with GPUs, and what there is of GPUs.

use crate::{
    cli::{
        STATUSES,
        carried::Carried,
        catalogue, delete,
        ending::Ending,
        names::id_of,
        session::Session,
        table::{pairs, table},
        wait::Patience,
    },
    values::whole,
};
use api::{
    ResourceId,
    gpu::{GpuCreate, GpuDetail, GpuInventoryRow},
};
use clap::{Args, Subcommand};
use client::Client;

const MAKE_ONE: &str = "Make one with: cloudlet gpu create NAME --series 1 --count 1";

#[derive(Debug, Subcommand)]
pub(crate) enum GpuCommand {
    /// Show what there is of GPUs now.
    #[command(before_help = "\
Examples:
  cloudlet gpu inventory
  cloudlet gpu inventory --output json")]
    Inventory,
    /// Create a machine with GPUs, and wait until it runs.
    #[command(before_help = "\
Examples:
  cloudlet gpu create trainer --series 1 --count 2
  cloudlet gpu create trainer --series 2 --count 1 --no-wait", after_help = STATUSES)]
    Create(CreateArgs),
    /// List the machines with GPUs.
    #[command(before_help = "\
Examples:
  cloudlet gpu list
  cloudlet gpu list --output json")]
    List,
    /// Show a machine with GPUs.
    #[command(before_help = "\
Examples:
  cloudlet gpu show trainer
  cloudlet gpu show trainer --output json")]
    Show {
        /// Name or id
        #[arg(value_name = "GPU")]
        gpu: String,
    },
    /// Give a machine with GPUs another name, at once.
    #[command(before_help = "\
Examples:
  cloudlet gpu rename trainer trainer-old
  cloudlet gpu rename trainer learner")]
    Rename {
        /// Name or id
        #[arg(value_name = "GPU")]
        gpu: String,
        /// The new name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Delete machines with GPUs; their GPUs are free again.
    #[command(before_help = "\
Examples:
  cloudlet gpu delete trainer
  cloudlet gpu delete trainer-1 trainer-2 --no-wait", after_help = STATUSES)]
    Delete {
        /// Name or id; several are deleted at once
        #[arg(value_name = "GPU", required = true)]
        gpus: Vec<String>,
        #[command(flatten)]
        patience: Patience,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// The machine's name
    #[arg(value_name = "NAME")]
    name: String,
    /// Series of GPUs, by id or name
    #[arg(long, value_name = "SERIES", default_value = "1")]
    series: String,
    /// How many GPUs: 1, 2, 4 or 8
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = whole::<i64>)]
    count: i64,
    /// Data centre, by id or name [default: the first]
    #[arg(long, value_name = "X")]
    data_center: Option<String>,
    /// Image, by id [default: the first that fits]
    #[arg(long, value_name = "IMAGE", value_parser = whole::<i64>)]
    image: Option<i64>,
    #[command(flatten)]
    carried: Carried,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) async fn run(session: &Session, command: GpuCommand) -> anyhow::Result<Ending> {
    match command {
        GpuCommand::Inventory => inventory(session).await,
        GpuCommand::Create(args) => create(session, args).await,
        GpuCommand::List => list(session).await,
        GpuCommand::Show { gpu } => show(session, &gpu).await,
        GpuCommand::Rename { gpu, name } => rename(session, &gpu, &name).await,
        GpuCommand::Delete { gpus, patience } => {
            let delete = |client: Client, id| async move { client.delete_gpu_machine(id).await };
            delete::run(session, &gpus, find, delete, patience).await
        }
    }
}

async fn find(session: &Session, word: &str) -> anyhow::Result<ResourceId> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.gpu_machines().await?.into_iter();
    let rows = rows.map(|row| {
        let detail = format!("{} {}", row.configuration.gpu_count, row.configuration.name);
        (row.id, row.name, detail)
    });
    id_of("GPU machine", word, rows.collect(), MAKE_ONE)
}

async fn create(session: &Session, args: CreateArgs) -> anyhow::Result<Ending> {
    let place = catalogue::data_center(session, args.data_center.as_deref()).await?;
    let series_id = match args.series.parse() {
        Ok(id) => id,
        Err(_) => {
            let rows = session.client.gpu_inventory().await?;
            let rows = rows.iter().map(|row| {
                (
                    row.series_id,
                    row.series_name.as_str(),
                    row.series_code.clone(),
                )
            });
            catalogue::by_name("GPU series", &args.series, rows.collect())?
        }
    };
    let carried = args.carried.read(session).await?;
    let wish = GpuCreate {
        name: args.name,
        datacenter_id: place.to_string(),
        series_id,
        gpu_count: args.count,
        image_id: args.image,
        team_id: carried.team_id,
        ssh_key_id: carried.ssh_key_id,
        ssh_public_keys: carried.ssh_public_keys,
        username: carried.username,
        user_data: carried.user_data,
    };
    let accepted = session.client.create_gpu_machine(&wish).await?;
    args.patience.end(session, accepted).await
}

async fn inventory(session: &Session) -> anyhow::Result<Ending> {
    let rows = session.client.gpu_inventory().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
        return Ok(Ending::Done);
    }
    let cells = rows.iter().flat_map(places);
    let header = ["SERIES", "ID", "CODE", "DATA CENTRE", "TO HAVE NOW"];
    screen.result(table(&header, cells.collect()));
    Ok(Ending::Done)
}

fn places(series: &GpuInventoryRow) -> impl Iterator<Item = Vec<String>> + '_ {
    series.availability.iter().map(|place| {
        let counts = place.gpu_counts.iter().filter(|(_, count)| count.available);
        let counts: Vec<&str> = counts.map(|(count, _)| count.as_str()).collect();
        let counts = if counts.is_empty() {
            "none".to_owned()
        } else {
            counts.join(", ")
        };
        vec![
            series.series_name.clone(),
            series.series_id.to_string(),
            series.series_code.clone(),
            place.datacenter_name.clone(),
            counts,
        ]
    })
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let rows = session.client.gpu_machines().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        screen.say(format!("There is no machine with GPUs yet. {MAKE_ONE}"));
    } else if screen.quiet {
        rows.iter().for_each(|row| screen.result(row.id));
    } else {
        let cells = rows.iter().map(|row| {
            vec![
                row.name.clone(),
                format!("{:?}", row.status),
                format!("{} {}", row.configuration.gpu_count, row.configuration.name),
                row.datacenter.name.clone(),
                row.id.to_string(),
            ]
        });
        let header = ["NAME", "STATUS", "GPUS", "DATA CENTRE", "ID"];
        screen.result(table(&header, cells.collect()));
    }
    Ok(Ending::Done)
}

async fn show(session: &Session, word: &str) -> anyhow::Result<Ending> {
    let machine = session
        .client
        .gpu_machine(find(session, word).await?)
        .await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&machine)?;
        return Ok(Ending::Done);
    }
    let size = &machine.configuration;
    let has = format!(
        "{} vCPU, {} GB memory, {} GB disk",
        size.cpu, size.ram, size.disk
    );
    screen.result(pairs(vec![
        ("name", machine.name.clone()),
        ("id", machine.id.to_string()),
        ("status", format!("{:?}", machine.status)),
        ("GPUs", format!("{} {}", size.gpu_count, size.name)),
        ("size", has),
        ("image", machine.image.clone()),
        ("log in as", machine.username.clone()),
        ("address", machine.ip.clone().unwrap_or_default()),
        ("data centre", machine.datacenter.name.clone()),
        ("created", screen.when(machine.created_at)),
        ("changed", screen.when(machine.updated_at)),
    ]));
    Ok(Ending::Done)
}

async fn rename(session: &Session, word: &str, name: &str) -> anyhow::Result<Ending> {
    let id = find(session, word).await?;
    let machine: GpuDetail = session.client.rename_gpu_machine(id, name).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&machine)?;
    } else if screen.quiet {
        screen.result(machine.id);
    } else {
        screen.result(format!("Renamed to {} ({})", machine.name, machine.id));
    }
    Ok(Ending::Done)
}
