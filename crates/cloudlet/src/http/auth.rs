//! Who calls: a tenant or the operator, told by an API key.
//!
//! No key, a wrong one and one that is suspended, expired or revoked get the same 401. The right key at
//! the wrong door gets 403, and so does one without the scope that its request needs: [`needed`] is
//! the one place that says which. What a caller may see is decided by rules and queries, which all
//! take the tenant; not here.

use super::{App, error::ApiError};
use crate::{
    keys,
    store::{KnownKey, Owner},
};
use api::{ErrorCode, TenantId, admin::Scope};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, header, request::Parts},
};
use std::sync::Arc;

/// Requests that change nothing though their method says otherwise.
const READS: &[(Method, &str)] = &[(Method::POST, "/v1/resource/jobs")];
/// What any valid key may ask.
const NEEDS_NO_SCOPE: &str = "/v1/auth/check";

/// A tenant, by one of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) TenantId);

/// A tenant with the key that it has shown.
#[derive(Clone, Debug)]
pub(super) struct Myself {
    pub(super) tenant: TenantId,
    pub(super) key: Arc<KnownKey>,
}

/// The operator, by a key of theirs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator;

/// That the server takes changes: it is not shutting down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open;

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let myself = Myself::from_request_parts(parts, app).await?;
        Ok(Self(myself.tenant))
    }
}

impl FromRequestParts<App> for Myself {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let key = key(&parts.headers, app).await?;
        let Owner::Tenant(tenant) = key.row.owner else {
            let text = "The operator's key is for /admin/v1; use a tenant's key here";
            return Err(ApiError::new(ErrorCode::Forbidden, text));
        };
        if key.tenant_suspended {
            let text = "This tenant is suspended; its operator can resume it";
            return Err(ApiError::new(ErrorCode::Forbidden, text));
        }
        if let Some(scope) = needed(&parts.method, parts.uri.path())
            && !key.row.wish.scopes.has(scope)
        {
            let scope = scope.as_str();
            let text = format!("This key has not the scope '{scope}'; use one that has");
            return Err(ApiError::new(ErrorCode::Forbidden, text));
        }
        Ok(Self { tenant, key })
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match key(&parts.headers, app).await?.row.owner {
            Owner::Operator => Ok(Self),
            Owner::Tenant(_) => {
                let text = "A tenant's key is for /v1; use the operator's key here";
                Err(ApiError::new(ErrorCode::Forbidden, text))
            }
        }
    }
}

impl FromRequestParts<App> for Open {
    type Rejection = ApiError;

    async fn from_request_parts(_: &mut Parts, app: &App) -> Result<Self, ApiError> {
        if app.engine.is_draining() {
            return Err(ApiError::shutting_down());
        }
        Ok(Self)
    }
}

/// The scope that a tenant's request needs. What is not known to be a read changes something.
fn needed(method: &Method, path: &str) -> Option<Scope> {
    if path == NEEDS_NO_SCOPE {
        return None;
    }
    let reads = matches!(*method, Method::GET | Method::HEAD)
        || READS.iter().any(|read| (&read.0, read.1) == (method, path));
    Some(if reads { Scope::Read } else { Scope::Write })
}

async fn key(headers: &HeaderMap, app: &App) -> Result<Arc<KnownKey>, ApiError> {
    let key = presented(headers).ok_or_else(unauthorized)?;
    let known = app.store().key(keys::digest(key)).await?;
    let now = app.engine.clock().now();
    let known = known.filter(|known| known.is_valid(now));
    let known = known.ok_or_else(unauthorized)?;
    app.store().note_use(known.row.id, now);
    Ok(known)
}

fn unauthorized() -> ApiError {
    let text = "No valid API key. Send one in the header X-API-Key, or as Authorization: Bearer";
    ApiError::new(ErrorCode::Unauthorized, text)
}

/// The key that a request shows, if it could be one at all.
fn presented(headers: &HeaderMap) -> Option<&str> {
    let own = headers.get("x-api-key").map(|value| value.to_str());
    let key = match own {
        Some(key) => key.ok()?.trim(),
        None => {
            let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
            let (scheme, key) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())?
        }
    };
    key.starts_with(keys::PREFIX).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(given: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = given.iter().map(|(name, value)| {
            let name = header::HeaderName::from_static(name);
            (name, header::HeaderValue::from_str(value).unwrap())
        });
        pairs.collect()
    }

    #[test]
    fn what_a_request_needs() {
        for (method, path, scope) in [
            (Method::GET, "/v1/resource/jobs", Some(Scope::Read)),
            (Method::HEAD, "/v1/resource/jobs", Some(Scope::Read)),
            (Method::POST, "/v1/resource/jobs", Some(Scope::Read)),
            (
                Method::POST,
                "/v1/resource/jobs/x/cancel",
                Some(Scope::Write),
            ),
            (Method::DELETE, "/v1/resource/jobs", Some(Scope::Write)),
            (Method::POST, "/v1/anything/new", Some(Scope::Write)),
            (Method::GET, "/v1/auth/check", None),
        ] {
            assert_eq!(needed(&method, path), scope, "{method} {path}");
        }
    }

    #[test]
    fn where_a_key_may_stand() {
        for (name, value, key) in [
            ("x-api-key", "gpcn_a", Some("gpcn_a")),
            ("authorization", "Bearer gpcn_a", Some("gpcn_a")),
            ("authorization", "bearer  gpcn_a ", Some("gpcn_a")),
            ("authorization", "Bearer a", None),
            ("authorization", "Basic gpcn_a", None),
            ("authorization", "gpcn_a", None),
            ("x-api-key", "", None),
            ("x-other", "gpcn_a", None),
        ] {
            assert_eq!(
                presented(&headers(&[(name, value)])),
                key,
                "{name}: {value}"
            );
        }
        let both = headers(&[("x-api-key", "gpcn_a"), ("authorization", "Bearer gpcn_b")]);
        assert_eq!(presented(&both), Some("gpcn_a"));
    }
}
