//! What a key may be asked to be, for the operator and for tenants alike.

use super::{error::ApiError, limits::API_KEY_LIMIT};
use crate::{
    keys,
    store::{KeyWish, NewKey, Scopes},
};
use api::admin::Scope;
use api::{ErrorCode, KeyId};
use model::{accept::Once, name};

/// Days that a key may be good for.
const DAYS: &[u16] = &[7, 30, 60, 90, 180, 365];
/// The highest rate limit of a key's own.
const KEY_RATE_MAX: u32 = 1_000_000;

/// A key as asked for. Without scopes it may do everything.
pub(super) fn wish(
    name: String,
    scopes: Option<&[Scope]>,
    days: Option<i64>,
    rate_limit: Option<i64>,
) -> Result<KeyWish, ApiError> {
    name::check("name", &name)?;
    Ok(KeyWish {
        name,
        scopes: scopes.map_or(Ok(Scopes::ALL), checked_scopes)?,
        days: days.map(checked_days).transpose()?,
        rate_limit: rate_limit.map(checked_rate).transpose()?,
    })
}

/// A new secret, and what is kept of it.
pub(super) fn secret() -> (String, NewKey) {
    let key = keys::new_key();
    let kept = NewKey {
        start: keys::start(&key),
        digest: keys::digest(&key),
    };
    (key, kept)
}

/// There are as many keys as there may be.
pub(super) fn full() -> ApiError {
    let text = format!("There are {API_KEY_LIMIT} API keys already; revoke one first");
    let mut error = ApiError::new(ErrorCode::LimitExceeded, text);
    error.details.limit = Some(API_KEY_LIMIT);
    error
}

/// What was done now, whose secret is to be shown; a repeat is refused, since the secret is stored
/// nowhere.
pub(super) fn with_secret<T, K>(done: Once<T, K>, id: impl Fn(K) -> KeyId) -> Result<T, ApiError> {
    match done {
        Once::Now(done) => Ok(done),
        Once::Before(kept) => {
            let text = format!(
                "This request was carried out before; the new secret of key {} was in that answer and is \
                 stored nowhere. Rotate the key, or revoke it, with a new Idempotency-Key",
                id(kept)
            );
            Err(ApiError::new(ErrorCode::Conflict, text))
        }
    }
}

/// Scopes as they travel.
pub(super) fn shown(scopes: Scopes) -> Vec<Scope> {
    let all = [Scope::Read, Scope::Write].into_iter();
    all.filter(|&scope| scopes.has(scope)).collect()
}

fn checked_scopes(scopes: &[Scope]) -> Result<Scopes, ApiError> {
    if scopes.is_empty() {
        let text = "is empty; read, write or both are right";
        return Err(ApiError::field("scopes", text));
    }
    Ok(Scopes {
        read: scopes.contains(&Scope::Read),
        write: scopes.contains(&Scope::Write),
    })
}

fn checked_days(days: i64) -> Result<u16, ApiError> {
    let found = DAYS.iter().find(|&&right| i64::from(right) == days);
    found.copied().ok_or_else(|| {
        let right: Vec<_> = DAYS.iter().map(u16::to_string).collect();
        let text = format!(
            "is {days}; {} are right, or null for a key that does not expire",
            right.join(", ")
        );
        ApiError::field("expiresInDays", &text)
    })
}

fn checked_rate(rate: i64) -> Result<u32, ApiError> {
    let found = u32::try_from(rate).ok();
    let found = found.filter(|rate| (1..=KEY_RATE_MAX).contains(rate));
    found.ok_or_else(|| {
        let text = format!("is {rate}; 1 to {KEY_RATE_MAX} are right, or null for the default");
        ApiError::field("rateLimitMax", &text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_key_may_be() {
        let (both, read) = ([Scope::Write, Scope::Read], [Scope::Read, Scope::Read]);
        let asked = |scopes, days, rate| wish("ci".to_owned(), scopes, days, rate);
        assert_eq!(asked(None, None, None).unwrap(), KeyWish::wide("ci"));
        assert_eq!(
            shown(asked(Some(&both), None, None).unwrap().scopes).len(),
            2
        );
        let narrow = asked(Some(&read), Some(365), Some(1_000_000)).unwrap();
        assert_eq!(shown(narrow.scopes), [Scope::Read]);
        assert_eq!(
            (narrow.days, narrow.rate_limit),
            (Some(365), Some(1_000_000))
        );
        for (scopes, days, rate, field) in [
            (Some(&[][..]), None, None, "scopes"),
            (None, Some(0), None, "expiresInDays"),
            (None, Some(-7), None, "expiresInDays"),
            (None, Some(8), None, "expiresInDays"),
            (None, Some(i64::MAX), None, "expiresInDays"),
            (None, None, Some(0), "rateLimitMax"),
            (None, None, Some(-1), "rateLimitMax"),
            (None, None, Some(1_000_001), "rateLimitMax"),
        ] {
            let error = asked(scopes, days, rate).expect_err(field);
            assert_eq!(error.details.field.as_deref(), Some(field));
        }
    }
}
