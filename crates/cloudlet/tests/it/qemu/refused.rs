//! What this driver cannot do yet is refused, and nothing changes.

use super::host::{Host, MACHINES, SILENT_IMAGE};
use crate::{
    process::{DATA_CENTER, create_body, text},
    world,
};
use serde_json::json;

#[tokio::test]
async fn what_the_driver_cannot_do_is_refused_and_changes_nothing() {
    let Some(host) = Host::start().await else {
        return;
    };
    let machine = host.running("web", SILENT_IMAGE).await;
    let (_, nics) = host
        .server
        .get(&format!("{MACHINES}/{machine}/network-interfaces"))
        .await;
    let (nic, network) = (
        text(&nics["data"][0]["id"]),
        text(&nics["data"][0]["networkId"]),
    );
    let mut public = create_body("other");
    public["allocatePublicIp"] = json!(true);
    let volume = json!({"name": "v", "datacenterId": DATA_CENTER, "volumeTypeId": 1,
        "volumeSizeId": 11, "sizeGb": 100});
    let lan = json!({"name": "lan", "datacenterId": DATA_CENTER, "networkType": "standard",
        "cidrBlock": "10.9.0.0/24"});
    let gpu = json!({"name": "g", "datacenterId": DATA_CENTER, "seriesId": 1, "gpuCount": 1});
    let before = world::still(&host.server.data().join("cloudlet.db")).await;
    for (method, path, body) in [
        ("POST", MACHINES.to_owned(), public),
        ("POST", "/v1/resource/volumes".to_owned(), volume),
        ("POST", "/v1/resource/networks".to_owned(), lan),
        ("POST", "/v1/resource/gpu".to_owned(), gpu),
        (
            "PUT",
            format!("{MACHINES}/{machine}/size"),
            json!({"configurationId": 45}),
        ),
        (
            "POST",
            format!("{MACHINES}/{machine}/network-interfaces"),
            json!({"networkId": network}),
        ),
        (
            "POST",
            format!("{MACHINES}/{machine}/network-interfaces/{nic}/public-ip"),
            json!({}),
        ),
        (
            "PUT",
            format!("/v1/resource/networks/{network}"),
            json!({"name": "lan"}),
        ),
    ] {
        let (status, answer) = host.server.request(method, &path, Some(&body)).await;
        let got = (status, &answer["error"], &answer["details"]["driver"]);
        assert_eq!(
            got,
            (409, &json!("NOT_SUPPORTED"), &json!("qemu")),
            "{method} {path}: {answer}"
        );
    }
    let after = world::dump(&host.server.data().join("cloudlet.db"));
    world::same(&before, &after, "refused by the driver");
    host.delete(&machine).await;
    host.gone(&machine).await;
}

/// A create with keys is not refused, for clients always send one; what is not done with them is said.
#[tokio::test]
async fn what_is_not_handed_to_the_guest_is_told() {
    let Some(host) = Host::start().await else {
        return;
    };
    let file = host.server.data().join("user-data");
    std::fs::write(&file, "#cloud-config\n").unwrap();
    let image = SILENT_IMAGE.to_string();
    let words = ["vm", "create", "web", "--size", "44", "--image", &image];
    let mut create = host.server.command(&words);
    create.arg("--user-data").arg(&file);
    let run = tokio::task::spawn_blocking(move || create.output().unwrap());
    let output = run.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let note =
        "note: The driver qemu does not hand keys, a user's name, user data or a password to";
    assert!(said.contains(note), "{said}");
}
