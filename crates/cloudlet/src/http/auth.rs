//! Who calls: a tenant or the operator, told by an API key.
//!
//! No key and a wrong key get the same 401. The right key at the wrong door gets 403. What a caller
//! may see is decided by rules and queries, which all take the tenant; not here.

use super::{App, error::ApiError};
use crate::{
    keys,
    store::{KeyRow, Owner},
};
use api::{ErrorCode, TenantId};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};

/// A tenant, by one of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) TenantId);

/// The operator, by a key of theirs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Operator;

/// That the server takes changes: it is not shutting down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open;

impl FromRequestParts<App> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let Owner::Tenant(id) = key(&parts.headers, app).await?.owner else {
            let text = "The operator's key is for /admin/v1; use a tenant's key here";
            return Err(ApiError::new(ErrorCode::Forbidden, text));
        };
        match app.store().tenant(id).await? {
            Some(tenant) if !tenant.suspended => Ok(Self(id)),
            Some(_) => {
                let text = "This tenant is suspended; its operator can resume it";
                Err(ApiError::new(ErrorCode::Forbidden, text))
            }
            None => Err(unauthorized()),
        }
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        match key(&parts.headers, app).await?.owner {
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

async fn key(headers: &HeaderMap, app: &App) -> Result<KeyRow, ApiError> {
    let key = presented(headers).ok_or_else(unauthorized)?;
    let row = app.store().key(keys::digest(key)).await?;
    row.ok_or_else(unauthorized)
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
