//! `cloudlet ip`: public addresses of a machine.

use crate::cli::{
    STATUSES, ending::Ending, nic, session::Session, table::table, vm, wait::ShortPatience,
};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum IpCommand {
    /// List the machines that have a public address.
    #[command(before_help = "\
Examples:
  cloudlet ip list
  cloudlet ip list --output json")]
    List,
    /// Give a machine's interface a public address.
    #[command(before_help = "\
Examples:
  cloudlet ip allocate web-1
  cloudlet ip allocate web-1 1 --no-wait", after_help = STATUSES)]
    Allocate(Which),
    /// Take the public address of a machine's interface away; open flows are cut.
    #[command(before_help = "\
Examples:
  cloudlet ip release web-1
  cloudlet ip release web-1 1 --no-wait", after_help = STATUSES)]
    Release(Which),
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// The machine's name or id
    #[arg(value_name = "VM")]
    vm: String,
    /// The interface: its number, its network's name, or its id [default: the primary one]
    #[arg(value_name = "NIC")]
    nic: Option<String>,
    #[command(flatten)]
    patience: ShortPatience,
}

pub(crate) async fn run(session: &Session, command: IpCommand) -> anyhow::Result<Ending> {
    let client = &session.client;
    match command {
        IpCommand::List => list(session).await,
        IpCommand::Allocate(Which { vm, nic, patience }) => {
            let machine = vm::find(session, &vm).await?;
            let nic = nic::find(session, machine, nic.as_deref()).await?;
            patience
                .end(session, client.allocate_public_ip(machine, nic).await?)
                .await
        }
        IpCommand::Release(Which { vm, nic, patience }) => {
            let machine = vm::find(session, &vm).await?;
            let nic = nic::find(session, machine, nic.as_deref()).await?;
            patience
                .end(session, client.release_public_ip(machine, nic).await?)
                .await
        }
    }
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let mut rows = session.client.all_machines().await?;
    rows.retain(|row| row.primary_public_ip.is_some());
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        let text = "No machine has a public address. Give one with: cloudlet ip allocate VM";
        screen.say(text);
    } else {
        let rows = rows.into_iter().map(|row| {
            let address = row.primary_public_ip.unwrap_or_default();
            vec![address, row.name, row.id.to_string()]
        });
        screen.result(table(&["PUBLIC IP", "MACHINE", "ID"], rows.collect()));
    }
    Ok(Ending::Done)
}
