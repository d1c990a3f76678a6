//! `cloudlet admin host`: what is given out of each host, and to whom.

use crate::cli::{ending::Ending, names::id_of, session::Session, table::table};
use api::{
    HostId,
    admin::{Host, Quota},
};
use clap::Subcommand;
use std::collections::BTreeMap;

#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// List the hosts with what is given out of each, and to whom.
    #[command(before_help = "\
Examples:
  cloudlet admin host list
  cloudlet admin host list --output json")]
    List,
    /// Place nothing new on a host; what is there goes on.
    #[command(before_help = "\
Examples:
  cloudlet admin host drain 6f1c0e5e-0000-4000-8000-000000000001 --output json
  cloudlet admin host drain 6f1c0e5e-0000-4000-8000-000000000001")]
    Drain {
        /// Its data centre's name, or its id
        #[arg(value_name = "HOST")]
        host: String,
    },
    /// Place new things on a host again.
    #[command(before_help = "\
Examples:
  cloudlet admin host undrain 6f1c0e5e-0000-4000-8000-000000000001 --output json
  cloudlet admin host undrain 6f1c0e5e-0000-4000-8000-000000000001")]
    Undrain {
        /// Its data centre's name, or its id
        #[arg(value_name = "HOST")]
        host: String,
    },
}

pub(crate) async fn run(session: &Session, command: HostCommand) -> anyhow::Result<Ending> {
    match command {
        HostCommand::List => list(session).await,
        HostCommand::Drain { host } => {
            let id = find(session, &host).await?;
            show(session, &session.client.drain_host(id).await?)
        }
        HostCommand::Undrain { host } => {
            let id = find(session, &host).await?;
            show(session, &session.client.undrain_host(id).await?)
        }
    }
}

async fn find(session: &Session, word: &str) -> anyhow::Result<HostId> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let hosts = session.client.hosts().await?.into_iter();
    let rows = hosts.map(|host| (host.id, host.datacenter_name, String::new()));
    id_of("host", word, rows.collect(), "The catalogue names hosts.")
}

fn show(session: &Session, host: &Host) -> anyhow::Result<Ending> {
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(host)?;
    } else {
        screen.result(format!("{} is {} now", host.datacenter_name, state(host)));
    }
    Ok(Ending::Done)
}

fn state(host: &Host) -> &'static str {
    if host.drained {
        "drained"
    } else {
        "taking what is new"
    }
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let hosts = session.client.hosts().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&hosts)?;
        return Ok(Ending::Done);
    }
    let tenants = session.client.tenants().await?.into_iter();
    let names: BTreeMap<_, _> = tenants.map(|tenant| (tenant.id, tenant.name)).collect();
    let header = [
        "HOST",
        "WHOSE",
        "VCPUS",
        "MEMORY GB",
        "DISK GB",
        "PUBLIC IPS",
        "GPUS",
    ];
    let mut rows = Vec::new();
    for host in &hosts {
        let room = &host.room;
        let of = |quota: &Quota| match quota.limit {
            Some(limit) => format!("{} of {limit}", quota.used),
            None => quota.used.to_string(),
        };
        let drained = if host.drained { " (drained)" } else { "" };
        rows.push(vec![
            format!("{}{drained}", host.datacenter_name),
            "all".to_owned(),
            of(&room.vcpus),
            of(&room.memory_gb),
            of(&room.disk_gb),
            of(&room.public_ips),
            of(&room.gpus),
        ]);
        for share in &host.tenants {
            let whose = names.get(&share.tenant_id).cloned();
            rows.push(vec![
                String::new(),
                whose.unwrap_or_else(|| share.tenant_id.to_string()),
                share.vcpus.to_string(),
                share.memory_gb.to_string(),
                share.disk_gb.to_string(),
                share.public_ips.to_string(),
                share.gpus.to_string(),
            ]);
        }
    }
    screen.result(table(&header, rows));
    Ok(Ending::Done)
}
