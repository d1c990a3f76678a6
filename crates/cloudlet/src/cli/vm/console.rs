//! `cloudlet vm console`: what a machine wrote on its serial console.

use crate::cli::{ending::Ending, session::Session};
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
    out.write_all(plain(&console.text).as_bytes())?;
    out.flush()
}

/// Without what would move the cursor of whoever reads it, or have their terminal answer.
fn plain(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    let is_shown = |shown: &char| !shown.is_control() || matches!(shown, '\n' | '\t');
    text.chars().filter(is_shown).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_guest_moves_nobodys_cursor() {
        let text = "one\r\n\u{1b}[31mred\u{1b}[0m\t/ # \u{1b}[6n\u{7}";
        assert_eq!(plain(text), "one\nred\t/ # ");
    }
}
