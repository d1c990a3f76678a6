//! What creates carry apart from their jobs: kept until the job ends, then wiped.
//!
//! Wiping a row overwrites its pages (`secure_delete`); what is left of it in the WAL goes with the
//! next checkpoint that empties that ([`Scrub`]).

use super::{codec, facts, session::Session, sql};
use api::{JobId, ResourceId};
use model::{Resource, secret::Secret};
use rusqlite::{Connection, Result, params};
use tokio::sync::watch;

impl Session<'_> {
    pub(super) fn put_secret(&self, job: JobId, secret: &Secret) -> Result<()> {
        let parameters = params![job.0.as_bytes(), codec::body(secret)?];
        self.execute(sql::PUT_SECRET, parameters)?;
        Ok(())
    }

    pub(super) fn wipe_secret(&mut self, job: JobId) -> Result<()> {
        if self.execute(sql::WIPE_SECRET, [job.0.as_bytes()])? > 0 {
            self.note_wiped();
        }
        Ok(())
    }
}

/// What is kept apart for the unfinished create of a resource, if this is the generation that it
/// works on.
pub(in crate::store) fn secret(
    connection: &Connection,
    id: ResourceId,
    generation: u64,
) -> Result<Option<Secret>> {
    let snapshot = connection.unchecked_transaction()?;
    let of = [id.0.as_bytes()];
    let resource = facts::row(&snapshot, sql::RESOURCE, of, codec::from_body::<Resource>)?;
    let Some(resource) = resource.filter(|it| it.generation == generation) else {
        return Ok(None);
    };
    let Some(job) = resource.creating else {
        return Ok(None);
    };
    facts::row(&snapshot, sql::SECRET, [job.0.as_bytes()], codec::from_body)
}

/// Whether the WAL may hold what was wiped.
pub(in crate::store) struct Scrub(watch::Sender<bool>);

impl Scrub {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Something was wiped, or written and rolled back.
    pub(super) fn is_due(&self) {
        self.0.send_replace(true);
    }

    /// The WAL was emptied.
    pub(super) fn is_done(&self) {
        self.0.send_replace(false);
    }

    /// Waits until the WAL may hold what was wiped.
    pub(in crate::store) async fn due(&self) {
        // The sender is here, so there is one.
        let _ = self.0.subscribe().wait_for(|due| *due).await;
    }
}
