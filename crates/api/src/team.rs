//! Resource groups, `teams` on the wire. There are no users here, so none has members.

use crate::{PageMeta, TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{fmt, num::ParseIntError, str::FromStr};

/// A team: a whole number from 1, ascending, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct TeamId(pub i64);

impl TeamId {
    /// What no team has: as a parent it means none.
    pub const NONE: Self = Self(0);
}

impl fmt::Display for TeamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for TeamId {
    type Err = ParseIntError;

    /// Takes digits alone, without a sign.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = if text.starts_with('+') { "" } else { text };
        digits.parse().map(Self)
    }
}

/// `POST /v1/teams`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamCreate {
    /// 1 to 63 characters; need not be unique.
    pub name: String,
    /// The team that it stands under; absent, null or 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_team_id: Option<TeamId>,
}

/// A new team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamCreated {
    /// Its id.
    pub team_id: TeamId,
}

/// `PUT /v1/teams/{id}`: what is absent or null stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamUpdate {
    /// The new name, 1 to 63 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The team that it is to stand under; 0: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_team_id: Option<TeamId>,
}

/// `POST /v1/teams/bulk/delete`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamsDelete {
    /// 1 to 50 of them.
    #[cfg_attr(feature = "openapi", schema(min_items = 1, max_items = 50))]
    pub ids: Vec<TeamId>,
}

/// A team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// The team that it stands under; null: none.
    pub parent_team_id: Option<TeamId>,
    /// Its tenant.
    pub entity_id: TenantId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// `GET /v1/teams/{id}`; the list's `meta` is that of the members.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamDetail {
    /// The team.
    #[serde(flatten)]
    pub team: Team,
    /// Empty: there are no users here.
    pub members: Vec<TeamMember>,
}

/// A user in a team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamMember {
    /// The user's id.
    pub id: uuid::Uuid,
    /// The user's address.
    pub email: String,
}

/// A page of teams.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TeamPage {
    /// Always `true` here; errors have [`crate::ErrorBody`].
    pub success: bool,
    /// For people; may be empty.
    #[serde(default)]
    pub message: String,
    /// The rows.
    pub data: Vec<Team>,
    /// Where in the list this page is, and what is in no team.
    pub meta: TeamMeta,
}

/// Where in the list of teams a page is, and what is in no team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct TeamMeta {
    /// Where in the list.
    #[serde(flatten)]
    pub page: PageMeta,
    /// 0: there are no users here.
    pub unassigned_users: u64,
    /// The tenant's virtual machines that are in no team.
    #[serde(rename = "unassignedVMs")]
    pub unassigned_vms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_digits() {
        assert_eq!("12".parse(), Ok(TeamId(12)));
        for wrong in ["", "+1", "1.0", " 1", "x", "99999999999999999999"] {
            assert!(wrong.parse::<TeamId>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_meta_is_flat() {
        let meta = TeamMeta {
            page: PageMeta::new(1, 1, 10),
            unassigned_users: 0,
            unassigned_vms: 3,
        };
        let wire = serde_json::to_value(meta).unwrap();
        assert_eq!(
            (&wire["total"], &wire["unassignedVMs"]),
            (&1.into(), &3.into())
        );
        assert_eq!(serde_json::from_value::<TeamMeta>(wire).unwrap(), meta);
    }
}
