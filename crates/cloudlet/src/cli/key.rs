//! `cloudlet admin key`: a tenant's API keys.

use crate::{
    cli::{
        admin::find,
        ending::Ending,
        names::{Candidate, pick},
        session::Session,
        table::table,
    },
    values::whole,
};
use api::{
    KeyId,
    admin::{KeyCreate, KeyCreated, KeyRow, Scope, Tenant},
};
use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; it is shown this once.
    #[command(before_help = "\
Examples:
  cloudlet admin key create acme ci
  cloudlet admin key create acme dashboard --scope read --expires-in-days 90")]
    Create(CreateArgs),
    /// List a tenant's keys, without their secrets.
    #[command(before_help = "\
Examples:
  cloudlet admin key list acme
  cloudlet admin key list default --output json")]
    List {
        /// The tenant's name or id
        #[arg(value_name = "TENANT")]
        tenant: String,
    },
    /// Give a key a new secret, shown this once; the old one opens nothing any more.
    #[command(before_help = "\
Examples:
  cloudlet admin key rotate acme ci
  cloudlet admin key rotate acme ci --output json")]
    Rotate(Which),
    /// Refuse a key until it is resumed.
    #[command(before_help = "\
Examples:
  cloudlet admin key suspend acme ci
  cloudlet admin key suspend acme ci --quiet")]
    Suspend(Which),
    /// Take a suspended key again.
    #[command(before_help = "\
Examples:
  cloudlet admin key resume acme ci
  cloudlet admin key resume acme ci --quiet")]
    Resume(Which),
    /// Take a key away, at once and for ever.
    #[command(before_help = "\
Examples:
  cloudlet admin key revoke acme ci
  cloudlet admin key revoke acme ci --quiet")]
    Revoke(Which),
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// The tenant's name or id
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// What the key is for
    #[arg(value_name = "NAME")]
    name: String,
    /// What it may do; more than once for more [default: read and write]
    #[arg(long, value_name = "SCOPE", value_enum)]
    scope: Vec<ScopeWord>,
    /// 7, 30, 60, 90, 180 or 365 [default: it does not expire]
    #[arg(long, value_name = "N", value_parser = whole::<u16>)]
    expires_in_days: Option<u16>,
    /// Requests in a window, 1 to 1000000 [default: the server's]
    #[arg(long, value_name = "N", value_parser = whole::<u32>)]
    rate_limit: Option<u32>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum ScopeWord {
    /// Requests that change nothing
    Read,
    /// Requests that change something
    Write,
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// The tenant's name or id
    #[arg(value_name = "TENANT")]
    tenant: String,
    /// The key's name or id
    #[arg(value_name = "KEY")]
    key: String,
}

pub(crate) async fn run(session: &Session, command: KeyCommand) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    match command {
        KeyCommand::Create(args) => {
            let tenant = find(session, &args.tenant).await?.id;
            secret(session, &client.create_key(tenant, &wish(args)).await?)?;
        }
        KeyCommand::List { tenant } => list(session, &find(session, &tenant).await?).await?,
        KeyCommand::Rotate(which) => {
            let (tenant, key) = find_key(session, &which).await?;
            secret(session, &client.rotate_key(tenant.id, key).await?)?;
        }
        KeyCommand::Suspend(which) => {
            let (tenant, key) = find_key(session, &which).await?;
            stands(session, &client.suspend_key(tenant.id, key).await?)?;
        }
        KeyCommand::Resume(which) => {
            let (tenant, key) = find_key(session, &which).await?;
            stands(session, &client.resume_key(tenant.id, key).await?)?;
        }
        KeyCommand::Revoke(which) => {
            let (tenant, key) = find_key(session, &which).await?;
            client.revoke_key(tenant.id, key).await?;
            screen.hint(format!("Revoked the key {key} of {}", tenant.name));
        }
    }
    Ok(Ending::Done)
}

fn wish(args: CreateArgs) -> KeyCreate {
    let scopes = args.scope.iter().map(|word| match word {
        ScopeWord::Read => Scope::Read,
        ScopeWord::Write => Scope::Write,
    });
    let scopes: Vec<_> = scopes.collect();
    KeyCreate {
        name: args.name,
        scopes: (!scopes.is_empty()).then_some(scopes),
        expires_in_days: args.expires_in_days.map(i64::from),
        rate_limit_max: args.rate_limit.map(i64::from),
    }
}

/// The key that a name or an id means, with its tenant.
async fn find_key(session: &Session, which: &Which) -> anyhow::Result<(Tenant, KeyId)> {
    let tenant = find(session, &which.tenant).await?;
    let keys = session.client.keys(tenant.id).await?;
    let candidates: Vec<_> = keys
        .iter()
        .map(|key| Candidate {
            id: key.id.to_string(),
            name: key.name.clone(),
            detail: format!("{}…  {}", key.start, session.screen.when(key.created_at)),
        })
        .collect();
    let more = format!(
        "Make one with: cloudlet admin key create {} NAME",
        tenant.name
    );
    let place = pick("key", &which.key, &candidates, &more)?;
    Ok((tenant, keys[place].id))
}

fn secret(session: &Session, created: &KeyCreated) -> anyhow::Result<()> {
    let screen = &session.screen;
    if screen.is_json() {
        return screen.json(created);
    }
    screen.result(&created.key);
    screen.hint("Shown this once. Use it with: export CLOUDLET_API_KEY=…");
    Ok(())
}

fn stands(session: &Session, key: &KeyRow) -> anyhow::Result<()> {
    let screen = &session.screen;
    if screen.is_json() {
        return screen.json(key);
    }
    screen.hint(format!("The key {} is {} now", key.name, state(key)));
    Ok(())
}

async fn list(session: &Session, tenant: &Tenant) -> anyhow::Result<()> {
    let Session { client, screen, .. } = session;
    let keys = client.keys(tenant.id).await?;
    if screen.is_json() {
        return screen.json(&keys);
    }
    if keys.is_empty() {
        screen.say(format!(
            "{0} has no key yet. Make one with: cloudlet admin key create {0} NAME",
            tenant.name
        ));
        return Ok(());
    }
    let never = |moment: Option<_>| moment.map_or_else(|| "never".into(), |it| screen.when(it));
    let rows = keys.iter().map(|key| {
        let scopes: Vec<_> = key.scopes.iter().map(|scope| scope.as_str()).collect();
        vec![
            key.name.clone(),
            format!("{}…", key.start),
            state(key).to_owned(),
            scopes.join(", "),
            never(key.last_used_at),
            never(key.expires_at),
            key.id.to_string(),
        ]
    });
    let header = [
        "NAME",
        "KEY",
        "STATE",
        "SCOPES",
        "LAST USED",
        "EXPIRES",
        "ID",
    ];
    screen.result(table(&header, rows.collect()));
    Ok(())
}

fn state(key: &KeyRow) -> &'static str {
    if key.suspended { "suspended" } else { "active" }
}
