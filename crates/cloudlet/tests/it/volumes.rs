//! Volumes through HTTP: what each operation does, what is read back, and each conflict.

use crate::cloud::{LAB_A, LAB_B, MACHINES, NOTHING, TestCloud, VOLUMES, text};
use reqwest::Method;
use serde_json::{Value, json};

const ATTACHED: (u16, &str) = (409, "VOLUME_ATTACHED");
const STATE: (u16, &str) = (409, "INVALID_STATE");

async fn attach(cloud: &TestCloud, volume: &str, machine: &str) -> Value {
    let act = format!("PUT {VOLUMES}/{volume}/attach");
    let body = json!({"virtualMachineId": machine});
    cloud.done(&act, body, "volume.attach").await
}

/// What is shown of a volume on no machine.
fn detached(id: &str, size: (u32, u32)) -> Value {
    json!({
        "id": id, "name": "data-1", "sizeGb": size.1, "volumeSizeId": size.0,
        "volumeType": {"id": 1, "name": "SSD", "description": "Solid state, replicated"},
        "datacenter": {"id": LAB_A, "name": "Lab A", "region": "East", "countryAbbr": "US",
            "country": "United States"},
        "virtualMachineId": null, "virtualMachineName": null, "status": "Available",
        "teamId": null,
    })
}

fn without_times(mut volume: Value) -> Value {
    for key in ["createdAt", "updatedAt"] {
        let time = volume.as_object_mut().unwrap().remove(key).unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'));
    }
    volume
}

#[tokio::test]
async fn created_attached_resized_detached_deleted() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let act = format!("POST {VOLUMES}");
    let made = cloud
        .done(&act, TestCloud::volume("data-1"), "volume.create")
        .await;
    assert_eq!(
        (&made["resourceName"], &made["result"]),
        (&json!("data-1"), &Value::Null)
    );
    let id = text(&made["resourceId"]);
    let path = format!("{VOLUMES}/{id}");
    let first = cloud.data(&path).await;
    let created_at = first["createdAt"].clone();
    assert_eq!(cloud.data(VOLUMES).await, json!([first.clone()]));
    assert_eq!(without_times(first), detached(&id, (11, 100)));
    assert_eq!(
        (cloud.used("volumes").await, cloud.used("volumeGb").await),
        (1, 100)
    );

    let job = attach(&cloud, &id, &machine).await;
    assert_eq!(job["result"], json!({"virtualMachineId": machine}));
    let on = cloud.data(&path).await;
    assert_eq!(
        (
            &on["virtualMachineId"],
            &on["virtualMachineName"],
            &on["status"]
        ),
        (&json!(machine), &json!("web"), &json!("InUse"))
    );
    assert_eq!(on["createdAt"], created_at);

    let resize = format!("PUT {path}/resize");
    cloud
        .done(&resize, json!({"newSizeGb": 256}), "volume.resize")
        .await;
    let grown = cloud.data(&path).await;
    assert_eq!(
        (&grown["sizeGb"], &grown["volumeSizeId"]),
        (&json!(256), &json!(12))
    );
    assert_eq!(
        (&grown["status"], &grown["virtualMachineId"]),
        (&json!("InUse"), &json!(machine))
    );
    assert_eq!(cloud.used("volumeGb").await, 256);

    let job = cloud
        .done(&format!("PUT {path}/detach/"), Value::Null, "volume.detach")
        .await;
    assert_eq!(job["result"], json!({"virtualMachineId": machine}));
    assert_eq!(
        without_times(cloud.data(&path).await),
        detached(&id, (12, 256))
    );

    cloud
        .done(&resize, json!({"newSizeGb": 512}), "volume.resize")
        .await;
    assert_eq!(
        without_times(cloud.data(&path).await),
        detached(&id, (13, 512))
    );

    cloud
        .done(&format!("DELETE {path}"), Value::Null, "volume.delete")
        .await;
    cloud.get(&path).await.is_error(404, "NOT_FOUND");
    assert_eq!(cloud.data(VOLUMES).await, json!([]));
    assert_eq!(
        (cloud.used("volumes").await, cloud.used("volumeGb").await),
        (0, 0)
    );
    cloud.verified().await;
}

/// Its job says what it is about while it is under way, and the volume shows what is done to it.
#[tokio::test]
async fn what_is_seen_while_it_is_made() {
    let cloud = TestCloud::start_with(&["--clock", "manual", "--sim-speed", "1"]).await;
    let job = cloud
        .accepted(&format!("POST {VOLUMES}/"), TestCloud::volume("slow"))
        .await;
    let path = format!("{VOLUMES}/{}", job["targetId"].as_str().unwrap());
    assert_eq!(cloud.data(&path).await["status"], "Creating");
    let clock = "/admin/v1/clock";
    let mut seen = Vec::new();
    for _ in 0..60 {
        cloud
            .admin(Method::POST, clock, json!({"advanceSeconds": 1}))
            .await;
        let detail = cloud
            .data(&format!(
                "/v1/resource/jobs/{}",
                job["id"].as_str().unwrap()
            ))
            .await;
        seen.push(text(&detail["status"]));
        if detail["status"] == "completed" {
            let phases: Vec<_> = detail["phases"].as_array().unwrap().iter().collect();
            assert_eq!(phases.len(), 1, "{detail}");
            assert_eq!(phases[0]["name"], "disk");
            break;
        }
        assert_eq!(detail["resourceId"], Value::Null);
    }
    assert!(seen.contains(&"in_progress".to_owned()), "{seen:?}");
    assert_eq!(seen.last().unwrap(), "completed");
    assert_eq!(cloud.data(&path).await["status"], "Available");
}

#[tokio::test]
async fn a_name_is_free_again_once_its_volume_is_gone() {
    let cloud = TestCloud::start().await;
    let id = cloud.volume_named("data").await;
    let act = format!("POST {VOLUMES}");
    let taken = cloud
        .refuses(&act, TestCloud::volume("data"), (409, "CONFLICT"))
        .await;
    assert_eq!(taken.field(), "name");
    cloud.volume_named("DATA").await;
    cloud
        .done(
            &format!("DELETE {VOLUMES}/{id}"),
            Value::Null,
            "volume.delete",
        )
        .await;
    cloud.volume_named("data").await;
    let theirs = cloud
        .act_as(&cloud.other_key, &act, &TestCloud::volume("data"))
        .await;
    assert_eq!(theirs.status, 202, "another tenant has names of its own");
}

#[tokio::test]
async fn names_of_any_letters() {
    let cloud = TestCloud::start().await;
    let long = "n".repeat(63);
    for name in [
        "🦀 disk 🐘",
        "قرص البيانات",
        "100%_done",
        &long,
        "a'; DROP TABLE job; --",
    ] {
        let id = cloud.volume_named(name).await;
        assert_eq!(cloud.data(&format!("{VOLUMES}/{id}")).await["name"], name);
    }
    let act = format!("POST {VOLUMES}");
    for name in ["", " a", "a ", "a\u{0}b", "a\nb", &"n".repeat(64)] {
        cloud
            .refuses_field(&act, TestCloud::volume(name), "name")
            .await;
    }
}

#[tokio::test]
async fn conflicts() {
    let cloud = TestCloud::start().await;
    let (first, second) = (
        cloud.machine_named("first").await,
        cloud.machine_named("second").await,
    );
    let id = cloud.volume_named("data").await;
    let path = format!("{VOLUMES}/{id}");
    let on = |machine: &str| json!({"virtualMachineId": machine});
    let detach = format!("PUT {path}/detach");
    cloud.refuses(&detach, Value::Null, STATE).await;
    attach(&cloud, &id, &first).await;
    let act = format!("PUT {path}/attach");
    cloud.refuses(&act, on(&first), STATE).await;
    let elsewhere = cloud.refuses(&act, on(&second), ATTACHED).await;
    let message = text(&elsewhere.json["message"]);
    assert!(message.contains("first"), "{message}");
    cloud
        .refuses(&format!("DELETE {path}"), Value::Null, ATTACHED)
        .await;
    for size in [100, 50, 101, 0, -1, 1_i64 << 40] {
        let resize = format!("PUT {path}/resize");
        let refused = cloud
            .refuses_field(&resize, json!({"newSizeGb": size}), "newSizeGb")
            .await;
        if size != 100 {
            let message = text(&refused.json["message"]);
            assert!(message.contains("100, 256, 512"), "{message}");
        }
    }
    let still = cloud.data(&path).await;
    assert_eq!(
        (&still["sizeGb"], &still["virtualMachineId"]),
        (&json!(100), &json!(first))
    );
    let far = json!({"name": "far", "datacenterId": LAB_B, "volumeTypeId": 2, "volumeSizeId": 21,
        "sizeGb": 100});
    let far = cloud
        .done(&format!("POST {VOLUMES}"), far, "volume.create")
        .await;
    let act = format!(
        "PUT {VOLUMES}/{}/attach",
        far["resourceId"].as_str().unwrap()
    );
    cloud
        .refuses_field(&act, on(&first), "virtualMachineId")
        .await;
    cloud.verified().await;
}

#[tokio::test]
async fn a_sixth_volume() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    for number in 1..=5 {
        let id = cloud.volume_named(&format!("data-{number}")).await;
        attach(&cloud, &id, &machine).await;
    }
    let sixth = cloud.volume_named("data-6").await;
    let act = format!("PUT {VOLUMES}/{sixth}/attach");
    let body = json!({"virtualMachineId": machine});
    let refused = cloud.refuses(&act, body, (409, "LIMIT_EXCEEDED")).await;
    assert_eq!(refused.json["details"]["limit"], 5);
    assert_eq!(
        cloud.data(&format!("{VOLUMES}/{sixth}")).await["status"],
        "Available"
    );
}

/// What was refused with a machine that runs is refused with one that is off; and a volume outlives
/// the machine that it was on.
#[tokio::test]
async fn a_volume_outlives_its_machine() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let id = cloud.volume_named("data").await;
    let stop = cloud
        .act(&format!("POST {MACHINES}/{machine}/stop"), Value::Null)
        .await;
    assert_eq!(stop.json["data"]["status"], "Shutoff");
    attach(&cloud, &id, &machine).await;
    let path = format!("{VOLUMES}/{id}");
    cloud
        .refuses(&format!("DELETE {path}"), Value::Null, ATTACHED)
        .await;
    cloud
        .done(
            &format!("DELETE {MACHINES}/{machine}"),
            Value::Null,
            "vm.delete",
        )
        .await;
    let left = cloud.data(&path).await;
    assert_eq!(
        (&left["status"], &left["virtualMachineId"]),
        (&json!("Available"), &Value::Null)
    );
    assert_eq!(left["virtualMachineName"], Value::Null);
    cloud
        .done(&format!("DELETE {path}"), Value::Null, "volume.delete")
        .await;
    cloud.verified().await;
}

/// A job that fails is put back: the size, the machine, the quota and the name are as before.
#[tokio::test]
async fn a_failure_is_put_back() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let id = cloud.volume_named("data").await;
    let path = format!("{VOLUMES}/{id}");
    let on = json!({"virtualMachineId": machine});
    for (act, body, kind) in [
        (
            format!("POST {VOLUMES}"),
            TestCloud::volume("never"),
            "volume.create",
        ),
        (format!("PUT {path}/attach"), on, "volume.attach"),
        (
            format!("PUT {path}/resize"),
            json!({"newSizeGb": 256}),
            "volume.resize",
        ),
    ] {
        let before = (cloud.data(VOLUMES).await, cloud.used("volumeGb").await);
        cloud
            .fault(json!({"operation": kind, "kind": "fail", "error": "Bad luck"}))
            .await;
        let job = cloud.accepted(&act, body).await;
        let job = cloud.end_of(&job).await;
        assert_eq!(
            (&job["status"], &job["error"]),
            (&json!("failed"), &json!("Bad luck")),
            "{job}"
        );
        assert_eq!(
            (&job["errorCode"], &job["resourceId"]),
            (&json!("DRIVER_ERROR"), &Value::Null)
        );
        assert_eq!(job["result"], Value::Null);
        let after = (cloud.data(VOLUMES).await, cloud.used("volumeGb").await);
        assert_eq!(
            (without_times(before.0[0].clone()), before.1),
            (without_times(after.0[0].clone()), after.1),
            "{kind}"
        );
        assert_eq!(after.0.as_array().unwrap().len(), 1);
    }
    cloud.verified().await;
    cloud.volume_named("never").await;
}

/// A quota is judged when a job starts, and says what was asked, used and allowed.
#[tokio::test]
async fn quotas() {
    let cloud = TestCloud::start().await;
    cloud.limit(json!({"volumes": 2, "volumeGb": 300})).await;
    let id = cloud.volume_named("one").await;
    let failed = |job: Value, text: &'static str| async move {
        assert_eq!(
            (&job["status"], &job["errorCode"]),
            (&json!("failed"), &json!("QUOTA_EXCEEDED"))
        );
        assert_eq!(job["error"], text);
    };
    let resize = format!("PUT {VOLUMES}/{id}/resize");
    let job = cloud.accepted(&resize, json!({"newSizeGb": 512})).await;
    let gb = "Quota exceeded for volumes in GB: asked 412, in use 100, limit 300.";
    failed(cloud.end_of(&job).await, gb).await;
    cloud.volume_named("two").await;
    let job = cloud
        .accepted(&format!("POST {VOLUMES}"), TestCloud::volume("three"))
        .await;
    let count = "Quota exceeded for volumes: asked 1, in use 2, limit 2.";
    failed(cloud.end_of(&job).await, count).await;
    assert_eq!(
        (cloud.used("volumes").await, cloud.used("volumeGb").await),
        (2, 200)
    );
}

/// Nothing is done to a volume after its delete was accepted, and a second delete is the first.
#[tokio::test]
async fn after_an_accepted_delete() {
    let cloud = TestCloud::start_with(&["--clock", "manual", "--sim-speed", "1"]).await;
    let job = cloud
        .accepted(&format!("POST {VOLUMES}"), TestCloud::volume("data"))
        .await;
    let advance = json!({"advanceSeconds": 60});
    cloud
        .admin(Method::POST, "/admin/v1/clock", advance.clone())
        .await;
    let path = format!("{VOLUMES}/{}", job["targetId"].as_str().unwrap());
    let delete = cloud.act(&format!("DELETE {path}"), Value::Null).await;
    let again = cloud.act(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!((delete.status, again.status), (202, 202));
    assert_eq!(delete.json["data"]["id"], again.json["data"]["id"]);
    let resize = format!("PUT {path}/resize");
    let refused = cloud
        .refuses(&resize, json!({"newSizeGb": 256}), STATE)
        .await;
    assert_eq!(refused.json["details"]["jobId"], delete.json["data"]["id"]);
    cloud
        .refuses(&format!("PUT {path}/detach"), Value::Null, STATE)
        .await;
    assert_eq!(cloud.data(&path).await["status"], "Deleting");
    cloud.admin(Method::POST, "/admin/v1/clock", advance).await;
    cloud.get(&path).await.is_error(404, "NOT_FOUND");
    for act in [
        format!("DELETE {path}"),
        format!("PUT {path}/detach"),
        format!("GET {path}"),
    ] {
        cloud.refuses(&act, Value::Null, (404, "NOT_FOUND")).await;
    }
    cloud
        .refuses(
            &format!("DELETE {VOLUMES}/{NOTHING}"),
            Value::Null,
            (404, "NOT_FOUND"),
        )
        .await;
}
