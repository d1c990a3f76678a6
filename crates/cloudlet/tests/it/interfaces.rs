//! Network interfaces and public addresses through HTTP: each operation, what is read back, each conflict.

use crate::cloud::{LAB_B, MACHINES, NETWORKS, NOTHING, TestCloud, text};
use reqwest::Method;
use serde_json::{Value, json};

const STATE: (u16, &str) = (409, "INVALID_STATE");
const NOT_FOUND: (u16, &str) = (404, "NOT_FOUND");

fn nics_of(machine: &str) -> String {
    format!("{MACHINES}/{machine}/network-interfaces")
}

/// A machine with a second interface on a network `lan`: the machine, its two interfaces, the network.
async fn two_interfaces(cloud: &TestCloud) -> (String, String, String, String) {
    let machine = cloud.machine_named("web").await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    let act = format!("POST {}", nics_of(&machine));
    let job = cloud.done(&act, json!({"networkId": lan}), "nic.add").await;
    let second = text(&job["result"]["networkInterfaceId"]);
    let first = text(&cloud.nics(&machine).await[0]["id"]);
    (machine, first, second, lan)
}

#[tokio::test]
async fn added_made_primary_removed() {
    let cloud = TestCloud::start().await;
    let (machine, first, second, lan) = two_interfaces(&cloud).await;
    let nics = cloud.nics(&machine).await;
    assert_eq!(nics.len(), 2);
    assert_eq!(
        (&nics[0]["isPrimary"], &nics[1]["isPrimary"]),
        (&json!(1), &json!(0))
    );
    let wanted = json!({
        "id": second, "networkInterface": 1, "isPrimary": 0, "publicIp": null, "publicIpId": null,
        "privateIp": nics[1]["privateIp"], "networkName": "lan", "networkId": lan,
        "cidrBlock": "10.5.0.0/24", "gatewayIp": "10.5.0.1", "networkType": "standard",
        "macAddress": nics[1]["macAddress"],
    });
    assert_eq!(nics[1], wanted);
    assert!(text(&nics[1]["privateIp"]).starts_with("10.5.0."));
    let path = format!("{MACHINES}/{machine}");
    let list = cloud.data(MACHINES).await;
    assert_eq!(list[0]["primaryPrivateIp"], nics[0]["privateIp"]);
    assert_eq!(
        cloud.data(&format!("{NETWORKS}/{lan}")).await["connectedVms"],
        "1"
    );

    let act = format!("PUT {}/{second}/", nics_of(&machine));
    for _ in 0..2 {
        let set = cloud.act(&act, json!({"setPrimary": true})).await;
        assert_eq!(set.status, 200, "{}", set.json);
        assert_eq!(
            (&set.json["data"]["id"], &set.json["data"]["isPrimary"]),
            (&json!(second), &json!(1))
        );
    }
    let nics = cloud.nics(&machine).await;
    let primary: Vec<_> = nics.iter().filter(|nic| nic["isPrimary"] == 1).collect();
    assert_eq!(primary.len(), 1, "the old one lost the flag");
    assert_eq!(primary[0]["id"], second.as_str());
    assert_eq!(
        cloud.data(MACHINES).await[0]["primaryPrivateIp"],
        primary[0]["privateIp"]
    );
    assert_eq!(cloud.data(&path).await["status"], "Running");

    let remove = format!("DELETE {}/{first}", nics_of(&machine));
    let job = cloud.done(&remove, Value::Null, "nic.remove").await;
    assert_eq!(job["result"], json!({"networkInterfaceId": first}));
    assert_eq!(
        job["resourceId"],
        machine.as_str(),
        "the machine, not the interface"
    );
    let left = cloud.nics(&machine).await;
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(second)));
    cloud.refuses(&remove, Value::Null, NOT_FOUND).await;
    cloud.verified().await;
}

#[tokio::test]
async fn a_public_address_given_and_taken_away() {
    let cloud = TestCloud::start().await;
    let (machine, first, second, _) = two_interfaces(&cloud).await;
    let path = |nic: &str| format!("{}/{nic}/public-ip", nics_of(&machine));
    let job = cloud
        .done(
            &format!("POST {}", path(&first)),
            Value::Null,
            "public_ip.allocate",
        )
        .await;
    let nic = cloud.nics(&machine).await.remove(0);
    let wanted = json!({"publicIp": nic["publicIp"], "publicIpId": nic["publicIpId"]});
    assert_eq!(job["result"], wanted);
    assert!(text(&nic["publicIp"]).starts_with("203.0.113."));
    assert_eq!(
        job["resourceId"],
        machine.as_str(),
        "the machine, not the address"
    );
    assert_eq!(
        cloud.data(MACHINES).await[0]["primaryPublicIp"],
        nic["publicIp"]
    );
    assert_eq!(cloud.used("publicIps").await, 1);
    cloud
        .refuses(&format!("POST {}", path(&first)), Value::Null, STATE)
        .await;
    cloud
        .refuses(&format!("DELETE {}", path(&second)), Value::Null, STATE)
        .await;

    let allocate = format!("POST {}/", path(&second));
    let other = cloud.done(&allocate, Value::Null, "public_ip.allocate");
    assert_ne!(other.await["result"]["publicIp"], nic["publicIp"]);
    let release = format!("DELETE {}", path(&first));
    let job = cloud.done(&release, Value::Null, "public_ip.release");
    assert_eq!(job.await["result"], wanted);
    let nic = cloud.nics(&machine).await.remove(0);
    assert_eq!(
        (&nic["publicIp"], &nic["publicIpId"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(
        cloud.data(MACHINES).await[0]["primaryPublicIp"],
        Value::Null
    );
    assert_eq!(cloud.used("publicIps").await, 1);
    // An interface takes its address along, a machine all of them.
    let remove = format!("DELETE {}/{second}", nics_of(&machine));
    cloud.done(&remove, Value::Null, "nic.remove").await;
    assert_eq!(cloud.used("publicIps").await, 0);
    cloud
        .done(
            &format!("POST {}", path(&first)),
            Value::Null,
            "public_ip.allocate",
        )
        .await;
    cloud
        .done(
            &format!("DELETE {MACHINES}/{machine}"),
            Value::Null,
            "vm.delete",
        )
        .await;
    assert_eq!(cloud.used("publicIps").await, 0);
    cloud.verified().await;
}

#[tokio::test]
async fn conflicts() {
    let cloud = TestCloud::start().await;
    let (machine, first, second, _) = two_interfaces(&cloud).await;
    let nics = nics_of(&machine);
    let primary = format!("DELETE {nics}/{first}");
    cloud.refuses(&primary, Value::Null, STATE).await;
    let plain = cloud.network_named("plain", "").await;
    let added = cloud
        .done(
            &format!("POST {nics}"),
            json!({"networkId": plain}),
            "nic.add",
        )
        .await;
    let custom = text(&added["result"]["networkInterfaceId"]);
    cloud
        .refuses(
            &format!("POST {nics}/{custom}/public-ip"),
            Value::Null,
            STATE,
        )
        .await;
    let mut far = TestCloud::network("far", "10.8.0.0/24");
    far["datacenterId"] = json!(LAB_B);
    let far = cloud
        .done(&format!("POST {NETWORKS}"), far, "network.create")
        .await;
    for wrong in [
        far["resourceId"].clone(),
        json!(NOTHING),
        json!("x"),
        json!(5),
        json!(""),
        Value::Null,
    ] {
        cloud
            .refuses_field(
                &format!("POST {nics}"),
                json!({"networkId": wrong}),
                "networkId",
            )
            .await;
    }
    for wrong in [json!(false), json!(1), json!("true"), Value::Null] {
        let act = format!("PUT {nics}/{second}");
        cloud
            .refuses_field(&act, json!({"setPrimary": wrong}), "setPrimary")
            .await;
    }
    for nic in [NOTHING, "x"] {
        cloud
            .refuses(&format!("DELETE {nics}/{nic}"), Value::Null, NOT_FOUND)
            .await;
        let yes = json!({"setPrimary": true});
        cloud
            .refuses(&format!("PUT {nics}/{nic}"), yes, NOT_FOUND)
            .await;
        cloud
            .refuses(
                &format!("POST {nics}/{nic}/public-ip"),
                Value::Null,
                NOT_FOUND,
            )
            .await;
        cloud
            .refuses(
                &format!("DELETE {nics}/{nic}/public-ip"),
                Value::Null,
                NOT_FOUND,
            )
            .await;
    }
    let stranger = cloud.machine_named("other").await;
    let elsewhere = format!("DELETE {}/{second}", nics_of(&stranger));
    cloud.refuses(&elsewhere, Value::Null, NOT_FOUND).await;
    assert_eq!(cloud.nics(&machine).await.len(), 3);
}

/// Planned ones count.
#[tokio::test]
async fn a_sixth_network() {
    let cloud = TestCloud::start_with(&["--clock", "manual", "--sim-speed", "1"]).await;
    let machine = cloud
        .accepted(&format!("POST {MACHINES}"), TestCloud::machine("web"))
        .await;
    let act = format!("POST {}", nics_of(machine["targetId"].as_str().unwrap()));
    let mut last = Value::Null;
    for number in 1..=5 {
        let name = format!("lan-{number}");
        let body = TestCloud::network(&name, &format!("10.{}.0.0/24", 100 + number));
        let lan = cloud.accepted(&format!("POST {NETWORKS}"), body).await;
        let body = json!({"networkId": lan["targetId"]});
        if number == 5 {
            let refused = cloud.refuses(&act, body, (409, "LIMIT_EXCEEDED")).await;
            assert_eq!(refused.json["details"]["limit"], 5);
        } else {
            last = cloud.accepted(&act, body).await;
        }
    }
    let advance = json!({"advanceSeconds": 300});
    cloud.admin(Method::POST, "/admin/v1/clock", advance).await;
    assert_eq!(cloud.end_of(&last).await["status"], "completed");
    assert_eq!(
        cloud
            .nics(machine["targetId"].as_str().unwrap())
            .await
            .len(),
        5
    );
    cloud.verified().await;
}

/// What fails is put back, and what it had taken is free again.
#[tokio::test]
async fn a_failure_is_put_back() {
    let cloud = TestCloud::start().await;
    let (machine, first, _, lan) = two_interfaces(&cloud).await;
    let nics = nics_of(&machine);
    let public = format!("{nics}/{first}/public-ip");
    let fails = |act: String, body: Value, kind: &'static str| {
        let cloud = &cloud;
        async move {
            let fault = json!({"operation": kind, "kind": "fail", "error": "Bad luck"});
            cloud.fault(fault).await;
            let before = (
                cloud.nics(act.split('/').nth(4).unwrap()).await,
                cloud.used("publicIps").await,
            );
            let job = cloud.accepted(&act, body).await;
            let job = cloud.end_of(&job).await;
            assert_eq!(
                (&job["status"], &job["result"]),
                (&json!("failed"), &Value::Null),
                "{job}"
            );
            let after = (
                cloud.nics(act.split('/').nth(4).unwrap()).await,
                cloud.used("publicIps").await,
            );
            assert_eq!(before, after, "{kind}");
            cloud.verified().await;
        }
    };
    fails(format!("POST {nics}"), json!({"networkId": lan}), "nic.add").await;
    fails(format!("POST {public}"), Value::Null, "public_ip.allocate").await;
    cloud
        .done(&format!("POST {public}"), Value::Null, "public_ip.allocate")
        .await;
    fails(format!("DELETE {public}"), Value::Null, "public_ip.release").await;
}

/// A machine that is off is changed like one that runs.
#[tokio::test]
async fn a_machine_that_is_off() {
    let cloud = TestCloud::start().await;
    let (machine, first, second, _) = two_interfaces(&cloud).await;
    let nics = nics_of(&machine);
    cloud
        .act(&format!("POST {MACHINES}/{machine}/stop"), Value::Null)
        .await;
    let public = format!("{nics}/{first}/public-ip");
    cloud
        .done(&format!("POST {public}"), Value::Null, "public_ip.allocate")
        .await;
    cloud
        .done(
            &format!("DELETE {nics}/{second}"),
            Value::Null,
            "nic.remove",
        )
        .await;
    assert_eq!(
        cloud.data(&format!("{MACHINES}/{machine}")).await["status"],
        "Shutoff"
    );
    let started = cloud
        .act(&format!("POST {MACHINES}/{machine}/start"), Value::Null)
        .await;
    assert_eq!(started.json["data"]["status"], "Running");
    assert!(cloud.nics(&machine).await[0]["publicIp"].is_string());
    cloud.verified().await;
}
