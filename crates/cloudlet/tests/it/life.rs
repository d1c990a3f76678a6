//! A machine's life through the API of the real binary: what each job says, and what is left.

use crate::process::{Process, create_body, is_final, text};
use serde_json::{Value, json};

#[tokio::test]
async fn created_listed_read_renamed_stopped_started_reset_deleted() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let (job, machine) = cloud.create("web-1").await;
    let ended = cloud.settle(std::slice::from_ref(&job)).await;
    assert_eq!(ended[0]["status"], "completed", "{}", ended[0]);
    assert_eq!(ended[0]["progress"], 100);
    assert_eq!(ended[0]["resourceId"], machine.as_str());
    assert_eq!(ended[0]["completedAt"], ended[0]["updatedAt"]);

    let path = format!("/v1/resource/virtual-machines/{machine}");
    let (_, detail) = cloud.get(&path).await;
    assert_eq!(detail["data"]["status"], "Running");
    assert_eq!(detail["data"]["virtualMachine"]["configuration"], "Small");
    assert_eq!(detail["data"]["configuration"]["code"], "g-small-1");
    let (_, list) = cloud.get("/v1/resource/virtual-machines").await;
    assert_eq!(list["data"][0]["id"], machine.as_str());
    assert_eq!(list["meta"]["total"], 1);

    let (status, renamed) = cloud
        .request("PUT", &path, Some(&json!({ "name": "web-2" })))
        .await;
    assert_eq!((status, &renamed["data"]["name"]), (200, &json!("web-2")));
    for (verb, shown) in [
        ("stop", "Shutoff"),
        ("stop", "Shutoff"),
        ("start", "Running"),
        ("start", "Running"),
        ("reset", "Running"),
    ] {
        let (status, answer) = cloud.request("POST", &format!("{path}/{verb}"), None).await;
        assert_eq!(
            (status, &answer["data"]["status"]),
            (200, &json!(shown)),
            "{verb}: {answer}"
        );
    }
    assert_eq!(cloud.verify().await, (vec![], vec![]));

    let delete = cloud.delete(&machine).await;
    let ended = cloud.settle(&[delete]).await;
    assert_eq!(ended[0]["status"], "completed");
    assert_eq!(ended[0]["resourceId"], Value::Null);
    assert_eq!(cloud.get(&path).await.0, 404);
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

#[tokio::test]
async fn a_reset_of_a_machine_that_is_off_is_refused() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let (job, machine) = cloud.create("web").await;
    cloud.settle(&[job]).await;
    let path = format!("/v1/resource/virtual-machines/{machine}");
    cloud.request("POST", &format!("{path}/stop"), None).await;
    let (status, answer) = cloud.request("POST", &format!("{path}/reset"), None).await;
    assert_eq!((status, &answer["error"]), (409, &json!("INVALID_STATE")));
}

/// A create takes 6 to 10 s at default speed, and its progress never falls.
#[tokio::test]
async fn a_create_takes_six_to_ten_seconds() {
    let cloud = Process::start(&["--clock", "manual"]);
    let (job, _) = cloud.create("smooth").await;
    let ids = [job];
    let mut seen: Vec<i64> = Vec::new();
    let mut steps = 0;
    loop {
        let now = cloud.poll(&ids).await.remove(0);
        let progress = now["progress"].as_i64().unwrap();
        if seen.last() != Some(&progress) {
            seen.push(progress);
        }
        if is_final(&now) {
            assert_eq!(now["status"], "completed", "{now}");
            break;
        }
        assert!(steps < 12, "a create takes 6 to 10 s: {seen:?}");
        steps += 1;
        cloud.advance(1).await;
    }
    assert!(
        (6..=10).contains(&steps),
        "a create takes 6 to 10 s, not {steps}"
    );
    assert!(seen.is_sorted(), "{seen:?}");
}

/// At default speed a create polled every 250 ms shows at least eight values and no jump above 20.
#[tokio::test]
async fn progress_is_fine_grained_in_real_time() {
    let cloud = Process::start(&[]);
    let (job, _) = cloud.create("smooth").await;
    let ids = [job];
    let mut seen: Vec<i64> = vec![0];
    loop {
        let now = cloud.poll(&ids).await.remove(0);
        let progress = now["progress"].as_i64().unwrap();
        if seen.last() != Some(&progress) {
            seen.push(progress);
        }
        if is_final(&now) {
            assert_eq!(now["status"], "completed", "{now}");
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    assert!(seen.len() >= 8, "{seen:?}");
    assert!(
        seen.windows(2)
            .all(|pair| pair[1] > pair[0] && pair[1] - pair[0] <= 20),
        "{seen:?}"
    );
}

#[tokio::test]
async fn several_instances_in_both_forms() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let mut body = create_body("web");
    body["numberOfInstances"] = json!(3);
    let (status, plain) = cloud.post("/v1/resource/virtual-machines", &body).await;
    assert_eq!(status, 202);
    let names: Vec<_> = plain["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| text(&job["resourceName"]))
        .collect();
    assert_eq!(names, ["web-1", "web-2", "web-3"]);
    let (status, slashed) = cloud.post("/v1/resource/virtual-machines/", &body).await;
    assert_eq!(status, 202);
    assert_eq!(slashed["data"]["jobs"].as_array().unwrap().len(), 3);
    assert_eq!(slashed["data"]["jobs"][0]["status"], "pending");
}

/// Exactly 10 of 100 parallel creates fit a quota of 10; afterwards nothing is in use.
#[tokio::test]
async fn a_quota_is_kept_under_parallel_creates() {
    let cloud = std::sync::Arc::new(Process::start(&["--sim-speed", "0"]));
    let (_, tenants) = cloud.admin("GET", "/tenants", None).await;
    let tenant = text(&tenants["data"][0]["id"]);
    let (status, _) = cloud
        .admin(
            "PUT",
            &format!("/tenants/{tenant}/quotas"),
            Some(&json!({ "virtualMachines": 10 })),
        )
        .await;
    assert_eq!(status, 200);
    let mut creates = tokio::task::JoinSet::new();
    for number in 0..100 {
        let cloud = cloud.clone();
        creates.spawn(async move { cloud.create(&format!("m-{number}")).await });
    }
    let made = creates.join_all().await;
    let ids: Vec<_> = made.iter().map(|(job, _)| job.clone()).collect();
    let ended = cloud.settle(&ids).await;
    let completed = ended
        .iter()
        .filter(|job| job["status"] == "completed")
        .count();
    let refused = ended
        .iter()
        .filter(|job| job["errorCode"] == "QUOTA_EXCEEDED")
        .count();
    assert_eq!((completed, refused), (10, 90));
    let used = async || {
        let (_, answer) = cloud
            .admin("GET", &format!("/tenants/{tenant}"), None)
            .await;
        answer["data"]["quotas"]["virtualMachines"]["used"].clone()
    };
    assert_eq!(used().await, 10);
    let mut deletes = Vec::new();
    for job in ended.iter().filter(|job| job["status"] == "completed") {
        deletes.push(cloud.delete(&text(&job["resourceId"])).await);
    }
    cloud.settle(&deletes).await;
    assert_eq!(used().await, 0);
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

#[tokio::test]
async fn room_and_configuration_are_judged_when_the_turn_comes() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let mut windows = create_body("win");
    windows["imageId"] = json!(15);
    let (_, answer) = cloud.post("/v1/resource/virtual-machines", &windows).await;
    let ended = cloud.settle(&[text(&answer["data"][0]["id"])]).await;
    assert_eq!(ended[0]["errorCode"], "INVALID_CONFIGURATION");
    assert_eq!(
        ended[0]["error"],
        "Image Windows 2022 Standard needs a disk of 60 GB, configuration Small has 40 GB."
    );
    // Lab C has 64 vCPUs: four machines of 16 fit, a fifth does not.
    let mut large = create_body("xl");
    large["datacenterId"] = json!("6f1c0e5e-0000-4000-8000-000000000003");
    large["configurationId"] = json!(48);
    large["numberOfInstances"] = json!(5);
    let (_, answer) = cloud.post("/v1/resource/virtual-machines", &large).await;
    let ids: Vec<_> = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| text(&job["id"]))
        .collect();
    let ended = cloud.settle(&ids).await;
    let failed: Vec<_> = ended
        .iter()
        .filter(|job| job["status"] == "failed")
        .collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(
        failed[0]["error"],
        "Data centre Lab C has no room for XL (16 vCPUs, 32 GB)."
    );
}

#[tokio::test]
async fn an_idempotency_key_gives_the_same_jobs_also_after_a_restart() {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let send = async |cloud: &Process, name: &str| {
        let request = cloud
            .http
            .post(format!("{}/v1/resource/virtual-machines", cloud.url));
        let request = request
            .header("X-API-Key", crate::process::KEY)
            .header("Idempotency-Key", "once");
        let answer = request.json(&create_body(name)).send().await.unwrap();
        (
            answer.status().as_u16(),
            answer.json::<Value>().await.unwrap(),
        )
    };
    let (status, first) = send(&cloud, "web").await;
    assert_eq!(status, 202);
    let id = text(&first["data"][0]["id"]);
    let (status, again) = send(&cloud, "web").await;
    assert_eq!((status, text(&again["data"][0]["id"])), (202, id.clone()));
    let (status, other) = send(&cloud, "another").await;
    assert_eq!(
        (status, &other["error"]),
        (422, &json!("IDEMPOTENCY_KEY_REUSED"))
    );
    cloud.kill();
    cloud.restart();
    let (status, again) = send(&cloud, "web").await;
    assert_eq!((status, text(&again["data"][0]["id"])), (202, id.clone()));
    cloud.advance(20).await;
    let (status, again) = send(&cloud, "web").await;
    assert_eq!(
        (status, &again["data"][0]["status"]),
        (202, &json!("completed"))
    );
    let (_, list) = cloud.get("/v1/resource/virtual-machines").await;
    assert_eq!(list["meta"]["total"], 1);
}

/// An instant operation costs at most four commits of the store: accepted, started, one report, settled.
#[tokio::test]
async fn an_instant_operation_costs_at_most_four_commits() {
    let cloud = Process::start(&["--sim-speed", "0", "--clock", "manual"]);
    let commits = async || {
        let answer = cloud.http.get(format!("{}/metrics", cloud.url)).send();
        let text = answer.await.unwrap().text().await.unwrap();
        let line = text
            .lines()
            .find(|line| line.starts_with("cloudlet_store_commits_total"));
        line.unwrap()
            .rsplit(' ')
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    // The first one makes the default network, too.
    let (first, _) = cloud.create("first").await;
    cloud.settle(&[first]).await;
    for number in 0..20 {
        let before = commits().await;
        let (job, _) = cloud.create(&format!("instant-{number}")).await;
        cloud.settle(&[job]).await;
        let spent = commits().await - before;
        assert!(
            (3..=4).contains(&spent),
            "create {number} took {spent} commits"
        );
    }
}
