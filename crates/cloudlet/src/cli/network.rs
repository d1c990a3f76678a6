//! `cloudlet network`: what machines are on.

use crate::cli::{
    STATUSES, catalogue, delete,
    ending::Ending,
    names::id_of,
    screen::Screen,
    session::Session,
    table::{pairs, squeeze, table},
    wait::ShortPatience,
};
use api::{
    ResourceId,
    network::{
        DnsServers, NetworkCreate, NetworkDetail, NetworkMachine, NetworkType, NetworkUpdate,
    },
};
use clap::{Args, Subcommand};
use client::Client;

const MAKE_ONE: &str = "Make one with: cloudlet network create NAME --cidr 10.20.0.0/24";

#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Create a network.
    #[command(before_help = "\
Examples:
  cloudlet network create lan --cidr 10.20.0.0/24
  cloudlet network create wire --custom", after_help = STATUSES)]
    Create(CreateArgs),
    /// List the networks.
    #[command(before_help = "\
Examples:
  cloudlet network list
  cloudlet network list --output json")]
    List,
    /// Show a network and the machines on it.
    #[command(before_help = "\
Examples:
  cloudlet network show lan
  cloudlet network show lan --output json")]
    Show {
        /// Name or id
        #[arg(value_name = "NETWORK")]
        network: String,
    },
    /// Change a network; what is not named stays.
    #[command(before_help = "\
Examples:
  cloudlet network update lan --name office
  cloudlet network update lan --dns 9.9.9.9 --snat false")]
    Update {
        /// Name or id
        #[arg(value_name = "NETWORK")]
        network: String,
        /// Its new name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Delete networks that no machine is on.
    #[command(before_help = "\
Examples:
  cloudlet network delete lan
  cloudlet network delete lan wan --no-wait", after_help = STATUSES)]
    Delete {
        /// Name or id; several are deleted at once
        #[arg(value_name = "NETWORK", required = true)]
        networks: Vec<String>,
        #[command(flatten)]
        patience: ShortPatience,
    },
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// The network's name; no other network of yours has it
    #[arg(value_name = "NAME")]
    name: String,
    /// Plain layer 2: no addresses, no gateway
    #[arg(long, conflicts_with_all = ["cidr", "gateway", "first", "last", "dns", "snat"])]
    custom: bool,
    #[command(flatten)]
    settings: Settings,
    /// Data centre, by id or name [default: the first]
    #[arg(long, value_name = "X")]
    data_center: Option<String>,
    #[command(flatten)]
    patience: ShortPatience,
}

#[derive(Args, Debug)]
pub(crate) struct Settings {
    /// For people
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Network address and mask
    #[arg(long, value_name = "BLOCK")]
    cidr: Option<String>,
    /// The gateway [default: the block's first host]
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// The first address for machines [default: the block's]
    #[arg(long, value_name = "ADDRESS")]
    first: Option<String>,
    /// The last address for machines [default: the block's]
    #[arg(long, value_name = "ADDRESS")]
    last: Option<String>,
    /// Servers of names, with commas between
    #[arg(long, value_name = "ADDRESSES")]
    dns: Option<String>,
    /// Whether machines reach the outside through the gateway
    #[arg(long, value_name = "true|false")]
    snat: Option<bool>,
}

pub(crate) async fn run(session: &Session, command: NetworkCommand) -> anyhow::Result<Ending> {
    match command {
        NetworkCommand::Create(args) => create(session, args).await,
        NetworkCommand::List => list(session).await,
        NetworkCommand::Show { network } => show(session, &network).await,
        NetworkCommand::Update {
            network,
            name,
            settings,
        } => update(session, &network, change(name, settings)).await,
        NetworkCommand::Delete { networks, patience } => {
            let delete = |client: Client, id| async move { client.delete_network(id).await };
            delete::run(session, &networks, find, delete, patience.into()).await
        }
    }
}

/// The network that a name or an id means.
pub(crate) async fn find(session: &Session, word: &str) -> anyhow::Result<ResourceId> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.networks().await?.into_iter();
    let rows = rows.map(|row| (row.id, row.name, row.cidr_block));
    id_of("network", word, rows.collect(), MAKE_ONE)
}

fn change(name: Option<String>, settings: Settings) -> NetworkUpdate {
    NetworkUpdate {
        name,
        network_type: None,
        description: settings.description,
        cidr_block: settings.cidr,
        snat_enabled: settings.snat,
        dhcp_server_enabled: None,
        default_route_enabled: None,
        serve_dns_servers_enabled: None,
        dhcp_start_address: settings.first,
        dhcp_end_address: settings.last,
        default_route: settings.gateway,
        dns_servers: settings.dns.map(DnsServers::Text),
    }
}

async fn create(session: &Session, args: CreateArgs) -> anyhow::Result<Ending> {
    let place = catalogue::data_center(session, args.data_center.as_deref()).await?;
    let network_type = match args.custom {
        true => NetworkType::Custom,
        false => NetworkType::Standard,
    };
    let settings = change(None, args.settings);
    let wish = NetworkCreate {
        name: args.name,
        datacenter_id: place.to_string(),
        network_type,
        description: settings.description,
        cidr_block: settings.cidr_block,
        snat_enabled: settings.snat_enabled,
        dhcp_server_enabled: None,
        default_route_enabled: None,
        serve_dns_servers_enabled: None,
        dhcp_start_address: settings.dhcp_start_address,
        dhcp_end_address: settings.dhcp_end_address,
        default_route: settings.default_route,
        dns_servers: settings.dns_servers,
    };
    let accepted = session.client.create_network(&wish).await?;
    args.patience.end(session, accepted).await
}

async fn update(session: &Session, word: &str, change: NetworkUpdate) -> anyhow::Result<Ending> {
    let id = find(session, word).await?;
    let network = session.client.update_network(id, &change).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&network)?;
    } else if screen.quiet {
        screen.result(network.id);
    } else {
        screen.result(format!("Changed {} ({})", network.name, network.id));
    }
    Ok(Ending::Done)
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let rows = session.client.networks().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        screen.say(format!("There is no network yet. {MAKE_ONE}"));
    } else if screen.quiet {
        rows.iter().for_each(|row| screen.result(row.id));
    } else {
        screen.result(listed(screen, &rows));
    }
    Ok(Ending::Done)
}

fn listed(screen: &Screen, rows: &[NetworkDetail]) -> String {
    let mut header = vec!["NAME", "TYPE", "BLOCK", "MACHINES", "DATA CENTRE"];
    if screen.is_wide() {
        header.extend(["GATEWAY", "SNAT", "CREATED", "ID"]);
    }
    let rows = rows.iter().map(|row| {
        let mut cells = vec![
            row.name.clone(),
            row.network_type.as_str().to_owned(),
            or_dash(&row.cidr_block),
            row.connected_vms.clone(),
            row.datacenter.name.clone(),
        ];
        if screen.is_wide() {
            cells.push(or_dash(&row.gateway_ip));
            cells.push(row.snat.clone());
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
    let id = find(session, word).await?;
    let network = session.client.network(id).await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&network)?;
        return Ok(Ending::Done);
    }
    let machines = session.client.network_machines(id).await?;
    screen.result(described(screen, &network));
    if !machines.is_empty() {
        screen.result("");
        screen.result(on_it(&machines));
    }
    Ok(Ending::Done)
}

fn described(screen: &Screen, network: &NetworkDetail) -> String {
    let pools = network.allocation_pools.iter();
    let pools: Vec<_> = pools
        .map(|pool| format!("{} to {}", pool.start, pool.end))
        .collect();
    pairs(vec![
        ("name", network.name.clone()),
        ("id", network.id.to_string()),
        ("description", network.description.clone()),
        ("type", network.network_type.as_str().to_owned()),
        ("block", network.cidr_block.clone()),
        ("gateway", network.gateway_ip.clone()),
        ("for machines", pools.join(", ")),
        ("servers of names", network.dns_nameservers.clone()),
        ("reach outside", network.snat.clone()),
        ("machines", network.connected_vms.clone()),
        ("data centre", network.datacenter.name.clone()),
        ("created", screen.when(network.created_at)),
        ("changed", screen.when(network.updated_at)),
    ])
}

fn on_it(machines: &[NetworkMachine]) -> String {
    let address = |address: &Option<String>| address.clone().unwrap_or_else(|| "-".to_owned());
    let rows = machines.iter().map(|machine| {
        vec![
            machine.name.clone(),
            address(&machine.private_ip),
            address(&machine.public_ip),
            machine.id.to_string(),
        ]
    });
    table(
        &["MACHINE", "PRIVATE IP", "PUBLIC IP", "ID"],
        rows.collect(),
    )
}

fn or_dash(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.to_owned()
    }
}
