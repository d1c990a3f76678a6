//! The client over a real socket, against a small fake of the server.
#![allow(clippy::unwrap_used)] // Helpers of tests, which clippy does not know as such.

use api::{JobId, ResourceId};
use axum::{
    Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use client::{Client, Error, Event, MachineCreate, POLL_BATCH, Pace, Watch};
use serde_json::{Value, json};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the fake was asked.
#[derive(Clone, Default)]
struct Fake(Arc<Mutex<Vec<(HeaderMap, Value)>>>);

impl Fake {
    fn note(&self, headers: HeaderMap, body: Value) -> usize {
        let mut asked = self.0.lock().unwrap();
        asked.push((headers, body));
        asked.len()
    }
}

fn job(id: &str, progress: usize) -> Value {
    let (status, done) = match progress {
        0 => ("pending", false),
        100 => ("completed", true),
        _ => ("in_progress", false),
    };
    json!({
        "id": id, "jobId": id, "status": status, "progress": progress, "progressPercentage": progress,
        "resourceType": "vm", "resourceId": if done { json!(id) } else { Value::Null },
        "resourceName": "web-1", "resourceDisplayName": "web-1", "operation": "create",
        "kind": "vm.create", "stage": "boot", "message": "booting", "error": null,
        "errorMessage": null, "errorCode": null, "isCompleted": done, "hasFailed": false,
        "canRetry": false, "estimatedCompletion": null, "timeRemaining": null,
        "createdAt": "2026-03-01T09:00:00.000Z", "updatedAt": "2026-03-01T09:00:00.000Z",
        "completedAt": null, "targetId": id, "result": null, "aFieldOfTheFuture": 1,
    })
}

async fn create(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> (StatusCode, [(&'static str, &'static str); 1], Json<Value>) {
    let object = body["name"] == "object";
    fake.note(headers, body);
    let id = JobId(uuid::Uuid::new_v4()).to_string();
    let jobs = json!([job(&id, 0)]);
    let data = if object {
        json!({ "jobs": jobs })
    } else {
        jobs
    };
    let body = json!({"success": true, "message": "", "data": data});
    (StatusCode::ACCEPTED, [("Retry-After", "3")], Json(body))
}

async fn poll(
    State(fake): State<Fake>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Json<Value> {
    let ids: Vec<String> = serde_json::from_value(body["jobIds"].clone()).unwrap();
    let polls = fake.note(headers, body);
    let jobs: Vec<Value> = ids
        .iter()
        .map(|id| job(id, (polls * 25).min(100)))
        .collect();
    Json(json!({"success": true, "message": "", "data": {"jobs": jobs}, "meta": null}))
}

async fn busy() -> (StatusCode, Json<Value>) {
    let details = json!({"jobId": uuid::Uuid::nil()});
    let body = json!({"success": false, "error": "RESOURCE_BUSY", "message": "A job is in the way.", "details": details});
    (StatusCode::CONFLICT, Json(body))
}

async fn serve() -> (Client, Fake) {
    let fake = Fake::default();
    let app = Router::new()
        .route("/v1/resource/virtual-machines", post(create))
        .route("/v1/resource/virtual-machines/{id}/stop", post(busy))
        .route("/v1/resource/jobs", post(poll))
        .with_state(fake.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (Client::new(&url, "gpcn_key").unwrap(), fake)
}

fn wish(name: &str) -> MachineCreate {
    MachineCreate {
        name: name.into(),
        image_id: 12,
        configuration_id: 45,
        ..Default::default()
    }
}

#[tokio::test]
async fn create_poll_completed() {
    let (cloud, fake) = serve().await;
    let accepted = cloud
        .create_machines(&wish("web-1"), Some("once"))
        .await
        .unwrap();
    assert_eq!(accepted.retry_after, Some(Duration::from_secs(3)));
    let mut seen = Vec::new();
    let watch = Watch::new().pace(Pace::every(Duration::ZERO));
    let ids = accepted.ids();
    let waiting = cloud.wait(&ids, watch, |event| {
        if let Event::Changed(job) = event {
            seen.push(job.progress);
        }
    });
    let outcome = waiting.await.unwrap();
    assert!(outcome.all_completed());
    assert_eq!(outcome.jobs[0].resource_id, Some(ResourceId(ids[0].0)));
    assert_eq!(seen, [50, 75, 100]);
    let asked = fake.0.lock().unwrap();
    assert_eq!(asked[0].0["idempotency-key"], "once");
    assert!(
        asked
            .iter()
            .all(|(headers, _)| headers["x-api-key"] == "gpcn_key")
    );
}

#[tokio::test]
async fn both_forms_of_a_create() {
    let (cloud, _) = serve().await;
    for name in ["array", "object"] {
        assert_eq!(
            cloud
                .create_machines(&wish(name), None)
                .await
                .unwrap()
                .jobs
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn many_ids_go_in_batches() {
    let (cloud, fake) = serve().await;
    let ids: Vec<JobId> = (0..120).map(|n| JobId(uuid::Uuid::from_u128(n))).collect();
    let polled = cloud.poll(&ids).await.unwrap();
    assert_eq!(
        polled.jobs.iter().map(|job| job.id).collect::<Vec<_>>(),
        ids
    );
    let asked = fake.0.lock().unwrap();
    let sizes: Vec<usize> = asked
        .iter()
        .map(|(_, b)| b["jobIds"].as_array().unwrap().len())
        .collect();
    assert_eq!(sizes, [POLL_BATCH, POLL_BATCH, 20]);
}

#[tokio::test]
async fn errors_say_what_and_where() {
    let (cloud, _) = serve().await;
    let machine = ResourceId(uuid::Uuid::nil());
    match cloud.stop_machine(machine).await.unwrap_err() {
        Error::Api {
            status,
            code,
            details,
            ..
        } => {
            assert_eq!((status, code.as_str()), (409, "RESOURCE_BUSY"));
            assert_eq!(details.job_id, Some(JobId(uuid::Uuid::nil())));
        }
        other => panic!("{other:?}"),
    }
    let foreign = cloud.start_machine(machine).await.unwrap_err();
    assert_eq!(foreign.code(), Some("HTTP_404"));

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nobody = Client::new(&format!("http://{free}"), "k").unwrap();
    let error = nobody.data_centers().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(error.to_string().contains("start it with: cloudlet serve"));
}

#[tokio::test]
async fn waiting_can_be_spawned() {
    let (cloud, _) = serve().await;
    let ids = [JobId(uuid::Uuid::nil())];
    let watch = Watch::new().pace(Pace::every(Duration::ZERO));
    let task = tokio::spawn(async move { cloud.wait(&ids, watch, |_| {}).await });
    assert!(task.await.unwrap().unwrap().all_completed());
}

/// A server that reads each request, closes the first `lost` connections without a word, and answers
/// the next; the idempotency keys that it was shown.
async fn losing(lost: usize) -> (Client, Arc<Mutex<Vec<String>>>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = Arc::new(Mutex::new(Vec::new()));
    let shown = Arc::clone(&keys);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            // The body is the last to come, and its object the last of it.
            while !(request.ends_with(b"}") && request.windows(4).any(|it| it == b"\r\n\r\n")) {
                assert!(stream.read_buf(&mut request).await.unwrap() > 0);
            }
            let text = String::from_utf8(request).unwrap();
            let key = text
                .lines()
                .find_map(|it| it.strip_prefix("idempotency-key: "));
            let sent = {
                let mut keys = shown.lock().unwrap();
                keys.push(key.unwrap().to_owned());
                keys.len()
            };
            if sent > lost {
                let body = json!({"success": true, "message": "", "data": []}).to_string();
                let size = body.len();
                let answer =
                    format!("HTTP/1.1 202 Accepted\r\nContent-Length: {size}\r\n\r\n{body}");
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (Client::new(&url, "gpcn_key").unwrap(), keys)
}

#[tokio::test]
async fn a_create_whose_answer_is_lost_is_sent_again_with_the_key_it_had() {
    let (cloud, keys) = losing(2).await;
    let mut troubles = 0;
    let wish = wish("web");
    let accepted = cloud.create_machines_telling(&wish, None, |_| troubles += 1);
    assert_eq!(accepted.await.unwrap().jobs, []);
    assert_eq!(troubles, 2);
    cloud.create_machines(&wish, Some("mine")).await.unwrap();
    let keys = keys.lock().unwrap();
    assert!(!keys[0].is_empty() && keys[..3].iter().all(|key| *key == keys[0]));
    assert_eq!(keys[3..], ["mine"]);
}

#[tokio::test]
async fn a_create_is_not_sent_for_ever() {
    let (cloud, keys) = losing(usize::MAX).await;
    let error = cloud.create_machines(&wish("web"), None).await.unwrap_err();
    assert!(matches!(error, Error::Lost { .. }), "{error:?}");
    assert_eq!(keys.lock().unwrap().len(), 3);
}
