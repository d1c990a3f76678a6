//! Paths with and without a trailing slash are the same, but for one answer.
//!
//! This is the one place that knows: the create of machines answers a list of jobs without the slash
//! (the published form) and `{"jobs":[…]}` with it (what deployed providers read).

use super::{App, answer::Answer, error::ApiError};
use api::{Job, job::JobList};
use axum::{
    extract::{FromRequestParts, Request},
    http::{Uri, request::Parts, uri::PathAndQuery},
};
use serde::Serialize;

/// Whether the path came with a trailing slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slash {
    /// It did.
    With,
    /// It did not.
    Without,
}

/// Takes the trailing slash off the path, and leaves word of it with the request.
pub(super) fn take_off(request: &mut Request) {
    let bare = without(request.uri());
    let slash = match bare {
        Some(_) => Slash::With,
        None => Slash::Without,
    };
    if let Some(uri) = bare {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(slash);
}

fn without(uri: &Uri) -> Option<Uri> {
    let path = uri
        .path()
        .strip_suffix('/')
        .filter(|path| !path.is_empty())?;
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// The jobs of a create, in the form that its path asks for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum CreatedJobs {
    /// Without the slash.
    List(Vec<Job>),
    /// With it.
    Object(JobList),
}

impl Slash {
    /// 202 with the jobs of a create, in the form of this path.
    pub(super) fn accepted(self, app: &App, accepted: &[model::Job]) -> Answer<CreatedJobs> {
        let ids: Vec<_> = accepted.iter().map(|job| job.id).collect();
        let jobs = accepted.iter().map(|job| app.shown(job)).collect();
        let jobs = match self {
            Self::Without => CreatedJobs::List(jobs),
            Self::With => CreatedJobs::Object(JobList { jobs }),
        };
        Answer::accepted(jobs, &ids, app.engine.poll_after(accepted))
    }
}

impl FromRequestParts<App> for Slash {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        Ok(parts.extensions.get().copied().unwrap_or(Self::Without))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slash_is_taken_off() {
        for (uri, bare) in [
            ("/v1/a/", Some("/v1/a")),
            ("/v1/a/?page=2", Some("/v1/a?page=2")),
            ("/v1/a?b=/", None),
            ("/v1/a//", Some("/v1/a/")),
            ("/", None),
            ("http://host:1/v1/a/", Some("http://host:1/v1/a")),
        ] {
            let found = without(&uri.parse().unwrap());
            assert_eq!(found.map(|uri| uri.to_string()).as_deref(), bare, "{uri}");
        }
    }
}
