//! One transaction of a group: runs rules on what is stored and applies what they return.
//!
//! A rule's panic harms nobody: nothing has been written for it. Never begins or commits.

use super::{codec, facts::SqlFacts};
use crate::store::rows::StoreError;
use api::{JobId, Timestamp};
use model::{Context, DriverAbilities, Job, catalogue::Catalogue};
use rusqlite::Connection;
use std::{
    any::Any,
    cell::RefCell,
    collections::{HashMap, HashSet},
    panic::{AssertUnwindSafe, catch_unwind},
};
use uuid::Uuid;

/// Makes ids; given the time.
pub(in crate::store) type NewId = Box<dyn FnMut(Timestamp) -> Uuid + Send>;

/// Why a transaction was not applied.
#[derive(Debug)]
pub(in crate::store) enum Fault {
    /// The rule panicked; it has written nothing.
    Panicked(String),
    /// The database did not do as told: the whole group is to be rolled back.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

/// What a transaction works on.
pub(in crate::store) struct Session<'a> {
    pub(super) connection: &'a Connection,
    pub(in crate::store) now: Timestamp,
    catalogue: &'a Catalogue,
    driver: DriverAbilities,
    new_id: &'a RefCell<NewId>,
    changed: Vec<Job>,
    places: HashMap<JobId, usize>,
    removed: HashSet<JobId>,
    answers_alone: bool,
    keys: bool,
    wiped: bool,
    scrub: bool,
}

/// What a group has done to what is kept in memory.
pub(super) struct Changes {
    /// Those that it wrote, as they are now.
    pub(super) jobs: Vec<Job>,
    /// Those that it removed.
    pub(super) removed: HashSet<JobId>,
    /// Whether it made an answer without a job.
    pub(super) answers_alone: bool,
    /// Whether it changed what some key opens.
    pub(super) keys: bool,
    /// Whether it wiped a secret.
    pub(super) wiped: bool,
    /// Whether the WAL is to be emptied after it.
    pub(super) scrub: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        (catalogue, driver): (&'a Catalogue, DriverAbilities),
        new_id: &'a RefCell<NewId>,
    ) -> Self {
        Self {
            connection,
            now: Timestamp::default(),
            catalogue,
            driver,
            new_id,
            changed: Vec::new(),
            places: HashMap::new(),
            removed: HashSet::new(),
            answers_alone: false,
            keys: false,
            wiped: false,
            scrub: false,
        }
    }

    /// Runs a rule; applies nothing.
    pub(in crate::store) fn decide<T>(
        &self,
        rule: impl FnOnce(&Context<'_>) -> T,
    ) -> Result<T, Fault> {
        let facts = SqlFacts::new(self.connection);
        let new_id = || self.new_id();
        let context = Context {
            facts: &facts,
            now: self.now,
            new_id: &new_id,
            catalogue: self.catalogue,
            driver: self.driver,
        };
        let outcome = guarded(|| rule(&context));
        // What a rule made of a wrong fact is worth nothing, a panic included.
        match facts.into_error() {
            Some(error) => Err(Fault::Sql(error)),
            None => outcome,
        }
    }

    /// A new id, greater than all before.
    pub(super) fn new_id(&self) -> Uuid {
        (self.new_id.borrow_mut())(self.now)
    }

    /// Remembers how a job is now, to be told when the group is on disk.
    pub(super) fn note(&mut self, job: Job) {
        match self.places.get(&job.id) {
            Some(&place) => self.changed[place] = job,
            None => {
                self.places.insert(job.id, self.changed.len());
                self.changed.push(job);
            }
        }
    }

    /// Remembers that a job is no longer there.
    pub(super) fn forget(&mut self, job: JobId) {
        self.removed.insert(job);
    }

    /// Remembers that an answer was made that no job takes along when it goes.
    pub(in crate::store) fn note_answer_alone(&mut self) {
        self.answers_alone = true;
    }

    /// Remembers that some key no longer opens what it did.
    pub(super) fn note_keys(&mut self) {
        self.keys = true;
    }

    /// Remembers that a secret was wiped.
    pub(super) fn note_wiped(&mut self) {
        self.wiped = true;
    }

    /// Has the WAL emptied once the group is on disk and answered.
    pub(in crate::store) fn scrub(&mut self) {
        self.scrub = true;
    }

    /// What the group has done so far.
    pub(super) fn into_changes(self) -> Changes {
        Changes {
            jobs: self.changed,
            removed: self.removed,
            answers_alone: self.answers_alone,
            keys: self.keys,
            wiped: self.wiped,
            scrub: self.scrub,
        }
    }

    /// A job with its number.
    pub(super) fn job(&self, id: JobId) -> rusqlite::Result<Option<Job>> {
        use rusqlite::OptionalExtension;
        let mut statement = self.connection.prepare_cached(super::sql::JOB)?;
        statement
            .query_row([id.0.as_bytes()], codec::job)
            .optional()
    }

    /// Runs a statement that returns no rows; says how many it changed.
    pub(super) fn execute(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute(parameters)
    }
}

/// Runs foreign code; its panic becomes a fault and a line in the log.
pub(in crate::store) fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| {
        let text = panic_text(panic.as_ref());
        tracing::error!(
            panic = text,
            "a rule panicked; its transaction is not applied"
        );
        Fault::Panicked(text)
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("a panic without text")
        .to_owned()
}

/// What its caller is told of a fault.
pub(super) fn told(fault: Fault) -> StoreError {
    match fault {
        Fault::Panicked(text) => StoreError::Panicked(text),
        Fault::Sql(error) => StoreError::Unavailable(error.to_string()),
    }
}
