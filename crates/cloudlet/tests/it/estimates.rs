//! The time that is probably left: learned from earlier runs, shown with what is under way, and said as
//! `Retry-After`; and nothing else moves because of it.

use crate::process::{Process, create_body, text};
use api::Timestamp;
use serde_json::{Value, json};

const MACHINES: &str = "/v1/resource/virtual-machines";
const JOBS: &str = "/v1/resource/jobs";

fn moment(value: &Value) -> i64 {
    text(value).parse::<Timestamp>().unwrap().as_millis()
}

/// Accepts one machine; its job, and when to ask for it.
async fn create(cloud: &Process) -> (String, u64) {
    let (seconds, answer) = post(cloud, MACHINES, create_body("web")).await;
    (
        text(&answer["data"][0]["id"]),
        seconds.expect("a 202 says when to poll"),
    )
}

/// Posts; what `Retry-After` says, and the answer.
async fn post(cloud: &Process, path: &str, body: Value) -> (Option<u64>, Value) {
    let request = cloud.http.post(format!("{}{path}", cloud.url));
    let request = request.header("X-API-Key", crate::process::KEY).json(&body);
    let answer = request.send().await.unwrap();
    let seconds = answer.headers().get("retry-after");
    let seconds = seconds.map(|it| it.to_str().unwrap().parse().unwrap());
    (seconds, answer.json().await.unwrap())
}

/// Asks for a job, not waiting; what `Retry-After` says, the job and the cursor.
async fn poll(cloud: &Process, job: &str) -> (Option<u64>, Value, String) {
    let (seconds, answer) = post(cloud, JOBS, json!({ "jobIds": [job] })).await;
    let data = &answer["data"];
    (seconds, data["jobs"][0].clone(), text(&data["cursor"]))
}

/// Lets a job run to its end; how long its host worked on it.
async fn run(cloud: &Process, job: &str) -> i64 {
    cloud.advance(300).await;
    let (_, shown) = cloud.get(&format!("{JOBS}/{job}")).await;
    let shown = &shown["data"];
    assert_eq!(shown["status"], "completed", "{shown}");
    moment(&shown["completedAt"]) - moment(&shown["phases"][0]["startedAt"])
}

fn due(mean: i64) -> u64 {
    mean.unsigned_abs().div_ceil(4_000).clamp(1, 10)
}

#[tokio::test]
async fn what_is_left_is_learned_from_the_runs_before() {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let (first, after) = create(&cloud).await;
    assert_eq!(after, 2, "nothing is known yet");
    cloud.advance(2).await;
    let (after, shown, _) = poll(&cloud, &first).await;
    assert_eq!(shown["status"], "in_progress", "{shown}");
    assert_eq!(
        (
            after,
            &shown["timeRemaining"],
            &shown["estimatedCompletion"]
        ),
        (None, &json!(null), &json!(null))
    );
    let took = run(&cloud, &first).await;
    assert!(took > 1_000, "{took}");
    let (after, shown, _) = poll(&cloud, &first).await;
    assert_eq!(
        (after, &shown["timeRemaining"]),
        (None, &json!(null)),
        "it has ended"
    );

    let (second, after) = create(&cloud).await;
    assert_eq!(after, due(took));
    cloud.advance(2).await;
    let (after, shown, _) = poll(&cloud, &second).await;
    assert_eq!(shown["status"], "in_progress", "{shown}");
    let progress = shown["progress"].as_i64().unwrap();
    let (_, clock) = cloud.admin("GET", "/clock", None).await;
    let now = moment(&clock["data"]["now"]);
    let at = (moment(&shown["updatedAt"]) + took * (100 - progress) / 100).max(now);
    assert_eq!(moment(&shown["estimatedCompletion"]), at, "{shown}");
    let left = (at - now).unsigned_abs();
    assert_eq!(shown["timeRemaining"], json!(left.div_ceil(1_000)));
    assert_eq!(after, Some(left.div_ceil(4_000).clamp(1, 10)));
    let detail = cloud.get(&format!("{JOBS}/{second}")).await.1["data"].clone();
    let listed = cloud.get(JOBS).await.1["data"][0].clone();
    for other in [detail, listed] {
        assert_eq!(other["timeRemaining"], shown["timeRemaining"], "{other}");
    }
    let again = run(&cloud, &second).await;

    cloud.kill();
    cloud.restart();
    let (third, after) = create(&cloud).await;
    assert_eq!(
        after,
        due((took * 4 + again) / 5),
        "learned from what is stored"
    );
    run(&cloud, &third).await;
}

/// A job that stands still: only what is left of it falls, to nothing and not below.
#[tokio::test]
async fn nothing_else_moves_with_an_estimate() {
    let cloud = Process::start(&["--clock", "manual"]);
    let (first, _) = create(&cloud).await;
    run(&cloud, &first).await;
    cloud
        .fault(&json!({"operation": "vm.create", "kind": "stall", "atPercent": 50}))
        .await;
    let (job, _) = create(&cloud).await;
    cloud.advance(30).await;
    let (_, before, cursor) = poll(&cloud, &job).await;
    assert_eq!(before["status"], "in_progress", "{before}");
    // Long overdue.
    assert_eq!(before["timeRemaining"], 0, "{before}");
    let slow = json!({"operation": "vm.create", "kind": "slow", "factor": 3});
    cloud.fault(&slow).await;
    let (other, _) = create(&cloud).await;
    cloud.advance(60).await;
    let (_, ended, _) = poll(&cloud, &other).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let (after, mut now, same) = poll(&cloud, &job).await;
    assert_ne!(now["estimatedCompletion"], before["estimatedCompletion"]);
    assert_eq!((after, &same), (Some(1), &cursor), "the cursor stands");
    now["estimatedCompletion"] = before["estimatedCompletion"].clone();
    assert_eq!(now, before, "and so does all else");

    let waits = json!({"jobIds": [job], "since": cursor, "waitSeconds": 1});
    let (after, answer) = post(&cloud, JOBS, waits).await;
    assert_eq!(
        (after, &answer["data"]["cursor"]),
        (None, &json!(cursor)),
        "the wait is the pace"
    );
    cloud.advance(300).await;
    let (after, failed, _) = poll(&cloud, &job).await;
    assert_eq!((&failed["status"], after), (&json!("failed"), None));
    assert_eq!(failed["estimatedCompletion"], json!(null));
}

#[tokio::test]
async fn the_command_line_says_about_how_long_it_takes() {
    let cloud = Process::start(&["--clock", "manual"]);
    let (first, _) = create(&cloud).await;
    run(&cloud, &first).await;
    let (job, _) = create(&cloud).await;
    cloud.advance(1).await;
    let (_, shown, _) = poll(&cloud, &job).await;
    let output = cloud.command(&["job", "show", &job]).output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let left = format!("about {} s left", shown["timeRemaining"]);
    assert!(output.contains(&left), "{left} in\n{output}");
}
