//! The size of a machine through HTTP.

use crate::cloud::{MACHINES, NOTHING, TestCloud, text};
use reqwest::Method;
use serde_json::{Value, json};

fn size_of(machine: &str) -> String {
    format!("PUT {MACHINES}/{machine}/size")
}

/// What each form of a machine says of its size: `[id, name, cpu, ram, disk]`.
async fn sizes(cloud: &TestCloud, machine: &str) -> Value {
    let detail = cloud.data(&format!("{MACHINES}/{machine}")).await;
    let list = cloud.data(MACHINES).await;
    let mut rows = list.as_array().unwrap().iter();
    let row = &rows.find(|row| row["id"] == machine).unwrap()["configuration"];
    let (nested, flat) = (&detail["virtualMachine"], &detail["configuration"]);
    for key in ["cpu", "ram", "disk"] {
        assert_eq!(
            (&nested[key], &flat[key]),
            (&row[key], &row[key]),
            "{detail}"
        );
    }
    assert_eq!(
        (&nested["configurationId"], &nested["configuration"]),
        (&flat["id"], &flat["name"])
    );
    json!([
        flat["id"],
        flat["name"],
        flat["cpu"],
        flat["ram"],
        flat["disk"]
    ])
}

#[tokio::test]
async fn larger_and_smaller() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    assert_eq!(
        sizes(&cloud, &machine).await,
        json!([45, "Small", 2, 4, 40])
    );
    let size = size_of(&machine);
    let job = cloud
        .done(
            &format!("{size}/"),
            json!({"configurationId": 47}),
            "vm.resize",
        )
        .await;
    assert_eq!(
        (&job["resourceId"], &job["result"]),
        (&json!(machine), &Value::Null)
    );
    assert_eq!(
        sizes(&cloud, &machine).await,
        json!([47, "Large", 8, 16, 160])
    );
    assert_eq!(cloud.used("vcpus").await, 8);
    let detail = cloud.data(&format!("{MACHINES}/{machine}")).await;
    assert_eq!(detail["status"], "Running", "a machine that ran runs again");
    // Cores and memory go down, the disk never shrinks.
    cloud
        .done(&size, json!({"configurationId": 45}), "vm.resize")
        .await;
    assert_eq!(
        sizes(&cloud, &machine).await,
        json!([45, "Small", 2, 4, 160])
    );
    assert_eq!(
        (cloud.used("vcpus").await, cloud.used("memoryGb").await),
        (2, 4)
    );
    let actions = crate::world::effects(&cloud.server.data().join("sim-world.db"), &machine);
    let launches = actions.iter().filter(|action| *action == "launch").count();
    assert_eq!(launches, 3, "restarted once for each: {actions:?}");
    cloud.verified().await;
}

#[tokio::test]
async fn a_machine_that_is_off_stays_off() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    cloud
        .act(&format!("POST {MACHINES}/{machine}/stop"), Value::Null)
        .await;
    cloud
        .done(
            &size_of(&machine),
            json!({"configurationId": 46}),
            "vm.resize",
        )
        .await;
    assert_eq!(
        sizes(&cloud, &machine).await,
        json!([46, "Medium", 4, 8, 80])
    );
    assert_eq!(
        cloud.data(&format!("{MACHINES}/{machine}")).await["status"],
        "Shutoff"
    );
    let started = cloud
        .act(&format!("POST {MACHINES}/{machine}/start"), Value::Null)
        .await;
    assert_eq!(started.json["data"]["status"], "Running");
    cloud.verified().await;
}

/// It shows `Resizing`; a start that is sent right after it waits in line, a rename does not.
#[tokio::test]
async fn what_follows_it_waits() {
    let cloud = TestCloud::start_with(&["--clock", "manual", "--sim-speed", "1"]).await;
    let create = cloud
        .accepted(&format!("POST {MACHINES}"), TestCloud::machine("web"))
        .await;
    let machine = text(&create["targetId"]);
    let advance = |seconds: u32| {
        let body = json!({"advanceSeconds": seconds});
        cloud.admin(Method::POST, "/admin/v1/clock", body)
    };
    advance(60).await;
    let resize = cloud
        .accepted(&size_of(&machine), json!({"configurationId": 46}))
        .await;
    let path = format!("{MACHINES}/{machine}");
    advance(1).await;
    assert_eq!(cloud.data(&path).await["status"], "Resizing");
    assert_eq!(sizes(&cloud, &machine).await[0], 45, "until it is done");
    let renamed = cloud
        .act(&format!("PUT {path}"), json!({"name": "app"}))
        .await;
    assert_eq!(renamed.status, 200);
    let request = cloud.acting(&cloud.key, &format!("POST {path}/start"), &Value::Null);
    let start = tokio::spawn(crate::cloud::send(request));
    crate::world::line_grows_to(&cloud.store(), 2).await;
    advance(120).await;
    let start = start.await.unwrap();
    assert_eq!(
        (start.status, &start.json["data"]["status"]),
        (200, &json!("Running"))
    );
    assert_eq!(cloud.end_of(&resize).await["status"], "completed");
    assert_eq!(
        sizes(&cloud, &machine).await,
        json!([46, "Medium", 4, 8, 80])
    );
}

#[tokio::test]
async fn refusals() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let size = size_of(&machine);
    let same = cloud
        .refuses_field(&size, json!({"configurationId": 45}), "configurationId")
        .await;
    assert!(
        text(&same.json["message"]).contains("already"),
        "{}",
        same.json
    );
    for wrong in [
        json!(999),
        json!("46"),
        json!(46.5),
        json!(-1),
        json!([46]),
        Value::Null,
    ] {
        cloud
            .refuses_field(&size, json!({"configurationId": wrong}), "configurationId")
            .await;
    }
    for id in [NOTHING, "x"] {
        let body = json!({"configurationId": 46});
        cloud.refuses(&size_of(id), body, (404, "NOT_FOUND")).await;
    }
    let volume = cloud.volume_named("data").await;
    let body = json!({"configurationId": 46});
    cloud
        .refuses(&size_of(&volume), body, (404, "NOT_FOUND"))
        .await;
}

/// Whatever fails, the machine runs as it was; a quota and an image that does not fit say so.
#[tokio::test]
async fn a_failure_is_put_back() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::machine("web");
    body["imageId"] = json!(14);
    let made = cloud
        .done(&format!("POST {MACHINES}"), body, "vm.create")
        .await;
    let machine = text(&made["resourceId"]);
    cloud.limit(json!({"vcpus": 4})).await;
    let fails = |wished: u32, code: &'static str| {
        let (cloud, machine) = (&cloud, &machine);
        async move {
            let job = cloud
                .accepted(&size_of(machine), json!({"configurationId": wished}))
                .await;
            let job = cloud.end_of(&job).await;
            assert_eq!(
                (&job["status"], &job["errorCode"]),
                (&json!("failed"), &json!(code)),
                "{job}"
            );
            let size = sizes(cloud, machine).await;
            assert_eq!(
                (&size[0], &size[2], &size[3]),
                (&json!(45), &json!(2), &json!(4))
            );
            assert_eq!(cloud.used("vcpus").await, 2);
            let detail = cloud.data(&format!("{MACHINES}/{machine}")).await;
            assert_eq!(detail["status"], "Running");
            cloud.verified().await;
            text(&job["error"])
        }
    };
    let quota = fails(47, "QUOTA_EXCEEDED").await;
    assert_eq!(
        quota,
        "Quota exceeded for vCPUs: asked 6, in use 2, limit 4."
    );
    let image = fails(44, "INVALID_CONFIGURATION").await;
    assert_eq!(
        image,
        "Image Rocky 9.x needs a disk of 20 GB, configuration Micro has 10 GB."
    );
    for phase in ["shutdown", "resize", "boot", "ready"] {
        cloud
            .fault(json!({"operation": "vm.resize", "kind": "fail", "atPhase": phase}))
            .await;
        fails(46, "DRIVER_ERROR").await;
    }
    cloud
        .done(
            &size_of(&machine),
            json!({"configurationId": 46}),
            "vm.resize",
        )
        .await;
}
