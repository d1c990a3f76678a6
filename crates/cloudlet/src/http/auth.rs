//! Who calls: a tenant or the operator, told by an API key.
//!
//! No key and a wrong key get the same 401. The right key at the wrong door gets 403. What a caller
//! may see is decided by rules and queries, which all take the tenant; not here.

use super::{App, error::ApiError, rates, windows::Drawn};
use crate::{
    keys,
    store::{KeyRow, Owner, StoreError},
};
use api::{ErrorCode, TenantId};
use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Who came to the door, and what the request drew: judged where its turn is in the order of errors.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    key: Result<Option<KeyRow>, StoreError>,
    drawn: Option<Drawn>,
}

/// A tenant, by one of its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Caller(pub(super) TenantId);

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
            Ok(Some(key)) => rates.draw_key(key.id, own_maximum(key), purpose),
            Ok(None) | Err(_) => rates.draw_address(address),
        });
        Some(Self { key, drawn })
    }

    /// What it drew, unless nobody is limited.
    pub(super) fn drawn(&self) -> Option<Drawn> {
        self.drawn
    }

    /// The valid key: else 429 of the address, else 401.
    fn key(&self) -> Result<&KeyRow, ApiError> {
        match &self.key {
            Ok(Some(key)) => Ok(key),
            Ok(None) => {
                self.judge("from an address without a valid API key")?;
                Err(unauthorized())
            }
            Err(error) => Err(error.clone().into()),
        }
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
        let visitor = visitor(parts)?;
        let Owner::Tenant(id) = visitor.key()?.owner else {
            let text = "The operator's key is for /admin/v1; use a tenant's key here";
            return Err(ApiError::new(ErrorCode::Forbidden, text));
        };
        match app.store().tenant(id).await? {
            Some(tenant) if !tenant.suspended => {}
            Some(_) => {
                let text = "This tenant is suspended; its operator can resume it";
                return Err(ApiError::new(ErrorCode::Forbidden, text));
            }
            None => return Err(unauthorized()),
        }
        visitor.admit()?;
        Ok(Self(id))
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let visitor = visitor(parts)?;
        match visitor.key()?.owner {
            Owner::Operator => {}
            Owner::Tenant(_) => {
                let text = "A tenant's key is for /v1; use the operator's key here";
                return Err(ApiError::new(ErrorCode::Forbidden, text));
            }
        }
        visitor.admit()?;
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

/// The key that a request shows, if it is valid.
async fn valid_key(app: &App, headers: &HeaderMap) -> Result<Option<KeyRow>, StoreError> {
    match presented(headers) {
        Some(key) => app.store().key(keys::digest(key)).await,
        None => Ok(None),
    }
}

/// How many requests this key may make, where it is not the default.
fn own_maximum(_: &KeyRow) -> Option<u32> {
    None
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
