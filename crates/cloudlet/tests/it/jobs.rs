//! Jobs beyond the poll: the list, cancelling, waiting for a change, what a job waits for.

use crate::{
    cloud::{JOBS, MACHINES, NOTHING, TestCloud, send},
    process::{KEY, Process, text},
    world::line_grows_to,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

async fn settle(cloud: &TestCloud, ids: &[String]) -> Vec<Value> {
    loop {
        let body = json!({"jobIds": ids, "waitSeconds": 10});
        let jobs = cloud.post(JOBS, body).await.json["data"]["jobs"].take();
        let jobs = jobs.as_array().unwrap().clone();
        if jobs
            .iter()
            .all(|job| job["isCompleted"] == true || job["hasFailed"] == true)
        {
            return jobs;
        }
    }
}

fn ids(jobs: &Value) -> Vec<String> {
    let jobs = jobs.as_array().unwrap();
    jobs.iter().map(|job| text(&job["id"])).collect()
}

/// The whole list, page by page.
async fn pages(cloud: &TestCloud, query: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let answer = cloud.get(&format!("{JOBS}?{query}{cursor}")).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        found.extend(ids(&answer.json["data"]));
        let meta = &answer.json["meta"];
        assert_eq!(meta["hasNextPage"], json!(meta["nextCursor"].is_string()));
        match meta["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn the_list_by_pages_and_filters() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::machine("web");
    body["numberOfInstances"] = json!(5);
    let mut created = ids(&cloud.post(MACHINES, body).await.json["data"]);
    let machine = text(&settle(&cloud, &created).await[0]["targetId"]);
    let second = cloud.get(&format!("{JOBS}/{}", created[1])).await;
    let later = text(&second.json["data"]["createdAt"]);
    // A call that no list shows.
    let path = format!("{MACHINES}/{machine}/stop");
    let stop = cloud.post(&path, json!({}));
    assert_eq!(stop.await.status, 200);
    // The delete is accepted in a later millisecond than all before it.
    let now = async || {
        let clock = cloud.admin(Method::GET, "/admin/v1/clock", json!({})).await;
        text(&clock.json["data"]["now"])
    };
    let before = now().await;
    while now().await <= before {}
    let delete = cloud.delete(&format!("{MACHINES}/{machine}")).await;
    let delete = text(&delete.json["data"]["id"]);
    let deleted_at = settle(&cloud, std::slice::from_ref(&delete)).await;
    let deleted_at = text(&deleted_at[0]["createdAt"]);
    created.reverse();
    let first = created.last().unwrap().clone();
    let all: Vec<_> = [delete.clone()]
        .into_iter()
        .chain(created.clone())
        .collect();

    for limit in [1, 2, 6, 100] {
        assert_eq!(pages(&cloud, &format!("limit={limit}")).await, all);
    }
    for (query, expected) in [
        ("status=completed", all.clone()),
        ("filter[status]=failed&status=pending", vec![]),
        ("status=failed&status=completed&limit=3", all.clone()),
        ("kind=vm.create&limit=2", created.clone()),
        ("filter[kind]=vm.delete", vec![delete.clone()]),
        ("kind=vm.delete&kind=vm.create&limit=4", all.clone()),
        ("kind=vm.stop", vec![]),
        ("resourceType=vm", all.clone()),
        (
            &format!("resourceId={machine}"),
            vec![delete.clone(), first],
        ),
        (
            &format!("filter[resourceId]={machine}&kind=vm.delete&limit=1"),
            vec![delete.clone()],
        ),
        (&format!("resourceId={NOTHING}"), vec![]),
        (&format!("createdAfter={later}"), vec![delete.clone()]),
        (&format!("filter[createdAfter]={deleted_at}"), vec![]),
        ("createdAfter=2020-01-01T00:00:00Z&limit=4", all.clone()),
        ("createdAfter=9999-01-01T00:00:00Z", vec![]),
    ] {
        assert_eq!(pages(&cloud, query).await, expected, "{query}");
    }
    let other = cloud.anonymous(Method::GET, JOBS);
    let other = send(other.header("X-API-Key", &cloud.other_key)).await;
    assert_eq!(other.json["data"], json!([]));
    let row = &cloud.get(&format!("{JOBS}?limit=1")).await.json["data"][0];
    let polled = cloud.post(JOBS, json!({"jobIds": [delete]})).await;
    assert_eq!(row, &polled.json["data"]["jobs"][0]);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let cloud = TestCloud::start().await;
    for (field, value) in [
        ("status", "done"),
        ("status", "PENDING"),
        ("kind", "vm.creat"),
        ("kind", "create"),
        ("resourceType", "machine"),
        ("resourceId", "web-1"),
        ("createdAfter", "yesterday"),
        ("createdAfter", "2026-03-01"),
        ("cursor", "2"),
        ("limit", "0"),
        ("limit", "101"),
    ] {
        let path = format!("{JOBS}?{field}={value}");
        cloud.get(&path).await.names(field);
        if field != "limit" {
            let path = format!("{JOBS}?filter[{field}]={value}");
            cloud.get(&path).await.names(field);
        }
    }
    cloud
        .get(&format!("{JOBS}?status=pending&status=x"))
        .await
        .names("status");
    for wrong in [json!(61), json!(-1), json!(1.5), json!("5"), json!([])] {
        let body = json!({"jobIds": [NOTHING], "waitSeconds": wrong});
        cloud.post(JOBS, body).await.names("waitSeconds");
    }
    let body = json!({"jobIds": [NOTHING], "since": 7});
    cloud.post(JOBS, body).await.names("since");
    let path = format!("{JOBS}/{NOTHING}/cancel");
    let gone = cloud.post(&path, json!({}));
    gone.await.is_error(404, "NOT_FOUND");
}

/// The next so many creates stop at 40 %; their way back does not.
async fn stalled(cloud: &Process, times: u32) {
    let fault = json!({"operation": "vm.create", "kind": "stall", "atPercent": 40, "times": times});
    cloud.fault(&fault).await;
}

async fn cancel(cloud: &Process, job: &str) -> (u16, Value) {
    let path = format!("{JOBS}/{job}/cancel");
    cloud.post(&path, &Value::Null).await
}

/// Polls and waits on the server; how long that took.
async fn wait(cloud: &Process, body: Value) -> (Value, Duration) {
    let begun = Instant::now();
    let (status, mut answer) = cloud.post(JOBS, &body).await;
    assert_eq!(status, 200, "{answer}");
    (answer["data"].take(), begun.elapsed())
}

async fn reaches(cloud: &Process, job: &str, progress: u64) -> String {
    let mut cursor = String::new();
    loop {
        let body = json!({"jobIds": [job], "since": cursor, "waitSeconds": 10});
        let (data, _) = wait(cloud, body).await;
        cursor = text(&data["cursor"]);
        if data["jobs"][0]["progress"].as_u64().unwrap() >= progress {
            return cursor;
        }
    }
}

#[tokio::test]
async fn a_job_is_cancelled_while_it_can_be() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    stalled(&cloud, 16).await;
    let mut running = Vec::new();
    for number in 0..16 {
        running.push(cloud.create(&format!("web-{number}")).await);
    }
    for (job, _) in &running {
        reaches(&cloud, job, 40).await;
    }
    // The tenant's slots are taken.
    let (waiting, machine) = cloud.create("late").await;
    let (_, shown) = cloud.get(&format!("{JOBS}/{waiting}")).await;
    assert_eq!(shown["data"]["pendingReason"], "Waits for a free slot");
    let (status, answer) = cancel(&cloud, &waiting).await;
    assert_eq!(status, 200, "{answer}");
    let job = &answer["data"];
    let told = (&job["status"], &job["errorCode"], &job["error"]);
    let (failed, code, why) = (
        json!("failed"),
        json!("CANCELLED"),
        json!("Cancelled on request."),
    );
    assert_eq!(told, (&failed, &code, &why));
    assert_eq!(cloud.get(&format!("{MACHINES}/{machine}")).await.0, 404);

    let (job, machine) = &running[0];
    let (_, shown) = cloud.get(&format!("{JOBS}/{job}")).await;
    assert_eq!(shown["data"]["pendingReason"], Value::Null);
    let (status, answer) = cancel(&cloud, job).await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &json!("in_progress"))
    );
    let ended = cloud.settle(std::slice::from_ref(job)).await;
    let told = (
        &ended[0]["status"],
        &ended[0]["errorCode"],
        &ended[0]["error"],
    );
    assert_eq!(told, (&failed, &code, &why));
    assert_eq!(cloud.get(&format!("{MACHINES}/{machine}")).await.0, 404);
    for job in [job, &waiting] {
        let (status, answer) = cancel(&cloud, job).await;
        assert_eq!((status, &answer["error"]), (409, &json!("TOO_LATE")));
    }
    let (job, machine) = &running[1];
    cloud.delete(machine).await;
    let ended = cloud.settle(std::slice::from_ref(job)).await;
    assert_eq!(ended[0]["error"], "Cancelled by a delete.");
}

/// A delete can be taken back while it waits; it says for what.
#[tokio::test]
async fn a_delete_that_waits_is_cancelled() {
    let cloud = Arc::new(Process::start(&["--sim-speed", "0"]));
    stalled(&cloud, 1).await;
    let (create, machine) = cloud.create("web").await;
    reaches(&cloud, &create, 40).await;
    let stop = tokio::spawn({
        let (cloud, path) = (cloud.clone(), format!("{MACHINES}/{machine}/stop"));
        async move { cloud.try_request("POST", &path, KEY, None).await }
    });
    line_grows_to(&cloud.data().join("cloudlet.db"), 2).await;
    let delete = cloud.delete(&machine).await;
    let (_, shown) = cloud.get(&format!("{JOBS}/{delete}")).await;
    let reason = text(&shown["data"]["pendingReason"]);
    let ahead = reason.strip_prefix("Waits for job ").unwrap();
    let (_, shown) = cloud.get(&format!("{JOBS}/{ahead}")).await;
    assert_eq!(shown["data"]["kind"], "vm.stop");
    assert_eq!(
        shown["data"]["pendingReason"],
        format!("Waits for job {create}")
    );
    assert_eq!(cancel(&cloud, &delete).await.1["data"]["status"], "failed");
    let (status, found) = cloud.get(&format!("{MACHINES}/{machine}")).await;
    assert_eq!((status, &found["data"]["name"]), (200, &json!("web")));
    // The call is in line no longer, and its client is told so.
    assert_eq!(cancel(&cloud, ahead).await.1["data"]["status"], "failed");
    assert_eq!(stop.await.unwrap().unwrap().0, 409);
}

#[tokio::test]
async fn a_poll_waits_for_a_change() {
    let cloud = Arc::new(Process::start(&["--sim-speed", "0"]));
    stalled(&cloud, 1).await;
    let (job, _) = cloud.create("web").await;
    let cursor = reaches(&cloud, &job, 40).await;
    let soon = Duration::from_secs(5);

    // Nothing changes: it takes as long as it may, with a cursor and without.
    for since in [json!(cursor), Value::Null] {
        let body = json!({"jobIds": [job], "since": since, "waitSeconds": 1});
        let (data, took) = wait(&cloud, body).await;
        assert!(took >= Duration::from_secs(1), "{took:?}");
        assert_eq!(data["cursor"], json!(cursor));
    }
    // Not what it was, nothing known, or no wish to wait: at once.
    for body in [
        json!({"jobIds": [job], "since": "another", "waitSeconds": 60}),
        json!({"jobIds": [NOTHING, "x"], "waitSeconds": 60}),
        json!({"jobIds": [job], "since": cursor, "waitSeconds": 0}),
        json!({"jobIds": [job], "since": cursor}),
    ] {
        let (_, took) = wait(&cloud, body).await;
        assert!(took < soon, "{took:?}");
    }
    // It changes meanwhile; who left before is not missed.
    let left = tokio::spawn({
        let (cloud, body) = (cloud.clone(), json!({"jobIds": [job], "waitSeconds": 60}));
        async move { wait(&cloud, body).await }
    });
    let waits = tokio::spawn({
        let body = json!({"jobIds": [NOTHING, job], "since": cursor, "waitSeconds": 60});
        let cloud = cloud.clone();
        async move { wait(&cloud, body).await }
    });
    cloud.answers_at_once(2).await;
    left.abort();
    assert_eq!(cancel(&cloud, &job).await.0, 200);
    let (data, took) = waits.await.unwrap();
    assert!(took < soon, "{took:?}");
    assert_ne!(data["cursor"], json!(cursor));
    cloud.settle(std::slice::from_ref(&job)).await;
    // All have ended, whatever the cursor.
    let body = json!({"jobIds": [job], "waitSeconds": 60});
    let (data, took) = wait(&cloud, body).await;
    assert!(took < soon, "{took:?}");
    let body = json!({"jobIds": [job], "since": data["cursor"], "waitSeconds": 60});
    assert!(wait(&cloud, body).await.1 < soon);
}

/// SIGTERM answers who waits; the cursor is good after the restart.
#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_server() {
    let mut cloud = Process::start(&["--sim-speed", "0"]);
    stalled(&cloud, 1).await;
    let (job, _) = cloud.create("web").await;
    let cursor = reaches(&cloud, &job, 40).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({"jobIds": [job], "since": cursor, "waitSeconds": 60});
    let request = http.post(format!("{}{JOBS}", cloud.url));
    let waits = tokio::spawn(request.header("X-API-Key", KEY).json(&body).send());
    cloud.answers_at_once(1).await;
    let (status, took) = tokio::task::block_in_place(|| cloud.terminate());
    assert!(status.success() && took < Duration::from_secs(10));
    let answer = waits.await.unwrap().unwrap();
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["data"]["cursor"], json!(cursor));
    cloud.restart();
    // The fault went with the process, so the job goes on and ends.
    let ended = cloud.settle(std::slice::from_ref(&job)).await;
    assert_eq!(ended[0]["status"], "completed");
}

/// Runs the command line to its end: exit status, stdout, stderr.
fn cli(cloud: &Process, arguments: &[&str]) -> (i32, String, String) {
    let output = cloud.command(arguments).output().unwrap();
    let said = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, said(output.stdout), said(output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_lists_and_cancels() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let (status, listed, said) = cli(&cloud, &["job", "list"]);
    assert_eq!((status, listed.as_str()), (0, ""), "{said}");
    let (done, _) = cloud.create("first").await;
    cloud.settle(std::slice::from_ref(&done)).await;
    stalled(&cloud, 1).await;
    let (job, _) = cloud.create("second").await;
    reaches(&cloud, &job, 40).await;

    let (_, listed, _) = cli(&cloud, &["job", "list"]);
    let rows: Vec<&str> = listed.lines().collect();
    assert!(
        rows[1].starts_with("second  vm.create  in_progress 40 %  "),
        "{listed}"
    );
    assert!(
        rows[1].ends_with(&job) && rows[2].ends_with(&done),
        "{listed}"
    );
    let arguments = ["job", "list", "--status", "completed", "--output", "json"];
    let found: Value = serde_json::from_str(&cli(&cloud, &arguments).1).unwrap();
    assert_eq!(ids(&found), std::slice::from_ref(&done));
    let (_, listed, said) = cli(&cloud, &["job", "list", "--limit", "1"]);
    assert!(
        !listed.contains(&done) && said.contains("--limit 10"),
        "{said}"
    );
    let (status, _, said) = cli(&cloud, &["job", "list", "--status", "done"]);
    assert!(
        status == 2 && said.contains("pending, in_progress"),
        "{said}"
    );

    let (status, _, said) = cli(&cloud, &["job", "cancel", &job]);
    assert!(status == 0 && said.contains("job wait"), "{said}");
    let (status, _, said) = cli(&cloud, &["job", "wait", &job]);
    assert!(
        status == 3 && said.contains("Cancelled on request."),
        "{said}"
    );
    let (status, _, said) = cli(&cloud, &["job", "cancel", &done]);
    assert!(status == 1 && said.contains("has ended already"), "{said}");
}
