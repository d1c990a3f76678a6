//! The real binary killed with SIGKILL: what was acknowledged ends, once, and nothing read is taken back.

use crate::process::{Process, is_final, pause, text};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};

/// How often the server is killed.
const KILLS: u32 = 20;
/// With at least this many of them while a job was in progress.
const KILLS_IN_PROGRESS: u32 = 15;

/// What a client has read of a job; nothing of it may ever be taken back.
#[derive(Default)]
struct Seen(BTreeMap<String, (u8, i64, Value)>);

impl Seen {
    fn note(&mut self, jobs: &[Value]) {
        for job in jobs {
            let rank = match job["status"].as_str() {
                Some("pending") => 0,
                Some("in_progress") => 1,
                _ => 2,
            };
            let progress = job["progress"].as_i64().unwrap();
            let before = self
                .0
                .entry(text(&job["id"]))
                .or_insert((0, 0, Value::Null));
            assert!(
                rank >= before.0,
                "status went back from {}: {job}",
                before.0
            );
            assert!(
                progress >= before.1,
                "progress went back from {}: {job}",
                before.1
            );
            if before.0 == 2 {
                assert_eq!(&before.2, job, "a final job changed");
            }
            *before = (rank, progress, job.clone());
        }
    }
}

/// A seeded generator: the moments differ from seed to seed and are the same for one.
struct Moments(u64);

impl Moments {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

#[tokio::test]
async fn killed_at_random_moments_under_load() {
    let seed = std::env::var("CRASH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(7);
    let mut moments = Moments(seed);
    let mut cloud = Process::start(&["--sim-speed", "10"]);
    let (mut acknowledged, mut machines, mut seen) = (Vec::new(), Vec::new(), Seen::default());
    let mut in_progress = 0;
    for round in 0..KILLS {
        let until = tokio::time::Instant::now() + Duration::from_millis(150 + moments.next(500));
        let mut number = 0;
        while tokio::time::Instant::now() < until {
            if number < 6 {
                let (job, machine) = cloud.create(&format!("m-{round}-{number}")).await;
                acknowledged.push(job);
                machines.push(machine);
                number += 1;
            }
            if number % 3 == 2 && moments.next(2) == 0 {
                let victim = machines
                    .swap_remove(usize::try_from(moments.next(machines.len() as u64)).unwrap());
                let path = format!("/v1/resource/virtual-machines/{victim}");
                if let (202, answer) = cloud.request("DELETE", &path, None).await {
                    acknowledged.push(text(&answer["data"]["id"]));
                }
            }
            let recent = acknowledged.len().saturating_sub(50);
            seen.note(&cloud.poll(&acknowledged[recent..]).await);
            pause().await;
        }
        let recent = acknowledged.len().saturating_sub(50);
        let jobs = cloud.poll(&acknowledged[recent..]).await;
        seen.note(&jobs);
        in_progress += u32::from(jobs.iter().any(|job| job["status"] == "in_progress"));
        cloud.kill();
        cloud.restart();
        for ids in acknowledged.chunks(50) {
            seen.note(&cloud.poll(ids).await);
        }
    }
    assert!(
        in_progress >= KILLS_IN_PROGRESS,
        "only {in_progress} kills met a job in progress (seed {seed})"
    );
    let ended = cloud.settle(&acknowledged).await;
    seen.note(&ended);
    for job in &ended {
        let fine = job["status"] == "completed" || job["errorCode"] == "CANCELLED";
        assert!(fine, "seed {seed}: {job}");
    }
    check_nothing_is_doubled(&cloud, &ended).await;
}

/// The machines that are listed are those whose create completed and whose delete did not.
async fn check_nothing_is_doubled(cloud: &Process, ended: &[Value]) {
    assert_eq!(cloud.verify().await, (vec![], vec![]));
    let target = |kind: &str| {
        let of = ended
            .iter()
            .filter(move |job| job["kind"] == kind && job["status"] == "completed");
        of.map(|job| text(&job["targetId"]))
            .collect::<std::collections::BTreeSet<_>>()
    };
    let expected: Vec<_> = target("vm.create")
        .difference(&target("vm.delete"))
        .cloned()
        .collect();
    let mut listed = Vec::new();
    for page in 1.. {
        let (_, answer) = cloud
            .get(&format!(
                "/v1/resource/virtual-machines?limit=100&page={page}"
            ))
            .await;
        let rows = answer["data"].as_array().unwrap();
        listed.extend(rows.iter().map(|row| text(&row["id"])));
        if rows.is_empty() {
            break;
        }
    }
    listed.sort();
    assert_eq!(listed, expected);
    let (_, tenants) = cloud.admin("GET", "/tenants", None).await;
    assert_eq!(
        tenants["data"][0]["quotas"]["virtualMachines"]["used"],
        expected.len()
    );
}

/// After kill -9 in the last action those before it are not done again.
#[tokio::test]
async fn resumes_and_does_not_restart() {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let (job, machine) = cloud.create("resume").await;
    let ids = [job.clone()];
    for _ in 0..20 {
        if cloud.poll(&ids).await[0]["stage"] == "ready" {
            break;
        }
        cloud.advance(1).await;
    }
    let before = cloud.poll(&ids).await.remove(0);
    assert_eq!(before["stage"], "ready", "in the last action: {before}");
    cloud.kill();
    cloud.restart();
    let after = cloud.poll(&ids).await.remove(0);
    assert!(after["progress"].as_i64() >= before["progress"].as_i64());
    cloud.advance(20).await;
    assert!(is_final(&cloud.poll(&ids).await[0]));
    let (_, detail) = cloud.get(&format!("/v1/resource/jobs/{job}")).await;
    let phases = detail["data"]["phases"].as_array().unwrap();
    let attempts: Vec<_> = phases
        .iter()
        .map(|phase| (text(&phase["name"]), phase["attempt"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        attempts,
        [
            ("disk".to_owned(), 1),
            ("network".to_owned(), 1),
            ("boot".to_owned(), 1),
            ("ready".to_owned(), 2)
        ]
    );
    let actions = crate::world::effects(&cloud.data().join("sim-world.db"), &machine);
    assert_eq!(
        actions.iter().filter(|action| *action == "launch").count(),
        1,
        "{actions:?}"
    );
}

/// Killed while the manual clock moves: it goes on from no earlier than any time that was shown.
#[tokio::test]
async fn a_manual_clock_never_goes_back() {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let mut latest = String::new();
    for round in 0..5 {
        let mut jobs = Vec::new();
        for number in 0..20 {
            jobs.push(cloud.create(&format!("m-{round}-{number}")).await.0);
        }
        let admin = format!("{}/admin/v1/clock", cloud.url);
        let request = cloud
            .http
            .post(admin)
            .header("X-API-Key", crate::process::ADMIN_KEY);
        let request = request.json(&serde_json::json!({ "advanceSeconds": 30 }));
        let moving = tokio::spawn(request.send());
        while !cloud
            .poll(&jobs)
            .await
            .iter()
            .any(|job| job["progress"].as_i64() > Some(20))
        {
            pause().await;
        }
        let shown = cloud.poll(&jobs).await;
        latest = shown
            .iter()
            .map(|job| text(&job["updatedAt"]))
            .max()
            .unwrap()
            .max(latest);
        cloud.kill();
        let _ = moving.await;
        cloud.restart();
        let (_, clock) = cloud.admin("GET", "/clock", None).await;
        let now = text(&clock["data"]["now"]);
        assert!(now >= latest, "the clock went back from {latest} to {now}");
    }
}

/// SIGTERM: exit 0 within 10 s, and the job goes on at the next start.
#[tokio::test]
async fn a_drained_server_goes_on_at_the_next_start() {
    let mut cloud = Process::start(&["--sim-speed", "2"]);
    let (job, _) = cloud.create("patient").await;
    let ids = [job];
    while cloud.poll(&ids).await[0]["status"] != "in_progress" {
        pause().await;
    }
    let (status, took) = cloud.terminate();
    assert_eq!(status.code(), Some(0), "{}", cloud.log());
    assert!(took < Duration::from_secs(10), "{took:?}");
    cloud.restart();
    assert_eq!(cloud.settle(&ids).await[0]["status"], "completed");
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// A call that waits in line when SIGTERM comes is answered 503 and has no effect later.
#[tokio::test]
async fn a_waiting_call_is_withdrawn_when_the_server_drains() {
    let cloud = Process::start(&["--sim-speed", "1"]);
    let (create, machine) = cloud.create("drained").await;
    let stop = {
        let request = cloud.http.post(format!(
            "{}/v1/resource/virtual-machines/{machine}/stop",
            cloud.url
        ));
        tokio::spawn(request.header("X-API-Key", crate::process::KEY).send())
    };
    crate::world::line_grows_to(&cloud.data().join("cloudlet.db"), 2).await;
    let mut cloud = cloud;
    let (status, took) = cloud.terminate();
    assert_eq!(status.code(), Some(0), "{}", cloud.log());
    assert!(took < Duration::from_secs(10), "{took:?}");
    let answer = stop.await.unwrap().unwrap();
    assert_eq!(answer.status().as_u16(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["error"], "SHUTTING_DOWN");
    cloud.restart();
    assert_eq!(cloud.settle(&[create]).await[0]["status"], "completed");
    let path = format!("/v1/resource/virtual-machines/{machine}");
    assert_eq!(cloud.get(&path).await.1["data"]["status"], "Running");
}

/// SIGTERM the moment that the server says it listens.
#[tokio::test]
async fn a_server_can_be_stopped_as_soon_as_it_answers() {
    for _ in 0..15 {
        let mut cloud = Process::start(&[]);
        let (status, _) = cloud.terminate();
        assert_eq!(status.code(), Some(0), "{}", cloud.log());
    }
}

/// A call that waits in line when its client closes the connection, or is cut off, has no effect later.
#[tokio::test]
async fn a_waiting_call_is_withdrawn_when_its_client_leaves() {
    use tokio::io::AsyncWriteExt;
    let cloud = Process::start(&["--sim-speed", "1"]);
    let (create, machine) = cloud.create("left").await;
    let path = format!("/v1/resource/virtual-machines/{machine}");
    let store = cloud.data().join("cloudlet.db");
    for is_reset in [false, true] {
        let address = cloud.url.strip_prefix("http://").unwrap();
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST {path}/stop HTTP/1.1\r\nHost: x\r\nX-API-Key: {}\r\nContent-Length: 0\r\n\r\n",
            crate::process::KEY
        );
        client.write_all(head.as_bytes()).await.unwrap();
        crate::world::line_grows_to(&store, 2).await;
        if is_reset {
            client.set_zero_linger().unwrap();
        }
        drop(client);
        crate::world::line_shrinks_to(&store, 1).await;
    }
    let poll = cloud.poll(std::slice::from_ref(&create)).await;
    assert_eq!(poll[0]["status"], "in_progress", "the create is in the way");
    assert_eq!(cloud.settle(&[create]).await[0]["status"], "completed");
    assert_eq!(cloud.get(&path).await.1["data"]["status"], "Running");
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// One server on a data directory: a second exits 1 and says who holds it.
#[tokio::test]
async fn a_second_server_on_the_same_data_is_refused() {
    let cloud = Process::start(&[]);
    let data = cloud.data();
    let mut second = cloud.command(&["serve", "--listen", "127.0.0.1:0", "--data"]);
    let output = second.arg(&data).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&cloud.pid().to_string()), "{said}");
}
