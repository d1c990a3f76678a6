//! Leftovers by hand: an operator has one tried again, or has seen to it.

use super::Engine;
use crate::store::{StoreError, Urgency};
use api::ResourceId;
use model::{Refusal, course};

impl Engine {
    /// Has the host try again what was left over.
    pub async fn retry_leftover(&self, id: ResourceId) -> Result<Result<(), Refusal>, StoreError> {
        let rule = move |context: &model::Context<'_>| course::retry_leftover(context, id);
        let retried = self.inner.store.transact(Urgency::Request, rule).await?;
        Ok(retried.map(|assignment| self.assign(Some(assignment))))
    }

    /// Takes a leftover as reached, since an operator has seen to it by hand.
    pub async fn settle_leftover(&self, id: ResourceId) -> Result<Result<(), Refusal>, StoreError> {
        let rule = move |context: &model::Context<'_>| course::settle_leftover(context, id);
        let settled = self.inner.store.transact(Urgency::Request, rule).await?;
        Ok(settled.map(|heard| {
            if let model::Told::Spec(assignment) = self.tell(heard) {
                self.assign(Some(assignment));
            }
        }))
    }
}
