//! The operator's requests: what is refused, and lists page by page.

use crate::cloud::{NOTHING, TestCloud};
use reqwest::Method;
use serde_json::{Value, json};

const TENANTS: &str = "/admin/v1/tenants";

/// A key that was asked to be narrow must not come back as one that may do everything for ever.
#[tokio::test]
async fn a_key_that_is_asked_to_be_narrow_is_refused() {
    let cloud = TestCloud::start().await;
    let all = cloud.admin(Method::GET, TENANTS, json!({})).await;
    let id = all.json["data"][0]["id"].as_str().unwrap();
    let keys = format!("{TENANTS}/{id}/keys");
    let made = || async { cloud.admin(Method::GET, &keys, json!({})).await.json["meta"].clone() };
    let before = made().await;
    for (field, value) in [
        ("scopes", json!(["read"])),
        ("scopes", json!([])),
        ("expiresInDays", json!(30)),
        ("expiresInDays", json!("soon")),
        ("rateLimitMax", json!(5)),
    ] {
        let body = json!({"name": "narrow", field: value});
        let answer = cloud.admin(Method::POST, &keys, body).await;
        answer.names(field);
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.contains("not built yet"), "{message}");
    }
    assert_eq!(made().await, before, "a refusal makes no key");
    let nulls = json!({"name": "a", "scopes": null, "expiresInDays": null, "rateLimitMax": null});
    let wide = cloud.admin(Method::POST, &keys, nulls).await;
    assert_eq!(wide.status, 201, "{}", wide.json);
}

#[tokio::test]
async fn tenants_and_keys_come_in_pages() {
    let cloud = TestCloud::start().await;
    let first = read(&cloud, TENANTS).await;
    let id = first["data"][0]["id"].as_str().unwrap().to_owned();
    let keys = format!("{TENANTS}/{id}/keys");
    for list in [TENANTS, &keys] {
        let all = read(&cloud, list).await;
        let rows = all["data"].as_array().unwrap();
        let total = rows.len();
        assert_eq!(all["meta"]["total"], total, "{list}");
        assert_eq!(
            (&all["meta"]["page"], &all["meta"]["pageSize"]),
            (&json!(1), &json!(10))
        );
        let last = read(&cloud, &format!("{list}?limit=1&page={total}")).await;
        assert_eq!(last["data"], json!([rows[total - 1]]));
        assert_eq!(last["meta"]["hasNextPage"], json!(false));
        for (name, value) in [("page", "0"), ("limit", "101"), ("limit", "x")] {
            let path = format!("{list}?{name}={value}");
            let answer = cloud.admin(Method::GET, &path, json!({})).await;
            answer.names(name);
        }
    }
    let nowhere = format!("{TENANTS}/{NOTHING}/keys?page=1");
    let answer = cloud.admin(Method::GET, &nowhere, json!({})).await;
    answer.is_error(404, "NOT_FOUND");
}

async fn read(cloud: &TestCloud, path: &str) -> Value {
    let answer = cloud.admin(Method::GET, path, json!({})).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.json);
    answer.json
}

#[tokio::test]
async fn faults_that_no_job_could_show() {
    let cloud = TestCloud::start().await;
    let place = |field: &'static str, value: Value| {
        let body = json!({"operation": "*", "kind": "fail", field: value});
        let cloud = &cloud;
        async move { cloud.admin(Method::POST, "/admin/v1/faults", body).await }
    };
    for error in ["", "   ", "\n\u{2028}"] {
        place("error", json!(error)).await.names("error");
    }
    let late = place("atPercent", json!(100)).await;
    late.names("atPercent");
    let message = late.json["message"].as_str().unwrap();
    assert!(message.contains("99 is the most"), "{message}");
    assert_eq!(place("atPercent", json!(99)).await.status, 201);
}

/// Ten years at a time to the end of what can be written: refused there, and never a broken answer.
#[tokio::test]
async fn the_clock_does_not_leave_the_calendar() {
    use crate::process::Process;
    const TEN_YEARS: u64 = 315_360_000;
    let cloud = Process::start(&["--clock", "manual"]);
    let advance = |seconds: u64| {
        let body = json!({ "advanceSeconds": seconds });
        let cloud = &cloud;
        async move { cloud.admin("POST", "/clock", Some(&body)).await }
    };
    let mut answer = advance(TEN_YEARS).await;
    while answer.0 == 200 {
        answer = advance(TEN_YEARS).await;
    }
    let (status, refusal) = answer;
    assert_eq!(
        (status, &refusal["details"]["field"]),
        (400, &json!("advanceSeconds"))
    );
    let (status, clock) = cloud.admin("GET", "/clock", None).await;
    let now = clock["data"]["now"].as_str().unwrap();
    assert!(status == 200 && now.starts_with("99"), "{now}");
    let (job, _) = cloud.create("late").await;
    cloud.advance(20).await;
    assert_eq!(cloud.poll(&[job]).await[0]["status"], "completed");
}
