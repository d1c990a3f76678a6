//! Teams: reads all of a tenant's, has a rule decide, writes what it says.

use super::{
    codec, facts, items,
    session::{Fault, Session},
    sql,
};
use api::{TeamId, TenantId, Timestamp, team::Team};
use model::{Context, Kind, Refusal, team::TeamWrite};
use rusqlite::{Connection, Result, Row, params};

impl Session<'_> {
    /// Changes a tenant's teams as a rule says; answers with the ids written or removed.
    pub(in crate::store) fn change_teams(
        &self,
        tenant: TenantId,
        rule: impl Fn(&Context<'_>, &[Team]) -> std::result::Result<TeamWrite, Refusal>,
    ) -> std::result::Result<std::result::Result<Vec<TeamId>, Refusal>, Fault> {
        let teams = all(self.connection, tenant)?;
        match self.decide(|context| rule(context, &teams))? {
            Ok(write) => Ok(Ok(self.write_team(tenant, &write)?)),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    fn write_team(&self, tenant: TenantId, write: &TeamWrite) -> Result<Vec<TeamId>> {
        let (tenant, now) = (tenant.0.as_bytes(), self.now.as_millis());
        match write {
            TeamWrite::Make { name, parent } => {
                let parent = parent.map(|id| id.0);
                self.execute(sql::INSERT_TEAM, params![tenant, parent, name, now])?;
                Ok(vec![TeamId(self.connection.last_insert_rowid())])
            }
            TeamWrite::Put { id, name, parent } => {
                let parent = parent.map(|id| id.0);
                self.execute(sql::UPDATE_TEAM, params![id.0, tenant, parent, name, now])?;
                Ok(vec![*id])
            }
            TeamWrite::Remove(ids) => {
                for id in ids {
                    self.execute(sql::DELETE_TEAM, params![id.0, tenant])?;
                }
                Ok(ids.clone())
            }
        }
    }
}

/// A tenant's teams, oldest first.
pub(in crate::store) fn all(connection: &Connection, tenant: TenantId) -> Result<Vec<Team>> {
    let mut statement = connection.prepare_cached(sql::TEAMS)?;
    statement.query_map([tenant.0.as_bytes()], team)?.collect()
}

/// How many resources of a kind a tenant has in no team.
pub(in crate::store) fn in_none(
    connection: &Connection,
    tenant: TenantId,
    kind: Kind,
) -> Result<u64> {
    let snapshot = connection.unchecked_transaction()?;
    let count = |sql, kind: &str| -> Result<u64> {
        let of = params![tenant.0.as_bytes(), kind];
        let found = facts::row(&snapshot, sql, of, |row| row.get::<_, Option<i64>>(0))?;
        Ok(found.flatten().unwrap_or(0).unsigned_abs())
    };
    let all = count(sql::TALLY, kind.as_str())?;
    let in_teams = count(sql::IN_TEAMS, items::in_team(kind))?;
    Ok(all.saturating_sub(in_teams))
}

fn team(row: &Row<'_>) -> Result<Team> {
    Ok(Team {
        id: TeamId(row.get(0)?),
        entity_id: TenantId(codec::uuid(row, 1)?),
        parent_team_id: row.get::<_, Option<i64>>(2)?.map(TeamId),
        name: row.get(3)?,
        created_at: Timestamp::from_millis(row.get(4)?),
        updated_at: Timestamp::from_millis(row.get(5)?),
    })
}
