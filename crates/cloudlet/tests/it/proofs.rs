//! Promises under pressure: small pools and rooms, many clients at once, faults and a kill.

use crate::{
    cloud::{GPU, LAB_A, MACHINES, NETWORKS, TestCloud, VOLUMES, send, text},
    process::is_final,
    world,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
};
use tokio::task::JoinSet;

/// A catalogue with one data centre whose room and pools are given.
fn catalogue(memory_gb: u32, public_ips: &str) -> tempfile::NamedTempFile {
    let text = format!(
        r#"
[[region]]
id = 3
name = "East"
country = {{ id = 1, name = "United States", abbreviation = "US" }}

[[data_center]]
id = "{LAB_A}"
name = "Lab A"
region = 3
host = {{ cpus = 64, memory_gb = {memory_gb}, disk_gb = 8000, cpu_overcommit = 16.0 }}
public_ips = ["{public_ips}"]
gpus = [{{ series = 1, count = 2 }}]

[[image]]
id = 12
name = "Debian 12.x"
username = "debian"
min_disk_gb = 10

[[size]]
id = 45
name = "Small"
code = "g-small-1"
category = "general"
cpu = 1
memory_gb = 1
disk_gb = 10

[[size]]
id = 46
name = "Medium"
code = "g-medium-1"
category = "general"
cpu = 2
memory_gb = 2
disk_gb = 20

[[volume_type]]
id = 1
name = "SSD"
description = "Solid"
sizes = [{{ id = 11, size_gb = 100 }}, {{ id = 12, size_gb = 256 }}]

[[gpu_series]]
id = 1
name = "NVIDIA H100"
code = "nvidia-h100-series"
per_gpu = {{ cpu = 4, memory_gb = 8, disk_gb = 50 }}
"#
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

async fn start(catalogue: &tempfile::NamedTempFile) -> TestCloud {
    TestCloud::start_with(&["--catalogue", catalogue.path().to_str().unwrap()]).await
}

async fn room(cloud: &TestCloud) -> Value {
    let hosts = cloud
        .admin(Method::GET, "/admin/v1/hosts", Value::Null)
        .await;
    hosts.json["data"][0]["room"].clone()
}

/// How much of everything is used, as the ledger has it.
fn ledger(cloud: &TestCloud) -> (Vec<String>, Vec<String>) {
    let mut dump = world::dump(&cloud.store());
    (dump.remove("claim").unwrap(), dump.remove("usage").unwrap())
}

/// The interfaces' ids of a machine with two of them.
async fn with_two_interfaces(cloud: &TestCloud, number: u32) -> (String, Vec<String>) {
    let machine = cloud.machine_named(&format!("web-{number}")).await;
    let lan = cloud
        .network_named(&format!("lan-{number}"), &format!("10.20{number}.0.0/24"))
        .await;
    let act = format!("POST {MACHINES}/{machine}/network-interfaces");
    cloud.done(&act, json!({"networkId": lan}), "nic.add").await;
    let nics = cloud
        .nics(&machine)
        .await
        .iter()
        .map(|nic| text(&nic["id"]))
        .collect();
    (machine, nics)
}

/// Who is shown to hold which address, and how often each outcome came.
#[derive(Default)]
struct Held {
    holders: BTreeMap<String, String>,
    given: u32,
    refused: u32,
}

/// Fifty allocations and releases on one machine's two interfaces, in turn.
async fn client(
    cloud: Arc<TestCloud>,
    (machine, nics): (String, Vec<String>),
    held: Arc<Mutex<Held>>,
) {
    let mut has: BTreeMap<String, String> = BTreeMap::new();
    for step in 0..50 {
        let nic = &nics[(step / 3) % 2];
        let path = format!("{MACHINES}/{machine}/network-interfaces/{nic}/public-ip");
        if let Some(address) = has.remove(nic) {
            held.lock().unwrap().holders.remove(&address);
            cloud
                .done(&format!("DELETE {path}"), Value::Null, "public_ip.release")
                .await;
            continue;
        }
        let job = cloud.accepted(&format!("POST {path}"), Value::Null).await;
        let job = cloud.end_of(&job).await;
        let mut held = held.lock().unwrap();
        if job["status"] == "failed" {
            assert_eq!(job["errorCode"], "CAPACITY_EXCEEDED", "{job}");
            assert!(text(&job["error"]).contains("Lab A"), "{job}");
            held.refused += 1;
            continue;
        }
        let address = text(&job["result"]["publicIp"]);
        let other = held.holders.insert(address.clone(), nic.clone());
        assert_eq!(other, None, "{address} has two holders");
        held.given += 1;
        has.insert(nic.clone(), address);
    }
    for (nic, address) in has {
        held.lock().unwrap().holders.remove(&address);
        let path = format!("{MACHINES}/{machine}/network-interfaces/{nic}/public-ip");
        cloud
            .done(&format!("DELETE {path}"), Value::Null, "public_ip.release")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_addresses_and_two_hundred_turns() {
    let file = catalogue(64, "203.0.113.4/30");
    let cloud = Arc::new(start(&file).await);
    let mut machines = Vec::new();
    for number in 0..4 {
        machines.push(with_two_interfaces(&cloud, number).await);
    }
    let before = ledger(&cloud);
    let held = Arc::new(Mutex::new(Held::default()));
    let mut clients = JoinSet::new();
    for machine in machines {
        clients.spawn(client(cloud.clone(), machine, held.clone()));
    }
    clients.join_all().await;
    let held = held.lock().unwrap();
    assert!(
        held.refused > 0,
        "the pool was never empty, so nothing was proved"
    );
    assert!(held.given >= 40, "only {} were given", held.given);
    assert_eq!(
        room(&cloud).await["publicIps"],
        json!({"limit": 4, "used": 0})
    );
    assert_eq!(ledger(&cloud), before);
    cloud.verified().await;
}

/// 200 creates of two tenants where there is room for 60.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_of_two_hundred() {
    let file = catalogue(60, "203.0.113.0/26");
    let cloud = Arc::new(start(&file).await);
    let keys = [cloud.key.clone(), cloud.other_key.clone()];
    let before = ledger(&cloud);
    let mut creates = JoinSet::new();
    for number in 0..200 {
        let (cloud, key) = (cloud.clone(), keys[number % 2].clone());
        creates.spawn(async move {
            let body = TestCloud::machine(&format!("web-{number}"));
            let made = cloud.act_as(&key, &format!("POST {MACHINES}"), &body).await;
            assert_eq!(made.status, 202, "{}", made.json);
            let job = cloud.end_as(&key, &made.json["data"][0]).await;
            (key, job)
        });
    }
    let jobs = creates.join_all().await;
    let (run, failed): (Vec<_>, Vec<_>) = jobs
        .into_iter()
        .partition(|(_, job)| job["status"] == "completed");
    assert_eq!((run.len(), failed.len()), (60, 140));
    for (key, job) in &failed {
        assert_eq!(job["errorCode"], "CAPACITY_EXCEEDED", "{job}");
        assert_eq!(
            job["error"],
            "Data centre Lab A has no room for Small (1 vCPUs, 1 GB)."
        );
        let path = format!("GET {MACHINES}/{}", job["targetId"].as_str().unwrap());
        assert_eq!(cloud.act_as(key, &path, &Value::Null).await.status, 404);
    }
    let mut shares = BTreeSet::new();
    for (key, job) in &run {
        let path = format!("GET {MACHINES}/{}", job["resourceId"].as_str().unwrap());
        let shown = cloud.act_as(key, &path, &Value::Null).await;
        assert_eq!(shown.json["data"]["status"], "Running");
        shares.insert(key.clone());
    }
    assert_eq!(shares.len(), 2, "both tenants have some");
    assert_eq!(
        room(&cloud).await["memoryGb"],
        json!({"limit": 60, "used": 60})
    );
    cloud.verified().await;
    let mut deletes = JoinSet::new();
    for (key, job) in run {
        let cloud = cloud.clone();
        deletes.spawn(async move {
            let path = format!("DELETE {MACHINES}/{}", job["resourceId"].as_str().unwrap());
            let answer = cloud.act_as(&key, &path, &Value::Null).await;
            let job = cloud.end_as(&key, &answer.json["data"]).await;
            assert_eq!(job["status"], "completed", "{job}");
        });
    }
    deletes.join_all().await;
    for key in keys {
        let list = cloud
            .act_as(&key, &format!("GET {NETWORKS}"), &Value::Null)
            .await;
        for network in list.json["data"].as_array().unwrap() {
            assert_eq!(network["isDefault"], true);
            let path = format!("DELETE {NETWORKS}/{}", network["id"].as_str().unwrap());
            assert_eq!(cloud.act_as(&key, &path, &Value::Null).await.status, 200);
        }
    }
    assert_eq!(
        ledger(&cloud),
        before,
        "capacity and addresses are back to the start"
    );
    cloud.verified().await;
}

/// A request of one tenant, by number; what it is about is what that tenant made before.
fn mixed(number: usize, of: &Of) -> (String, Value) {
    let machine = &of.machines[number % of.machines.len()];
    let volume = format!("{VOLUMES}/{}", of.volumes[number % of.volumes.len()]);
    let nics = format!("{MACHINES}/{machine}/network-interfaces");
    let nic = &of.nics[number % of.nics.len()];
    let none = Value::Null;
    let name = format!("n-{number}");
    match number % 13 {
        0 => (format!("POST {MACHINES}"), TestCloud::machine(&name)),
        1 => (
            format!("PUT {volume}/attach"),
            json!({"virtualMachineId": machine}),
        ),
        2 => (format!("POST {nics}"), json!({"networkId": of.network})),
        3 => (
            format!("PUT {MACHINES}/{machine}/size"),
            json!({"configurationId": 46}),
        ),
        4 => (format!("POST {nics}/{nic}/public-ip"), none),
        5 => (format!("PUT {volume}/detach"), none),
        6 => (format!("POST {MACHINES}/{machine}/stop"), none),
        7 => (format!("PUT {volume}/resize"), json!({"newSizeGb": 256})),
        8 => (format!("DELETE {nics}/{nic}/public-ip"), none),
        9 => (format!("POST {MACHINES}/{machine}/start"), none),
        10 => (format!("POST {VOLUMES}"), TestCloud::volume(&name)),
        11 => (format!("POST {GPU}"), TestCloud::gpu(&name, 1)),
        _ if number % 2 == 0 => (format!("DELETE {MACHINES}/{machine}"), none),
        _ => (format!("DELETE {volume}"), none),
    }
}

/// What a tenant has before the storm.
struct Of {
    key: String,
    machines: Vec<String>,
    nics: Vec<String>,
    volumes: Vec<String>,
    network: String,
}

/// Machines, volumes and a network for each tenant; all are asked for before any is waited for.
async fn equipped(cloud: &TestCloud, keys: Vec<String>) -> Vec<Of> {
    let mut asked = Vec::new();
    for key in keys {
        let mut machines = TestCloud::machine("m");
        machines["numberOfInstances"] = json!(3);
        let mut bodies = vec![(MACHINES, machines)];
        bodies.extend((0..3).map(|number| (VOLUMES, TestCloud::volume(&format!("v-{number}")))));
        bodies.push((NETWORKS, TestCloud::network("lan", "10.200.0.0/24")));
        let mut jobs = Vec::new();
        for (path, body) in bodies {
            let made = cloud.act_as(&key, &format!("POST {path}"), &body).await;
            let data = &made.json["data"];
            jobs.extend(
                data.as_array()
                    .cloned()
                    .unwrap_or_else(|| vec![data.clone()]),
            );
        }
        asked.push((key, jobs));
    }
    let mut all = Vec::new();
    for (key, jobs) in asked {
        let mut ids = Vec::new();
        for job in &jobs {
            ids.push(text(&cloud.end_as(&key, job).await["resourceId"]));
        }
        let (machines, others) = ids.split_at(3);
        let mut nics = Vec::new();
        for machine in machines {
            let path = format!("GET {MACHINES}/{machine}/network-interfaces");
            let rows = cloud.act_as(&key, &path, &Value::Null).await;
            nics.push(text(&rows.json["data"][0]["id"]));
        }
        all.push(Of {
            machines: machines.to_vec(),
            nics,
            volumes: others[..3].to_vec(),
            network: others[3].clone(),
            key,
        });
    }
    all
}

async fn tenants(cloud: &TestCloud) -> Vec<String> {
    let mut keys = vec![cloud.key.clone(), cloud.other_key.clone()];
    for name in ["third", "fourth"] {
        let made = cloud
            .admin(Method::POST, "/admin/v1/tenants", json!({"name": name}))
            .await;
        let path = format!(
            "/admin/v1/tenants/{}/keys",
            made.json["data"]["id"].as_str().unwrap()
        );
        let key = cloud
            .admin(Method::POST, &path, json!({"name": "tests"}))
            .await;
        keys.push(text(&key.json["data"]["key"]));
    }
    keys
}

/// Two hundred mixed operations of four tenants at once, with faults, and kill -9 in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mixed_operations_with_faults_and_a_kill() {
    let file = catalogue(256, "203.0.113.0/28");
    let path = file.path().to_str().unwrap().to_owned();
    let mut cloud = TestCloud::start_with(&["--sim-speed", "8", "--catalogue", &path]).await;
    let keys = tenants(&cloud).await;
    let all = equipped(&cloud, keys).await;
    for (operation, kind) in [
        ("*", "fail"),
        ("vm.resize", "fail"),
        ("volume.attach", "fail"),
        ("nic.add", "slow"),
    ] {
        let fault = json!({"operation": operation, "kind": kind, "times": 12, "probability": 0.3});
        cloud.fault(fault).await;
    }
    let mut requests = JoinSet::new();
    for number in 0..200 {
        let of = &all[number % 4];
        let (act, body) = mixed(number / 4, of);
        let request = cloud.acting(&of.key, &act, &body);
        let key = of.key.clone();
        requests.spawn(async move { (key, request.send().await.ok()) });
    }
    // The kill comes when half of them are answered, whatever the rest is doing.
    let (mut acknowledged, mut answered) = (Vec::new(), 0);
    while let Some(Ok((key, answer))) = requests.join_next().await {
        answered += 1;
        if let Some(answer) = answer
            && answer.status().as_u16() == 202
            && let Ok(json) = answer.json::<Value>().await
        {
            let data = &json["data"];
            acknowledged.push((
                key,
                if data.is_array() {
                    data[0].clone()
                } else {
                    data.clone()
                },
            ));
        }
        if answered == 100 {
            cloud.server.kill();
        }
    }
    assert!(
        acknowledged.len() >= 40,
        "only {} were acknowledged",
        acknowledged.len()
    );
    cloud.server.restart();
    cloud.url.clone_from(&cloud.server.url);
    let mut unfinished = 0;
    for (key, job) in &acknowledged {
        let poll = cloud
            .act_as(
                key,
                "POST /v1/resource/jobs",
                &json!({"jobIds": [job["id"]]}),
            )
            .await;
        unfinished += u32::from(!is_final(&poll.json["data"]["jobs"][0]));
    }
    assert!(unfinished > 0, "the kill met nothing under way");
    for (key, job) in &acknowledged {
        cloud.end_as(key, job).await;
    }
    world::line_shrinks_to(&cloud.store(), 0).await;
    all_agrees(&cloud, &all).await;
}

/// Records, quotas, addresses and the simulator's world, and the order of effects.
async fn all_agrees(cloud: &TestCloud, all: &[Of]) {
    // Leftovers are tried again until the faults are used up.
    cloud
        .admin(Method::DELETE, "/admin/v1/faults", Value::Null)
        .await;
    let list = cloud
        .admin(Method::GET, "/admin/v1/leftovers?limit=100", Value::Null)
        .await;
    for row in list.json["data"].as_array().unwrap() {
        let path = format!("/admin/v1/leftovers/{}/retry", row["id"].as_str().unwrap());
        assert_eq!(
            cloud.admin(Method::POST, &path, Value::Null).await.status,
            200
        );
    }
    let begun = std::time::Instant::now();
    let output = loop {
        let output = cloud.server.command(&["admin", "verify"]).output().unwrap();
        let list = cloud
            .admin(Method::GET, "/admin/v1/leftovers", Value::Null)
            .await;
        if list.json["data"] == json!([]) || begun.elapsed() > crate::process::PATIENCE {
            break output;
        }
        crate::process::pause().await;
    };
    assert!(output.status.success(), "{output:?}");
    cloud.verified().await;
    world::ledger_adds_up(&cloud.store());
    world::effects_are_in_order(&cloud.store(), &cloud.server.data().join("sim-world.db"));
    let mut addresses = BTreeSet::new();
    for of in all {
        let list = format!("GET {MACHINES}?limit=100");
        let list = send(cloud.acting(&of.key, &list, &Value::Null)).await;
        for row in list.json["data"].as_array().unwrap() {
            let path = format!(
                "GET {MACHINES}/{}/network-interfaces",
                row["id"].as_str().unwrap()
            );
            let nics = send(cloud.acting(&of.key, &path, &Value::Null)).await;
            for nic in nics.json["data"].as_array().unwrap() {
                if let Some(address) = nic["publicIp"].as_str() {
                    assert!(addresses.insert(address.to_owned()), "{address} twice");
                }
            }
        }
    }
    assert_eq!(room(cloud).await["publicIps"]["used"], addresses.len());
}
