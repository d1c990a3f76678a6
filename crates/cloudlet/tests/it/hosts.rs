//! `/admin/v1/hosts`: what is used and by whom, and a host on which nothing new is placed.

use crate::cloud::{GPU, LAB_A, MACHINES, NETWORKS, NOTHING, TestCloud, VOLUMES, text};
use reqwest::Method;
use serde_json::{Value, json};

const HOSTS: &str = "/admin/v1/hosts";

async fn host(cloud: &TestCloud) -> Value {
    let hosts = cloud.admin(Method::GET, HOSTS, Value::Null).await;
    let mut rows = hosts.json["data"].as_array().unwrap().iter();
    rows.find(|row| row["datacenterId"] == LAB_A)
        .unwrap()
        .clone()
}

async fn make(cloud: &TestCloud, key: &str, act: &str, body: &Value) -> String {
    let made = cloud.act_as(key, act, body).await;
    assert_eq!(made.status, 202, "{}", made.json);
    let data = &made.json["data"];
    let job = if data.is_array() { &data[0] } else { data };
    let job = cloud.end_as(key, job).await;
    assert_eq!(job["status"], "completed", "{job}");
    text(&job["resourceId"])
}

#[tokio::test]
async fn used_by_whom() {
    let cloud = TestCloud::start().await;
    let empty = host(&cloud).await;
    assert_eq!(
        (&empty["drained"], &empty["tenants"]),
        (&json!(false), &json!([]))
    );
    assert_eq!(empty["room"]["vcpus"], json!({"limit": 256, "used": 0}));
    assert_eq!(empty["room"]["publicIps"]["limit"], 64);

    let mut public = TestCloud::machine("web");
    public["allocatePublicIp"] = json!(true);
    let (own, other) = (cloud.key.clone(), cloud.other_key.clone());
    let web = make(&cloud, &own, &format!("POST {MACHINES}"), &public).await;
    make(
        &cloud,
        &own,
        &format!("POST {GPU}"),
        &TestCloud::gpu("train", 1),
    )
    .await;
    make(
        &cloud,
        &other,
        &format!("POST {VOLUMES}"),
        &TestCloud::volume("data"),
    )
    .await;
    let row = host(&cloud).await;
    let tenant = cloud.tenant_id().await;
    let shares = row["tenants"].as_array().unwrap();
    let own = shares
        .iter()
        .find(|share| share["tenantId"] == tenant.as_str())
        .unwrap();
    let wanted = json!({"tenantId": tenant, "vcpus": 18, "memoryGb": 132, "diskGb": 540,
        "publicIps": 1, "gpus": 1});
    assert_eq!(own, &wanted);
    let theirs = shares
        .iter()
        .find(|share| share["tenantId"] != tenant.as_str())
        .unwrap();
    assert_eq!(
        (&theirs["diskGb"], &theirs["vcpus"]),
        (&json!(100), &json!(0))
    );
    assert_eq!(shares.len(), 2);
    for (measure, limit, used) in [
        ("vcpus", 256, 18),
        ("memoryGb", 2048, 132),
        ("diskGb", 8000, 640),
        ("publicIps", 64, 1),
        ("gpus", 8, 1),
    ] {
        assert_eq!(
            row["room"][measure],
            json!({"limit": limit, "used": used}),
            "{measure}"
        );
    }
    cloud
        .done(
            &format!("DELETE {MACHINES}/{web}"),
            Value::Null,
            "vm.delete",
        )
        .await;
    assert_eq!(host(&cloud).await["room"]["vcpus"]["used"], 16);
    assert_eq!(host(&cloud).await["room"]["publicIps"]["used"], 0);
}

/// Nothing new is placed there; what is there goes on.
#[tokio::test]
async fn drained() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let volume = cloud.volume_named("data").await;
    let id = text(&host(&cloud).await["id"]);
    let set = |verb: &'static str| {
        let (cloud, path) = (&cloud, format!("{HOSTS}/{id}/{verb}"));
        async move { cloud.admin(Method::POST, &path, Value::Null).await }
    };
    for _ in 0..2 {
        let row = set("drain").await;
        assert_eq!(
            (row.status, &row.json["data"]["drained"]),
            (200, &json!(true))
        );
    }
    assert_eq!(host(&cloud).await["drained"], true);
    let used = host(&cloud).await["room"].clone();
    for (act, body) in [
        (format!("POST {MACHINES}"), TestCloud::machine("more")),
        (format!("POST {VOLUMES}"), TestCloud::volume("more")),
        (format!("POST {GPU}"), TestCloud::gpu("more", 1)),
    ] {
        let job = cloud.accepted(&act, body).await;
        let job = cloud.end_of(&job).await;
        assert_eq!(job["errorCode"], "CAPACITY_EXCEEDED", "{act}: {job}");
        assert!(
            text(&job["error"]).starts_with("Data centre Lab A has no room for "),
            "{job}"
        );
    }
    assert_eq!(host(&cloud).await["room"], used);
    let path = format!("{MACHINES}/{machine}");
    for verb in ["stop", "start"] {
        assert_eq!(
            cloud
                .act(&format!("POST {path}/{verb}"), Value::Null)
                .await
                .status,
            200
        );
    }
    cloud
        .done(
            &format!("PUT {path}/size"),
            json!({"configurationId": 46}),
            "vm.resize",
        )
        .await;
    let on = json!({"virtualMachineId": machine});
    cloud
        .done(
            &format!("PUT {VOLUMES}/{volume}/attach"),
            on,
            "volume.attach",
        )
        .await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    assert_eq!(
        cloud.data(&format!("{NETWORKS}/{lan}")).await["status"],
        "Active"
    );
    assert_eq!(set("undrain").await.json["data"]["drained"], false);
    cloud.machine_named("more").await;
    cloud.verified().await;
}

/// A drained host is drained after a restart, too.
#[tokio::test]
async fn drained_across_a_restart() {
    let mut cloud = TestCloud::start().await;
    let id = text(&host(&cloud).await["id"]);
    cloud
        .admin(Method::POST, &format!("{HOSTS}/{id}/drain"), Value::Null)
        .await;
    cloud.server.kill();
    cloud.server.restart();
    cloud.url.clone_from(&cloud.server.url);
    assert_eq!(host(&cloud).await["drained"], true);
}

#[tokio::test]
async fn pages_and_ids() {
    let cloud = TestCloud::start().await;
    let page = cloud
        .admin(Method::GET, &format!("{HOSTS}?limit=2&page=2"), Value::Null)
        .await;
    assert_eq!(page.json["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (
            &page.json["meta"]["total"],
            &page.json["meta"]["totalPages"]
        ),
        (&json!(3), &json!(2))
    );
    for verb in ["drain", "undrain"] {
        for id in [NOTHING, "x"] {
            let path = format!("{HOSTS}/{id}/{verb}");
            let missing = cloud.admin(Method::POST, &path, Value::Null).await;
            missing.is_error(404, "NOT_FOUND");
        }
    }
}
