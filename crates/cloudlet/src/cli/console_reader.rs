//! Reads what a machine writes on its console as it comes, made fit for a terminal.

use super::session::Session;
use api::ResourceId;
use client::Error;

/// How much of an escape that has not ended is waited for, in bytes: longer ones are none.
const ESCAPE_LIMIT: usize = 64;

/// Where the reading of one console stands.
pub(crate) struct ConsoleReader {
    machine: ResourceId,
    /// Lines to begin with.
    tail: u32,
    cursor: Option<String>,
    /// The beginning of an escape whose end is still to come.
    held: String,
}

impl ConsoleReader {
    /// From these last lines on.
    pub(crate) fn new(machine: ResourceId, tail: u32) -> Self {
        Self {
            machine,
            tail,
            cursor: None,
            held: String::new(),
        }
    }

    /// What has been written since the last time; empty if nothing has.
    pub(crate) async fn read(&mut self, session: &Session) -> Result<String, Error> {
        let client = &session.client;
        let console = match &self.cursor {
            None => client.console_tail(self.machine, self.tail).await?,
            Some(cursor) => client.console_after(self.machine, cursor).await?,
        };
        self.cursor = Some(console.cursor);
        Ok(self.take(&console.text))
    }

    fn take(&mut self, text: &str) -> String {
        let mut text = std::mem::take(&mut self.held) + text;
        if let Some(at) = begun_escape(&text) {
            self.held = text.split_off(at);
        }
        plain(&text)
    }
}

/// Where an escape begins that does not end in this text.
fn begun_escape(text: &str) -> Option<usize> {
    let at = text.rfind('\u{1b}')?;
    let rest = &text[at + 1..];
    let has_ended = match rest.as_bytes() {
        [] => false,
        // A control sequence ends with a letter or the like, one to the terminal itself with a bell.
        [b'[', rest @ ..] => rest.iter().any(|byte| (0x40..=0x7e).contains(byte)),
        [b']', rest @ ..] => rest.contains(&7),
        _ => true,
    };
    (!has_ended && rest.len() < ESCAPE_LIMIT).then_some(at)
}

/// A guest's text without what would move the cursor of whoever reads it, or have their terminal answer.
pub(crate) fn plain(text: &str) -> String {
    let text = console::strip_ansi_codes(text);
    let is_shown = |shown: &char| !shown.is_control() || matches!(shown, '\n' | '\t');
    text.chars().filter(is_shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_moves_nobodys_cursor() {
        let text = "one\r\n\u{1b}[31mred\u{1b}[0m\t/ # \u{1b}[6n\u{7}";
        assert_eq!(plain(text), "one\nred\t/ # ");
    }

    #[test]
    fn an_escape_that_comes_in_two_parts_is_none_of_the_text() {
        let text = "a\u{1b}[31mred\u{1b}]0;title\u{7}b\u{1b}[0m/ # ";
        for at in 0..=text.len() {
            let mut reader = ConsoleReader::new(ResourceId(uuid::Uuid::nil()), 1);
            let (one, other) = text.split_at(at);
            assert_eq!(reader.take(one) + &reader.take(other), "aredb/ # ", "{at}");
        }
        let mut reader = ConsoleReader::new(ResourceId(uuid::Uuid::nil()), 1);
        let endless = format!("a\u{1b}[{}", "1;".repeat(ESCAPE_LIMIT));
        assert!(reader.take(&endless).starts_with('a'));
        assert!(reader.held.is_empty(), "it is not waited for without end");
    }
}
