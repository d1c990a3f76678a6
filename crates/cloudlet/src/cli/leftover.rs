//! `cloudlet admin leftover`: what jobs could neither finish nor put back, by hand.

use crate::cli::{ending::Ending, names::id_of, session::Session, table::table};
use api::{ResourceId, admin::Leftover};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum LeftoverCommand {
    /// List what is left over, oldest first.
    #[command(before_help = "\
Examples:
  cloudlet admin leftover list
  cloudlet admin leftover list --output json")]
    List,
    /// Have the host try again what was left over.
    #[command(before_help = "\
Examples:
  cloudlet admin leftover retry web-1
  cloudlet admin leftover retry 01930000-0000-7000-8000-000000000001")]
    Retry(Which),
    /// Say that it was seen to by hand: what it holds is given back.
    #[command(before_help = "\
Examples:
  cloudlet admin leftover settle web-1
  cloudlet admin leftover settle 01930000-0000-7000-8000-000000000001")]
    Settle(Which),
}

#[derive(Args, Debug)]
pub(crate) struct Which {
    /// Name or id of what is left over
    #[arg(value_name = "LEFTOVER")]
    leftover: String,
}

pub(crate) async fn run(session: &Session, command: LeftoverCommand) -> anyhow::Result<Ending> {
    match command {
        LeftoverCommand::List => list(session).await,
        LeftoverCommand::Retry(which) => {
            let id = find(session, &which.leftover).await?;
            let leftover = session.client.retry_leftover(id).await?;
            let text = "is tried again; see how it ends with: cloudlet admin leftover list";
            show(session, &leftover, text)
        }
        LeftoverCommand::Settle(which) => {
            let id = find(session, &which.leftover).await?;
            let leftover = session.client.settle_leftover(id).await?;
            show(session, &leftover, "is settled")
        }
    }
}

async fn find(session: &Session, word: &str) -> anyhow::Result<ResourceId> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.leftovers().await?.into_iter();
    let rows = rows.map(|row| (row.id, row.name, row.what));
    id_of("leftover", word, rows.collect(), "Nothing is left over.")
}

fn show(session: &Session, leftover: &Leftover, what: &str) -> anyhow::Result<Ending> {
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(leftover)?;
    } else if screen.quiet {
        screen.result(leftover.id);
    } else {
        screen.result(format!("{} {what}", leftover.name));
    }
    Ok(Ending::Done)
}

async fn list(session: &Session) -> anyhow::Result<Ending> {
    let rows = session.client.leftovers().await?;
    let screen = &session.screen;
    if screen.is_json() {
        screen.json(&rows)?;
    } else if rows.is_empty() {
        screen.say("Nothing is left over.");
    } else if screen.quiet {
        rows.iter().for_each(|row| screen.result(row.id));
    } else {
        let cells = rows.iter().map(|row| {
            vec![
                row.name.clone(),
                row.kind.clone(),
                screen.when(row.since),
                row.what.clone(),
                row.id.to_string(),
            ]
        });
        let header = ["NAME", "KIND", "SINCE", "WHAT", "ID"];
        screen.result(table(&header, cells.collect()));
    }
    Ok(Ending::Done)
}
