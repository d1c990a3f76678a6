//! What Cloudlet adds to launching a machine by hand. It is meant to be 100 ms and 5 % of the time until
//! the guest is ready; machines that do much else are allowed five times that. `./dev bench` prints it.

use super::{
    by_hand::ByHand,
    host::{Host, TEST_IMAGE},
};
use serde_json::json;
use std::time::{Duration, Instant};

/// Milliseconds until QEMU's monitor has answered and the guest runs.
const ADDED_MS: u128 = 5 * 100;
/// Percent of the time until the guest is ready.
const ADDED_PERCENT: u128 = 5 * 5;
/// Others slow either side down: the fastest of so many rounds counts.
const ROUNDS: usize = 6;

/// Both times of a machine through the API, polled as a good client does: waiting for a change.
async fn by_api(host: &Host, name: &str) -> (String, Duration, Duration) {
    let begun = Instant::now();
    let (job, machine) = host.create(name, TEST_IMAGE).await;
    let (mut up, mut since) = (None, json!(null));
    loop {
        let mut body = json!({"jobIds": [job], "waitSeconds": 20});
        if !since.is_null() {
            body["since"] = since;
        }
        let (_, answer) = host.server.post("/v1/resource/jobs", &body).await;
        since = answer["data"]["cursor"].clone();
        let job = &answer["data"]["jobs"][0];
        assert_ne!(job["status"], "failed", "{job}");
        if job["stage"] == "ready" {
            up.get_or_insert(begun.elapsed());
        }
        if job["status"] == "completed" {
            let ready = begun.elapsed();
            return (machine, up.unwrap_or(ready), ready);
        }
    }
}

#[tokio::test]
async fn little_is_added_to_launching_a_machine_by_hand() {
    let Some(host) = Host::start().await else {
        return;
    };
    let image = host.server.data().join("images/12/disk");
    let folders = tempfile::tempdir().unwrap();
    let slow = Duration::MAX;
    let (mut up, mut ready, mut hand_up, mut hand_ready) = (slow, slow, slow, slow);
    for round in 0..ROUNDS {
        let name = format!("round-{round}");
        let (machine, api_up, api_ready) = by_api(&host, &name).await;
        (up, ready) = (up.min(api_up), ready.min(api_ready));
        let by_hand = ByHand::like(&host.server.data(), &machine, folders.path().join(name));
        host.delete(&machine).await;
        let hand = tokio::task::spawn_blocking({
            let image = image.clone();
            move || {
                let begun = Instant::now();
                by_hand.launch(&image);
                let up = begun.elapsed();
                by_hand.wait_until_ready();
                (up, begun.elapsed())
            }
        });
        let hand = hand.await.unwrap();
        (hand_up, hand_ready) = (hand_up.min(hand.0), hand_ready.min(hand.1));
        let added = up.saturating_sub(hand_up).as_millis();
        let percent = ready.saturating_sub(hand_ready).as_millis() * 100 / hand_ready.as_millis();
        eprintln!("up {up:?}, by hand {hand_up:?}; ready {ready:?}, by hand {hand_ready:?}");
        if added <= ADDED_MS && percent <= ADDED_PERCENT {
            return;
        }
    }
    panic!("too much is added: see above");
}
