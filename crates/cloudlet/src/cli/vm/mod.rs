//! `cloudlet vm`: virtual machines.

mod console;
mod create;
mod power;

use crate::{
    cli::{
        STATUSES, catalogue, delete,
        ending::Ending,
        names::{Candidate, pick},
        screen::Screen,
        session::Session,
        table::{pairs, squeeze, table},
        wait::{DEFAULT_TIMEOUT, Patience},
    },
    values::whole,
};
use api::{
    ResourceId,
    machine::{MachineDetail, MachineRow},
    network::InterfaceRow,
};
use clap::{Args, Subcommand};
use client::Client;
use power::Verb;

const MAKE_ONE: &str = "Make one with: cloudlet vm create NAME";

#[derive(Debug, Subcommand)]
pub(crate) enum VmCommand {
    /// Create a machine, or several, and wait until it runs.
    #[command(before_help = "\
Examples:
  cloudlet vm create web-1
  cloudlet vm create web --count 3 --image 12 --size 45 --output json", after_help = STATUSES)]
    Create(Box<create::CreateArgs>),
    /// List the machines.
    #[command(before_help = "\
Examples:
  cloudlet vm list
  cloudlet vm list --output json")]
    List,
    /// Show a machine.
    #[command(before_help = "\
Examples:
  cloudlet vm show web-1
  cloudlet vm show web-1 --output json")]
    Show {
        /// Name or id
        #[arg(value_name = "VM")]
        vm: String,
    },
    /// Give a machine another name, at once.
    #[command(before_help = "\
Examples:
  cloudlet vm rename web-1 web-old
  cloudlet vm rename 01930000-0000-7000-8000-000000000001 web-2")]
    Rename {
        /// Name or id
        #[arg(value_name = "VM")]
        vm: String,
        /// The new name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Give a machine another size; a running one is restarted.
    #[command(before_help = "\
Examples:
  cloudlet vm resize web-1 Medium
  cloudlet vm resize web-1 46 --no-wait", after_help = STATUSES)]
    Resize {
        /// Name or id
        #[arg(value_name = "VM")]
        vm: String,
        /// Size, by id or name
        #[arg(value_name = "SIZE")]
        size: String,
        #[command(flatten)]
        patience: Patience,
    },
    /// Delete machines with their disks, whatever they are doing.
    #[command(before_help = "\
Examples:
  cloudlet vm delete web-1
  cloudlet vm delete web-1 web-2 web-3 --no-wait", after_help = STATUSES)]
    Delete {
        /// Name or id; several are deleted at once
        #[arg(value_name = "VM", required = true)]
        vms: Vec<String>,
        #[command(flatten)]
        patience: Patience,
    },
    /// Read what a machine wrote on its serial console.
    #[command(before_help = "\
Examples:
  cloudlet vm console web-1
  cloudlet vm console web-1 --follow")]
    Console(console::ConsoleArgs),
    /// Turn a machine on.
    #[command(before_help = "\
Examples:
  cloudlet vm start web-1
  cloudlet vm start web-1 --timeout 60", after_help = STATUSES)]
    Start(PowerArgs),
    /// Turn a machine off.
    #[command(before_help = "\
Examples:
  cloudlet vm stop web-1
  cloudlet vm stop web-1 --timeout 60", after_help = STATUSES)]
    Stop(PowerArgs),
    /// Turn a running machine off and on.
    #[command(before_help = "\
Examples:
  cloudlet vm reset web-1
  cloudlet vm reset web-1 --timeout 60", after_help = STATUSES)]
    Reset(PowerArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PowerArgs {
    /// Name or id
    #[arg(value_name = "VM")]
    vm: String,
    /// Give up waiting after this many seconds (exit status 4); the work goes on
    #[arg(long, value_name = "S", default_value_t = DEFAULT_TIMEOUT, value_parser = whole::<u64>)]
    timeout: u64,
}

pub(crate) async fn run(session: &Session, command: VmCommand) -> anyhow::Result<Ending> {
    match command {
        VmCommand::Create(args) => create::run(session, *args).await,
        VmCommand::List => list(session).await,
        VmCommand::Show { vm } => show(session, &vm).await,
        VmCommand::Rename { vm, name } => rename(session, &vm, &name).await,
        VmCommand::Resize { vm, size, patience } => resize(session, &vm, &size, patience).await,
        VmCommand::Delete { vms, patience } => {
            let delete = |client: Client, id| async move { client.delete_machine(id).await };
            delete::run(session, &vms, find, delete, patience).await
        }
        VmCommand::Console(args) => console::run(session, args).await,
        VmCommand::Start(args) => power::run(session, Verb::Start, args).await,
        VmCommand::Stop(args) => power::run(session, Verb::Stop, args).await,
        VmCommand::Reset(args) => power::run(session, Verb::Reset, args).await,
    }
}

/// The machine that a name or an id means.
pub(crate) async fn find(session: &Session, word: &str) -> anyhow::Result<ResourceId> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.all_machines().await?;
    let candidates: Vec<Candidate> = rows
        .iter()
        .map(|row| Candidate {
            id: row.id.to_string(),
            name: row.name.clone(),
            detail: format!(
                "{}  {}",
                row.status.as_str(),
                session.screen.when(row.created_at)
            ),
        })
        .collect();
    let place = pick("machine", word, &candidates, MAKE_ONE)?;
    Ok(rows[place].id)
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let rows = session.client.all_machines().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        screen.say(format!("There is no machine yet. {MAKE_ONE}"));
    } else if screen.quiet {
        rows.iter().for_each(|row| screen.result(row.id));
    } else {
        screen.result(listed(screen, &rows));
    }
    Ok(Ending::Done)
}

fn listed(screen: &Screen, rows: &[MachineRow]) -> String {
    // The narrow form fits 80 columns; there is room for addresses and ids in the wide one only.
    let mut header = vec!["NAME", "STATUS", "SIZE", "DATA CENTRE", "CREATED"];
    if screen.is_wide() {
        header.extend(["IMAGE", "IP", "PRIVATE IP", "CHANGED", "ID"]);
    }
    let rows = rows.iter().map(|row| {
        let none = || "-".to_owned();
        let size = row.configuration;
        let mut cells = vec![
            row.name.clone(),
            row.status.as_str().to_owned(),
            format!("{} vCPU, {} GB", size.cpu, size.ram),
            row.datacenter.name.clone(),
            screen.when(row.created_at),
        ];
        if screen.is_wide() {
            cells.push(row.image_name.clone());
            cells.push(row.primary_public_ip.clone().unwrap_or_else(none));
            cells.push(row.primary_private_ip.clone().unwrap_or_else(none));
            cells.push(screen.when(row.updated_at));
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
    let machine = session.client.machine(find(session, word).await?).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&machine)?;
    } else {
        let interfaces = session.client.interfaces(machine.id).await?;
        screen.result(described(screen, &machine, &interfaces));
    }
    Ok(Ending::Done)
}

fn described(screen: &Screen, machine: &MachineDetail, interfaces: &[InterfaceRow]) -> String {
    let size = &machine.configuration;
    let place = &machine.datacenter;
    let mut rows = vec![
        ("name", machine.name.clone()),
        ("id", machine.id.to_string()),
        ("status", machine.status.as_str().to_owned()),
    ];
    rows.extend(machine.status_reason.clone().map(|why| ("why", why)));
    rows.extend([(
        "size",
        format!(
            "{} ({}): {} vCPU, {} GB memory, {} GB disk",
            size.name, size.id, size.cpu, size.ram, size.disk
        ),
    )]);
    rows.extend(interfaces.iter().map(|interface| {
        let private = interface.private_ip.as_deref().unwrap_or("no address");
        let public = interface.public_ip.as_ref();
        let public = public.map_or(String::new(), |ip| format!(", public {ip}"));
        let network = &interface.network_name;
        ("network", format!("{network}: {private}{public}"))
    }));
    rows.extend([
        ("image", machine.image.clone()),
        ("log in as", machine.username.clone()),
        (
            "data centre",
            format!("{}, {}, {}", place.name, place.region, place.country),
        ),
        ("created", screen.when(machine.created_at)),
        ("changed", screen.when(machine.updated_at)),
    ]);
    rows.extend(
        machine
            .notices
            .iter()
            .map(|notice| ("note", notice.clone())),
    );
    pairs(rows)
}

async fn rename(session: &Session, word: &str, name: &str) -> anyhow::Result<Ending> {
    let id = find(session, word).await?;
    let machine = session.client.rename_machine(id, name).await?;
    changed(
        &session.screen,
        &machine,
        &format!("Renamed to {}", machine.name),
    )
}

async fn resize(
    session: &Session,
    word: &str,
    size: &str,
    patience: Patience,
) -> anyhow::Result<Ending> {
    let id = find(session, word).await?;
    let size = match size.parse() {
        Ok(id) => id,
        Err(_) => {
            let machine = session.client.machine(id).await?;
            let place = machine.datacenter.id;
            let images = session.client.images(place).await?;
            let image = images.iter().find(|image| image.name == machine.image);
            let image = image.map_or(0, |image| image.id);
            catalogue::size(session, place, image, size).await?
        }
    };
    let accepted = session.client.resize_machine(id, size).await?;
    patience.end(session, accepted).await
}

/// Shows a machine after a change that is done.
fn changed(screen: &Screen, machine: &MachineDetail, what: &str) -> anyhow::Result<Ending> {
    if screen.is_json() {
        screen.json(machine)?;
    } else if screen.quiet {
        screen.result(machine.id);
    } else {
        screen.result(format!("{what} ({})", machine.id));
    }
    Ok(Ending::Done)
}
