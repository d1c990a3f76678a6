//! Faults that strike requests: refused, carried out and not answered, answered late.

use crate::{
    cloud::{ADMIN_KEY, Answer, JOBS, KEY, MACHINES, NOTHING, TestCloud, send},
    process::{PATIENCE, Process, create_body, text},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

const FAULTS: &str = "/admin/v1/faults";

async fn place(cloud: &TestCloud, fault: Value) -> String {
    let placed = cloud.admin(Method::POST, FAULTS, fault).await;
    assert_eq!(placed.status, 201, "{}", placed.json);
    text(&placed.json["data"]["id"])
}

/// How often each fault struck, in the order in which they were placed.
async fn hits(cloud: &TestCloud) -> Vec<u64> {
    let listed = cloud.admin(Method::GET, FAULTS, json!({})).await;
    let faults = listed.json["data"].as_array().unwrap();
    let hits = faults.iter().map(|fault| fault["hits"].as_u64().unwrap());
    hits.collect()
}

async fn machines(cloud: &TestCloud) -> Value {
    cloud.get(MACHINES).await.json["meta"]["total"].clone()
}

async fn poll(cloud: &TestCloud) -> Answer {
    cloud.post(JOBS, json!({"jobIds": [NOTHING]})).await
}

#[tokio::test]
async fn a_create_whose_answer_is_dropped_is_done_once_and_its_repeat_has_its_job() {
    let cloud = TestCloud::start().await;
    place(&cloud, json!({"operation": "vm.create", "kind": "drop"})).await;
    let create = || {
        let request = cloud.request(Method::POST, MACHINES);
        let request = request.header("Idempotency-Key", "once");
        request.json(&TestCloud::machine("web"))
    };
    let lost = create().send().await.unwrap_err();
    assert!(!lost.is_connect() && !lost.is_timeout(), "{lost:?}");
    assert_eq!(
        machines(&cloud).await,
        1,
        "what was lost is the answer alone"
    );
    let repeat = send(create()).await;
    assert_eq!(repeat.status, 202, "{}", repeat.json);
    let jobs = cloud.get(JOBS).await;
    let jobs = jobs.json["data"].as_array().unwrap();
    assert_eq!(
        (jobs.len(), &jobs[0]["id"]),
        (1, &repeat.json["data"][0]["id"])
    );
    assert_eq!(machines(&cloud).await, 1);
    assert_eq!(hits(&cloud).await, [1]);
}

#[tokio::test]
async fn nothing_of_a_dropped_answer_is_sent() {
    let cloud = TestCloud::start().await;
    place(&cloud, json!({"operation": "vm.list", "kind": "drop"})).await;
    let request = format!(
        "GET {MACHINES} HTTP/1.1\r\nHost: cloud\r\nX-API-Key: {KEY}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(cloud.raw(request.as_bytes()).await, "");
    assert!(
        cloud
            .raw(request.as_bytes())
            .await
            .starts_with("HTTP/1.1 200 OK\r\n")
    );
}

#[tokio::test]
async fn a_refused_request_has_the_envelope_and_no_effect() {
    let cloud = TestCloud::start().await;
    for (status, code, retry_after) in [
        (503, "STORE_UNAVAILABLE", "2"),
        (429, "RATE_LIMIT_EXCEEDED", "2"),
        (500, "INTERNAL_ERROR", ""),
        (404, "NOT_FOUND", ""),
    ] {
        let fault = json!({"operation": "job.poll", "kind": "http", "status": status, "times": 2});
        place(&cloud, fault).await;
        for _ in 0..2 {
            let answer = poll(&cloud).await;
            answer.is_error(status, code);
            assert_eq!(answer.header("retry-after"), retry_after, "{status}");
            assert_eq!(answer.json["message"], "Fault placed by an operator.");
        }
        assert_eq!(poll(&cloud).await.status, 200, "two times, no more");
    }
    assert_eq!(hits(&cloud).await, [2, 2, 2, 2]);
    let fault = json!({"operation": "vm.create", "kind": "http", "error": "Not now."});
    place(&cloud, fault).await;
    let refused = cloud.post(MACHINES, TestCloud::machine("web")).await;
    refused.is_error(503, "STORE_UNAVAILABLE");
    assert_eq!(refused.json["message"], "Not now.");
    assert_eq!(machines(&cloud).await, 0);
    assert_eq!(
        cloud.post(MACHINES, TestCloud::machine("web")).await.status,
        202
    );
}

#[tokio::test]
async fn a_slow_answer_is_the_right_one_only_later() {
    let cloud = TestCloud::start().await;
    let fault = json!({"operation": "vm.create", "kind": "slow", "delaySeconds": 0.3});
    place(&cloud, fault).await;
    let begun = Instant::now();
    let accepted = cloud.post(MACHINES, TestCloud::machine("web")).await;
    assert_eq!(accepted.status, 202);
    assert!(
        begun.elapsed() >= Duration::from_millis(300),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(
        (hits(&cloud).await, machines(&cloud).await),
        (vec![1], json!(1))
    );
}

/// For ever would be 300 s here; a test gives up long before.
#[tokio::test]
async fn a_slow_answer_ends_with_its_client_and_with_the_server() {
    let mut cloud = Process::start(&["--sim-speed", "0"]);
    let slow = json!({"operation": "vm.list", "kind": "slow", "delaySeconds": 300, "times": 2});
    cloud.fault(&slow).await;
    let list = || {
        let request = cloud.http.get(format!("{}{MACHINES}", cloud.url));
        tokio::spawn(request.header("X-API-Key", KEY).send())
    };
    let leaving = list();
    cloud.answers_at_once(1).await;
    leaving.abort();
    cloud.answers_at_once(0).await;
    let staying = list();
    cloud.answers_at_once(1).await;
    let (status, took) = cloud.terminate();
    assert!(status.success() && took < PATIENCE, "{took:?}");
    assert_eq!(staying.await.unwrap().unwrap().status(), 200);
}

#[tokio::test]
async fn a_tenants_fault_strikes_its_keys_alone() {
    let cloud = TestCloud::start().await;
    let tenant = cloud.tenant_id().await;
    let fault = json!({"operation": "*", "kind": "http", "tenantId": tenant});
    place(&cloud, fault).await;
    let other = cloud.anonymous(Method::GET, MACHINES);
    let other = send(other.header("X-API-Key", &cloud.other_key)).await;
    assert_eq!(other.status, 200, "{}", other.json);
    let operator = cloud
        .admin(Method::GET, "/admin/v1/tenants", json!({}))
        .await;
    assert_eq!((operator.status, hits(&cloud).await), (200, vec![0]));
    cloud.get(MACHINES).await.is_error(503, "STORE_UNAVAILABLE");
    assert_eq!(
        (cloud.get(MACHINES).await.status, hits(&cloud).await),
        (200, vec![1])
    );
}

#[tokio::test]
async fn a_star_is_every_request_with_a_key_but_those_that_take_faults_away() {
    let cloud = TestCloud::start().await;
    let id = place(
        &cloud,
        json!({"operation": "*", "kind": "http", "times": 1000}),
    )
    .await;
    for path in [
        MACHINES,
        JOBS,
        "/v1/auth/check",
        "/v1/resource/data-centers",
    ] {
        cloud.get(path).await.is_error(503, "STORE_UNAVAILABLE");
    }
    let head = send(cloud.request(Method::HEAD, MACHINES)).await;
    let slash = cloud.get(&format!("{MACHINES}/")).await;
    let machine = cloud.get(&format!("{MACHINES}/{NOTHING}")).await;
    let clock = cloud.admin(Method::GET, "/admin/v1/clock", json!({})).await;
    for answer in [head, slash, machine, clock] {
        assert_eq!(answer.status, 503, "{}", answer.json);
    }
    for path in [
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/",
    ] {
        let answer = send(cloud.anonymous(Method::GET, path)).await;
        assert_eq!(answer.status, 200, "{path}");
    }
    assert_eq!(hits(&cloud).await, [8]);
    let away = cloud
        .admin(Method::DELETE, &format!("{FAULTS}/{id}"), json!({}))
        .await;
    assert_eq!((away.status, cloud.get(MACHINES).await.status), (204, 200));
}

/// A new route is struck by being a route.
#[tokio::test]
async fn every_operation_of_the_document_can_be_struck_by_its_name() {
    let cloud = TestCloud::start().await;
    let document = send(cloud.anonymous(Method::GET, "/openapi.json"))
        .await
        .json;
    let mut struck = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = text(&operation["operationId"]);
            place(
                &cloud,
                json!({"operation": name, "kind": "http", "status": 500}),
            )
            .await;
            let key = match path.starts_with("/admin") {
                true => &cloud.admin_key,
                false => &cloud.key,
            };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let path = path.replace("{id}", NOTHING).replace("{keyId}", NOTHING);
            let request = cloud.anonymous(method, &path).header("X-API-Key", key);
            let answer = send(request).await;
            let message = &answer.json["message"];
            assert_eq!(message, "Fault placed by an operator.", "{name}");
            struck += 1;
        }
    }
    assert!(struck > 40, "{struck}");
    assert_eq!(hits(&cloud).await, vec![1; struck]);
}

#[tokio::test]
async fn by_its_name_whatever_is_in_the_document_can_be_struck() {
    let cloud = TestCloud::start().await;
    for (operation, path) in [("health", "/healthz"), ("openapi", "/openapi.json")] {
        place(&cloud, json!({"operation": operation, "kind": "http"})).await;
        let struck = send(cloud.anonymous(Method::GET, path)).await;
        struck.is_error(503, "STORE_UNAVAILABLE");
        assert_eq!(send(cloud.anonymous(Method::GET, path)).await.status, 200);
    }
    place(&cloud, json!({"operation": "fault.clear", "kind": "http"})).await;
    let clear = || cloud.admin(Method::DELETE, FAULTS, json!({}));
    assert_eq!((clear().await.status, clear().await.status), (503, 204));
    // A stop by name, of a machine that is not there: struck before anything is looked up.
    place(
        &cloud,
        json!({"operation": "vm.stop", "kind": "http", "status": 502}),
    )
    .await;
    let stop = format!("{MACHINES}/{NOTHING}/stop");
    cloud
        .post(&stop, json!({}))
        .await
        .is_error(502, "DRIVER_ERROR");
    cloud
        .post(&stop, json!({}))
        .await
        .is_error(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_fault_comes_after_401_403_404_405_and_429_and_before_400() {
    let cloud = TestCloud::start_with(&["--rate-limit", "on"]).await;
    let limited = cloud
        .key_with(json!({"name": "few", "rateLimitMax": 1}))
        .await;
    let reader = cloud
        .key_with(json!({"name": "reader", "scopes": ["read"]}))
        .await;
    let with = |key: &str, method: Method, path: &str| {
        send(
            cloud
                .anonymous(method, path)
                .header("X-API-Key", key)
                .json(&json!({})),
        )
    };
    assert_eq!(with(&limited, Method::GET, MACHINES).await.status, 200);
    let fault = json!({"operation": "*", "kind": "http", "status": 500, "times": 1000});
    place(&cloud, fault).await;
    for (key, method, path, status) in [
        ("gpcn_wrong", Method::GET, MACHINES, 401),
        (ADMIN_KEY, Method::GET, MACHINES, 403),
        (&reader, Method::POST, MACHINES, 403),
        (&cloud.key, Method::GET, "/admin/v1/clock", 403),
        (&cloud.key, Method::GET, "/v1/nothing", 404),
        (&cloud.key, Method::PATCH, MACHINES, 405),
        (&limited, Method::GET, MACHINES, 429),
    ] {
        let answer = with(key, method.clone(), path).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.json);
    }
    assert_eq!(hits(&cloud).await, [0]);
    let struck = cloud.post(MACHINES, json!({"name": 7})).await;
    struck.is_error(500, "INTERNAL_ERROR");
    assert_eq!(struck.header("x-ratelimit-limit"), "1000");
    assert_eq!(hits(&cloud).await, [1]);
}

#[tokio::test]
async fn a_fault_that_could_strike_nothing_is_refused() {
    let cloud = TestCloud::start().await;
    let refused = |fault: Value| cloud.admin(Method::POST, FAULTS, fault);
    for (fault, field) in [
        (json!({"operation": "job.pol", "kind": "http"}), "operation"),
        (
            json!({"operation": "job.poll", "kind": "stall"}),
            "operation",
        ),
        (
            json!({"operation": "*", "kind": "http", "atPhase": "boot"}),
            "atPhase",
        ),
        (
            json!({"operation": "*", "kind": "drop", "atPercent": 5}),
            "atPercent",
        ),
        (
            json!({"operation": "*", "kind": "slow", "delaySeconds": 1, "factor": 2}),
            "factor",
        ),
        (
            json!({"operation": "*", "kind": "fail", "status": 503}),
            "status",
        ),
        (
            json!({"operation": "*", "kind": "http", "status": "503"}),
            "status",
        ),
        (
            json!({"operation": "*", "kind": "slow", "delaySeconds": 301}),
            "delaySeconds",
        ),
    ] {
        refused(fault).await.names(field);
    }
    let unknown = refused(json!({"operation": "vm.creat", "kind": "drop"})).await;
    let message = unknown.json["message"].as_str().unwrap();
    assert!(
        message.contains("operationId in /openapi.json"),
        "{message}"
    );
}

/// One create of the command line meets them all: a lost answer to the create itself, then polls that
/// are limited, not served, not answered, and late.
#[tokio::test]
async fn the_command_line_survives_them_all() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    for fault in [
        json!({"operation": "vm.create", "kind": "drop"}),
        json!({"operation": "job.poll", "kind": "http", "status": 429}),
        json!({"operation": "job.poll", "kind": "http"}),
        json!({"operation": "job.poll", "kind": "drop"}),
        json!({"operation": "job.poll", "kind": "slow", "delaySeconds": 0.5}),
    ] {
        cloud.fault(&fault).await;
    }
    let mut create = cloud.command(&["vm", "create", "web"]);
    let output = tokio::task::spawn_blocking(move || create.output().unwrap());
    let output = output.await.unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("sending it again, which cannot make it twice"),
        "{said}"
    );
    let (_, faults) = cloud.admin("GET", "/faults", None).await;
    for fault in faults["data"].as_array().unwrap() {
        assert_eq!(fault["hits"], 1, "{fault}");
    }
    let (_, list) = cloud.get(MACHINES).await;
    assert_eq!(list["meta"]["total"], 1, "{list}");
}

/// The typed client's own create, without a key from its caller.
#[tokio::test]
async fn the_typed_client_survives_a_lost_answer_to_a_create() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let drop = json!({"operation": "vm.create", "kind": "drop", "times": 2});
    cloud.fault(&drop).await;
    let client = client::Client::new(&cloud.url, KEY).unwrap();
    let wish = serde_json::from_value(create_body("web")).unwrap();
    let accepted = client.create_machines(&wish, None).await.unwrap();
    assert_eq!(accepted.jobs.len(), 1);
    let (_, list) = cloud.get(MACHINES).await;
    assert_eq!(list["meta"]["total"], 1, "{list}");
}

#[tokio::test]
async fn the_command_line_places_and_lists_them() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    for line in [
        "add job.poll --kind http --status 429 --times 3",
        "create vm.list --kind slow --delay 0.5 --tenant default",
        "create vm.create --kind slow --factor 3",
    ] {
        let words: Vec<&str> = ["admin", "fault"]
            .into_iter()
            .chain(line.split(' '))
            .collect();
        let output = cloud.command(&words).output().unwrap();
        assert!(output.status.success(), "{line}: {output:?}");
    }
    let output = cloud.command(&["admin", "fault", "list"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let rows: Vec<Vec<&str>> = said
        .lines()
        .map(|row| row.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[1][..6],
        ["job.poll", "http", "429", "0", "of", "3"],
        "{said}"
    );
    assert_eq!(rows[2][..4], ["vm.list", "slow", "0.5", "s"], "{said}");
    assert_eq!(rows[3][..4], ["vm.create", "slow", "x", "3"], "{said}");
    let wrong = ["admin", "fault", "add", "vm.list", "--kind", "fail"];
    let output = cloud.command(&wrong).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("has no job that could be struck"), "{said}");
}
