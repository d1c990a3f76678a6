//! Limits of requests as a client meets them: the headers of every answer, and the 429 at its place.

use crate::cloud::{ADMIN_KEY, Answer, JOBS, KEY, MACHINES, NOTHING, TestCloud, send};
use reqwest::Method;
use serde_json::json;

const HEADERS: [&str; 3] = [
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// Limit and remaining; and that the reset is within a minute from now.
#[track_caller]
fn standing(answer: &Answer) -> (u64, u64) {
    let [limit, remaining, reset] = HEADERS.map(|name| {
        let text = answer.header(name);
        text.parse::<u64>()
            .unwrap_or_else(|_| panic!("{name}: {text:?} of a {}", answer.status))
    });
    let now = cloudlet::clock::Clock::real().now().as_millis() / 1_000;
    let now = u64::try_from(now).unwrap();
    assert!((now..=now + 61).contains(&reset), "{reset} at {now}");
    (limit, remaining)
}

async fn with_key(cloud: &TestCloud, key: &str, method: Method, path: &str) -> Answer {
    send(cloud.anonymous(method, path).header("X-API-Key", key)).await
}

#[track_caller]
fn is_limited(answer: &Answer, limit: u64) {
    answer.is_error(429, "RATE_LIMIT_EXCEEDED");
    assert_eq!(standing(answer), (limit, 0));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    let message = answer.json["message"].as_str().unwrap();
    assert!(message.contains("up to 50 ids in one request"), "{message}");
    assert_eq!(answer.json["details"]["limit"], json!(limit));
}

#[tokio::test]
async fn every_answer_tells_of_the_bucket_it_drew_from() {
    let cloud = TestCloud::start_with(&["--rate-limit", "on"]).await;
    let machine = format!("{MACHINES}/{NOTHING}");
    // One bucket of the tenant's key, whatever the answer …
    for (left, method, path, status) in [
        (999, Method::GET, MACHINES, 200),
        (998, Method::HEAD, MACHINES, 200),
        (997, Method::GET, machine.as_str(), 404),
        (996, Method::GET, "/v1/nothing", 404),
        (995, Method::PATCH, MACHINES, 405),
        (994, Method::POST, MACHINES, 400),
        (993, Method::GET, "/admin/v1/tenants", 403),
        (992, Method::GET, "/v1", 404),
    ] {
        let answer = send(cloud.request(method.clone(), path)).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.json);
        assert_eq!(standing(&answer), (1_000, left), "{method} {path}");
    }
    let accepted = cloud.post(MACHINES, TestCloud::machine("web")).await;
    assert_eq!((accepted.status, standing(&accepted)), (202, (1_000, 991)));
    // … another of its polls, with and without the slash, and the operator's own.
    let ids = json!({"jobIds": [accepted.json["data"][0]["id"]]});
    let slash = format!("{JOBS}/");
    for (left, path, body, status) in [
        (1_499, JOBS, &ids, 200),
        (1_498, slash.as_str(), &ids, 200),
        (1_497, JOBS, &json!({"jobIds": []}), 400),
    ] {
        let answer = cloud.post(path, body.clone()).await;
        assert_eq!((answer.status, standing(&answer)), (status, (1_500, left)));
    }
    // The second tenant was made by two requests of the operator.
    let tenants = with_key(&cloud, ADMIN_KEY, Method::GET, "/admin/v1/tenants").await;
    assert_eq!((tenants.status, standing(&tenants)), (200, (1_000, 997)));
    // Without a valid key: the address.
    let nobody = send(cloud.anonymous(Method::GET, MACHINES)).await;
    assert_eq!((nobody.status, standing(&nobody)), (401, (100, 99)));
    let wrong = with_key(&cloud, "gpcn_wrong", Method::GET, "/v1/nothing").await;
    assert_eq!((wrong.status, standing(&wrong)), (404, (100, 98)));
    // A probe is no part of this.
    for path in [
        "/healthz",
        "/metrics",
        "/",
        "/docs",
        "/openapi.json",
        "/nothing",
    ] {
        let answer = send(cloud.anonymous(Method::GET, path)).await;
        assert_eq!(HEADERS.map(|name| answer.header(name)), [""; 3], "{path}");
    }
}

#[tokio::test]
async fn an_address_without_a_key_is_limited_and_those_with_a_key_are_not() {
    let cloud = TestCloud::start_with(&["--rate-limit", "on"]).await;
    for left in (0..100).rev() {
        let forged = cloud
            .anonymous(Method::GET, MACHINES)
            .header("X-Forwarded-For", format!("10.0.0.{left}"));
        let answer = send(forged).await;
        assert_eq!((answer.status, standing(&answer)), (401, (100, left)));
    }
    is_limited(&send(cloud.anonymous(Method::GET, MACHINES)).await, 100);
    is_limited(
        &with_key(&cloud, "gpcn_wrong", Method::POST, JOBS).await,
        100,
    );
    // What is not there comes first, and says how the bucket is.
    let nothing = send(cloud.anonymous(Method::GET, "/v1/nothing")).await;
    assert_eq!((nothing.status, standing(&nothing)), (404, (100, 0)));
    let method = send(cloud.anonymous(Method::PATCH, MACHINES)).await;
    assert_eq!((method.status, standing(&method)), (405, (100, 0)));
    assert_eq!(cloud.get(MACHINES).await.status, 200);
}

#[tokio::test]
async fn a_key_is_limited_and_its_polls_and_other_keys_are_not() {
    let cloud = TestCloud::start_with(&["--rate-limit", "on"]).await;
    for _ in 0..1_000 {
        assert_eq!(cloud.get(MACHINES).await.status, 200);
    }
    is_limited(&cloud.get(MACHINES).await, 1_000);
    // 403 comes before, 415 and 400 after.
    assert_eq!(cloud.get("/admin/v1/tenants").await.status, 403);
    let xml = cloud
        .request(Method::POST, MACHINES)
        .header("Content-Type", "text/xml");
    is_limited(&send(xml.body("<a/>")).await, 1_000);
    let ids = json!({"jobIds": [NOTHING]});
    assert_eq!(cloud.post(JOBS, ids).await.status, 200);
    let other = with_key(&cloud, &cloud.other_key, Method::GET, MACHINES).await;
    assert_eq!((other.status, standing(&other)), (200, (1_000, 999)));
    // The same key in the other header is the same bucket.
    let bearer = cloud.anonymous(Method::GET, MACHINES).bearer_auth(KEY);
    is_limited(&send(bearer).await, 1_000);
}

#[tokio::test]
async fn off_means_no_headers_and_no_limit() {
    let cloud = TestCloud::start_with(&["--rate-limit", "off"]).await;
    for _ in 0..120 {
        let answer = send(cloud.anonymous(Method::GET, MACHINES)).await;
        answer.is_error(401, "UNAUTHORIZED");
        assert_eq!(HEADERS.map(|name| answer.header(name)), [""; 3]);
    }
}

/// That it then waits as long is tested with the client, on virtual time.
#[tokio::test]
async fn the_typed_client_knows_when_to_try_again() {
    use client::{Client, Error};
    let cloud = TestCloud::start_with(&["--rate-limit", "on"]).await;
    let stranger = Client::new(&cloud.url, "gpcn_wrong").unwrap();
    for _ in 0..100 {
        assert_eq!(
            stranger.all_machines().await.unwrap_err().code(),
            Some("UNAUTHORIZED")
        );
    }
    let error = stranger.all_machines().await.unwrap_err();
    assert_eq!(error.code(), Some("RATE_LIMIT_EXCEEDED"));
    assert!(error.is_transient() && error.retry_after().is_some_and(|it| it.as_secs() >= 1));
    assert!(matches!(error, Error::Api { status: 429, .. }));
}
