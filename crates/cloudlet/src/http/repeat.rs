//! `Idempotency-Key`: what tells the repeat of a request from a new one.

use super::{
    App, body::Received, error::ApiError, front::is_visible, limits::IDEMPOTENCY_KEY_LIMIT,
};
use api::TenantId;
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, request::Parts},
};
use model::{accept::Idempotency, writes::AnswerKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

const HEADER: &str = "Idempotency-Key";
/// Where the operator's keys are known: as long as no tenant's id.
const OPERATOR: &[u8] = b"operator";

/// The header as the OpenAPI document has it.
#[derive(Debug, utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "read by the document alone")]
pub(super) struct IdempotencyKey {
    /// 1 to 255 visible ASCII characters: a repeat is answered as the first request was, with the same
    /// jobs as they are now, and changes nothing. The same key with another body is 422.
    #[param(rename = "Idempotency-Key", required = false)]
    idempotency_key: Option<String>,
}

/// What a repeat of this request is known by, if its sender wants that.
#[derive(Clone, Debug)]
pub(super) struct Repeat(Option<Known>);

#[derive(Clone, Debug)]
struct Known {
    method: String,
    path: String,
    key: Vec<u8>,
    request: [u8; 16],
}

impl FromRequestParts<App> for Repeat {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let Some(key) = key(&parts.headers)? else {
            return Ok(Self(None));
        };
        let body: &[u8] = match parts.extensions.get::<Received>() {
            Some(Received::Whole(bytes)) => bytes,
            _ => &[],
        };
        Ok(Self(Some(Known {
            method: parts.method.to_string(),
            path: path(parts.uri.path()),
            request: request(&key, body),
            key,
        })))
    }
}

impl Repeat {
    /// The same for one tenant: keys of two tenants never meet.
    pub(super) fn of(self, tenant: TenantId) -> Option<Idempotency> {
        self.within(tenant.0.as_bytes())
    }

    /// The same for the operator, whose keys meet those of no tenant.
    pub(super) fn of_operator(self) -> Option<Idempotency> {
        self.within(OPERATOR)
    }

    /// The same for what ends with this process.
    pub(super) fn of_process(self, process: Uuid) -> Option<Idempotency> {
        self.within(&[OPERATOR, process.as_bytes()].concat())
    }

    fn within(self, scope: &[u8]) -> Option<Idempotency> {
        let known = self.0?;
        let parts: [&[u8]; 4] = [
            scope,
            known.method.as_bytes(),
            known.path.as_bytes(),
            &known.key,
        ];
        Some(Idempotency {
            key: AnswerKey(short_digest(&parts)),
            request: known.request,
        })
    }
}

fn key(headers: &HeaderMap) -> Result<Option<Vec<u8>>, ApiError> {
    let mut given = headers.get_all(HEADER).iter();
    let (key, second) = (given.next(), given.next());
    match key {
        None => Ok(None),
        Some(key) if second.is_none() && is_visible(key.as_bytes(), IDEMPOTENCY_KEY_LIMIT) => {
            Ok(Some(key.as_bytes().to_vec()))
        }
        Some(_) => {
            let text =
                format!("must be one key of 1 to {IDEMPOTENCY_KEY_LIMIT} visible ASCII characters");
            Err(ApiError::field(HEADER, &text))
        }
    }
}

/// A path with every id in one spelling.
fn path(given: &str) -> String {
    let spelt = |part: &str| match part.parse::<Uuid>() {
        Ok(id) => id.to_string(),
        Err(_) => part.to_owned(),
    };
    let parts: Vec<_> = given.split('/').map(spelt).collect();
    parts.join("/")
}

/// What tells a body from another under the same key. A body may hold a password, which a digest of the
/// body alone would let somebody find by trying; the key, which is stored nowhere, goes into it as well.
/// That protects as well as the key is random, as a UUID is.
fn request(key: &[u8], body: &[u8]) -> [u8; 16] {
    short_digest(&[key, body])
}

/// The first half of SHA-256 over the parts, each with its length before it, so that no two lists of
/// parts run together into the same bytes.
pub(super) fn short_digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let whole: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&whole[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(path: &str, key: &str, body: &str) -> Repeat {
        Repeat(Some(Known {
            method: "POST".into(),
            path: path.into(),
            key: key.into(),
            request: request(key.as_bytes(), body.as_bytes()),
        }))
    }

    #[test]
    fn every_part_counts_and_the_body_apart() {
        let tenant = TenantId(uuid::Uuid::from_u128(1));
        let of = |path, key, body| repeat(path, key, body).of(tenant);
        let first = of("/a", "k", "{}").unwrap();
        assert_eq!(of("/a", "k", "{}"), Some(first));
        assert_eq!(of("/a", "k", "{ }").unwrap().key, first.key);
        assert_ne!(of("/a", "k", "{ }").unwrap().request, first.request);
        assert_ne!(of("/ak", "", "{}").unwrap().key, first.key);
        let another = of("/a", "l", "{}").unwrap().request;
        assert_ne!(another, first.request, "the same body under another key");
        let other = TenantId(uuid::Uuid::from_u128(2));
        assert_ne!(repeat("/a", "k", "{}").of(other).unwrap().key, first.key);
        let operator = repeat("/a", "k", "{}").of_operator().unwrap().key;
        let process = |process| repeat("/a", "k", "{}").of_process(Uuid::from_u128(process));
        let keys = [1, 2].map(|it| process(it).unwrap().key);
        let all: std::collections::BTreeSet<_> = keys.into_iter().chain([operator]).collect();
        assert!(all.len() == 3 && !all.contains(&first.key));
    }

    #[test]
    fn an_id_is_the_same_however_it_is_spelt() {
        let id = "01930000-0000-7000-8000-0000000000ab";
        for spelt in [
            id.to_uppercase(),
            id.replace('-', ""),
            format!("urn:uuid:{id}"),
        ] {
            assert_eq!(path(&format!("/a/{spelt}/b")), format!("/a/{id}/b"));
        }
        assert_eq!(path("/v1/teams/7"), "/v1/teams/7");
    }

    #[test]
    fn a_key_is_visible_ascii() {
        let with = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, axum::http::HeaderValue::from_bytes(value).unwrap());
            key(&headers).map_err(|error| error.details.field)
        };
        assert_eq!(key(&HeaderMap::new()).unwrap(), None);
        assert_eq!(with(b"a-1"), Ok(Some(b"a-1".to_vec())));
        assert_eq!(
            with(&[b'a'; 255]).map(|key| key.map(|key| key.len())),
            Ok(Some(255))
        );
        for bad in [&b""[..], b"a b", b"\xc3\xa4", &[b'a'; 256]] {
            assert_eq!(with(bad), Err(Some(HEADER.to_owned())), "{bad:?}");
        }
        let mut twice = HeaderMap::new();
        for _ in 0..2 {
            twice.append(HEADER, axum::http::HeaderValue::from_static("a"));
        }
        assert!(key(&twice).is_err(), "one key is meant");
    }
}
