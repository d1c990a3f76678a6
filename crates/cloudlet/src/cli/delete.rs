//! Deleting: one resource of a kind or several, all found before the first goes, all asked for at once and
//! waited for together.

use super::{ending::Ending, session::Session, wait::Patience};
use api::ResourceId;
use client::{Accepted, Client, Error};
use tokio::task::JoinSet;

/// Deletes what these names or ids mean. One that is refused is told, and the others go all the same.
pub(crate) async fn run<F>(
    session: &Session,
    words: &[String],
    find: impl AsyncFn(&Session, &str) -> anyhow::Result<ResourceId>,
    delete: impl Fn(Client, ResourceId) -> F,
    patience: Patience,
) -> anyhow::Result<Ending>
where
    F: Future<Output = Result<Accepted, Error>> + Send + 'static,
{
    let mut ids = Vec::new();
    for word in words {
        let id = find(session, word).await?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let mut asked = JoinSet::new();
    for &id in &ids {
        let answer = delete(session.client.clone(), id);
        asked.spawn(async move { (id, answer.await) });
    }
    let (mut jobs, mut retry_after, mut refused) = (Vec::new(), None, Ending::Done);
    while let Some(answer) = asked.join_next().await {
        match answer? {
            (_, Ok(accepted)) => {
                // Whoever is interrupted before the last has answered finds these again.
                session.whose.submitted(&session.screen, &accepted.jobs);
                jobs.extend(accepted.jobs);
                retry_after = retry_after.max(accepted.retry_after);
            }
            (_, Err(error)) if ids.len() == 1 => return Err(error.into()),
            (id, Err(error)) => {
                let text = format!("{id} is not deleted: {error}");
                session.screen.error(&text);
                refused = Ending::Error;
            }
        }
    }
    if jobs.is_empty() {
        return Ok(refused);
    }
    jobs.sort_by_key(|job| ids.iter().position(|id| *id == job.target_id));
    let ending = patience.end(session, Accepted { jobs, retry_after });
    // A job that failed weighs more than one that was refused.
    Ok(match ending.await? {
        Ending::Done | Ending::StillRunning if refused == Ending::Error => refused,
        ending => ending,
    })
}
