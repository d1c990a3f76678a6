//! `cloudlet vm console`: what a machine wrote on its serial console.

use crate::cli::{console_reader::ConsoleReader, ending::Ending, session::Session};
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
    if session.screen.is_json() {
        session
            .screen
            .json(&session.client.console_tail(id, args.tail).await?)?;
        return Ok(Ending::Done);
    }
    let mut reader = ConsoleReader::new(id, args.tail);
    let text = reader.read(session).await?;
    print(&text)?;
    if args.follow {
        return follow(session, reader).await;
    }
    if !text.is_empty() && !text.ends_with('\n') {
        print("\n")?;
    }
    Ok(Ending::Done)
}

/// Until Ctrl-C. What passes by itself is told once and waited for.
async fn follow(session: &Session, mut reader: ConsoleReader) -> anyhow::Result<Ending> {
    let (mut troubled, mut interval) = (false, ASK_INTERVAL);
    loop {
        tokio::time::sleep(interval).await;
        interval = ASK_INTERVAL;
        match reader.read(session).await {
            Ok(text) => {
                troubled = false;
                print(&text)?;
            }
            Err(error) if error.is_transient() => {
                interval = error.retry_after().unwrap_or(ASK_INTERVAL);
                if !std::mem::replace(&mut troubled, true) {
                    session.screen.say(format!("{error}; trying again"));
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    out.write_all(text.as_bytes())?;
    out.flush()
}
