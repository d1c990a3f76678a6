//! Operations on one machine take effect in the order in which they were accepted.

use crate::process::{Process, create_body, text};
use serde_json::{Value, json};
use std::sync::Arc;

/// The times of a job's phases: (first start, last end).
async fn span(cloud: &Process, id: &str) -> Option<(String, String)> {
    let (status, detail) = cloud.get(&format!("/v1/resource/jobs/{id}")).await;
    assert_eq!(status, 200);
    let phases = detail["data"]["phases"].as_array().unwrap();
    let starts = phases.iter().map(|phase| text(&phase["startedAt"])).min()?;
    let ends = phases.iter().map(|phase| text(&phase["endedAt"])).max()?;
    Some((starts, ends))
}

async fn accept_create(cloud: &Process) -> (String, String) {
    let (status, answer) = cloud
        .post("/v1/resource/virtual-machines", &create_body("first"))
        .await;
    assert_eq!(status, 202);
    (
        text(&answer["data"][0]["id"]),
        text(&answer["data"][0]["targetId"]),
    )
}

/// Sends stop and start so that each is in line before the next is sent; they are answered later.
async fn calls(
    cloud: &Arc<Process>,
    machine: &str,
) -> Vec<tokio::task::JoinHandle<Option<(u16, Value)>>> {
    let mut waiting = Vec::new();
    for (length, verb) in [(2, "stop"), (3, "start")] {
        let (cloud_of_call, path) = (
            cloud.clone(),
            format!("/v1/resource/virtual-machines/{machine}/{verb}"),
        );
        waiting.push(tokio::spawn(async move {
            cloud_of_call
                .try_request("POST", &path, crate::process::KEY, None)
                .await
        }));
        crate::world::line_grows_to(&cloud.data().join("cloudlet.db"), length).await;
    }
    waiting
}

/// A call answers with what it reached, also if the next one in line has begun since.
#[tokio::test]
async fn a_call_answers_with_what_it_reached() {
    let cloud = Arc::new(Process::start(&["--sim-speed", "0"]));
    let (create, machine) = accept_create(&cloud).await;
    cloud.settle(&[create]).await;
    for round in 0..25 {
        let mut calls = tokio::task::JoinSet::new();
        for (verb, reached) in [("stop", "Shutoff"), ("start", "Running")] {
            for _ in 0..3 {
                let path = format!("/v1/resource/virtual-machines/{machine}/{verb}");
                let cloud = cloud.clone();
                calls.spawn(async move {
                    let (status, answer) = cloud.request("POST", &path, None).await;
                    (verb, status, answer["data"]["status"].clone(), reached)
                });
            }
        }
        for (verb, status, found, reached) in calls.join_all().await {
            assert_eq!(
                (status, &found),
                (200, &json!(reached)),
                "{verb}, round {round}"
            );
        }
    }
}

#[tokio::test]
async fn effects_come_in_the_order_of_acceptance() {
    let cloud = Arc::new(Process::start(&["--sim-speed", "8"]));
    let (create, machine) = accept_create(&cloud).await;
    let waiting = calls(&cloud, &machine).await;
    let path = format!("/v1/resource/virtual-machines/{machine}");
    let (status, renamed) = cloud
        .request("PUT", &path, Some(&json!({ "name": "second" })))
        .await;
    assert_eq!(
        (status, &renamed["data"]["name"]),
        (200, &json!("second")),
        "a rename shows at once"
    );
    let delete = cloud.delete(&machine).await;
    let ended = cloud.settle(&[create.clone(), delete.clone()]).await;
    assert!(
        ended.iter().all(|job| job["status"] == "completed"),
        "{ended:?}"
    );
    for call in waiting {
        assert_eq!(call.await.unwrap().unwrap().0, 200);
    }
    let (_, created) = span(&cloud, &create).await.unwrap();
    let (deleting, _) = span(&cloud, &delete).await.unwrap();
    assert!(created <= deleting);
    let actions = crate::world::effects(&cloud.data().join("sim-world.db"), &machine);
    let launches = actions
        .iter()
        .filter(|action| action.as_str() == "launch")
        .count();
    let shutdowns = actions
        .iter()
        .filter(|action| action.as_str() == "shutdown")
        .count();
    assert_eq!(
        (launches, shutdowns),
        (2, 2),
        "create, stop, start, delete: {actions:?}"
    );
    assert_eq!(
        actions.last().map(String::as_str),
        Some("remove_disk"),
        "{actions:?}"
    );
}

/// With a kill in between: the create completes, what had not begun has no effect, the delete ends last.
#[tokio::test]
async fn calls_not_begun_before_a_kill_have_no_effect() {
    let mut cloud = Process::start(&["--sim-speed", "4"]);
    let (create, machine) = accept_create(&cloud).await;
    let delete = {
        let shared = Arc::new(cloud);
        let waiting = calls(&shared, &machine).await;
        let delete = shared.delete(&machine).await;
        for call in &waiting {
            call.abort();
        }
        for call in waiting {
            let _ = call.await;
        }
        cloud = Arc::into_inner(shared).expect("nobody else holds the server");
        delete
    };
    cloud.kill();
    cloud.restart();
    let ended = cloud.settle(&[create, delete]).await;
    assert!(
        ended.iter().all(|job| job["status"] == "completed"),
        "{ended:?}"
    );
    let actions = crate::world::effects(&cloud.data().join("sim-world.db"), &machine);
    let launches = actions
        .iter()
        .filter(|action| action.as_str() == "launch")
        .count();
    assert_eq!(
        launches, 1,
        "neither stop nor start took effect: {actions:?}"
    );
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

#[tokio::test]
async fn a_delete_right_after_cancels_the_create() {
    let cloud = Process::start(&["--sim-speed", "2"]);
    let (create, machine) = accept_create(&cloud).await;
    let delete = cloud.delete(&machine).await;
    let ended = cloud.settle(&[create, delete]).await;
    assert_eq!(
        (&ended[0]["status"], &ended[0]["errorCode"]),
        (&json!("failed"), &json!("CANCELLED"))
    );
    assert_eq!(ended[1]["status"], "completed");
    // The default network that was made for it stays, and may be on its way still.
    cloud.at_rest().await;
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// Clients that leave at any moment, also while their call is being accepted, leave nothing behind.
#[tokio::test]
async fn a_call_whose_client_left_has_no_effect() {
    use tokio::io::AsyncWriteExt;
    let cloud = Process::start(&["--sim-speed", "4"]);
    let (create, machine) = accept_create(&cloud).await;
    let address = cloud.url.strip_prefix("http://").unwrap();
    let head = format!(
        "POST /v1/resource/virtual-machines/{machine}/stop HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\n\r\n",
        crate::process::KEY
    );
    for moment in 0..30 {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        socket.write_all(head.as_bytes()).await.unwrap();
        // It leaves a little later each time: before, during and after its acceptance.
        tokio::time::sleep(std::time::Duration::from_micros(200 * moment)).await;
        drop(socket);
    }
    let ended = cloud.settle(&[create]).await;
    assert_eq!(ended[0]["status"], "completed");
    // A call that is answered stands behind whatever of these was left in line.
    let path = format!("/v1/resource/virtual-machines/{machine}");
    let (status, _) = cloud.request("POST", &format!("{path}/reset"), None).await;
    assert_eq!(status, 200);
    let actions = crate::world::effects(&cloud.data().join("sim-world.db"), &machine);
    let shutdowns = actions
        .iter()
        .filter(|action| *action == "shutdown")
        .count();
    assert_eq!(shutdowns, 1, "only the reset's: {actions:?}");
}

/// Eight calls may be in a machine's line; a ninth is refused and says who is in the way.
#[tokio::test]
async fn a_ninth_call_is_refused_and_a_delete_still_admitted() {
    let cloud = Arc::new(Process::start(&["--clock", "manual"]));
    let (create, machine) = accept_create(&cloud).await;
    let path = format!("/v1/resource/virtual-machines/{machine}/stop");
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (cloud, path) = (cloud.clone(), path.clone());
        waiting.spawn(async move {
            cloud
                .try_request("POST", &path, crate::process::KEY, None)
                .await
        });
    }
    crate::world::line_grows_to(&cloud.data().join("cloudlet.db"), 9).await;
    let (status, refused) = cloud.request("POST", &path, None).await;
    assert_eq!((status, &refused["error"]), (409, &json!("LINE_FULL")));
    assert_eq!(refused["details"]["limit"], 8);
    assert_eq!(refused["details"]["jobId"], create.as_str());
    let delete = cloud.delete(&machine).await;
    waiting.shutdown().await;
    cloud.advance(60).await;
    let ended = cloud.settle(&[create, delete]).await;
    assert!(
        ended.iter().all(|job| job["status"] == "completed"),
        "{ended:?}"
    );
}
