//! Networks through HTTP: what each operation does, what is read back, and each conflict.

use crate::cloud::{LAB_A, LAB_B, MACHINES, NETWORKS, TestCloud, text};
use reqwest::Method;
use serde_json::{Value, json};

const IN_USE: (u16, &str) = (409, "NETWORK_IN_USE");

fn pick(value: &Value, keys: &[&str]) -> Value {
    let keys = keys.iter();
    keys.map(|key| ((*key).to_owned(), value[*key].clone()))
        .collect()
}

/// A machine's body on these networks, the first being the primary one.
fn on(name: &str, networks: &[&str]) -> Value {
    let mut body = TestCloud::machine(name);
    let rows = networks.iter().enumerate();
    body["networkInterfaces"] = rows
        .map(|(index, id)| json!({"networkId": id, "primary": index == 0}))
        .collect();
    body
}

#[tokio::test]
async fn created_updated_deleted() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::network("lan", "10.5.0.0/24");
    body["description"] = json!("für jeden 🦀");
    body["dhcpStartAddress"] = json!("10.5.0.10");
    body["dhcpEndAddress"] = json!("10.5.0.99");
    body["defaultRoute"] = json!("10.0.0.1");
    body["dnsServers"] = json!("8.8.8.8, 1.1.1.1");
    let act = format!("POST {NETWORKS}");
    let made = cloud.done(&act, body, "network.create").await;
    assert_eq!(
        (&made["resourceName"], &made["result"]),
        (&json!("lan"), &Value::Null)
    );
    let id = text(&made["resourceId"]);
    let path = format!("{NETWORKS}/{id}");
    let first = cloud.data(&path).await;
    assert_eq!(cloud.data(NETWORKS).await, json!([first]));
    let mut wanted = json!({
        "id": id, "name": "lan", "description": "für jeden 🦀",
        "createdAt": first["createdAt"], "updatedAt": first["updatedAt"],
        "snat": "true", "cidrBlock": "10.5.0.0/24", "gatewayIp": "10.5.0.1", "connectedVms": "0",
        "networkType": "standard", "country": {"id": 1, "name": "United States"},
        "region": {"id": 3, "name": "East"},
        "datacenter": {"id": LAB_A, "name": "Lab A", "region": "East", "countryAbbr": "US",
            "country": "United States"},
        "dnsNameservers": "8.8.8.8, 1.1.1.1",
        "allocationPools": [{"start": "10.5.0.10", "end": "10.5.0.99"}],
        "status": "Active", "isDefault": false,
    });
    assert_eq!(first, wanted);
    assert_eq!(cloud.used("networks").await, 1);

    let body = json!({"name": "net", "description": "", "snatEnabled": false,
        "dnsServers": ["9.9.9.9", "8.8.4.4"], "dhcpEndAddress": "10.5.0.50"});
    let updated = cloud.act(&format!("PUT {path}/"), body).await;
    assert_eq!(updated.status, 200, "{}", updated.json);
    let changes = [
        ("name", json!("net")),
        ("description", json!("")),
        ("snat", json!("false")),
        ("dnsNameservers", json!("9.9.9.9, 8.8.4.4")),
        (
            "allocationPools",
            json!([{"start": "10.5.0.10", "end": "10.5.0.50"}]),
        ),
        ("updatedAt", updated.json["data"]["updatedAt"].clone()),
    ];
    for (key, value) in changes {
        wanted[key] = value;
    }
    assert_eq!(updated.json["data"], wanted);
    assert_eq!(cloud.data(&path).await, wanted);
    let absent = cloud.act(&format!("PUT {path}"), json!({})).await;
    wanted["updatedAt"] = absent.json["data"]["updatedAt"].clone();
    assert_eq!(absent.json["data"], wanted, "what is absent stays");

    let deleted = cloud.act(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    let job = &deleted.json["data"];
    assert_eq!(
        (&job["kind"], &job["isCompleted"]),
        (&json!("network.delete"), &json!(true))
    );
    assert_eq!(
        (&job["jobId"], &job["resourceId"]),
        (&job["id"], &Value::Null)
    );
    assert_eq!(cloud.end_of(job).await["status"], "completed");
    cloud.get(&path).await.is_error(404, "NOT_FOUND");
    assert_eq!(cloud.used("networks").await, 0);
    cloud.network_named("net", "10.5.0.0/24").await;
    cloud.verified().await;
}

#[tokio::test]
async fn a_custom_network_is_plain() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::network("plain", "");
    for key in [
        "cidrBlock",
        "dhcpStartAddress",
        "dhcpEndAddress",
        "defaultRoute",
        "dnsServers",
    ] {
        body[key] = json!("");
    }
    for key in [
        "snatEnabled",
        "dhcpServerEnabled",
        "defaultRouteEnabled",
        "serveDNSServersEnabled",
    ] {
        body[key] = json!(false);
    }
    let made = cloud
        .done(&format!("POST {NETWORKS}/"), body, "network.create")
        .await;
    let id = text(&made["resourceId"]);
    let path = format!("{NETWORKS}/{id}");
    let shown = cloud.data(&path).await;
    for (key, value) in [
        ("networkType", json!("custom")),
        ("snat", json!("false")),
        ("cidrBlock", json!("")),
        ("gatewayIp", json!("")),
        ("dnsNameservers", json!("")),
        ("allocationPools", json!([])),
    ] {
        assert_eq!(shown[key], value, "{key}");
    }
    let machine = cloud
        .done(&format!("POST {MACHINES}"), on("web", &[&id]), "vm.create")
        .await;
    let nics = cloud.nics(machine["resourceId"].as_str().unwrap()).await;
    let keys = [
        "privateIp",
        "publicIp",
        "cidrBlock",
        "gatewayIp",
        "networkType",
        "isPrimary",
    ];
    let plain = json!({"privateIp": null, "publicIp": null, "cidrBlock": null, "gatewayIp": null,
        "networkType": "custom", "isPrimary": 1});
    assert_eq!(pick(&nics[0], &keys), plain);
    let mut body = on("public", &[&id]);
    body["allocatePublicIp"] = json!(true);
    cloud
        .refuses_field(&format!("POST {MACHINES}"), body, "allocatePublicIp")
        .await;
    let act = format!("PUT {path}");
    cloud
        .refuses_field(&act, json!({"cidrBlock": "10.0.0.0/24"}), "cidrBlock")
        .await;
    cloud
        .refuses_field(&act, json!({"snatEnabled": true}), "snatEnabled")
        .await;
    let renamed = cloud
        .act(&act, json!({"name": "bare", "cidrBlock": ""}))
        .await;
    assert_eq!(
        (renamed.status, &renamed.json["data"]["name"]),
        (200, &json!("bare"))
    );
}

/// The first machine that names none makes it; it is no part of the quota and can be deleted.
#[tokio::test]
async fn the_default_network() {
    let cloud = TestCloud::start().await;
    cloud.network_named("default", "10.0.0.0/16").await;
    let machine = cloud.machine_named("web").await;
    let list = cloud.data(NETWORKS).await;
    let made = &list[0];
    assert_eq!(
        (&made["name"], &made["isDefault"], &made["cidrBlock"]),
        (&json!("default-2"), &json!(true), &json!("10.1.0.0/16"))
    );
    assert_eq!(cloud.used("networks").await, 1, "the tenant's own alone");
    cloud.machine_named("second").await;
    assert_eq!(
        cloud.data(NETWORKS).await.as_array().unwrap().len(),
        2,
        "one for both"
    );
    let path = format!("{NETWORKS}/{}", made["id"].as_str().unwrap());
    let machines = cloud.data(&format!("{path}/virtual-machines")).await;
    let names: Vec<_> = machines
        .as_array()
        .unwrap()
        .iter()
        .map(|row| text(&row["name"]))
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(cloud.data(&path).await["connectedVms"], "2");
    cloud
        .refuses(&format!("DELETE {path}"), Value::Null, IN_USE)
        .await;
    for row in machines.as_array().unwrap() {
        let act = format!("DELETE {MACHINES}/{}", row["id"].as_str().unwrap());
        cloud.done(&act, Value::Null, "vm.delete").await;
    }
    let deleted = cloud.act(&format!("DELETE {path}"), Value::Null).await;
    assert_eq!(deleted.status, 200, "{}", deleted.json);
    assert_ne!(machine, "");
    cloud.machine_named("third").await;
    assert_eq!(cloud.data(NETWORKS).await[0]["isDefault"], true);
    cloud.verified().await;
}

#[tokio::test]
async fn the_machines_on_a_network() {
    let cloud = TestCloud::start().await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    let mut body = on("web", &[&lan]);
    body["allocatePublicIp"] = json!(true);
    let made = cloud
        .done(&format!("POST {MACHINES}"), body, "vm.create")
        .await;
    let machine = text(&made["resourceId"]);
    let nic = cloud.nics(&machine).await.remove(0);
    let rows = cloud
        .data(&format!("{NETWORKS}/{lan}/virtual-machines"))
        .await;
    let wanted = json!([{"id": machine, "name": "web", "machineId": machine,
        "publicIp": nic["publicIp"], "privateIp": nic["privateIp"], "networkId": lan}]);
    assert!(nic["publicIp"].is_string());
    assert_eq!(rows, wanted);
}

#[tokio::test]
async fn conflicts() {
    let cloud = TestCloud::start().await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    let dmz = cloud.network_named("dmz", "10.6.0.0/24").await;
    let path = format!("{NETWORKS}/{lan}");
    let put = format!("PUT {path}");
    for act in [
        &format!("POST {NETWORKS}"),
        &format!("PUT {NETWORKS}/{dmz}"),
    ] {
        let taken = cloud.refuses(
            act,
            TestCloud::network("lan", "10.7.0.0/24"),
            (409, "CONFLICT"),
        );
        assert_eq!(taken.await.field(), "name");
    }
    let kind = cloud
        .refuses(&put, json!({"networkType": "custom"}), IN_USE)
        .await;
    assert_eq!(kind.field(), "networkType");
    let made = cloud
        .done(&format!("POST {MACHINES}"), on("web", &[&lan]), "vm.create")
        .await;
    let machine = text(&made["resourceId"]);
    let nic = cloud.nics(&machine).await.remove(0);
    let address = text(&nic["privateIp"]);
    let used = cloud
        .refuses(&format!("DELETE {path}"), Value::Null, IN_USE)
        .await;
    assert!(text(&used.json["message"]).contains("lan"));
    let out = cloud
        .refuses(&put, json!({"cidrBlock": "10.9.0.0/24"}), IN_USE)
        .await;
    assert_eq!(out.field(), "cidrBlock");
    let gateway = cloud
        .refuses(&put, json!({"defaultRoute": address}), IN_USE)
        .await;
    assert_eq!(gateway.field(), "defaultRoute");
    let wider = cloud.act(&put, json!({"cidrBlock": "10.5.0.0/16"})).await;
    assert_eq!(wider.status, 200, "{}", wider.json);
    let nic = cloud.nics(&machine).await.remove(0);
    assert_eq!(
        (&nic["cidrBlock"], &nic["privateIp"]),
        (&json!("10.5.0.0/16"), &json!(address))
    );
    cloud
        .done(
            &format!("DELETE {MACHINES}/{machine}"),
            Value::Null,
            "vm.delete",
        )
        .await;
    assert_eq!(
        cloud
            .act(&put, json!({"cidrBlock": "10.9.0.0/24"}))
            .await
            .status,
        200
    );
    cloud.verified().await;
}

/// A machine that is only planned keeps its network.
#[tokio::test]
async fn a_planned_interface_keeps_its_network() {
    let cloud = TestCloud::start_with(&["--clock", "manual", "--sim-speed", "1"]).await;
    let create = format!("POST {NETWORKS}");
    let job = cloud.accepted(&create, TestCloud::network("lan", "10.5.0.0/24"));
    let lan = text(&job.await["targetId"]);
    let machine = cloud
        .accepted(&format!("POST {MACHINES}"), on("web", &[&lan]))
        .await;
    let delete = format!("DELETE {NETWORKS}/{lan}");
    cloud.refuses(&delete, Value::Null, IN_USE).await;
    let advance = json!({"advanceSeconds": 120});
    cloud.admin(Method::POST, "/admin/v1/clock", advance).await;
    assert_eq!(cloud.end_of(&machine).await["status"], "completed");
    assert_eq!(
        cloud.data(&format!("{NETWORKS}/{lan}")).await["status"],
        "Active"
    );
    cloud.refuses(&delete, Value::Null, IN_USE).await;
}

/// Every address that is not one, each named.
#[allow(clippy::too_many_lines, reason = "a table, one row for each field")]
#[tokio::test]
async fn addresses_that_are_none() {
    let cloud = TestCloud::start().await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    let cases = [
        ("cidrBlock", json!("10.0.0.1/24")),
        ("cidrBlock", json!("10.0.0.0")),
        ("cidrBlock", json!("10.0.0.0/33")),
        ("cidrBlock", json!("10.0.0.0/31")),
        ("cidrBlock", json!("0.0.0.0/0")),
        ("cidrBlock", json!("lan")),
        ("cidrBlock", json!("fd00::/64")),
        ("cidrBlock", json!(10)),
        ("dhcpStartAddress", json!("10.8.0.1")),
        ("dhcpStartAddress", json!("10.7.0.300")),
        ("dhcpStartAddress", json!(7)),
        ("dhcpEndAddress", json!("10.8.0.1")),
        ("dhcpEndAddress", json!("x")),
        ("defaultRoute", json!("gateway")),
        ("defaultRoute", json!([])),
        ("dnsServers", json!("8.8.8")),
        ("dnsServers", json!(["8.8.8.8", "x"])),
        ("dnsServers", json!([8])),
        ("dnsServers", json!({})),
        ("description", json!("d".repeat(501))),
        ("description", json!(5)),
        ("snatEnabled", json!("yes")),
        ("dhcpServerEnabled", json!(1)),
        ("defaultRouteEnabled", json!([])),
        ("serveDNSServersEnabled", json!("true")),
        ("networkType", json!("vlan")),
        ("networkType", json!(1)),
        ("name", json!("")),
        ("name", json!(5)),
        ("name", json!("n".repeat(64))),
    ];
    for (field, value) in cases {
        let mut body = TestCloud::network("dmz", "10.7.0.0/24");
        body[field] = value;
        cloud
            .refuses_field(&format!("POST {NETWORKS}"), body.clone(), field)
            .await;
        cloud
            .refuses_field(&format!("PUT {NETWORKS}/{lan}"), body, field)
            .await;
    }
    let mut turned = TestCloud::network("dmz", "10.7.0.0/24");
    turned["dhcpStartAddress"] = json!("10.7.0.50");
    turned["dhcpEndAddress"] = json!("10.7.0.20");
    let refused = cloud
        .refuses(
            &format!("POST {NETWORKS}"),
            turned,
            (400, "VALIDATION_ERROR"),
        )
        .await;
    assert!(refused.field().starts_with("dhcp"), "{}", refused.json);
    for (field, value) in [
        ("name", Value::Null),
        ("networkType", Value::Null),
        ("cidrBlock", Value::Null),
        ("cidrBlock", json!("")),
        ("datacenterId", json!("dc-uuid")),
        ("datacenterId", json!(1)),
        ("datacenterId", Value::Null),
    ] {
        let mut body = TestCloud::network("dmz", "10.7.0.0/24");
        body[field] = value;
        cloud
            .refuses_field(&format!("POST {NETWORKS}"), body, field)
            .await;
    }
    for key in [
        "cidrBlock",
        "dhcpStartAddress",
        "dhcpEndAddress",
        "defaultRoute",
        "dnsServers",
    ] {
        let mut body = TestCloud::network("plain", "");
        body[key] = json!(if key == "cidrBlock" {
            "10.0.0.0/24"
        } else {
            "10.0.0.5"
        });
        cloud
            .refuses_field(&format!("POST {NETWORKS}"), body, key)
            .await;
    }
}

/// A network of another data centre is none for a machine.
#[tokio::test]
async fn networks_of_elsewhere() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::network("far", "10.5.0.0/24");
    body["datacenterId"] = json!(LAB_B);
    let far = cloud
        .done(&format!("POST {NETWORKS}"), body, "network.create")
        .await;
    let far = text(&far["resourceId"]);
    let field = "networkInterfaces[0].networkId";
    cloud
        .refuses_field(&format!("POST {MACHINES}"), on("web", &[&far]), field)
        .await;
    let lan = cloud.network_named("lan", "10.6.0.0/24").await;
    let twice = on("web", &[&lan, &lan]);
    let field = "networkInterfaces[1].networkId";
    cloud
        .refuses_field(&format!("POST {MACHINES}"), twice, field)
        .await;
    let mut two = on("web", &[&lan, &far]);
    two["networkInterfaces"][1]["primary"] = json!(true);
    cloud
        .refuses_field(&format!("POST {MACHINES}"), two, "networkInterfaces")
        .await;
    for (wrong, field) in [
        (json!([]), "networkInterfaces"),
        (json!("x"), "networkInterfaces"),
        (json!([{}]), "networkInterfaces[0].networkId"),
        (json!([{"networkId": 5}]), "networkInterfaces[0].networkId"),
        (
            json!([{"networkId": lan, "primary": "yes"}]),
            "networkInterfaces[0].primary",
        ),
        (
            json!([{"networkId": lan, "primary": false}]),
            "networkInterfaces",
        ),
    ] {
        let mut body = TestCloud::machine("web");
        body["networkInterfaces"] = wrong;
        cloud
            .refuses_field(&format!("POST {MACHINES}"), body, field)
            .await;
    }
}

/// With the update failing, all of the network is as before; the name as well.
#[tokio::test]
async fn a_failed_update_is_put_back() {
    let cloud = TestCloud::start().await;
    let lan = cloud.network_named("lan", "10.5.0.0/24").await;
    let path = format!("{NETWORKS}/{lan}");
    let before = cloud.data(&path).await;
    cloud
        .fault(json!({"operation": "network.update", "kind": "fail", "error": "No luck"}))
        .await;
    let body = json!({"name": "net", "cidrBlock": "10.6.0.0/24"});
    let failed = cloud.act(&format!("PUT {path}"), body).await;
    failed.is_error(502, "DRIVER_ERROR");
    let job = json!({"id": failed.json["details"]["jobId"]});
    assert_eq!(cloud.end_of(&job).await["error"], "No luck");
    let mut after = cloud.data(&path).await;
    after["updatedAt"] = before["updatedAt"].clone();
    assert_eq!(after, before);
    cloud.network_named("net", "10.6.0.0/24").await;
    cloud.verified().await;
}

/// A delete that is waited for when the server ends is answered with its job, and is done later.
#[tokio::test]
async fn a_delete_is_never_withdrawn() {
    let mut cloud = TestCloud::start_with(&["--clock", "manual", "--sim-speed", "1"]).await;
    let advance = json!({"advanceSeconds": 60});
    let create = format!("POST {NETWORKS}");
    let made = cloud
        .accepted(&create, TestCloud::network("lan", "10.5.0.0/24"))
        .await;
    cloud
        .admin(Method::POST, "/admin/v1/clock", advance.clone())
        .await;
    let path = format!("{NETWORKS}/{}", made["targetId"].as_str().unwrap());
    let delete = cloud.acting(&cloud.key, &format!("DELETE {path}"), &Value::Null);
    let delete = tokio::spawn(crate::cloud::send(delete));
    crate::world::line_grows_to(&cloud.store(), 1).await;
    let (status, _) = cloud.server.terminate();
    assert_eq!(status.code(), Some(0));
    let answer = delete.await.unwrap();
    assert_eq!(answer.status, 202, "{}", answer.json);
    assert!(answer.json["data"]["jobId"].is_string());
    assert_eq!(answer.json["data"]["isCompleted"], false);
    cloud.server.restart();
    cloud.url.clone_from(&cloud.server.url);
    cloud.admin(Method::POST, "/admin/v1/clock", advance).await;
    assert_eq!(
        cloud.end_of(&answer.json["data"]).await["status"],
        "completed"
    );
    cloud.get(&path).await.is_error(404, "NOT_FOUND");
    cloud.verified().await;
}
