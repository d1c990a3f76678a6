//! One story told by both drivers: the planner above them is the same, and so are the actions.

use super::host::{Host, SILENT_IMAGE};
use crate::{
    cloud::{MACHINES, TestCloud},
    world,
};
use serde_json::{Value, json};
use std::fs;

const CALLS: &[&str] = &["stop", "start", "reset", "stop"];

/// The actions that took effect for the newest generation of a machine, by the host's own ledger.
fn done(host: &Host, machine: &str) -> Vec<String> {
    let ledger = fs::read(host.folder(machine).join("ledger.json")).unwrap();
    let ledger: Value = serde_json::from_slice(&ledger).unwrap();
    let newest = &ledger["generation"];
    let rows = ledger["done"].as_array().unwrap().iter();
    let rows = rows.filter(|row| &row["generation"] == newest);
    rows.map(|row| word(&row["action"])).collect()
}

fn word(action: &Value) -> String {
    match action {
        Value::Object(map) => map.keys().next().unwrap().clone(),
        other => other.as_str().unwrap().to_owned(),
    }
}

/// What the simulator calls an action in its log is the same word, but for these two.
fn same(word: &str) -> String {
    match word {
        "await_ready" => "ready".to_owned(),
        other => other.to_owned(),
    }
}

#[tokio::test]
async fn both_drivers_take_the_same_actions_for_the_same_story() {
    let Some(host) = Host::start().await else {
        return;
    };
    let machine = host.running("web", SILENT_IMAGE).await;
    let mut real = done(&host, &machine);
    for verb in CALLS {
        let (status, answer) = host.call(&machine, verb).await;
        assert_eq!(status, 200, "{answer}");
        real.extend(done(&host, &machine));
    }
    let real: Vec<String> = real.iter().map(|word| same(word)).collect();
    host.delete(&machine).await;
    host.gone(&machine).await;

    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    for verb in CALLS {
        let answer = cloud
            .act(&format!("POST {MACHINES}/{machine}/{verb}"), json!({}))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.json);
    }
    let simulated = world::effects(&cloud.server.data().join("sim-world.db"), &machine);
    assert_eq!(real, simulated);
}
