//! `cloudlet nic`: network interfaces of a machine.

use crate::cli::{
    STATUSES, ending::Ending, names::id_of, network, session::Session, table::table, vm,
    wait::ShortPatience,
};
use api::{NicId, ResourceId, network::InterfaceRow};
use clap::Subcommand;

const MAKE_ONE: &str = "Add one with: cloudlet nic add VM NETWORK";

#[derive(Debug, Subcommand)]
pub(crate) enum NicCommand {
    /// List the interfaces of a machine.
    #[command(before_help = "\
Examples:
  cloudlet nic list web-1
  cloudlet nic list web-1 --output json")]
    List {
        /// The machine's name or id
        #[arg(value_name = "VM")]
        vm: String,
    },
    /// Add an interface on a network, to a machine running or not.
    #[command(before_help = "\
Examples:
  cloudlet nic add web-1 lan
  cloudlet nic add web-1 lan --no-wait", after_help = STATUSES)]
    Add {
        /// The machine's name or id
        #[arg(value_name = "VM")]
        vm: String,
        /// The network's name or id
        #[arg(value_name = "NETWORK")]
        network: String,
        #[command(flatten)]
        patience: ShortPatience,
    },
    /// Make an interface the primary one.
    #[command(before_help = "\
Examples:
  cloudlet nic primary web-1 1
  cloudlet nic primary web-1 lan")]
    Primary {
        /// The machine's name or id
        #[arg(value_name = "VM")]
        vm: String,
        /// The interface: its number, its network's name, or its id
        #[arg(value_name = "NIC")]
        nic: String,
    },
    /// Remove an interface, but not the primary one.
    #[command(before_help = "\
Examples:
  cloudlet nic remove web-1 1
  cloudlet nic remove web-1 lan --no-wait", after_help = STATUSES)]
    Remove {
        /// The machine's name or id
        #[arg(value_name = "VM")]
        vm: String,
        /// The interface: its number, its network's name, or its id
        #[arg(value_name = "NIC")]
        nic: String,
        #[command(flatten)]
        patience: ShortPatience,
    },
}

pub(crate) async fn run(session: &Session, command: NicCommand) -> anyhow::Result<Ending> {
    match command {
        NicCommand::List { vm } => list(session, &vm).await,
        NicCommand::Add {
            vm,
            network,
            patience,
        } => {
            let machine = vm::find(session, &vm).await?;
            let network = network::find(session, &network).await?;
            let accepted = session.client.add_interface(machine, network).await?;
            patience.end(session, accepted).await
        }
        NicCommand::Primary { vm, nic } => {
            let machine = vm::find(session, &vm).await?;
            let nic = find(session, machine, Some(&nic)).await?;
            let row = session.client.set_primary_interface(machine, nic).await?;
            if session.screen.is_json() {
                session.screen.json(&row)?;
            } else {
                let text = format!("{} is the primary interface now", row.network_name);
                session.screen.result(text);
            }
            Ok(Ending::Done)
        }
        NicCommand::Remove { vm, nic, patience } => {
            let machine = vm::find(session, &vm).await?;
            let nic = find(session, machine, Some(&nic)).await?;
            let accepted = session.client.remove_interface(machine, nic).await?;
            patience.end(session, accepted).await
        }
    }
}

/// The interface that a word means; no word, the primary one.
pub(crate) async fn find(
    session: &Session,
    machine: ResourceId,
    word: Option<&str>,
) -> anyhow::Result<NicId> {
    if let Some(id) = word.and_then(|word| word.parse().ok()) {
        return Ok(id);
    }
    let rows = session.client.interfaces(machine).await?;
    let by_place = rows.iter().find(|row| match word {
        None => row.is_primary == 1,
        Some(word) => row.network_interface.to_string() == word,
    });
    if let Some(row) = by_place {
        return Ok(row.id);
    }
    let rows = rows.into_iter().map(|row| {
        let detail = format!("number {}", row.network_interface);
        (row.id, row.network_name, detail)
    });
    id_of(
        "interface",
        word.unwrap_or("primary"),
        rows.collect(),
        MAKE_ONE,
    )
}

async fn list(session: &Session, vm: &str) -> anyhow::Result<Ending> {
    let machine = vm::find(session, vm).await?;
    let rows = session.client.interfaces(machine).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        screen.say(format!("{vm} has no interface. {MAKE_ONE}"));
    } else if screen.quiet {
        rows.iter().for_each(|row| screen.result(row.id));
    } else {
        screen.result(listed(&rows, screen.is_wide()));
    }
    Ok(Ending::Done)
}

fn listed(rows: &[InterfaceRow], is_wide: bool) -> String {
    let mut header = vec!["NIC", "NETWORK", "PRIVATE IP", "PUBLIC IP", "PRIMARY"];
    if is_wide {
        header.extend(["MAC", "GATEWAY", "ID"]);
    }
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let rows = rows.iter().map(|row| {
        let primary = if row.is_primary == 1 { "yes" } else { "-" };
        let mut cells = vec![
            row.network_interface.to_string(),
            row.network_name.clone(),
            or_dash(&row.private_ip),
            or_dash(&row.public_ip),
            primary.to_owned(),
        ];
        if is_wide {
            cells.push(row.mac_address.clone());
            cells.push(or_dash(&row.gateway_ip));
            cells.push(row.id.to_string());
        }
        cells
    });
    table(&header, rows.collect())
}
