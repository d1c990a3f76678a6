//! Teams: which may be made, moved and removed. A tenant's teams are a forest of at most
//! [`TEAM_LIMIT`]; each rule is given all of them. What is in a team holds it ([`claim::team`]).
//!
//! [`claim::team`]: crate::claim::team

use crate::{
    Context, Kind, Refusal,
    claim::Counter,
    limits::{TEAM_LIMIT, TEAMS_AT_ONCE_LIMIT},
    name,
};
use api::{
    ErrorCode, TeamId, TenantId,
    team::{Team, TeamCreate, TeamUpdate},
};

/// Names of teams that a refusal lists.
const LISTED: usize = 5;
/// The field that names the team above.
const PARENT: &str = "parentTeamId";

/// What is to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamWrite {
    /// A new team.
    Make {
        /// Its name.
        name: String,
        /// The team above.
        parent: Option<TeamId>,
    },
    /// A team as it is to be.
    Put {
        /// Which.
        id: TeamId,
        /// Its name.
        name: String,
        /// The team above.
        parent: Option<TeamId>,
    },
    /// Teams that are to go.
    Remove(Vec<TeamId>),
}

/// Whether a team may be made.
pub fn create(teams: &[Team], body: &TeamCreate) -> Result<TeamWrite, Refusal> {
    name::check("name", &body.name)?;
    let parent = parent(teams, body.parent_team_id)?;
    if teams.len() >= TEAM_LIMIT {
        let text = format!("There are {TEAM_LIMIT} teams already; delete one first");
        let refusal = Refusal::new(ErrorCode::LimitExceeded, text);
        return Err(refusal.with_limit(u32::try_from(TEAM_LIMIT).unwrap_or(u32::MAX)));
    }
    Ok(TeamWrite::Make {
        name: body.name.clone(),
        parent,
    })
}

/// Whether a team may be changed: it stands neither under itself nor under one below it.
pub fn change(teams: &[Team], id: TeamId, body: &TeamUpdate) -> Result<TeamWrite, Refusal> {
    if let Some(name) = &body.name {
        name::check("name", name)?;
    }
    let team = find(teams, id).ok_or_else(unknown)?;
    let above = match body.parent_team_id {
        None => team.parent_team_id,
        asked => parent(teams, asked)?,
    };
    if above.is_some_and(|above| is_at_or_under(teams, above, id)) {
        let text = "is the team itself or stands under it; another one, or 0 for none, is right";
        return Err(Refusal::field(PARENT, text));
    }
    Ok(TeamWrite::Put {
        id,
        name: body.name.clone().unwrap_or_else(|| team.name.clone()),
        parent: above,
    })
}

/// How many resources of each kind are in a team, those too that are being made or deleted.
pub fn resources(context: &Context<'_>, tenant: TenantId, team: TeamId) -> Vec<(Kind, u64)> {
    let count = |kind| {
        let counter = Counter::Team(tenant, kind, team.0);
        (kind, context.facts.used(&counter))
    };
    Kind::ALL.map(count).to_vec()
}

/// Whether teams may be removed: all of them or none. One with teams under it goes only together with
/// them, and one with resources in it stays: `in_it` says how many there are.
pub fn delete(
    teams: &[Team],
    ids: &[TeamId],
    in_it: impl Fn(TeamId) -> Vec<(Kind, u64)>,
) -> Result<TeamWrite, Refusal> {
    if ids.iter().any(|&id| find(teams, id).is_none()) {
        return Err(unknown());
    }
    let below = |team: &&Team| {
        let goes = |id| ids.contains(id);
        team.parent_team_id.as_ref().is_some_and(goes) && !goes(&team.id)
    };
    let left: Vec<&Team> = teams.iter().filter(below).collect();
    if left.is_empty() {
        let gone = teams.iter().filter(|team| ids.contains(&team.id));
        for team in gone {
            without_resources(team, &in_it(team.id))?;
        }
        return Ok(TeamWrite::Remove(ids.to_vec()));
    }
    let mut named: Vec<_> = left.iter().take(LISTED).map(|team| shown(team)).collect();
    if left.len() > LISTED {
        named.push("…".to_owned());
    }
    let text = format!(
        "There are teams under it: {}; move or delete them first",
        named.join(", ")
    );
    Err(Refusal::new(ErrorCode::InvalidState, text))
}

/// Nobody's machines lose their group unseen.
fn without_resources(team: &Team, in_it: &[(Kind, u64)]) -> Result<(), Refusal> {
    let some = in_it.iter().filter(|(_, count)| *count > 0);
    let counted: Vec<_> = some.map(|&(kind, count)| counted(kind, count)).collect();
    if counted.is_empty() {
        return Ok(());
    }
    let (team, counted) = (shown(team), counted.join(", "));
    let text = format!("In team {team} there are still: {counted}; delete them first");
    Err(Refusal::new(ErrorCode::InvalidState, text))
}

fn counted(kind: Kind, count: u64) -> String {
    let word = match kind {
        Kind::Vm => "virtual machine",
        Kind::Gpu => "GPU machine",
        Kind::Volume => "volume",
        Kind::Network => "network",
    };
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// Whether so many may be removed in one request.
pub fn check_count(ids: &[TeamId]) -> Result<(), Refusal> {
    if (1..=TEAMS_AT_ONCE_LIMIT).contains(&ids.len()) {
        return Ok(());
    }
    let text = format!(
        "has {} ids; 1 to {TEAMS_AT_ONCE_LIMIT} are right",
        ids.len()
    );
    Err(Refusal::field("ids", text))
}

/// Nothing of this id is to be seen by this tenant: whether it never was or is another's.
pub fn unknown() -> Refusal {
    Refusal::new(ErrorCode::NotFound, "Team not found")
}

fn parent(teams: &[Team], asked: Option<TeamId>) -> Result<Option<TeamId>, Refusal> {
    let Some(id) = asked.filter(|&id| id != TeamId::NONE) else {
        return Ok(None);
    };
    match find(teams, id) {
        Some(team) => Ok(Some(team.id)),
        None => {
            let text = format!("there is no team {id}; the id of a team, or 0 for none, is right");
            Err(Refusal::field(PARENT, text))
        }
    }
}

fn find(teams: &[Team], id: TeamId) -> Option<&Team> {
    teams.iter().find(|team| team.id == id)
}

/// Whether a team is that one, or stands under it. Ends even if what is stored went in a circle.
fn is_at_or_under(teams: &[Team], team: TeamId, other: TeamId) -> bool {
    let mut at = Some(team);
    for _ in 0..=teams.len() {
        match at {
            Some(id) if id == other => return true,
            Some(id) => at = find(teams, id).and_then(|team| team.parent_team_id),
            None => return false,
        }
    }
    true
}

fn shown(team: &Team) -> String {
    format!("{} ({})", team.name, team.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use api::{TenantId, Timestamp};

    /// 1 above 2 above 3, and 4.
    fn teams() -> Vec<Team> {
        let team = |id, parent: Option<i64>| Team {
            id: TeamId(id),
            name: format!("team-{id}"),
            parent_team_id: parent.map(TeamId),
            entity_id: TenantId(uuid::Uuid::nil()),
            created_at: Timestamp::default(),
            updated_at: Timestamp::default(),
        };
        vec![
            team(1, None),
            team(2, Some(1)),
            team(3, Some(2)),
            team(4, None),
        ]
    }

    #[test]
    fn a_team_stands_under_one_that_there_is() {
        let made = |parent: Option<i64>| {
            let body = TeamCreate {
                name: "new".to_owned(),
                parent_team_id: parent.map(TeamId),
            };
            match create(&teams(), &body) {
                Ok(TeamWrite::Make { parent, .. }) => Ok(parent.map(|id| id.0)),
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => Err(refusal.details.field.unwrap_or_default()),
            }
        };
        assert_eq!(made(None), Ok(None));
        assert_eq!(made(Some(0)), Ok(None));
        assert_eq!(made(Some(3)), Ok(Some(3)));
        for nothing in [5, -1, i64::MAX] {
            assert_eq!(made(Some(nothing)), Err(PARENT.to_owned()));
        }
    }

    #[test]
    fn so_many_and_no_more() {
        let mut all = teams();
        let more = (5..).map(|id| Team {
            id: TeamId(id),
            ..all[0].clone()
        });
        let more: Vec<_> = more.take(TEAM_LIMIT - all.len()).collect();
        all.extend(more);
        let body = TeamCreate {
            name: "new".to_owned(),
            parent_team_id: None,
        };
        let refusal = create(&all, &body).expect_err("full");
        assert_eq!(refusal.code, ErrorCode::LimitExceeded);
        assert_eq!(refusal.details.limit, Some(1_000));
        all.pop();
        assert!(create(&all, &body).is_ok());
    }

    #[test]
    fn no_team_stands_under_itself() {
        let moved = |id, parent: Option<i64>| {
            let body = TeamUpdate {
                name: None,
                parent_team_id: parent.map(TeamId),
            };
            match change(&teams(), TeamId(id), &body) {
                Ok(TeamWrite::Put { parent, .. }) => Ok(parent.map(|id| id.0)),
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => Err(refusal.code),
            }
        };
        assert_eq!(moved(2, None), Ok(Some(1)), "absent: it stays");
        assert_eq!(moved(2, Some(0)), Ok(None));
        assert_eq!(moved(1, Some(4)), Ok(Some(4)));
        for below in [1, 2, 3] {
            assert_eq!(moved(1, Some(below)), Err(ErrorCode::Validation));
        }
        assert_eq!(moved(5, Some(1)), Err(ErrorCode::NotFound));
    }

    #[test]
    fn a_name_is_kept_or_checked() {
        let named = |name: Option<&str>| {
            let body = TeamUpdate {
                name: name.map(str::to_owned),
                parent_team_id: None,
            };
            change(&teams(), TeamId(4), &body)
        };
        let put = |name: &str| TeamWrite::Put {
            id: TeamId(4),
            name: name.to_owned(),
            parent: None,
        };
        assert_eq!(named(None), Ok(put("team-4")));
        assert_eq!(named(Some("x")), Ok(put("x")));
        assert!(named(Some("")).is_err());
    }

    #[test]
    fn a_team_goes_after_those_under_it_or_with_them() {
        let gone = |ids: &[i64]| {
            let ids: Vec<_> = ids.iter().map(|&id| TeamId(id)).collect();
            let refused = |refusal: Refusal| (refusal.code, refusal.message);
            delete(&teams(), &ids, |_| Vec::new()).map_err(refused)
        };
        assert!(gone(&[3]).is_ok());
        assert!(gone(&[1, 3, 2]).is_ok());
        let (code, text) = gone(&[1, 2]).expect_err("3 is left");
        assert_eq!(code, ErrorCode::InvalidState);
        assert!(text.contains("team-3 (3)"), "{text}");
        assert_eq!(gone(&[4, 5]).expect_err("no 5").0, ErrorCode::NotFound);
    }

    #[test]
    fn a_team_with_resources_in_it_stays_and_says_how_many() {
        let in_it = |team: TeamId| match team.0 {
            3 => vec![(Kind::Vm, 2), (Kind::Gpu, 0), (Kind::Volume, 1)],
            _ => vec![(Kind::Vm, 0)],
        };
        let gone = |ids: &[i64]| {
            let ids: Vec<_> = ids.iter().map(|&id| TeamId(id)).collect();
            delete(&teams(), &ids, in_it)
        };
        assert!(gone(&[4]).is_ok());
        for ids in [&[3][..], &[1, 2, 3, 4]] {
            let refusal = gone(ids).expect_err("there is something in 3");
            assert_eq!(refusal.code, ErrorCode::InvalidState);
            let text = "In team team-3 (3) there are still: 2 virtual machines, 1 volume; delete them first";
            assert_eq!(refusal.message, text);
        }
    }

    #[test]
    fn how_many_go_at_once() {
        let count = |count| check_count(&vec![TeamId(1); count]).is_ok();
        assert!(count(1) && count(50) && !count(0) && !count(51));
    }
}
