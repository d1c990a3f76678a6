//! Leftovers by hand: an operator has one tried again, or has seen to it.

use super::Engine;
use crate::store::{StoreError, Urgency};
use api::ResourceId;
use model::{
    Refusal,
    accept::{Idempotency, Once, once_without_job},
    course,
};

impl Engine {
    /// Has the host try again what was left over.
    pub async fn retry_leftover(
        &self,
        id: ResourceId,
        repeat: Option<(Idempotency, String)>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let rule = move |context: &model::Context<'_>| {
            let retry = || course::retry_leftover(context, id);
            once_without_job(context, repeat.clone(), retry)
        };
        let retried = self.inner.store.transact(Urgency::Request, rule).await?;
        Ok(retried.map(|once| {
            if let Once::Now(assignment) = once {
                self.assign(Some(assignment));
            }
        }))
    }

    /// Takes a leftover as reached, since an operator has seen to it by hand.
    pub async fn settle_leftover(
        &self,
        id: ResourceId,
        repeat: Option<(Idempotency, String)>,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let rule = move |context: &model::Context<'_>| {
            let settle = || course::settle_leftover(context, id);
            once_without_job(context, repeat.clone(), settle)
        };
        let settled = self.inner.store.transact(Urgency::Request, rule).await?;
        Ok(settled.map(|once| {
            if let Once::Now(heard) = once
                && let model::Told::Spec(assignment) = self.tell(heard)
            {
                self.assign(Some(assignment));
            }
        }))
    }
}
