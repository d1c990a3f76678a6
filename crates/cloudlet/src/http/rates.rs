//! How many requests a caller may make: a bucket for each API key, another for its polls, and one for
//! each address that shows no valid key.
//!
//! Every request under `/v1` and `/admin/v1` draws, and its answer tells of the bucket it drew from.
//! Pages without a key (`/healthz`, `/metrics`, …) are no part of this: a probe is never refused. Runs
//! on real time, whatever the clock of the machines.

use super::{
    error::ApiError,
    limits::{ADDRESS_RATE_LIMIT, JOBS_RATE_LIMIT, KEY_RATE_LIMIT, RATE_WINDOW, RATES_KEPT},
    windows::{Drawn, Windows},
};
use crate::clock::Clock;
use api::{ErrorCode, KeyId};
use axum::http::{HeaderMap, HeaderName, Method};
use model::limits::POLL_LIMIT;
use std::{
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::Duration,
};

const LIMIT_HEADER: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING_HEADER: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET_HEADER: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// The bits of an IPv6 address that name a network; who has one has all addresses in it.
const NETWORK_BITS: u128 = !0 << 64;

/// Which of a key's buckets a request draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The batch poll.
    Poll,
    /// All else.
    Other,
}

/// Every bucket of this server.
pub(super) struct Rates {
    clock: Clock,
    keys: Mutex<Windows<KeyId>>,
    polls: Mutex<Windows<KeyId>>,
    addresses: Mutex<Windows<IpAddr>>,
}

impl Rates {
    /// All full.
    pub(super) fn new() -> Self {
        Self {
            clock: Clock::real(),
            keys: windows(),
            polls: windows(),
            addresses: windows(),
        }
    }

    /// A request with a valid key. `own` is the key's own maximum, where it has one.
    pub(super) fn draw_key(&self, key: KeyId, own: Option<u32>, purpose: Purpose) -> Drawn {
        let windows = match purpose {
            Purpose::Poll => &self.polls,
            Purpose::Other => &self.keys,
        };
        self.draw(windows, key, key_limit(own, purpose))
    }

    /// A request without one.
    pub(super) fn draw_address(&self, address: IpAddr) -> Drawn {
        self.draw(&self.addresses, network(address), ADDRESS_RATE_LIMIT)
    }

    fn draw<K: Copy + Eq + Hash>(&self, from: &Mutex<Windows<K>>, caller: K, limit: u32) -> Drawn {
        // Nothing in `Windows` can be left half done.
        let mut windows = from.lock().unwrap_or_else(PoisonError::into_inner);
        windows.draw(caller, limit, self.clock.moment())
    }
}

fn windows<K: Copy + Eq + Hash>() -> Mutex<Windows<K>> {
    let length = u64::try_from(RATE_WINDOW.as_millis()).unwrap_or(u64::MAX);
    Mutex::new(Windows::new(length, RATES_KEPT))
}

/// A key's own maximum takes the place of the default, and its polls may be half as many again, as
/// they are by default.
const fn key_limit(own: Option<u32>, purpose: Purpose) -> u32 {
    match (own, purpose) {
        (None, Purpose::Other) => KEY_RATE_LIMIT,
        (None, Purpose::Poll) => JOBS_RATE_LIMIT,
        (Some(own), Purpose::Other) => own,
        (Some(own), Purpose::Poll) => own.saturating_add(own / 2),
    }
}

/// An IPv4 address, in whatever form, or the /64 of an IPv6 one.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & NETWORK_BITS).into(),
        v4 => v4,
    }
}

/// Whether requests to this path draw.
pub(super) fn is_counted(path: &str) -> bool {
    ["/v1", "/admin/v1"].iter().any(|root| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// What a request is for; its path has no trailing slash any more.
pub(super) fn purpose(method: &Method, path: &str) -> Purpose {
    match method == Method::POST && path == "/v1/resource/jobs" {
        true => Purpose::Poll,
        false => Purpose::Other,
    }
}

impl Drawn {
    /// Tells the client.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        headers.insert(LIMIT_HEADER, self.limit.into());
        headers.insert(REMAINING_HEADER, self.remaining.into());
        headers.insert(RESET_HEADER, self.reset.into());
    }

    /// Nothing, or the 429. `whose` completes "requests in 60 s are allowed …".
    pub(super) fn judge(self, whose: &str) -> Result<(), ApiError> {
        let Some(seconds) = self.refused_for else {
            return Ok(());
        };
        let text = format!(
            "Too many requests: {} in {} s are allowed {whose}; try again in {seconds} s. To poll, ask \
             for up to {POLL_LIMIT} ids in one request: POST /v1/resource/jobs",
            self.limit,
            RATE_WINDOW.as_secs(),
        );
        let mut error = ApiError::new(ErrorCode::RateLimitExceeded, text);
        error.details.limit = Some(self.limit.into());
        error.retry_after = Some(Duration::from_secs(seconds));
        Err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn what_is_counted_and_what_is_a_poll() {
        for (path, counted) in [
            ("/v1", true),
            ("/v1/", true),
            ("/v1/nothing", true),
            ("/admin/v1/tenants", true),
            ("/v10", false),
            ("/admin", false),
            ("/healthz", false),
            ("/", false),
        ] {
            assert_eq!(is_counted(path), counted, "{path}");
        }
        let path = "/v1/resource/jobs";
        assert_eq!(purpose(&Method::POST, path), Purpose::Poll);
        assert_eq!(purpose(&Method::GET, path), Purpose::Other);
        let machines = "/v1/resource/virtual-machines";
        assert_eq!(purpose(&Method::POST, machines), Purpose::Other);
    }

    #[test]
    fn addresses_are_told_apart_by_network() {
        for (one, other, same) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("10.0.0.1", "::ffff:10.0.0.1", true),
            ("::ffff:10.0.0.1", "::ffff:10.0.0.2", false),
            ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ] {
            let network = |text: &str| network(text.parse().unwrap());
            assert_eq!(network(one) == network(other), same, "{one}, {other}");
        }
    }

    #[test]
    fn polls_have_a_bucket_of_their_own() {
        let rates = Rates::new();
        let (a, b) = (KeyId(Uuid::from_u128(1)), KeyId(Uuid::from_u128(2)));
        let draw = |key, own, purpose| {
            let drawn = rates.draw_key(key, own, purpose);
            (drawn.limit, drawn.remaining)
        };
        assert_eq!(draw(a, None, Purpose::Other), (1_000, 999));
        assert_eq!(draw(a, None, Purpose::Poll), (1_500, 1_499));
        assert_eq!(draw(b, Some(10), Purpose::Other), (10, 9));
        assert_eq!(draw(b, Some(10), Purpose::Poll), (15, 14));
        let drawn = rates.draw_address("10.0.0.1".parse().unwrap());
        assert_eq!((drawn.limit, drawn.remaining), (100, 99));
        assert_eq!(key_limit(Some(u32::MAX), Purpose::Poll), u32::MAX);
    }

    #[test]
    fn the_headers_and_the_refusal() {
        let mut drawn = Drawn {
            limit: 7,
            remaining: 0,
            reset: 1_800_000_000,
            refused_for: None,
        };
        let mut headers = HeaderMap::new();
        drawn.tell(&mut headers);
        assert_eq!(headers["x-ratelimit-limit"], "7");
        assert_eq!(headers["x-ratelimit-remaining"], "0");
        assert_eq!(headers["x-ratelimit-reset"], "1800000000");
        assert!(drawn.judge("with this key").is_ok());
        drawn.refused_for = Some(12);
        let error = drawn.judge("with this key").expect_err("refused");
        assert_eq!(error.code, ErrorCode::RateLimitExceeded);
        assert!(error.message.contains("up to 50 ids in one request"));
        assert_eq!(error.details.limit, Some(7));
    }
}
