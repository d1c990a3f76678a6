//! What a machine writes on its console, below the bar of the job that makes it.
//!
//! What cannot be shown is not an error: the job goes on without.

use super::{
    console_reader::ConsoleReader,
    progress::{Progress, style},
    screen::Screen,
    session::Session,
};
use api::ResourceId;
use client::Error;
use indicatif::{MultiProgress, ProgressBar};
use std::{cell::RefCell, collections::VecDeque, time::Duration};
use tokio::time::timeout;

/// How often it is asked after while it says something, and at least.
const ASK_INTERVALS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(1));
/// How long the last of it is waited for once the job has ended.
const LAST_LIMIT: Duration = Duration::from_secs(1);
/// How many of the last lines are looked at first.
const TAIL: u32 = 100;
/// How many lines stand below a bar.
const LINES: usize = 8;
/// How much of a line that has not ended is kept, in characters.
const BEGUN_LIMIT: usize = 4096;
/// Columns before each.
const MARGIN: &str = "    ";

/// The last lines, where they are shown.
pub(crate) struct ConsoleView {
    reader: ConsoleReader,
    lines: LastLines,
    place: Place,
}

enum Place {
    /// Below the bars, drawn anew with each change; this many columns wide.
    Below { block: ProgressBar, columns: usize },
    /// Among other lines, each once it is whole.
    Among(Screen),
}

impl ConsoleView {
    /// Of this machine, beside its job's progress; nothing where no progress is shown.
    pub(crate) fn new(machine: ResourceId, screen: &Screen, progress: &Progress) -> Option<Self> {
        let place = match progress {
            Progress::Bars(bars) => Place::below(bars.all()),
            Progress::Lines { .. } => Place::Among(*screen),
            Progress::Silent => return None,
        };
        Some(Self {
            reader: ConsoleReader::new(machine, TAIL),
            lines: LastLines::default(),
            place,
        })
    }

    /// Shows what there is as it comes, without end; says why where there is nothing to show.
    pub(crate) async fn keep_showing(&mut self, session: &Session, progress: &RefCell<Progress>) {
        let (shortest, longest) = ASK_INTERVALS;
        let mut interval = shortest;
        loop {
            match self.reader.read(session).await {
                Ok(text) if text.is_empty() => interval = (interval * 3 / 2).min(longest),
                Ok(text) => {
                    self.add(&text);
                    interval = shortest;
                }
                // The wait for the job tells of it.
                Err(error) if error.is_transient() => {
                    interval = error.retry_after().unwrap_or(longest);
                }
                // What could not be made is gone: the wait for the job says why.
                Err(Error::Api { status: 404, .. }) => return,
                Err(error) => return progress.borrow().say(&error.to_string()),
            }
            tokio::time::sleep(interval).await;
        }
    }

    /// The last of it, once the job has ended.
    pub(crate) async fn show_the_rest(mut self, session: &Session) {
        // A console that cannot be read now is left as it was shown.
        if let Ok(Ok(text)) = timeout(LAST_LIMIT, self.reader.read(session)).await {
            self.add(&text);
        }
    }

    fn add(&mut self, text: &str) {
        let whole = self.lines.add(text);
        match &self.place {
            Place::Below { block, columns } if !text.is_empty() => {
                block.set_message(self.lines.block(*columns));
            }
            Place::Below { .. } => {}
            Place::Among(screen) => {
                for line in whole {
                    screen.complain(format!("{MARGIN}{line}"));
                }
            }
        }
    }
}

/// It stays as it was shown last.
impl Drop for ConsoleView {
    fn drop(&mut self) {
        if let Place::Below { block, .. } = &self.place {
            block.abandon();
        }
    }
}

impl Place {
    fn below(all: &MultiProgress) -> Self {
        Self::Below {
            block: all.add(ProgressBar::new(1).with_style(style("{msg}"))),
            columns: usize::from(console::Term::stderr().size().1),
        }
    }
}

/// The last lines of a text that comes in parts.
#[derive(Default)]
struct LastLines {
    whole: VecDeque<String>,
    /// What came after the last line's end.
    begun: String,
}

impl LastLines {
    /// The lines that this makes whole; empty ones would only take up room.
    fn add(&mut self, text: &str) -> Vec<String> {
        self.begun.push_str(text);
        let mut lines: Vec<String> = self.begun.split('\n').map(str::to_owned).collect();
        let begun = lines.pop().unwrap_or_default();
        lines.retain(|line| !line.trim().is_empty());
        self.begun = begun.chars().take(BEGUN_LIMIT).collect();
        self.whole.extend(lines.iter().cloned());
        let more = self.whole.len().saturating_sub(LINES);
        self.whole.drain(..more);
        lines
    }

    /// All of them, none wider than this.
    fn block(&self, columns: usize) -> String {
        let begun = Some(&self.begun).filter(|begun| !begun.trim().is_empty());
        let lines = self.whole.iter().chain(begun);
        let skipped = lines.clone().count().saturating_sub(LINES);
        let width = columns.saturating_sub(MARGIN.len() + 1);
        let fitting = |line: &String| {
            let line = line.replace('\t', " ");
            format!("{MARGIN}{}", console::truncate_str(&line, width, "…"))
        };
        let lines: Vec<_> = lines.skip(skipped).map(fitting).collect();
        lines.join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_come_in_parts_are_shown_whole() {
        let mut lines = LastLines::default();
        assert!(lines.add("").is_empty());
        assert_eq!(lines.add("one\ntw"), ["one"]);
        assert_eq!(lines.block(80), "    one\n    tw");
        assert_eq!(lines.add("o\n \nthree"), ["two"]);
        assert_eq!(lines.block(80), "    one\n    two\n    three");
    }

    #[test]
    fn no_more_lines_stand_there_than_fit_and_none_wraps() {
        let mut lines = LastLines::default();
        let text: String = (0..100).map(|number| format!("line {number}\n")).collect();
        assert_eq!(lines.add(&text).len(), 100);
        lines.add("/ # ");
        let block = lines.block(80);
        assert_eq!(block.lines().count(), LINES);
        assert!(block.ends_with("line 99\n    / # "), "{block}");
        lines.add(&"x".repeat(1000));
        for line in lines.block(40).lines() {
            assert!(line.chars().count() < 40, "{line}");
        }
    }
}
