//! Deleting: one resource of a kind or several, all found before the first goes, waited for together.

use super::{ending::Ending, session::Session, wait::Patience};
use api::ResourceId;
use client::{Accepted, Error};

/// Deletes what these names or ids mean. One that is refused is told, and the others go all the same.
pub(crate) async fn run(
    session: &Session,
    words: &[String],
    find: impl AsyncFn(&Session, &str) -> anyhow::Result<ResourceId>,
    delete: impl AsyncFn(ResourceId) -> Result<Accepted, Error>,
    patience: Patience,
) -> anyhow::Result<Ending> {
    let mut ids = Vec::new();
    for word in words {
        let id = find(session, word).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let (mut jobs, mut retry_after, mut refused) = (Vec::new(), None, None);
    for id in ids {
        match delete(id).await {
            Ok(accepted) => {
                jobs.extend(accepted.jobs);
                retry_after = retry_after.max(accepted.retry_after);
            }
            Err(error) if words.len() == 1 => return Err(error.into()),
            Err(error) => {
                session
                    .screen
                    .error(&format!("{id} is not deleted: {error}"));
                refused = Some(Ending::Error);
            }
        }
    }
    if jobs.is_empty() {
        return Ok(refused.unwrap_or(Ending::Done));
    }
    let ending = patience
        .end(session, Accepted { jobs, retry_after })
        .await?;
    Ok(refused.unwrap_or(ending))
}
