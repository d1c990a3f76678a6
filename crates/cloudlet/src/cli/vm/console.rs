//! `cloudlet vm console`: what a machine wrote on its serial console.

use crate::cli::{ending::Ending, session::Session, words};
use api::{ResourceId, console::Console};
use clap::Args;
use std::{
    io::{self, Write as _},
    time::Duration,
};

/// How often a console that is followed is asked after.
const ASK_INTERVAL: Duration = Duration::from_millis(500);

#[derive(Args, Debug)]
pub(crate) struct ConsoleArgs {
    /// Name or id
    #[arg(value_name = "VM")]
    vm: String,
    /// How many of its last lines
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tail: u32,
    /// Go on with what it writes from then on, until Ctrl-C
    #[arg(long, short)]
    follow: bool,
}

pub(crate) async fn run(session: &Session, args: ConsoleArgs) -> anyhow::Result<Ending> {
    let id = super::find(session, &args.vm).await?;
    let console = session.client.console_tail(id, args.tail).await?;
    if session.screen.is_json() {
        session.screen.json(&console)?;
        return Ok(Ending::Done);
    }
    print(&console)?;
    if args.follow {
        return follow(session, id, console).await;
    }
    if !console.text.is_empty() && !console.text.ends_with('\n') {
        io::stdout().write_all(b"\n")?;
    }
    Ok(Ending::Done)
}

/// Until Ctrl-C.
async fn follow(session: &Session, id: ResourceId, mut console: Console) -> anyhow::Result<Ending> {
    loop {
        tokio::time::sleep(ASK_INTERVAL).await;
        console = session.client.console_after(id, &console.cursor).await?;
        print(&console)?;
    }
}

fn print(console: &Console) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(words::plain(&console.text).as_bytes())?;
    out.flush()
}
