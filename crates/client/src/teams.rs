//! Teams: resource groups.

use crate::{Client, Error};
use api::{
    TeamId,
    team::{Team, TeamCreate, TeamCreated, TeamDetail, TeamPage, TeamUpdate, TeamsDelete},
};
use reqwest::Method;

const TEAMS: &str = "/v1/teams";

impl Client {
    /// A page of the teams, by name, and what is in no team; pages count from 1, `limit` is 1 to 100.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn list_teams(&self, page: u64, limit: u64) -> Result<TeamPage, Error> {
        let path = format!("{TEAMS}?page={page}&limit={limit}");
        let (page, _) = self.read(self.request(Method::GET, &path)).await?;
        Ok(page)
    }

    /// All teams, by name.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn all_teams(&self) -> Result<Vec<Team>, Error> {
        self.get_all(TEAMS).await
    }

    /// One team.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn team(&self, id: TeamId) -> Result<TeamDetail, Error> {
        self.get(&format!("{TEAMS}/{id}")).await
    }

    /// Makes a team.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn create_team(&self, team: &TeamCreate) -> Result<TeamId, Error> {
        let created: TeamCreated = self.call(Method::POST, TEAMS, team).await?;
        Ok(created.team_id)
    }

    /// Renames or moves a team.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn update_team(&self, id: TeamId, change: &TeamUpdate) -> Result<Team, Error> {
        self.call(Method::PUT, &format!("{TEAMS}/{id}"), change)
            .await
    }

    /// Deletes a team that has none under it.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_team(&self, id: TeamId) -> Result<(), Error> {
        let path = format!("{TEAMS}/{id}");
        self.send_only(self.request(Method::DELETE, &path)).await
    }

    /// Deletes 1 to 50 teams, all of them or none.
    ///
    /// # Errors
    /// Whatever [`Error`] names.
    pub async fn delete_teams(&self, ids: &[TeamId]) -> Result<(), Error> {
        let body = TeamsDelete { ids: ids.to_vec() };
        let request = self.request(Method::POST, &format!("{TEAMS}/bulk/delete"));
        self.send_only(request.json(&body)).await
    }
}
