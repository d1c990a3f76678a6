//! Requests that make no job, done once: what they did is remembered in the transaction that does it.

use super::{
    Store, StoreError, Urgency,
    sqlite::{
        codec,
        facts::SqlFacts,
        session::{Fault, Session},
    },
};
use api::Timestamp;
use model::{
    Refusal,
    accept::{Idempotency, Once, known},
    writes::Answer,
};
use serde::{Serialize, de::DeserializeOwned};

/// What a request did; `None`: what it is about is not there, and nothing is remembered.
pub type Done<T, K = T> = Result<Option<Once<T, K>>, Refusal>;

impl Store {
    /// Does what a request asks for, unless the same request did it before: then says what `keep` kept
    /// of that. Nothing that is kept may be a secret.
    pub(super) async fn once<T, K>(
        &self,
        repeat: Option<Idempotency>,
        work: impl Fn(&mut Session<'_>) -> Result<Result<Option<T>, Refusal>, Fault> + Send + 'static,
        keep: impl Fn(&T) -> K + Send + 'static,
    ) -> Result<Done<T, K>, StoreError>
    where
        T: Send + 'static,
        K: Serialize + DeserializeOwned + Send + 'static,
    {
        self.once_until(repeat, work, keep, None).await
    }

    /// The same; the answer is kept as long as if it had been made at a later time.
    async fn once_until<T, K>(
        &self,
        repeat: Option<Idempotency>,
        work: impl Fn(&mut Session<'_>) -> Result<Result<Option<T>, Refusal>, Fault> + Send + 'static,
        keep: impl Fn(&T) -> K + Send + 'static,
        later: Option<Timestamp>,
    ) -> Result<Done<T, K>, StoreError>
    where
        T: Send + 'static,
        K: Serialize + DeserializeOwned + Send + 'static,
    {
        let once = move |session: &mut Session<'_>| {
            let Some(repeat) = repeat else {
                return Ok(work(session)?.map(|done| done.map(Once::Now)));
            };
            let before = session.decide(|context| known(context.facts, repeat))?;
            match before.map(|answer| answer.and_then(|answer| answer.kept)) {
                Err(refusal) => return Ok(Err(refusal)),
                Ok(Some(kept)) => return Ok(Ok(Some(Once::Before(codec::value(&kept)?)))),
                Ok(None) => {}
            }
            let done = work(session)?;
            if let Ok(Some(done)) = &done {
                let kept = repeat.answer(codec::body(&keep(done))?);
                let made = later.unwrap_or_default().max(session.now);
                session.put_answer(repeat.key, &kept, made)?;
            }
            Ok(done.map(|done| done.map(Once::Now)))
        };
        self.sqlite.write(Urgency::Request, once).await
    }

    /// Remembers what a request did without the store's help, unless that is remembered already; as long
    /// as if it had been done at the later time.
    pub async fn remember<T>(
        &self,
        repeat: Idempotency,
        done: T,
        later: Option<Timestamp>,
    ) -> Result<Result<Once<T>, Refusal>, StoreError>
    where
        T: Serialize + DeserializeOwned + Clone + Send + 'static,
    {
        let kept = done.clone();
        let work = move |_: &mut Session<'_>| Ok(Ok(Some(kept.clone())));
        let remembered = self
            .once_until(Some(repeat), work, Clone::clone, later)
            .await?;
        Ok(remembered.map(|once| once.unwrap_or(Once::Now(done))))
    }

    /// What the same request was answered with before; `None`: it is new.
    pub async fn answered(
        &self,
        repeat: Idempotency,
    ) -> Result<Result<Option<Answer>, Refusal>, StoreError> {
        let read = move |connection: &rusqlite::Connection| {
            let facts = SqlFacts::new(connection);
            let known = known(&facts, repeat);
            facts.into_error().map_or(Ok(known), Err)
        };
        self.sqlite.read(read).await
    }
}
