//! Where words go: results to stdout, everything else to stderr, heeding pipes, `--quiet`,
//! `--output` and `NO_COLOR`. A closed pipe ends the writing silently, never with a panic.

use api::Timestamp;
use clap::ValueEnum;
use serde::Serialize;
use std::{
    fmt::Display,
    io::{self, IsTerminal, Write},
};

/// In what form results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // Plain comments: documented values would fill every help text.
    // The columns one looks for first.
    #[default]
    Table,
    // All columns.
    Wide,
    // What the API answered, for programs.
    Json,
}

/// How the progress of a wait is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProgressForm {
    /// Bars that move.
    Bars,
    /// A line when a phase changes.
    Lines,
    /// Not at all.
    Silent,
}

/// What this process writes to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
    /// Whether stdout is a terminal.
    pub(crate) out_terminal: bool,
    /// Whether stderr is a terminal.
    pub(crate) err_terminal: bool,
    /// Whether stderr takes colours.
    pub(crate) colour: bool,
}

impl Screen {
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let err_terminal = io::stderr().is_terminal();
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Self {
            format,
            quiet,
            out_terminal: io::stdout().is_terminal(),
            err_terminal: err_terminal && !dumb,
            colour: err_terminal && !dumb && !set("NO_COLOR"),
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    pub(crate) fn is_wide(&self) -> bool {
        self.format == Format::Wide
    }

    /// How wide the terminal of the results is, if they go to one.
    pub(crate) fn columns(&self) -> Option<usize> {
        let width = || usize::from(console::Term::stdout().size().1);
        self.out_terminal.then(width)
    }

    /// A line of the result.
    pub(crate) fn result(&self, line: impl Display) {
        let _ = writeln!(io::stdout().lock(), "{line}");
    }

    /// The result as JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?;
        self.result(text);
        Ok(())
    }

    /// A line for people: what happens, what to do next. Not with `--quiet`.
    pub(crate) fn say(&self, line: impl Display) {
        if !self.quiet {
            self.complain(line);
        }
    }

    /// What a person looks at next; not with `--quiet`, and not in a program's way.
    pub(crate) fn hint(&self, line: impl Display) {
        if !self.is_json() {
            self.say(line);
        }
    }

    /// A line that is shown even with `--quiet`.
    pub(crate) fn complain(&self, line: impl Display) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// An error.
    pub(crate) fn error(&self, line: &str) {
        let label = self.paint("1;31", "error:");
        self.complain(format!("{label} {line}"));
    }

    /// Text in a colour, given as ANSI numbers, where stderr takes colours.
    pub(crate) fn paint(&self, ansi: &str, text: &str) -> String {
        if self.colour {
            format!("\x1b[{ansi}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    pub(crate) fn progress_form(&self) -> ProgressForm {
        match (self.quiet, self.is_json(), self.err_terminal) {
            (true, _, _) | (false, true, false) => ProgressForm::Silent,
            (false, true, true) | (false, false, false) => ProgressForm::Lines,
            (false, false, true) => ProgressForm::Bars,
        }
    }

    /// A time: "3 min ago" for a person, RFC 3339 for a pipe.
    pub(crate) fn when(&self, moment: Timestamp) -> String {
        if self.out_terminal {
            super::words::ago(moment, now())
        } else {
            moment.to_string()
        }
    }
}

/// The time at this terminal, to say how long ago something was.
#[allow(clippy::disallowed_methods)] // The reader's own time is meant; no clock is passed to a client.
fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let millis = since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    Timestamp::from_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_never_mixes_with_what_a_program_reads() {
        for (format, quiet, err_terminal, form) in [
            (Format::Table, false, true, ProgressForm::Bars),
            (Format::Wide, false, true, ProgressForm::Bars),
            (Format::Table, false, false, ProgressForm::Lines),
            (Format::Json, false, true, ProgressForm::Lines),
            (Format::Json, false, false, ProgressForm::Silent),
            (Format::Table, true, true, ProgressForm::Silent),
        ] {
            let screen = Screen {
                format,
                quiet,
                out_terminal: false,
                err_terminal,
                colour: false,
            };
            assert_eq!(
                screen.progress_form(),
                form,
                "{format:?} {quiet} {err_terminal}"
            );
        }
    }
}
