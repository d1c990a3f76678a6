//! A job that has ended stays for a day, and then it is gone: on the clock, with all that hangs on it.

use crate::{
    process::{KEY, Process, create_body, text},
    world,
};
use serde_json::{Value, json};

const HOUR: u64 = 3_600;

async fn create_once(cloud: &Process, key: &str) -> String {
    let request = cloud
        .http
        .post(format!("{}/v1/resource/virtual-machines", cloud.url))
        .header("X-API-Key", KEY)
        .header("Idempotency-Key", key)
        .json(&create_body("web"));
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 202);
    let answer: Value = answer.json().await.unwrap();
    text(&answer["data"][0]["id"])
}

async fn single(cloud: &Process, job: &str) -> u16 {
    cloud.get(&format!("/v1/resource/jobs/{job}")).await.0
}

#[tokio::test]
async fn a_job_is_readable_for_a_day_and_gone_an_hour_later() {
    let cloud = Process::start(&["--sim-speed", "0", "--clock", "manual"]);
    let job = create_once(&cloud, "once").await;
    let ended = cloud.settle(std::slice::from_ref(&job)).await;
    cloud.advance(24 * HOUR).await;
    let still = cloud.poll(std::slice::from_ref(&job)).await;
    assert_eq!(still, ended);
    assert_eq!(single(&cloud, &job).await, 200);
    assert_eq!(create_once(&cloud, "once").await, job);
    let other = create_once(&cloud, "other").await;
    cloud.settle(std::slice::from_ref(&other)).await;

    cloud.advance(HOUR + 60).await;
    let ids = [job.clone(), other.clone()];
    let left = cloud.poll(&ids).await;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0]["id"], other.as_str());
    assert_eq!(cloud.poll(&ids[..1]).await, [] as [Value; 0]);
    assert_eq!(single(&cloud, &job).await, 404);
    let afresh = create_once(&cloud, "once").await;
    assert_ne!(afresh, job);
    cloud.settle(&[afresh]).await;
    let (_, list) = cloud.get("/v1/resource/virtual-machines").await;
    assert_eq!(list["meta"]["total"], 3, "the machines stay");
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// What is under way while others are removed goes on as if nothing were.
#[tokio::test]
async fn a_job_under_way_is_left_alone() {
    let cloud = Process::start(&["--sim-speed", "0.05", "--clock", "manual"]);
    let old = create_once(&cloud, "old").await;
    cloud.advance(24 * HOUR).await;
    let ended = cloud.poll(std::slice::from_ref(&old)).await;
    assert_eq!(ended[0]["status"], "completed");
    // It ended two to three minutes after its start, as creates do here, and a sweep is at most ten
    // minutes off.
    let (mut removals, mut ids) = (0, vec![]);
    while removals == 0 {
        assert!(ids.len() < 14, "it is removed within ten minutes");
        ids.push(cloud.create("new").await.0);
        cloud.advance(60).await;
        removals += usize::from(cloud.poll(std::slice::from_ref(&old)).await.is_empty());
    }
    let newest = cloud.poll(&ids[ids.len() - 1..]).await;
    assert_eq!(newest[0]["status"], "in_progress", "{newest:?}");
    cloud.advance(HOUR).await;
    for job in cloud.settle(&ids).await {
        assert_eq!(job["status"], "completed", "{job}");
    }
    assert_eq!(cloud.verify().await, (vec![], vec![]));
}

/// An advance is over when all that was due is gone, in however many batches.
#[tokio::test]
async fn many_that_ended_together_go_in_one_advance() {
    let cloud = Process::start(&["--sim-speed", "0", "--clock", "manual"]);
    let mut body = create_body("many");
    body["numberOfInstances"] = json!(50);
    let mut ids = Vec::new();
    for _ in 0..4 {
        let (status, answer) = cloud.post("/v1/resource/virtual-machines", &body).await;
        assert_eq!(status, 202, "{answer}");
        let jobs = answer["data"].as_array().unwrap();
        ids.extend(jobs.iter().map(|job| text(&job["id"])));
    }
    cloud.settle(&ids).await;
    let store = cloud.data().join("cloudlet.db");
    cloud.advance(24 * HOUR).await;
    // One more is that of the default network.
    assert_eq!(world::size(&store).jobs, 201);
    cloud.advance(HOUR).await;
    assert_eq!(world::size(&store).jobs, 0);
    assert_eq!(cloud.poll(&ids).await, [] as [Value; 0]);

    // With nothing left it has stopped looking, and begins again by itself.
    cloud.advance(30 * 24 * HOUR).await;
    let ids = [cloud.create("again").await.0];
    cloud.settle(&ids).await;
    cloud.advance(24 * HOUR).await;
    assert_eq!(cloud.poll(&ids).await.len(), 1);
    cloud.advance(HOUR).await;
    assert_eq!(world::size(&store).jobs, 0);
}

/// What became due while no server ran goes when the next one starts.
#[tokio::test]
async fn what_was_due_while_nobody_ran_goes_at_the_next_start() {
    let mut cloud = Process::start(&["--sim-speed", "0", "--clock", "manual"]);
    let job = create_once(&cloud, "once").await;
    cloud.settle(std::slice::from_ref(&job)).await;
    assert!(cloud.terminate().0.success());
    world::set_clock_on(&cloud.data().join("cloudlet.db"), 25 * 3_600_000);
    cloud.restart();
    cloud.advance(0).await;
    assert_eq!(cloud.poll(&[job]).await, [] as [Value; 0]);
}

/// Three days of steady work: what the second day left is room enough for the third.
#[tokio::test]
async fn the_store_does_not_grow() {
    const MACHINES_AN_HOUR: usize = 3;
    let cloud = Process::start(&["--sim-speed", "0", "--clock", "manual"]);
    let store = cloud.data().join("cloudlet.db");
    let mut days = Vec::new();
    for hour in 1..=72 {
        let mut jobs = vec![create_once(&cloud, &format!("hour-{hour}")).await];
        for number in 1..MACHINES_AN_HOUR {
            jobs.push(cloud.create(&format!("m-{number}")).await.0);
        }
        let made = cloud.settle(&jobs).await;
        let mut deletes = Vec::new();
        for job in made {
            deletes.push(cloud.delete(&text(&job["resourceId"])).await);
        }
        cloud.settle(&deletes).await;
        cloud.advance(HOUR).await;
        if hour % 24 == 0 {
            days.push(world::size(&store));
        }
    }
    let a_day = 25 * MACHINES_AN_HOUR * 2;
    for day in &days {
        assert!(day.jobs <= a_day, "{days:?}");
        assert!(day.answers <= 25, "{days:?}");
    }
    assert!(days[2].jobs >= 24 * MACHINES_AN_HOUR * 2 - 6, "{days:?}");
    println!("{days:?}");
    assert!(days[2].pages <= days[1].pages + 5, "{days:?}");
}
