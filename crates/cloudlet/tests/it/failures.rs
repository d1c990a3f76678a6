//! Faults on demand, on a clock that the test moves: stalls, failures, leftovers, verify.

use crate::process::{Process, is_final, text};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

async fn job(cloud: &Process, id: &str) -> Value {
    cloud.poll(&[id.to_owned()]).await.remove(0)
}

/// One value, the first at or above 45, until 120 s after its last advance; then the way back with
/// progress held; then failed, and the world as before. Slow machines, so that the way back is seen.
#[tokio::test]
async fn a_stalled_job_shows_one_value_then_fails_with_the_world_as_before() {
    let cloud = Process::start(&["--clock", "manual", "--sim-speed", "0.2"]);
    let stall = json!({ "operation": "vm.create", "kind": "stall", "atPercent": 45 });
    cloud.fault(&stall).await;
    let (id, machine) = cloud.create("stuck").await;
    let mut held: Option<(Value, u32)> = None;
    let mut seen_reverting = false;
    let ended = loop {
        cloud.advance(1).await;
        let now = job(&cloud, &id).await;
        if is_final(&now) {
            break now;
        }
        assert_eq!(now["status"], "in_progress");
        let Some((value, seconds)) = &mut held else {
            if now["progress"].as_i64() >= Some(45) {
                assert!(now["progress"].as_i64() < Some(50), "{now}");
                held = Some((now["progress"].clone(), 0));
            }
            continue;
        };
        assert_eq!(&now["progress"], value, "one value until the end");
        if now["stage"] == "reverting" {
            seen_reverting = true;
        } else {
            *seconds += 1;
        }
        assert!(*seconds <= 121, "{now}");
    };
    let (value, seconds) = held.expect("it came to 45");
    assert!((119..=120).contains(&seconds), "it held for {seconds} s");
    assert!(seen_reverting, "the way back was in progress, too");
    assert_eq!(
        (&ended["status"], &ended["errorCode"]),
        (&json!("failed"), &json!("STALLED"))
    );
    assert_eq!(ended["progress"], value);
    let path = format!("/v1/resource/virtual-machines/{machine}");
    assert_eq!(cloud.get(&path).await.0, 404);
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

#[tokio::test]
async fn a_create_that_fails_in_any_phase_leaves_nothing() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    for phase in ["disk", "boot", "ready"] {
        let fault = json!({ "operation": "vm.create", "kind": "fail", "atPhase": phase, "error": "Bad luck" });
        let fault = cloud.fault(&fault).await;
        let (id, machine) = cloud.create("unlucky").await;
        let ended = cloud.settle(&[id]).await.remove(0);
        assert_eq!(
            (&ended["status"], &ended["error"]),
            (&json!("failed"), &json!("Bad luck")),
            "{phase}"
        );
        assert_eq!(ended["errorCode"], "DRIVER_ERROR");
        let path = format!("/v1/resource/jobs/{}", text(&ended["id"]));
        let (_, detail) = cloud.get(&path).await;
        let phases = detail["data"]["phases"].as_array().unwrap().clone();
        assert!(
            phases.iter().all(|phase| phase["endedAt"].is_string()),
            "{detail}"
        );
        assert!(
            phases.iter().any(|phase| phase["error"] == "Bad luck"),
            "{detail}"
        );
        assert_eq!(
            cloud
                .get(&format!("/v1/resource/virtual-machines/{machine}"))
                .await
                .0,
            404
        );
        assert_eq!(cloud.verify().await, (vec![], vec![]), "{phase}");
        let (_, faults) = cloud.admin("GET", "/faults", None).await;
        let hits = faults["data"]
            .as_array()
            .unwrap()
            .iter()
            .find(|row| row["id"] == fault.as_str())
            .unwrap();
        assert_eq!(
            hits["hits"], 1,
            "the fault struck where it was meant to: {phase}"
        );
    }
}

/// The codes that a client tells apart, without the quota, the catalogue or the host for it.
#[tokio::test]
async fn a_create_can_fail_with_a_code_of_choice() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    for code in [
        "QUOTA_EXCEEDED",
        "INVALID_CONFIGURATION",
        "CAPACITY_EXCEEDED",
    ] {
        let fault =
            json!({ "operation": "vm.create", "kind": "fail", "errorCode": code, "error": "No." });
        cloud.fault(&fault).await;
        let (id, _) = cloud.create("unlucky").await;
        let ended = cloud.settle(&[id]).await.remove(0);
        let shown = (&ended["status"], &ended["errorCode"], &ended["error"]);
        assert_eq!(shown, (&json!("failed"), &json!(code), &json!("No.")));
    }
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// A create takes 6 to 10 s: ten times as long with each of its three actions struck. What moves,
/// however slowly, is not stalled.
#[tokio::test]
async fn a_slow_job_takes_longer_and_completes() {
    let cloud = Process::start(&["--clock", "manual", "--sim-seed", "1"]);
    let slow = json!({ "operation": "vm.create", "kind": "slow", "times": 4 });
    cloud.fault(&slow).await;
    let (id, _) = cloud.create("slow").await;
    cloud.advance(59).await;
    let now = job(&cloud, &id).await;
    assert_eq!(now["status"], "in_progress", "{now}");
    assert!(now["progress"].as_i64() > Some(30), "{now}");
    cloud.advance(62).await;
    assert_eq!(job(&cloud, &id).await["status"], "completed");
    let later = json!({ "operation": "vm.create", "kind": "slow", "factor": 20, "atPercent": 90 });
    cloud.fault(&later).await;
    let (id, _) = cloud.create("slow-at-last").await;
    cloud.advance(12).await;
    let now = job(&cloud, &id).await;
    assert_eq!(now["status"], "in_progress", "{now}");
    assert!(now["progress"].as_i64() >= Some(90), "{now}");
    cloud.advance(60).await;
    assert_eq!(job(&cloud, &id).await["status"], "completed");
}

#[tokio::test]
async fn an_error_is_one_line_of_plain_text() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let error = " The disk\r\n\tis\u{2028}on \u{2029} fire.\u{85}";
    let fault = json!({ "operation": "vm.create", "kind": "fail", "error": error });
    cloud.fault(&fault).await;
    let (id, _) = cloud.create("burnt").await;
    let ended = cloud.settle(&[id]).await.remove(0);
    assert_eq!(ended["error"], "The disk is on fire.");
    assert_eq!(ended["errorMessage"], ended["error"]);
}

/// A delete has no way back: it completes after one failure and is left over after two.
#[tokio::test]
async fn a_delete_goes_forward_then_is_left_over_then_a_new_delete_closes_it() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let (id, machine) = cloud.create("sticky").await;
    cloud.settle(&[id]).await;
    let fail = |times: u32| json!({ "operation": "vm.delete", "kind": "fail", "atPhase": "disk", "times": times });
    cloud.fault(&fail(2)).await;
    let delete = cloud.delete(&machine).await;
    let ended = cloud.settle(&[delete]).await.remove(0);
    assert_eq!(ended["status"], "failed");
    assert!(
        text(&ended["error"]).contains(&machine),
        "the job names what is left over: {ended}"
    );
    let path = format!("/v1/resource/virtual-machines/{machine}");
    let (status, detail) = cloud.get(&path).await;
    assert_eq!((status, &detail["data"]["status"]), (200, &json!("Error")));
    assert_eq!(cloud.verify().await.1.len(), 1, "a leftover is pending");
    let (status, refused) = cloud.request("POST", &format!("{path}/start"), None).await;
    assert_eq!((status, &refused["error"]), (409, &json!("INVALID_STATE")));
    cloud.fault(&fail(1)).await;
    let delete = cloud.delete(&machine).await;
    let ended = cloud.settle(&[delete]).await.remove(0);
    assert_eq!(
        ended["status"], "completed",
        "one failure is carried forward: {ended}"
    );
    assert_eq!(cloud.get(&path).await.0, 404);
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// A machine taken away from, and one added to, the simulator's file: exit 1, naming each.
#[tokio::test]
async fn verify_can_fail() {
    let mut cloud = Process::start(&["--sim-speed", "0"]);
    let (id, machine) = cloud.create("lost").await;
    cloud.settle(&[id]).await;
    let output = cloud.command(&["admin", "verify"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let (status, _) = cloud.terminate();
    assert!(status.success());
    let stranger = "01900000-0000-7000-8000-00000000abcd";
    crate::world::swap_machine(&cloud.data().join("sim-world.db"), &machine, stranger);
    cloud.restart();
    let output = cloud.command(&["admin", "verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&machine) && said.contains(stranger), "{said}");
}

/// With a seed the same run again, without one ids that no other server gives.
#[tokio::test]
async fn faults_of_two_servers_are_alike_only_if_they_share_a_seed() {
    let fault = json!({ "operation": "*", "kind": "stall" });
    let mut ids = Vec::new();
    for flags in [&[][..], &[], &["--sim-seed", "7"], &["--sim-seed", "7"]] {
        ids.push(Process::start(flags).fault(&fault).await);
    }
    assert_ne!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
    assert_eq!(ids[2], ids[3]);
}

/// Whoever waits is told once that the server is gone, and how to go on later.
#[tokio::test]
async fn a_wait_whose_server_is_gone_says_how_to_go_on() {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let mut command = cloud.command(&["vm", "create", "web", "--timeout", "3"]);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    assert_eq!(first, "web  waiting in line  0 %");
    cloud.kill();
    let rest: Vec<String> = lines.map_while(Result::ok).collect();
    child.wait().unwrap();
    let go_on = "Trying again until the timeout; go on later with: cloudlet job wait ";
    let told = rest.iter().filter(|line| line.starts_with(go_on)).count();
    assert_eq!(told, 1, "{rest:?}");
}

/// The most that a job under way shows is 99, and a fault can strike there, before the last effect.
#[tokio::test]
async fn a_fault_at_ninety_nine_percent_strikes() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    cloud
        .fault(&json!({ "operation": "vm.create", "kind": "fail", "atPercent": 99 }))
        .await;
    let (id, machine) = cloud.create("almost").await;
    let ended = cloud.settle(&[id]).await.remove(0);
    assert_eq!(
        (&ended["status"], &ended["progress"]),
        (&json!("failed"), &json!(99))
    );
    let path = format!("/v1/resource/virtual-machines/{machine}");
    assert_eq!(cloud.get(&path).await.0, 404);
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}
