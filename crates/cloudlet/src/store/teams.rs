//! Teams, in the store's own words.

use super::{
    Done, Store, StoreError,
    sqlite::{session::Session, teams},
};
use api::{TeamId, TenantId, team::Team};
use model::{Context, Kind, Refusal, accept::Idempotency, team::TeamWrite};

impl Store {
    /// Changes a tenant's teams as a rule says, which is given all of them and may run again. Answers
    /// with the ids written or removed, once that is on disk.
    pub async fn change_teams(
        &self,
        tenant: TenantId,
        rule: impl Fn(&Context<'_>, &[Team]) -> Result<TeamWrite, Refusal> + Send + 'static,
        repeat: Option<Idempotency>,
    ) -> Result<Done<Vec<TeamId>>, StoreError> {
        let work =
            move |session: &mut Session<'_>| Ok(session.change_teams(tenant, &rule)?.map(Some));
        self.once(repeat, work, Clone::clone).await
    }

    /// How many resources of a kind a tenant has in no team.
    pub async fn in_no_team(&self, tenant: TenantId, kind: Kind) -> Result<u64, StoreError> {
        self.sqlite
            .read(move |connection| teams::in_none(connection, tenant, kind))
            .await
    }

    /// A tenant's teams, oldest first.
    pub async fn teams(&self, tenant: TenantId) -> Result<Vec<Team>, StoreError> {
        self.sqlite
            .read(move |connection| teams::all(connection, tenant))
            .await
    }
}
