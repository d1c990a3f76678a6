//! GPU machines through HTTP: create, read, rename, delete, what there is of GPUs, each conflict.

use crate::cloud::{GPU, LAB_A, LAB_B, MACHINES, NOTHING, TestCloud, text};
use reqwest::Method;
use serde_json::{Value, json};

/// Which counts of the first series can be had.
async fn available(cloud: &TestCloud) -> Vec<String> {
    let rows = cloud
        .data(&format!("{GPU}/inventory?code=nvidia-h100-series"))
        .await;
    let counts = &rows[0]["availability"][0]["gpuCounts"];
    let counts = counts.as_object().unwrap().iter();
    let there = counts.filter(|(_, is)| is["available"] == true);
    there.map(|(count, _)| count.clone()).collect()
}

#[tokio::test]
async fn created_read_renamed_deleted() {
    let cloud = TestCloud::start().await;
    assert_eq!(available(&cloud).await, ["1", "2", "4", "8"]);
    let act = format!("POST {GPU}");
    let job = cloud
        .done(&act, TestCloud::gpu("train", 4), "gpu.create")
        .await;
    assert_eq!(
        (&job["resourceName"], &job["result"]),
        (&json!("train"), &Value::Null)
    );
    let id = text(&job["resourceId"]);
    let path = format!("{GPU}/{id}");
    let first = cloud.data(&path).await;
    assert_eq!(cloud.data(GPU).await, json!([first]));
    let wanted = json!({
        "id": id, "name": "train", "createdAt": first["createdAt"], "updatedAt": first["updatedAt"],
        "deletedAt": null, "status": "Running",
        "configuration": {"name": "NVIDIA H100", "code": "nvidia-h100-series", "gpuCount": 4,
            "cpu": 64, "ram": 512, "disk": 2000, "skuId": "1", "skuCode": "nvidia-h100-series"},
        "ip": first["ip"],
        "datacenter": {"id": LAB_A, "name": "Lab A", "region": "East", "countryAbbr": "US",
            "country": "United States"},
        "resourceGroupId": null, "resourceGroupName": null, "image": "Ubuntu 22.04 LTS",
        "jupyterUrl": null, "username": "ubuntu", "sshKeyId": null, "sshKeyName": null,
        "hasStoredCredentials": false, "teamId": null,
    });
    assert_eq!(first, wanted);
    assert!(text(&first["ip"]).starts_with("10."), "{first}");
    assert_eq!(available(&cloud).await, ["1", "2", "4"]);
    let used = [
        ("gpus", 4),
        ("vcpus", 64),
        ("memoryGb", 512),
        ("virtualMachines", 0),
    ];
    for (quota, is) in used {
        assert_eq!(cloud.used(quota).await, is, "{quota}");
    }
    only_here(&cloud, &id).await;
    let renamed = cloud
        .act(&format!("PUT {path}/"), json!({"name": "infer"}))
        .await;
    assert_eq!(
        (renamed.status, &renamed.json["data"]["name"]),
        (200, &json!("infer"))
    );
    assert_eq!(cloud.data(&path).await["name"], "infer");
    let deleted = cloud
        .done(&format!("DELETE {path}"), Value::Null, "gpu.delete")
        .await;
    assert_eq!(deleted["resourceName"], "infer");
    cloud.get(&path).await.is_error(404, "NOT_FOUND");
    assert_eq!(available(&cloud).await, ["1", "2", "4", "8"]);
    assert_eq!(cloud.used("gpus").await, 0);
    cloud.verified().await;
}

/// It is listed and read among GPU machines only, and nothing else can be done to it.
async fn only_here(cloud: &TestCloud, id: &str) {
    cloud
        .get(&format!("{MACHINES}/{id}"))
        .await
        .is_error(404, "NOT_FOUND");
    assert_eq!(cloud.data(MACHINES).await, json!([]));
    for verb in ["stop", "start", "reset"] {
        let act = format!("POST {MACHINES}/{id}/{verb}");
        cloud.refuses(&act, Value::Null, (404, "NOT_FOUND")).await;
    }
    let vm = cloud.machine_named("web").await;
    cloud
        .get(&format!("{GPU}/{vm}"))
        .await
        .is_error(404, "NOT_FOUND");
    cloud
        .refuses(
            &format!("DELETE {GPU}/{vm}"),
            Value::Null,
            (404, "NOT_FOUND"),
        )
        .await;
}

#[tokio::test]
async fn both_forms_of_a_create() {
    let cloud = TestCloud::start().await;
    let plain = cloud
        .act(&format!("POST {GPU}"), TestCloud::gpu("one", 1))
        .await;
    assert_eq!(
        (plain.status, plain.json["data"].as_array().unwrap().len()),
        (202, 1)
    );
    let slashed = cloud
        .act(&format!("POST {GPU}/"), TestCloud::gpu("two", 1))
        .await;
    assert_eq!(slashed.status, 202);
    assert_eq!(slashed.json["data"]["jobs"][0]["resourceName"], "two");
}

/// What the inventory says is what a create finds: sold out is a 409 at once, and no job.
#[tokio::test]
async fn all_taken_and_one_given_back() {
    let cloud = TestCloud::start().await;
    let act = format!("POST {GPU}");
    let mut machines = Vec::new();
    for count in [4, 2, 1, 1] {
        let job = cloud
            .done(&act, TestCloud::gpu("train", count), "gpu.create")
            .await;
        machines.push(text(&job["resourceId"]));
    }
    assert_eq!(available(&cloud).await, [""; 0]);
    let out = cloud
        .refuses(&act, TestCloud::gpu("more", 1), (409, "CAPACITY_EXCEEDED"))
        .await;
    let message = text(&out.json["message"]);
    assert!(
        message.contains("Lab A") && message.contains("H100"),
        "{message}"
    );
    let theirs = TestCloud::gpu("theirs", 1);
    let key = &cloud.other_key;
    cloud
        .refuses_as(key, &act, theirs, (409, "CAPACITY_EXCEEDED"))
        .await;
    let one = format!("DELETE {GPU}/{}", machines.pop().unwrap());
    cloud.done(&one, Value::Null, "gpu.delete").await;
    assert_eq!(available(&cloud).await, ["1"]);
    cloud
        .refuses(&act, TestCloud::gpu("more", 2), (409, "CAPACITY_EXCEEDED"))
        .await;
    cloud
        .done(&act, TestCloud::gpu("more", 1), "gpu.create")
        .await;
    cloud.verified().await;
}

#[tokio::test]
async fn what_a_create_gets_wrong() {
    let cloud = TestCloud::start().await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(7)),
        ("name", Value::Null),
        ("name", json!("n".repeat(64))),
        ("datacenterId", json!("dc-uuid")),
        ("datacenterId", json!(NOTHING)),
        ("datacenterId", Value::Null),
        ("seriesId", json!(99)),
        ("seriesId", json!("1")),
        ("seriesId", Value::Null),
        ("gpuCount", json!(3)),
        ("gpuCount", json!(0)),
        ("gpuCount", json!(16)),
        ("gpuCount", json!(-1)),
        ("gpuCount", json!("4")),
        ("gpuCount", json!(1.5)),
        ("gpuCount", Value::Null),
        ("imageId", json!(99)),
        ("imageId", json!("12")),
        ("teamId", json!("x")),
    ] {
        let mut body = TestCloud::gpu("train", 1);
        body[field] = value;
        cloud
            .refuses_field(&format!("POST {GPU}"), body, field)
            .await;
    }
    // A series that a data centre does not have.
    let mut body = TestCloud::gpu("train", 1);
    body["datacenterId"] = json!(LAB_B);
    cloud
        .refuses(&format!("POST {GPU}"), body, (409, "CAPACITY_EXCEEDED"))
        .await;
    cloud.limit(json!({"gpus": 0})).await;
    let act = format!("POST {GPU}");
    cloud
        .refuses(&act, TestCloud::gpu("train", 1), (403, "GPU_NOT_ENABLED"))
        .await;
    cloud.limit(json!({"gpus": 1})).await;
    let job = cloud.accepted(&act, TestCloud::gpu("train", 2)).await;
    let job = cloud.end_of(&job).await;
    assert_eq!(job["errorCode"], "QUOTA_EXCEEDED", "{job}");
    cloud
        .get(&format!("{GPU}/{}", job["targetId"].as_str().unwrap()))
        .await
        .is_error(404, "NOT_FOUND");
    let job = cloud
        .done(&act, TestCloud::gpu("train", 1), "gpu.create")
        .await;
    let path = format!("PUT {GPU}/{}", job["resourceId"].as_str().unwrap());
    for name in [json!(""), json!(5), Value::Null, json!(" x")] {
        cloud
            .refuses_field(&path, json!({"name": name}), "name")
            .await;
    }
}

#[tokio::test]
async fn what_the_inventory_is_asked_for() {
    let cloud = TestCloud::start().await;
    let inventory = format!("{GPU}/inventory");
    let all = cloud.data(&inventory).await;
    let codes: Vec<_> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(&row["seriesCode"]))
        .collect();
    assert_eq!(codes, ["nvidia-h100-series", "nvidia-a100-series"]);
    assert_eq!(
        all[1]["availability"][0]["gpuCounts"]["8"],
        json!({"available": false})
    );
    let one = cloud
        .data(&format!("{inventory}?count=4&datacenterId={LAB_B}"))
        .await;
    assert_eq!(one[0]["availability"], json!([]));
    assert_eq!(
        one[1]["availability"][0]["gpuCounts"],
        json!({"4": {"available": true}})
    );
    assert_eq!(
        cloud.data(&format!("{inventory}?code=none")).await,
        json!([])
    );
    for count in ["3", "x", "0"] {
        cloud
            .get(&format!("{inventory}?count={count}"))
            .await
            .names("count");
    }
}

/// A create that fails gives its GPUs back; the clock's tests see each phase.
#[tokio::test]
async fn a_create_that_fails_leaves_nothing() {
    let cloud = TestCloud::start().await;
    for phase in ["gpu", "disk", "network", "boot", "ready"] {
        let fault = json!({"operation": "gpu.create", "kind": "fail", "atPhase": phase});
        cloud.fault(fault).await;
        let job = cloud
            .accepted(&format!("POST {GPU}"), TestCloud::gpu("train", 8))
            .await;
        let job = cloud.end_of(&job).await;
        assert_eq!(job["errorCode"], "DRIVER_ERROR", "{phase}: {job}");
        let path = format!("{GPU}/{}", job["targetId"].as_str().unwrap());
        cloud.get(&path).await.is_error(404, "NOT_FOUND");
        assert_eq!(available(&cloud).await.len(), 4, "{phase}");
        cloud.verified().await;
    }
    let faults = cloud
        .admin(Method::GET, "/admin/v1/faults", Value::Null)
        .await;
    let mut faults = faults.json["data"].as_array().unwrap().iter();
    assert!(faults.all(|fault| fault["hits"] == 1));
}

/// Twenty at once for eight GPUs: eight get one, the rest are told that there is none, then or later.
#[tokio::test]
async fn many_at_once() {
    let cloud = std::sync::Arc::new(TestCloud::start().await);
    let mut creates = tokio::task::JoinSet::new();
    for number in 0..20 {
        let cloud = cloud.clone();
        creates.spawn(async move {
            let body = TestCloud::gpu(&format!("train-{number}"), 1);
            let answer = cloud.act(&format!("POST {GPU}"), body).await;
            if answer.status == 409 {
                return text(&answer.json["error"]);
            }
            let job = cloud.end_of(&answer.json["data"][0]).await;
            text(if job["status"] == "completed" {
                &job["status"]
            } else {
                &job["errorCode"]
            })
        });
    }
    let ends = creates.join_all().await;
    let of = |end: &str| ends.iter().filter(|it| *it == end).count();
    assert_eq!(
        (of("completed"), of("CAPACITY_EXCEEDED")),
        (8, 12),
        "{ends:?}"
    );
    assert_eq!(available(&cloud).await, [""; 0]);
    assert_eq!(cloud.used("gpus").await, 8);
    cloud.verified().await;
}
