//! `cloudlet vm create`: names of the catalogue made into ids, one request, one wait.

use crate::cli::{
    carried::{Carried, PasswordArgs},
    catalogue::{data_center, image, size},
    ending::Ending,
    network,
    session::Session,
    wait::Patience,
};
use api::{
    ResourceId,
    machine::{InterfaceCreate, MachineCreate},
};
use clap::Args;
use client::{Accepted, Error};
use std::time::Duration;
use tokio::time::timeout;

/// How long is waited for what is to be known of a new machine.
const NOTICES_LIMIT: Duration = Duration::from_secs(2);

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
    /// Network to be on, by name or id; again for more, the first is the primary one [default: the
    /// data centre's default network]
    #[arg(long, value_name = "NETWORK")]
    network: Vec<String>,
    /// Give the primary interface a public address
    #[arg(long)]
    public_ip: bool,
    /// While waiting, show what it writes on its console below the bar; real machines have one
    #[arg(long, conflicts_with_all = ["count", "no_wait"])]
    console: bool,
    #[command(flatten)]
    carried: Carried,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    patience: Patience,
}

pub(crate) async fn run(session: &Session, args: CreateArgs) -> anyhow::Result<Ending> {
    let place = data_center(session, args.data_center.as_deref()).await?;
    let image_id = image(session, place, &args.image).await?;
    let carried = args.carried.read(session).await?;
    let (auth_method, password) = args.password.read()?;
    let carries = carried.hands_over() || password.is_some();
    let wish = MachineCreate {
        name: args.name,
        datacenter_id: place.to_string(),
        image_id,
        configuration_id: size(session, place, image_id, &args.size).await?,
        number_of_instances: args.count,
        allocate_public_ip: args.public_ip.then_some(true),
        network_interfaces: interfaces(session, &args.network).await?,
        team_id: carried.team_id,
        auth_method,
        ssh_key_id: carried.ssh_key_id,
        ssh_public_keys: carried.ssh_public_keys,
        username: carried.username,
        user_data: carried.user_data,
        password,
    };
    let accepted = submit(session, &wish).await?;
    let first = accepted.jobs.first().map(|job| job.target_id);
    let console = first.filter(|_| args.console);
    let ending = args
        .patience
        .end_showing(session, accepted, console)
        .await?;
    if let Some(first) = first.filter(|_| carries && ending == Ending::Done) {
        tell_notices(session, first).await;
    }
    Ok(ending)
}

/// What is to be known of the machines that are made, e.g. that their host hands no keys to them.
async fn tell_notices(session: &Session, machine: ResourceId) {
    // What is not answered soon is not waited for: the machine is there all the same.
    let asked = timeout(NOTICES_LIMIT, session.client.machine(machine)).await;
    if let Ok(Ok(machine)) = asked {
        for notice in machine.notices {
            session.screen.hint(format!("note: {notice}"));
        }
    }
}

async fn interfaces(
    session: &Session,
    words: &[String],
) -> anyhow::Result<Option<Vec<InterfaceCreate>>> {
    let mut interfaces = Vec::new();
    for word in words {
        interfaces.push(InterfaceCreate {
            network_id: network::find(session, word).await?.to_string(),
            primary: Some(interfaces.is_empty()),
        });
    }
    Ok((!interfaces.is_empty()).then_some(interfaces))
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
