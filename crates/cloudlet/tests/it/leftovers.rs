//! What a job could neither finish nor put back: what is held until then, tried again, settled by hand.

use crate::cloud::{Answer, JOBS, MACHINES, NETWORKS, NOTHING, TestCloud, VOLUMES, text};
use reqwest::Method;
use serde_json::{Value, json};

const LEFTOVERS: &str = "/admin/v1/leftovers";

async fn open(cloud: &TestCloud) -> Vec<Value> {
    let list = cloud.admin(Method::GET, LEFTOVERS, Value::Null).await;
    list.json["data"].as_array().unwrap().clone()
}

async fn by_hand(cloud: &TestCloud, id: &str, verb: &str) -> Answer {
    cloud
        .admin(
            Method::POST,
            &format!("{LEFTOVERS}/{id}/{verb}"),
            Value::Null,
        )
        .await
}

/// A delete that fails twice, so that it is left over: the job as it ended.
pub(crate) async fn fails_twice(cloud: &TestCloud, act: &str, kind: &str, phase: &str) -> Value {
    let fault = json!({"operation": kind, "kind": "fail", "atPhase": phase, "times": 2,
        "error": "It is stuck."});
    cloud.fault(fault).await;
    let job = cloud.accepted(act, Value::Null).await;
    let job = cloud.end_of(&job).await;
    assert_eq!(
        (&job["status"], &job["errorCode"]),
        (&json!("failed"), &json!("DRIVER_ERROR"))
    );
    job
}

async fn in_use(cloud: &TestCloud) -> (u64, u64, Value) {
    let hosts = cloud
        .admin(Method::GET, "/admin/v1/hosts", Value::Null)
        .await;
    (
        cloud.used("publicIps").await,
        cloud.used("virtualMachines").await,
        hosts.json["data"][0]["room"].clone(),
    )
}

/// A machine with a public address and a volume whose delete is left over.
async fn left_over(cloud: &TestCloud) -> (String, String, Value) {
    let mut body = TestCloud::machine("sticky");
    body["allocatePublicIp"] = json!(true);
    let made = cloud
        .done(&format!("POST {MACHINES}"), body, "vm.create")
        .await;
    let machine = text(&made["resourceId"]);
    let volume = cloud.volume_named("data").await;
    let on = json!({"virtualMachineId": machine});
    cloud
        .done(
            &format!("PUT {VOLUMES}/{volume}/attach"),
            on,
            "volume.attach",
        )
        .await;
    let delete = format!("DELETE {MACHINES}/{machine}");
    let job = fails_twice(cloud, &delete, "vm.delete", "disk").await;
    (machine, volume, job)
}

#[tokio::test]
async fn listed_held_and_tried_again() {
    let cloud = TestCloud::start().await;
    assert_eq!(open(&cloud).await, Vec::<Value>::new());
    let (machine, volume, job) = left_over(&cloud).await;
    let path = format!("{MACHINES}/{machine}");
    let error = text(&job["error"]);
    assert!(
        error.starts_with(&format!("Left over: virtual machine sticky ({machine})")),
        "{error}"
    );
    let detail = cloud
        .data(&format!("{JOBS}/{}", job["id"].as_str().unwrap()))
        .await;
    receipt_is_whole(&detail["receipt"]);

    let leftover = open(&cloud).await.remove(0);
    let wanted = json!({
        "id": machine, "kind": "vm", "name": "sticky", "tenantId": cloud.tenant_id().await,
        "hostId": leftover["hostId"], "jobId": job["id"], "since": leftover["since"],
        "what": "It is stuck.", "retrying": false,
    });
    assert_eq!(leftover, wanted);
    let shown = cloud.data(&path).await;
    assert_eq!(
        (&shown["status"], &shown["virtualMachine"]["name"]),
        (&json!("Error"), &json!("sticky"))
    );
    assert_eq!(cloud.data(MACHINES).await[0]["status"], "Error");
    // The quota counts nothing of it; what it physically has is held.
    let (public, machines, room) = in_use(&cloud).await;
    assert_eq!((public, machines), (0, 0));
    assert_eq!(
        (&room["vcpus"]["used"], &room["publicIps"]["used"]),
        (&json!(2), &json!(1))
    );
    for (act, body) in [
        (format!("POST {path}/start"), Value::Null),
        (format!("POST {path}/stop"), Value::Null),
        (format!("PUT {path}/size"), json!({"configurationId": 46})),
    ] {
        let refused = cloud.refuses(&act, body, (409, "INVALID_STATE")).await;
        assert_eq!(refused.json["details"]["jobId"], job["id"]);
    }
    let on = json!({"virtualMachineId": machine});
    let other = cloud.volume_named("other").await;
    let attach = format!("PUT {VOLUMES}/{other}/attach");
    cloud.refuses(&attach, on, (409, "INVALID_STATE")).await;

    let retried = by_hand(&cloud, &machine, "retry").await;
    assert_eq!(
        (retried.status, &retried.json["data"]["retrying"]),
        (200, &json!(true))
    );
    gone(&cloud, &path).await;
    assert_eq!(open(&cloud).await.len(), 0);
    let after = cloud.end_of(&job).await;
    assert_eq!(after, job, "the job stays as it ended");
    let (_, _, room) = in_use(&cloud).await;
    assert_eq!(
        (&room["vcpus"]["used"], &room["publicIps"]["used"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        cloud.data(&format!("{VOLUMES}/{volume}")).await["status"],
        "Available"
    );
    cloud.verified().await;
}

/// Every entry says what it is about, and what is left is named.
fn receipt_is_whole(receipt: &Value) {
    for list in ["made", "putBack", "left"] {
        for entry in receipt[list].as_array().unwrap() {
            for key in ["kind", "id", "what"] {
                assert!(entry[key].is_string(), "{receipt}");
            }
        }
    }
    assert!(!receipt["left"].as_array().unwrap().is_empty(), "{receipt}");
    assert!(receipt["left"].to_string().contains("disk"), "{receipt}");
}

/// Waits until a path answers 404: an operator's retry is no job that could be polled.
async fn gone(cloud: &TestCloud, path: &str) {
    let begun = std::time::Instant::now();
    while cloud.get(path).await.status != 404 {
        assert!(
            begun.elapsed() < crate::process::PATIENCE,
            "{path} does not go"
        );
        crate::process::pause().await;
    }
}

/// A retry that fails leaves it over as before; settled by hand, all that it held is free.
#[tokio::test]
async fn settled_by_hand() {
    let cloud = TestCloud::start().await;
    let (machine, volume, _) = left_over(&cloud).await;
    let settled = by_hand(&cloud, &machine, "settle").await;
    assert_eq!(
        (settled.status, &settled.json["data"]["id"]),
        (200, &json!(machine))
    );
    gone(&cloud, &format!("{MACHINES}/{machine}")).await;
    assert_eq!(open(&cloud).await.len(), 0);
    let (_, _, room) = in_use(&cloud).await;
    assert_eq!(
        (&room["vcpus"]["used"], &room["publicIps"]["used"]),
        (&json!(0), &json!(0))
    );
    let left = cloud.data(&format!("{VOLUMES}/{volume}")).await;
    assert_eq!(
        (&left["status"], &left["virtualMachineId"]),
        (&json!("Available"), &Value::Null)
    );
    for verb in ["retry", "settle"] {
        for id in [&machine, NOTHING, "x"] {
            by_hand(&cloud, id, verb).await.is_error(404, "NOT_FOUND");
        }
    }
}

/// A new delete takes it over, for a volume and a network as for a machine.
#[tokio::test]
async fn a_new_delete_takes_it_over() {
    let cloud = TestCloud::start().await;
    let volume = cloud.volume_named("data").await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    let path = format!("{VOLUMES}/{volume}");
    fails_twice(&cloud, &format!("DELETE {path}"), "volume.delete", "disk").await;
    assert_eq!(cloud.data(&path).await["status"], "Error");
    let fault = json!({"operation": "network.delete", "kind": "fail", "times": 2});
    cloud.fault(fault).await;
    let net = format!("{NETWORKS}/{lan}");
    let failed = cloud.act(&format!("DELETE {net}"), Value::Null).await;
    assert_eq!(
        (failed.status, &failed.json["data"]["hasFailed"]),
        (200, &json!(true))
    );
    assert_eq!(cloud.data(&net).await["status"], "Error");
    let both: Vec<_> = open(&cloud)
        .await
        .iter()
        .map(|row| text(&row["kind"]))
        .collect();
    assert_eq!(both, ["volume", "network"], "oldest first");
    let page = format!("{LEFTOVERS}?limit=1&page=2");
    let page = cloud.admin(Method::GET, &page, Value::Null).await;
    assert_eq!(
        (&page.json["data"][0]["kind"], &page.json["meta"]["total"]),
        (&json!("network"), &json!(2))
    );
    let state = (409, "INVALID_STATE");
    cloud
        .refuses(
            &format!("PUT {path}/resize"),
            json!({"newSizeGb": 256}),
            state,
        )
        .await;
    cloud
        .refuses(&format!("PUT {net}"), json!({"name": "net"}), state)
        .await;
    let mut body = TestCloud::machine("web");
    body["networkInterfaces"] = json!([{"networkId": lan}]);
    cloud
        .refuses(&format!("POST {MACHINES}"), body, state)
        .await;

    cloud
        .done(&format!("DELETE {path}"), Value::Null, "volume.delete")
        .await;
    let deleted = cloud.act(&format!("DELETE {net}"), Value::Null).await;
    assert_eq!(
        deleted.json["data"]["isCompleted"], true,
        "{}",
        deleted.json
    );
    assert_eq!(open(&cloud).await.len(), 0);
    cloud.volume_named("data").await;
    cloud.network_named("lan", "10.5.0.0/24").await;
    cloud.verified().await;
}

/// A create whose way back fails is left over; its names and addresses are held until it is settled.
#[tokio::test]
async fn a_create_that_cannot_be_taken_back() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::machine("half");
    body["allocatePublicIp"] = json!(true);
    cloud
        .fault(json!({"operation": "vm.create", "kind": "fail", "atPercent": 40, "times": 2}))
        .await;
    let job = cloud.accepted(&format!("POST {MACHINES}"), body).await;
    let job = cloud.end_of(&job).await;
    assert_eq!(job["status"], "failed", "{job}");
    let rows = open(&cloud).await;
    assert_eq!(rows.len(), 1, "{job}");
    let path = format!("{MACHINES}/{}", job["targetId"].as_str().unwrap());
    assert_eq!(cloud.data(&path).await["status"], "Error");
    assert_eq!(cloud.used("virtualMachines").await, 0);
    let (_, _, room) = in_use(&cloud).await;
    assert_eq!(room["publicIps"]["used"], 1);
    let retried = by_hand(&cloud, rows[0]["id"].as_str().unwrap(), "retry").await;
    assert_eq!(retried.status, 200);
    gone(&cloud, &path).await;
    let (_, _, room) = in_use(&cloud).await;
    assert_eq!(room["publicIps"]["used"], 0);
    cloud.verified().await;
}
