//! `cloudlet admin`: the operator's side.

use crate::{
    cli::{
        ending::Ending,
        fault::{self, FaultCommand},
        host::{self, HostCommand},
        image::{self, ImageCommand},
        key::{self, KeyCommand},
        leftover::{self, LeftoverCommand},
        names::{Candidate, pick},
        quota::{self, QuotaCommand},
        session::Session,
        table::{pairs, table},
    },
    values::whole,
};
use api::admin::{ClockMode, Difference, Tenant};
use clap::Subcommand;

const MAKE_ONE: &str = "Make one with: cloudlet admin tenant create NAME";

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Tenants: whoever owns machines, jobs and keys.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant create acme
  cloudlet admin tenant list")]
    Tenant {
        #[command(subcommand)]
        command: TenantCommand,
    },
    /// A tenant's API keys.
    #[command(before_help = "\
Examples:
  cloudlet admin key create acme ci --scope read --expires-in-days 30
  cloudlet admin key list acme")]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// A tenant's quotas and what is used of them.
    #[command(before_help = "\
Examples:
  cloudlet admin quota set acme --virtual-machines 10 --vcpus unlimited
  cloudlet admin quota show acme")]
    Quota {
        #[command(subcommand)]
        command: QuotaCommand,
    },
    /// Hosts: what is given out of each and to whom; where nothing new is placed.
    #[command(before_help = "\
Examples:
  cloudlet admin host list
  cloudlet admin host drain 6f1c0e5e-0000-4000-8000-000000000001")]
    Host {
        #[command(subcommand)]
        command: HostCommand,
    },
    /// Images: what machines of the driver qemu are made from.
    #[command(before_help = "\
Examples:
  cloudlet admin image list
  cloudlet admin image import debian-12-nocloud-amd64.qcow2 --id 20 --name Debian-12")]
    Image {
        #[command(subcommand)]
        command: ImageCommand,
    },
    /// Leftovers: what jobs could neither finish nor put back.
    #[command(before_help = "\
Examples:
  cloudlet admin leftover list
  cloudlet admin leftover retry 01930000-0000-7000-8000-000000000001")]
    Leftover {
        #[command(subcommand)]
        command: LeftoverCommand,
    },
    /// Faults: make jobs and requests fail on purpose.
    #[command(before_help = "\
Examples:
  cloudlet admin fault create vm.create --kind fail --at-phase boot
  cloudlet admin fault list")]
    Fault {
        #[command(subcommand)]
        command: FaultCommand,
    },
    /// The server's clock; it can be moved under `serve --clock manual`.
    #[command(before_help = "\
Examples:
  cloudlet admin clock show
  cloudlet admin clock advance 120")]
    Clock {
        #[command(subcommand)]
        command: ClockCommand,
    },
    /// Compare the records with the world: exit 0 only if nothing differs or is unsettled.
    #[command(before_help = "\
Examples:
  cloudlet admin verify
  cloudlet admin verify --output json")]
    Verify,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TenantCommand {
    /// Make a tenant, without limits and without a key.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant create acme
  cloudlet admin tenant create acme --output json")]
    Create {
        /// Its name, unique
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// List the tenants.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant list
  cloudlet admin tenant list --output json")]
    List,
    /// Show a tenant with its quotas.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant show acme
  cloudlet admin tenant show default --output json")]
    Show {
        /// Name or id
        #[arg(value_name = "TENANT")]
        tenant: String,
    },
    /// Refuse all keys of a tenant until it is resumed; its jobs go on.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant suspend acme
  cloudlet admin tenant suspend acme --quiet")]
    Suspend {
        /// Name or id
        #[arg(value_name = "TENANT")]
        tenant: String,
    },
    /// Take a suspended tenant's keys again.
    #[command(before_help = "\
Examples:
  cloudlet admin tenant resume acme
  cloudlet admin tenant resume acme --quiet")]
    Resume {
        /// Name or id
        #[arg(value_name = "TENANT")]
        tenant: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClockCommand {
    /// Show the server's time and which clock it runs on.
    #[command(before_help = "\
Examples:
  cloudlet admin clock show
  cloudlet admin clock show --output json")]
    Show,
    /// Move the manual clock forward; returns when all that became due has run.
    #[command(before_help = "\
Examples:
  cloudlet admin clock advance 120
  cloudlet admin clock advance 86400")]
    Advance {
        /// Seconds
        #[arg(value_name = "SECONDS", value_parser = whole::<u64>)]
        seconds: u64,
    },
}

pub(crate) async fn run(session: &Session, command: AdminCommand) -> anyhow::Result<Ending> {
    match command {
        AdminCommand::Tenant { command } => tenant(session, command).await,
        AdminCommand::Key { command } => key::run(session, command).await,
        AdminCommand::Quota { command } => quota::run(session, command).await,
        AdminCommand::Host { command } => host::run(session, command).await,
        AdminCommand::Image { command } => image::run(session, command).await,
        AdminCommand::Leftover { command } => leftover::run(session, command).await,
        AdminCommand::Fault { command } => fault::run(session, command).await,
        AdminCommand::Clock { command } => clock(session, command).await,
        AdminCommand::Verify => verify(session).await,
    }
}

/// The tenant that a name or an id means.
pub(crate) async fn find(session: &Session, word: &str) -> anyhow::Result<Tenant> {
    if let Ok(id) = word.parse() {
        return Ok(session.client.tenant(id).await?);
    }
    let mut rows = session.client.tenants().await?;
    let candidates: Vec<Candidate> = rows
        .iter()
        .map(|row| Candidate {
            id: row.id.to_string(),
            name: row.name.clone(),
            detail: session.screen.when(row.created_at),
        })
        .collect();
    let place = pick("tenant", word, &candidates, MAKE_ONE)?;
    Ok(rows.swap_remove(place))
}

async fn tenant(session: &Session, command: TenantCommand) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    match command {
        TenantCommand::Create { name } => {
            let tenant = client.create_tenant(&name).await?;
            if screen.is_json() {
                screen.json(&tenant)?;
            } else if screen.quiet {
                screen.result(tenant.id);
            } else {
                screen.result(format!("Created {} ({})", tenant.name, tenant.id));
                screen.hint(format!(
                    "Next: cloudlet admin key create {} NAME",
                    tenant.name
                ));
            }
        }
        TenantCommand::List => {
            let rows = client.tenants().await?;
            if screen.is_json() {
                screen.json(&rows)?;
            } else if rows.is_empty() {
                screen.say(format!("There is no tenant yet. {MAKE_ONE}"));
            } else {
                screen.result(listed(session, &rows));
            }
        }
        TenantCommand::Show { tenant } => {
            let tenant = find(session, &tenant).await?;
            if screen.is_json() {
                screen.json(&tenant)?;
            } else {
                let about = pairs(vec![
                    ("name", tenant.name.clone()),
                    ("id", tenant.id.to_string()),
                    ("state", state(&tenant).to_owned()),
                    ("created", screen.when(tenant.created_at)),
                ]);
                screen.result(format!("{about}\n\n{}", quota::shown(&tenant.quotas)));
            }
        }
        TenantCommand::Suspend { tenant } => {
            let id = find(session, &tenant).await?.id;
            stands(session, &client.suspend_tenant(id).await?)?;
        }
        TenantCommand::Resume { tenant } => {
            let id = find(session, &tenant).await?.id;
            stands(session, &client.resume_tenant(id).await?)?;
        }
    }
    Ok(Ending::Done)
}

/// Says how a tenant stands now.
fn stands(session: &Session, tenant: &Tenant) -> anyhow::Result<()> {
    let screen = &session.screen;
    if screen.is_json() {
        return screen.json(tenant);
    }
    screen.hint(format!("{} is {} now", tenant.name, state(tenant)));
    Ok(())
}

fn listed(session: &Session, rows: &[Tenant]) -> String {
    let rows = rows.iter().map(|tenant| {
        vec![
            tenant.name.clone(),
            state(tenant).to_owned(),
            quota::brief(tenant.quotas.virtual_machines),
            quota::brief(tenant.quotas.vcpus),
            quota::brief(tenant.quotas.memory_gb),
            session.screen.when(tenant.created_at),
            tenant.id.to_string(),
        ]
    });
    let header = [
        "NAME",
        "STATE",
        "MACHINES",
        "VCPUS",
        "MEMORY GB",
        "CREATED",
        "ID",
    ];
    table(&header, rows.collect())
}

fn state(tenant: &Tenant) -> &'static str {
    if tenant.suspended {
        "suspended"
    } else {
        "active"
    }
}

async fn clock(session: &Session, command: ClockCommand) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    let clock = match command {
        ClockCommand::Show => client.clock().await?,
        ClockCommand::Advance { seconds } => client.advance_clock(seconds).await?,
    };
    if screen.is_json() {
        screen.json(&clock)?;
    } else {
        let mode = match clock.mode {
            ClockMode::Real => "real",
            ClockMode::Manual => "manual",
        };
        screen.result(format!("{}  {mode}", clock.now));
    }
    Ok(Ending::Done)
}

async fn verify(session: &Session) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    let found = client.verify().await?;
    if screen.is_json() {
        screen.json(&found)?;
    } else {
        let rows = |kind: &str, list: &[Difference]| {
            let row =
                |d: &Difference| vec![kind.into(), d.kind.clone(), d.id.clone(), d.what.clone()];
            list.iter().map(row).collect::<Vec<_>>()
        };
        let mut all = rows("differs", &found.differences);
        all.extend(rows("pending", &found.pending));
        if !all.is_empty() {
            screen.result(table(&["", "KIND", "ID", "WHAT"], all));
        }
    }
    if found.differences.is_empty() && found.pending.is_empty() {
        screen.hint("Records and world agree, and nothing is unsettled.");
        return Ok(Ending::Done);
    }
    let (differences, pending) = (found.differences.len(), found.pending.len());
    screen.complain(format!(
        "{differences} differ, {pending} under way or left over."
    ));
    Ok(Ending::Error)
}
