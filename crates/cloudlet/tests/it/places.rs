//! Everything that is shown of a tenant's resources, in every place that shows it, and that what one
//! place says every place says.

use crate::cloud::{GPU, LAB_A, MACHINES, NETWORKS, TestCloud, VOLUMES, text};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is shown, by id, with the times of changes left out.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Places {
    /// Rows of machines, each with its interfaces under `nics`.
    pub(crate) machines: BTreeMap<String, Value>,
    /// GPU machines.
    pub(crate) gpus: BTreeMap<String, Value>,
    /// Volumes.
    pub(crate) volumes: BTreeMap<String, Value>,
    /// Networks, each with its machines under `machines`.
    pub(crate) networks: BTreeMap<String, Value>,
}

/// Reads every place and compares them; nothing may be under way.
pub(crate) async fn read(cloud: &TestCloud) -> Places {
    let mut places = Places::default();
    for row in list(cloud, MACHINES).await {
        let id = text(&row["id"]);
        let detail = cloud.data(&format!("{MACHINES}/{id}")).await;
        let nics = cloud.nics(&id).await;
        machine_agrees(&row, &detail, &nics);
        let mut row = without_times(row);
        row["nics"] = Value::Array(nics);
        places.machines.insert(id, row);
    }
    for (path, of) in [
        (GPU, &mut places.gpus),
        (VOLUMES, &mut places.volumes),
        (NETWORKS, &mut places.networks),
    ] {
        for row in list(cloud, path).await {
            let id = text(&row["id"]);
            let detail = cloud.data(&format!("{path}/{id}")).await;
            assert_eq!(detail, row, "the list and the detail");
            of.insert(id, without_times(row));
        }
    }
    for (id, network) in &mut places.networks {
        let machines = cloud
            .data(&format!("{NETWORKS}/{id}/virtual-machines"))
            .await;
        network["machines"] = machines;
    }
    volumes_agree(&places);
    networks_agree(&places);
    inventory_agrees(cloud, &places).await;
    quotas_agree(cloud, &places).await;
    places
}

async fn list(cloud: &TestCloud, path: &str) -> Vec<Value> {
    let mut rows = Vec::new();
    for page in 1.. {
        let answer = cloud.get(&format!("{path}?limit=100&page={page}")).await;
        rows.extend(answer.json["data"].as_array().unwrap().iter().cloned());
        assert!(rows.len() as u64 <= answer.json["meta"]["total"].as_u64().unwrap());
        if answer.json["meta"]["hasNextPage"] == false {
            assert_eq!(
                rows.len() as u64,
                answer.json["meta"]["total"].as_u64().unwrap()
            );
            break;
        }
    }
    rows
}

/// `updatedAt` moves with what is done and put back; `createdAt` never does.
fn without_times(mut row: Value) -> Value {
    row.as_object_mut().unwrap().remove("updatedAt").unwrap();
    row
}

fn machine_agrees(row: &Value, detail: &Value, nics: &[Value]) {
    let nested = &detail["virtualMachine"];
    for key in ["id", "name", "createdAt", "updatedAt"] {
        assert_eq!(
            (&detail[key], &nested[key]),
            (&row[key], &row[key]),
            "{key}"
        );
    }
    assert_eq!(detail["status"], row["status"]);
    for key in ["cpu", "ram", "disk"] {
        let of_row = &row["configuration"][key];
        assert_eq!(
            (&detail["configuration"][key], &nested[key]),
            (of_row, of_row),
            "{key}"
        );
    }
    assert_eq!(nested["configurationId"], detail["configuration"]["id"]);
    assert_eq!(nested["configuration"], detail["configuration"]["name"]);
    assert_eq!(
        (&nested["image"], &detail["image"]),
        (&row["imageName"], &row["imageName"])
    );
    assert_eq!(nested["datacenterId"], row["datacenter"]["id"]);
    assert_eq!(nested["datacenter"], row["datacenter"]["name"]);
    let primary: Vec<_> = nics.iter().filter(|nic| nic["isPrimary"] == 1).collect();
    assert_eq!(primary.len(), 1, "{nics:?}");
    assert_eq!(row["primaryPrivateIp"], primary[0]["privateIp"]);
    assert_eq!(row["primaryPublicIp"], primary[0]["publicIp"]);
    let slots: BTreeSet<_> = nics
        .iter()
        .map(|nic| nic["networkInterface"].as_u64())
        .collect();
    assert_eq!(slots.len(), nics.len(), "each has a slot of its own");
}

fn volumes_agree(places: &Places) {
    for volume in places.volumes.values() {
        let machine = volume["virtualMachineId"].as_str();
        let machine = machine.map(|id| &places.machines[id]);
        let name = machine.map_or(&Value::Null, |machine| &machine["name"]);
        assert_eq!(&volume["virtualMachineName"], name, "{volume}");
        let status = if machine.is_some() {
            "InUse"
        } else {
            "Available"
        };
        assert_eq!(volume["status"], status, "{volume}");
    }
}

/// A network and the interfaces on it say the same of each other, and no address is there twice.
fn networks_agree(places: &Places) {
    let (mut private, mut public) = (BTreeSet::new(), BTreeSet::new());
    let mut on: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (id, machine) in &places.machines {
        for nic in machine["nics"].as_array().unwrap() {
            let network = &places.networks[nic["networkId"].as_str().unwrap()];
            assert_eq!(nic["networkName"], network["name"]);
            assert_eq!(nic["networkType"], network["networkType"]);
            let text_of = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            assert_eq!(text_of(&nic["cidrBlock"]), network["cidrBlock"], "{nic}");
            assert_eq!(text_of(&nic["gatewayIp"]), network["gatewayIp"], "{nic}");
            let is_custom = network["networkType"] == "custom";
            assert_eq!(nic["privateIp"].is_null(), is_custom, "{nic}");
            if let Some(address) = nic["privateIp"].as_str() {
                assert_ne!(network["gatewayIp"], address);
                assert!(
                    private.insert((text(&nic["networkId"]), address)),
                    "{address} twice"
                );
            }
            if let Some(address) = nic["publicIp"].as_str() {
                assert!(public.insert(address), "{address} twice");
            }
            assert_eq!(nic["publicIp"].is_null(), nic["publicIpId"].is_null());
            on.entry(text(&nic["networkId"])).or_default().push(json!({
                "id": id, "name": machine["name"], "machineId": id, "publicIp": nic["publicIp"],
                "privateIp": nic["privateIp"], "networkId": nic["networkId"],
            }));
        }
    }
    for (id, network) in &places.networks {
        assert_eq!(network["status"], "Active");
        let shown = network["machines"].as_array().unwrap();
        let sorted =
            |rows: &[Value]| -> BTreeSet<String> { rows.iter().map(Value::to_string).collect() };
        let here = on.get(id).cloned().unwrap_or_default();
        let mut of_machines = shown.clone();
        of_machines.retain(|row| places.machines.contains_key(row["id"].as_str().unwrap()));
        assert_eq!(sorted(&of_machines), sorted(&here), "{network}");
        assert_eq!(network["connectedVms"], shown.len().to_string());
        for row in shown.iter().filter(|row| !of_machines.contains(row)) {
            let gpu = &places.gpus[row["id"].as_str().unwrap()];
            assert_eq!(
                (&row["name"], &row["privateIp"]),
                (&gpu["name"], &gpu["ip"])
            );
        }
    }
}

/// The first data centre's eight GPUs of the first series: what is not there is on machines.
async fn inventory_agrees(cloud: &TestCloud, places: &Places) {
    let taken: u64 = places
        .gpus
        .values()
        .filter_map(|gpu| gpu["configuration"]["gpuCount"].as_u64())
        .sum();
    let inventory = cloud.data(&format!("{GPU}/inventory")).await;
    let here = &inventory[0]["availability"][0];
    assert_eq!(here["datacenterId"], LAB_A);
    for count in [1, 2, 4, 8] {
        let available = &here["gpuCounts"][count.to_string()]["available"];
        assert_eq!(available, taken + count <= 8, "{count} with {taken} taken");
    }
}

/// What the tenant uses is the sum of what it has.
async fn quotas_agree(cloud: &TestCloud, places: &Places) {
    let path = format!("/admin/v1/tenants/{}", cloud.tenant_id().await);
    let tenant = cloud.admin(Method::GET, &path, Value::Null).await;
    let quotas = tenant.json["data"]["quotas"].as_object().unwrap();
    let used: Map<_, _> = quotas
        .iter()
        .map(|(name, quota)| (name.clone(), quota["used"].clone()))
        .collect();
    let sum = |of: &BTreeMap<String, Value>, pointer: &str| -> u64 {
        of.values()
            .map(|row| row.pointer(pointer).and_then(Value::as_u64).unwrap())
            .sum()
    };
    let machines = |key: &str| {
        let pointer = format!("/configuration/{key}");
        sum(&places.machines, &pointer) + sum(&places.gpus, &pointer)
    };
    let nics = places
        .machines
        .values()
        .flat_map(|machine| machine["nics"].as_array().unwrap());
    let own = places
        .networks
        .values()
        .filter(|network| network["isDefault"] == false);
    let wanted = json!({
        "virtualMachines": places.machines.len(), "vcpus": machines("cpu"),
        "memoryGb": machines("ram"), "volumes": places.volumes.len(),
        "volumeGb": sum(&places.volumes, "/sizeGb"), "networks": own.count(),
        "publicIps": nics.filter(|nic| nic["publicIp"].is_string()).count(),
        "gpus": sum(&places.gpus, "/configuration/gpuCount"),
    });
    assert_eq!(Value::Object(used), wanted);
}
