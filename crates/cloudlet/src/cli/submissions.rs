//! The jobs that this client submitted and has not seen end, written down so that `cloudlet job wait`
//! finds them again, whatever ended the client.
//!
//! A file of the user's own, changed whole under a lock. A key stands in it as a digest alone. Where it
//! cannot be read or written the command goes on: it is a convenience, and never the only record.

use super::screen::Screen;
use crate::{clock::Clock, keys, places};
use api::{Job, JobId};
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, DirBuilder, File},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
};

/// How long a job is remembered, in seconds: a day after it ended its server has none of it either.
const REMEMBERED_LIMIT: u64 = 7 * 24 * 60 * 60;
/// The most jobs that are remembered; beyond that the oldest are forgotten.
const ENTRIES_LIMIT: usize = 2_000;

/// Whose jobs: a server with a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Whose {
    /// The server's address.
    url: String,
    /// The beginning of the key's digest: enough to tell two apart, and of no use to anybody.
    key: String,
}

/// A job that was submitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    #[serde(flatten)]
    whose: Whose,
    job: JobId,
    /// When, in seconds of the epoch.
    at: u64,
}

impl Whose {
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let digest = keys::digest(key);
        Self {
            url: url.to_owned(),
            key: keys::hex(&digest[..8]),
        }
    }

    /// Writes down that these jobs were submitted; one that is written down already stays where it is.
    pub(crate) fn submitted(&self, screen: &Screen, jobs: &[Job]) {
        let at = now();
        let entry = |job: &Job| Entry {
            whose: self.clone(),
            job: job.id,
            at,
        };
        tell(
            screen,
            change(|entries| {
                let is_new = |job: &&Job| entries.iter().all(|known| known.job != job.id);
                let new: Vec<_> = jobs.iter().filter(is_new).map(entry).collect();
                entries.extend(new);
            }),
        );
    }

    /// Strikes out jobs whose end was seen.
    pub(crate) fn ended(&self, screen: &Screen, ids: &[JobId]) {
        if !ids.is_empty() {
            tell(
                screen,
                change(|entries| entries.retain(|entry| !ids.contains(&entry.job))),
            );
        }
    }

    /// The jobs whose end was not seen, in the order in which they were submitted.
    pub(crate) fn open(&self, screen: &Screen) -> Vec<JobId> {
        let mut entries = Vec::new();
        tell(screen, change(|all| entries.clone_from(all)));
        let own = entries.iter().filter(|entry| entry.whose == *self);
        own.map(|entry| entry.job).collect()
    }
}

fn tell(screen: &Screen, changed: io::Result<()>) {
    if let Err(error) = changed {
        screen.complain(format!(
            "The list of submitted jobs cannot be kept ({error}): job wait needs their ids"
        ));
    }
}

fn change(edit: impl FnOnce(&mut Vec<Entry>)) -> io::Result<()> {
    match places::state() {
        Some(folder) => change_in(&folder, edit),
        None => Ok(()),
    }
}

/// Reads, edits and writes under a lock; nothing is written where nothing has changed.
fn change_in(folder: &Path, edit: impl FnOnce(&mut Vec<Entry>)) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let lock = options().open(folder.join("jobs.lock"))?;
    lock.lock()?;
    let file = folder.join("jobs");
    let before = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        text => text?,
    };
    // A line that cannot be read is of another release, or broken: it is of no use here.
    let parsed = before
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let mut entries: Vec<Entry> = parsed.collect();
    edit(&mut entries);
    let oldest = now().saturating_sub(REMEMBERED_LIMIT);
    entries.retain(|entry| entry.at >= oldest);
    entries.drain(..entries.len().saturating_sub(ENTRIES_LIMIT));
    let mut after = String::new();
    for entry in &entries {
        after.push_str(&serde_json::to_string(entry)?);
        after.push('\n');
    }
    if after == before {
        return Ok(());
    }
    let new = folder.join("jobs.new");
    options()
        .truncate(true)
        .open(&new)?
        .write_all(after.as_bytes())?;
    fs::rename(new, file)
}

fn options() -> fs::OpenOptions {
    let mut options = File::options();
    options.write(true).create(true).mode(0o600);
    options
}

fn now() -> u64 {
    let millis = Clock::real().now().as_millis();
    u64::try_from(millis / 1000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn entry(number: u128, at: u64) -> Entry {
        Entry {
            whose: Whose::new("http://127.0.0.1:1", "a key"),
            job: JobId(Uuid::from_u128(number)),
            at,
        }
    }

    fn kept(folder: &Path) -> Vec<u128> {
        let mut all = Vec::new();
        change_in(folder, |entries| all.clone_from(entries)).unwrap();
        all.iter().map(|entry| entry.job.0.as_u128()).collect()
    }

    #[test]
    fn many_at_once_lose_nothing_and_a_broken_line_is_nobodys_trouble() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("jobs"), "not a line\n{\"job\":7}\n").unwrap();
        std::thread::scope(|scope| {
            for number in 0..20 {
                let folder = folder.path();
                scope.spawn(move || change_in(folder, |all| all.push(entry(number, now()))));
            }
        });
        let mut found = kept(folder.path());
        found.sort_unstable();
        assert_eq!(found, (0..20).collect::<Vec<u128>>());
        let text = fs::read_to_string(folder.path().join("jobs")).unwrap();
        assert!(
            !text.contains("a key") && !text.contains("not a line"),
            "{text}"
        );
    }

    #[test]
    fn what_is_old_or_too_much_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let many = u128::try_from(ENTRIES_LIMIT).unwrap() + 3;
        change_in(folder.path(), |all| {
            all.push(entry(9_999_999, now() - REMEMBERED_LIMIT - 1));
            all.extend((0..many).map(|number| entry(number, now())));
        })
        .unwrap();
        let found = kept(folder.path());
        assert_eq!((found.len(), found[0]), (ENTRIES_LIMIT, 3));
    }
}
