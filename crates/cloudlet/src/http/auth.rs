//! Who calls: a tenant or the operator, told by an API key.
//!
//! No key, a wrong one and one that is suspended, expired or revoked get the same 401. The right key at
//! the wrong door gets 403, and so does one without the scope that its request needs: [`needed`] is
//! the one place that says which. What a caller may see is decided by rules and queries, which all
//! take the tenant; not here.
//!
//! The door looks at the key to count the request; whether it opens anything is judged when the whole
//! request is there, since a body takes its time and the key may have been revoked meanwhile.

use super::{App, error::ApiError, rates, strikes, windows::Drawn};
use crate::{
    keys,
    store::{KnownKey, Owner, StoreError},
};
use api::{ErrorCode, TenantId, admin::Scope};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, Method, header, request::Parts},
};
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

/// Requests that change nothing though their method says otherwise.
const READS: &[(Method, &str)] = &[(Method::POST, "/v1/resource/jobs")];
/// What any valid key may ask.
const NEEDS_NO_SCOPE: &str = "/v1/auth/check";

/// Who came to the door, and what the request drew: judged where its turn is in the order of errors.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    key: Result<Option<Arc<KnownKey>>, StoreError>,
    drawn: Option<Drawn>,
}

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

impl Visitor {
    /// Who sends this request, if its path is one that takes a key.
    pub(super) async fn of(app: &App, parts: &Parts) -> Option<Self> {
        let path = parts.uri.path();
        if !rates::is_counted(path) {
            return None;
        }
        let (purpose, address) = (rates::purpose(&parts.method, path), address(parts));
        let key = valid_key(app, &parts.headers).await;
        let drawn = app.rates.as_ref().map(|rates| match &key {
            Ok(Some(key)) => rates.draw_key(key.row.id, key.row.wish.rate_limit, purpose),
            Ok(None) | Err(_) => rates.draw_address(address),
        });
        Some(Self { key, drawn })
    }

    /// What it drew, unless nobody is limited.
    pub(super) fn drawn(&self) -> Option<Drawn> {
        self.drawn
    }

    /// The key, if it is still valid: else 429 of the address, else 401.
    async fn key(&self, app: &App, parts: &Parts) -> Result<Arc<KnownKey>, ApiError> {
        if self.key.clone()?.is_none() {
            self.judge("from an address without a valid API key")?;
            return Err(unauthorized());
        }
        let key = valid_key(app, &parts.headers).await?;
        let key = key.ok_or_else(unauthorized)?;
        app.store().note_use(key.row.id, app.engine.clock().now());
        Ok(key)
    }

    /// 429 of the key, which comes after 401 and 403.
    fn admit(&self) -> Result<(), ApiError> {
        self.judge("with one API key")
    }

    fn judge(&self, whose: &str) -> Result<(), ApiError> {
        self.drawn.map_or(Ok(()), |drawn| drawn.judge(whose))
    }
}

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
        let visitor = visitor(parts)?;
        let key = visitor.key(app, parts).await?;
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
        visitor.admit()?;
        strikes::judge(app, parts, Some(tenant))?;
        Ok(Self { tenant, key })
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let visitor = visitor(parts)?;
        match visitor.key(app, parts).await?.row.owner {
            Owner::Operator => {}
            Owner::Tenant(_) => {
                let text = "A tenant's key is for /v1; use the operator's key here";
                return Err(ApiError::new(ErrorCode::Forbidden, text));
            }
        }
        visitor.admit()?;
        strikes::judge(app, parts, None)?;
        Ok(Self)
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

fn visitor(parts: &Parts) -> Result<&Visitor, ApiError> {
    let visitor = parts.extensions.get();
    visitor.ok_or_else(|| ApiError::internal("a route outside of /v1 and /admin/v1 takes a key"))
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

/// The key that a request shows, if it is valid now.
async fn valid_key(app: &App, headers: &HeaderMap) -> Result<Option<Arc<KnownKey>>, StoreError> {
    let Some(key) = presented(headers) else {
        return Ok(None);
    };
    let known = app.store().key(keys::digest(key)).await?;
    let now = app.engine.clock().now();
    Ok(known.filter(|known| known.is_valid(now)))
}

/// Where the connection comes from. What a header such as `X-Forwarded-For` says is not asked: anybody
/// can send one.
fn address(parts: &Parts) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    peer.map_or(Ipv4Addr::UNSPECIFIED.into(), |peer| peer.0.ip())
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
