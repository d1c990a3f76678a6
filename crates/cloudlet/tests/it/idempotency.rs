//! `Idempotency-Key` on every request that changes something: a repeat has the same answer and no
//! second effect, another body is refused, a refusal is not remembered. Here those that have to do with
//! jobs and what jobs change; the rest stands in [`idempotency_jobless`](crate::idempotency_jobless).

use crate::cloud::{
    Answer, GPU, JOBS, MACHINES, NETWORKS, NOTHING, TestCloud, VOLUMES, send, text,
};
use crate::idempotency_jobless;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Every operation that changes something; each says in the document that it takes the header.
fn operations() -> BTreeSet<String> {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    let mut changing = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for (method, operation) in item.as_object().unwrap() {
            let name = text(&operation["operationId"]);
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let takes = parameters
                .into_iter()
                .any(|one| one["name"] == "Idempotency-Key");
            let reads = method == "get" || name == "job.poll";
            assert_eq!(takes, !reads, "{name}");
            if takes {
                changing.insert(name);
            }
        }
    }
    changing
}

pub(crate) async fn keyed(cloud: &TestCloud, key: &str, act: &str, body: &Value) -> Answer {
    let mine = match act.contains(" /admin/") {
        true => &cloud.admin_key,
        false => &cloud.key,
    };
    let request = cloud.acting(mine, act, body);
    send(request.header("Idempotency-Key", key)).await
}

/// The ids of the jobs of an answer; for an answer without jobs the id of what it shows.
fn ids(answer: &Answer) -> Vec<String> {
    let data = &answer.json["data"];
    let jobs = data["jobs"].as_array().or(data.as_array()).cloned();
    let jobs = jobs.unwrap_or_else(|| vec![data.clone()]);
    jobs.iter().map(|job| text(&job["id"])).collect()
}

/// What there is to act on.
struct Things {
    machine: String,
    spare: String,
    gpu: String,
    volume: String,
    loose: String,
    network: String,
    unused: String,
    first: String,
    second: String,
    stalled: String,
}

async fn things(cloud: &TestCloud) -> Things {
    let machine = cloud.machine_named("web").await;
    let spare = cloud.machine_named("spare").await;
    let gpu = cloud
        .done(
            &format!("POST {GPU}"),
            TestCloud::gpu("train", 1),
            "gpu.create",
        )
        .await;
    let network = cloud.network_named("lan", "10.5.0.0/24").await;
    let nics = format!("{MACHINES}/{machine}/network-interfaces");
    let body = json!({"networkId": network});
    let added = cloud.done(&format!("POST {nics}"), body, "nic.add").await;
    let volume = cloud.volume_named("data").await;
    let loose = cloud.volume_named("loose").await;
    // It stays in progress, to be cancelled.
    cloud
        .fault(json!({"operation": "volume.create", "kind": "stall"}))
        .await;
    let act = format!("POST {VOLUMES}");
    let stalled = cloud.accepted(&act, TestCloud::volume("stalled")).await;
    Things {
        stalled: text(&stalled["id"]),
        first: text(&cloud.nics(&machine).await[0]["id"]),
        second: text(&added["result"]["networkInterfaceId"]),
        spare,
        gpu: text(&gpu["resourceId"]),
        volume,
        loose,
        unused: cloud.network_named("unused", "10.6.0.0/24").await,
        machine,
        network,
    }
}

/// Each operation once, in an order in which each is possible, with another body or, where there is
/// none, one that it ignores and that is not the same request.
#[allow(clippy::too_many_lines, reason = "a table, one row for each operation")]
fn table(of: &Things) -> Vec<(&'static str, String, Value, Value)> {
    let machine = format!("{MACHINES}/{}", of.machine);
    let nics = format!("{machine}/network-interfaces");
    let volume = format!("{VOLUMES}/{}", of.volume);
    let network = format!("{NETWORKS}/{}", of.network);
    let (first, second) = (&of.first, &of.second);
    let other = json!({"other": 1});
    let none = Value::Null;
    let name = |name: &str| json!({"name": name});
    let size = |id: u32| json!({"configurationId": id});
    let rows = [
        (
            "job.cancel",
            format!("POST {JOBS}/{}/cancel", of.stalled),
            none.clone(),
            other.clone(),
        ),
        (
            "vm.create",
            format!("POST {MACHINES}"),
            TestCloud::machine("a"),
            TestCloud::machine("b"),
        ),
        (
            "vm.rename",
            format!("PUT {machine}"),
            name("app"),
            name("bpp"),
        ),
        (
            "vm.stop",
            format!("POST {machine}/stop"),
            none.clone(),
            other.clone(),
        ),
        (
            "vm.start",
            format!("POST {machine}/start"),
            none.clone(),
            other.clone(),
        ),
        (
            "vm.reset",
            format!("POST {machine}/reset"),
            none.clone(),
            other.clone(),
        ),
        (
            "vm.resize",
            format!("PUT {machine}/size"),
            size(46),
            size(47),
        ),
        (
            "nic.add",
            format!("POST {nics}"),
            json!({"networkId": of.network}),
            json!({"networkId": of.unused}),
        ),
        (
            "public_ip.allocate",
            format!("POST {nics}/{second}/public-ip"),
            none.clone(),
            other.clone(),
        ),
        (
            "public_ip.release",
            format!("DELETE {nics}/{second}/public-ip"),
            none.clone(),
            other.clone(),
        ),
        (
            "nic.set_primary",
            format!("PUT {nics}/{second}"),
            json!({"setPrimary": true}),
            json!({"setPrimary": true, "more": 1}),
        ),
        (
            "nic.remove",
            format!("DELETE {nics}/{first}"),
            none.clone(),
            other.clone(),
        ),
        (
            "gpu.create",
            format!("POST {GPU}"),
            TestCloud::gpu("a", 1),
            TestCloud::gpu("b", 1),
        ),
        (
            "gpu.rename",
            format!("PUT {GPU}/{}", of.gpu),
            name("infer"),
            name("other"),
        ),
        (
            "gpu.delete",
            format!("DELETE {GPU}/{}", of.gpu),
            none.clone(),
            other.clone(),
        ),
        (
            "volume.create",
            format!("POST {VOLUMES}"),
            TestCloud::volume("a"),
            TestCloud::volume("b"),
        ),
        (
            "volume.attach",
            format!("PUT {volume}/attach"),
            json!({"virtualMachineId": of.machine}),
            json!({"virtualMachineId": of.spare}),
        ),
        (
            "volume.resize",
            format!("PUT {volume}/resize"),
            json!({"newSizeGb": 256}),
            json!({"newSizeGb": 512}),
        ),
        (
            "volume.detach",
            format!("PUT {volume}/detach"),
            none.clone(),
            other.clone(),
        ),
        (
            "volume.delete",
            format!("DELETE {VOLUMES}/{}", of.loose),
            none.clone(),
            other.clone(),
        ),
        (
            "network.create",
            format!("POST {NETWORKS}"),
            TestCloud::network("a", "10.7.0.0/24"),
            TestCloud::network("b", "10.8.0.0/24"),
        ),
        (
            "network.update",
            format!("PUT {network}"),
            name("net"),
            name("other"),
        ),
        (
            "network.delete",
            format!("DELETE {NETWORKS}/{}", of.unused),
            none.clone(),
            other.clone(),
        ),
        (
            "vm.delete",
            format!("DELETE {MACHINES}/{}", of.spare),
            none.clone(),
            other,
        ),
    ];
    rows.into()
}

#[tokio::test]
async fn every_operation_is_done_once() {
    let cloud = TestCloud::start().await;
    let things = things(&cloud).await;
    let table = table(&things);
    let here = table.iter().map(|row| row.0);
    let elsewhere = idempotency_jobless::TESTED.iter().copied();
    let tested: BTreeSet<_> = here.chain(elsewhere).map(str::to_owned).collect();
    assert_eq!(
        tested,
        operations(),
        "a route without a line here, or a line without a route"
    );
    for (operation, act, body, other) in &table {
        let first = keyed(&cloud, operation, act, body).await;
        assert!(first.status < 300, "{operation}: {}", first.json);
        let before = count(&cloud).await;
        let slashed = format!("{act}/");
        for act in [act, &slashed] {
            let again = keyed(&cloud, operation, act, body).await;
            assert_eq!(again.status, first.status, "{operation}: {}", again.json);
            assert_eq!(ids(&again), ids(&first), "{operation}");
            let reused = keyed(&cloud, operation, act, other).await;
            reused.is_error(422, "IDEMPOTENCY_KEY_REUSED");
        }
        assert_eq!(count(&cloud).await, before, "{operation}: no job more");
        if first.status == 202 {
            for id in ids(&first) {
                let ended = cloud.end_of(&json!({"id": id})).await;
                assert_eq!(ended["status"], "completed", "{operation}: {ended}");
            }
            // The jobs as they are now.
            let late = keyed(&cloud, operation, act, body).await;
            assert_eq!((late.status, ids(&late)), (202, ids(&first)), "{operation}");
            let data = &late.json["data"];
            let job = if data.is_array() { &data[0] } else { data };
            assert_eq!(job["status"], "completed", "{operation}");
        }
    }
    cloud.verified().await;
}

/// How many jobs of any kind were ever accepted.
async fn count(cloud: &TestCloud) -> usize {
    let dump = crate::world::dump(&cloud.store());
    let answers = dump["answer"].len();
    answers * 10_000 + dump["job"].len()
}

/// What was refused is judged afresh, with the same key and another body too.
#[tokio::test]
async fn a_refusal_is_not_remembered() {
    let cloud = TestCloud::start().await;
    let things = things(&cloud).await;
    for (operation, act, body, _) in &table(&things) {
        let (method, path) = act.split_once(' ').unwrap();
        // The same on something that is not there; a create without what it needs.
        let missing = match path.split('/').nth(4) {
            None => format!("{act}/"),
            Some(id) => format!("{method} {}", path.replace(id, NOTHING)),
        };
        let (wrong, error) = match path.split('/').nth(4) {
            None => (json!({"name": ""}), (400, "VALIDATION_ERROR")),
            Some(_) => (body.clone(), (404, "NOT_FOUND")),
        };
        let refused = keyed(&cloud, "k", &missing, &wrong).await;
        refused.is_error(error.0, error.1);
        let refused = keyed(&cloud, "k", &missing, &json!({"name": "", "more": 1})).await;
        assert_ne!(refused.status, 422, "{operation}");
    }
    let volume = format!("{VOLUMES}/{}", things.volume);
    let detach = format!("PUT {volume}/detach");
    keyed(&cloud, "d", &detach, &Value::Null)
        .await
        .is_error(409, "INVALID_STATE");
    let on = json!({"virtualMachineId": things.machine});
    cloud
        .done(&format!("PUT {volume}/attach"), on, "volume.attach")
        .await;
    assert_eq!(keyed(&cloud, "d", &detach, &Value::Null).await.status, 202);
}

/// A key is its tenant's, its method's and its path's.
#[tokio::test]
async fn what_a_key_is_known_by() {
    let cloud = TestCloud::start().await;
    let act = format!("POST {VOLUMES}");
    let mine = keyed(&cloud, "same", &act, &TestCloud::volume("data")).await;
    let theirs = cloud.acting(&cloud.other_key, &act, &TestCloud::volume("data"));
    let theirs = send(theirs.header("Idempotency-Key", "same")).await;
    assert_eq!(theirs.status, 202);
    assert_ne!(ids(&mine), ids(&theirs));
    let network = TestCloud::network("lan", "10.5.0.0/24");
    let elsewhere = keyed(&cloud, "same", &format!("POST {NETWORKS}"), &network).await;
    assert_eq!(elsewhere.status, 202, "{}", elsewhere.json);
    let ended = cloud.end_of(&mine.json["data"]).await;
    let path = format!("{VOLUMES}/{}", ended["resourceId"].as_str().unwrap());
    let delete = keyed(&cloud, "same", &format!("DELETE {path}"), &Value::Null).await;
    assert_eq!(delete.status, 202);
    let again = keyed(&cloud, "same", &act, &TestCloud::volume("data")).await;
    assert_eq!(ids(&again), ids(&mine), "also once its volume is gone");
}
