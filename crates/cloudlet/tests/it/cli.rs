//! The command line as its users meet it: the real binary, in a pipe, against a fake server.
#![allow(clippy::unwrap_used)] // Helpers of tests, which clippy does not know as such.

use axum::{
    Json, Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
    routing::{delete, get, post},
};
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Command, Output, Stdio},
    sync::{Arc, Mutex},
};
use uuid::Uuid;

/// What the fake knows: each job's name and how often it was polled; each key that was shown.
#[derive(Default)]
struct World {
    jobs: HashMap<String, (String, u64)>,
    keys: Vec<String>,
}

type Fake = Arc<Mutex<World>>;

/// A job of the fake: `bad…` fails, `slow…` never ends, others are done at the third poll.
fn job(id: &str, name: &str, polls: u64) -> Value {
    let (status, stage) = match polls {
        0 => ("pending", "queued"),
        3.. if name.starts_with("bad") => ("failed", "failed"),
        3.. if !name.starts_with("slow") => ("completed", "completed"),
        _ => ("in_progress", "boot"),
    };
    let (done, failed) = (status == "completed", status == "failed");
    let error = failed.then_some("Quota exceeded for vCPUs: asked 4, in use 14, limit 16.");
    let ended = (done || failed).then_some("2026-03-01T09:00:09.412Z");
    let progress = if done { 100 } else { polls.min(3) * 25 };
    json!({
        "id": id, "jobId": id, "status": status, "progress": progress,
        "progressPercentage": progress, "resourceType": "vm", "resourceId": done.then_some(id),
        "resourceName": name, "resourceDisplayName": name, "operation": "create",
        "kind": "vm.create", "stage": stage, "message": "", "error": error,
        "errorMessage": error, "errorCode": failed.then_some("QUOTA_EXCEEDED"),
        "isCompleted": done, "hasFailed": failed, "canRetry": false,
        "estimatedCompletion": null, "timeRemaining": null,
        "createdAt": "2026-03-01T09:00:00.000Z", "updatedAt": "2026-03-01T09:00:00.000Z",
        "completedAt": ended, "targetId": id, "result": null,
    })
}

type Answer = (StatusCode, [(&'static str, &'static str); 1], Json<Value>);

/// A success that asks to be polled again at once.
fn answer(status: StatusCode, data: &Value) -> Answer {
    let body = json!({"success": true, "message": "", "data": data});
    (status, [("Retry-After", "0")], Json(body))
}

async fn create(State(fake): State<Fake>, Json(body): Json<Value>) -> Answer {
    let name = body["name"].as_str().unwrap();
    let names = match body["numberOfInstances"].as_i64() {
        None => vec![name.to_owned()],
        Some(count) => (1..=count).map(|n| format!("{name}-{n}")).collect(),
    };
    let mut world = fake.lock().unwrap();
    let jobs: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let id = Uuid::new_v4().to_string();
            let job = job(&id, &name, 0);
            world.jobs.insert(id, (name, 0));
            job
        })
        .collect();
    answer(StatusCode::ACCEPTED, &json!(jobs))
}

async fn poll(State(fake): State<Fake>, Json(body): Json<Value>) -> Answer {
    let ids: Vec<String> = serde_json::from_value(body["jobIds"].clone()).unwrap();
    let mut world = fake.lock().unwrap();
    let jobs: Vec<Value> = ids
        .iter()
        .filter_map(|id| {
            let (name, polls) = world.jobs.get_mut(id)?;
            *polls += 1;
            Some(job(id, name, *polls))
        })
        .collect();
    answer(StatusCode::OK, &json!({ "jobs": jobs }))
}

async fn list() -> Answer {
    let place = json!({"id": Uuid::nil(), "name": "Lab A", "region": "East", "country": "US"});
    let rows = ["web-1", "web-2", "db", "db"]
        .iter()
        .enumerate()
        .map(|(n, name)| {
            json!({
                "id": Uuid::from_u128(n as u128 + 1), "name": name, "status": "Running",
                "createdAt": "2026-03-01T09:00:00.000Z", "updatedAt": "2026-03-01T09:00:00.000Z",
                "configuration": {"cpu": 2, "ram": 4, "disk": 40}, "datacenter": place,
                "imageName": "Debian 12.x", "primaryPrivateIp": null, "primaryPublicIp": null,
            })
        });
    answer(StatusCode::OK, &json!(rows.collect::<Vec<_>>()))
}

async fn data_centers() -> Answer {
    let row = json!({
        "id": Uuid::from_u128(7), "name": "Lab A", "regionId": 3, "regionName": "East",
        "countryId": 1, "countryName": "United States", "countryAbbreviation": "US",
    });
    answer(StatusCode::OK, &json!([row]))
}

async fn busy(Path(_): Path<String>) -> (StatusCode, Json<Value>) {
    let body = json!({
        "success": false, "error": "RESOURCE_BUSY", "message": "web-1 is being created.",
        "details": {"jobId": Uuid::nil()},
    });
    (StatusCode::CONFLICT, Json(body))
}

/// Those named `db` are in the way of nothing and yet refused.
async fn remove(State(fake): State<Fake>, Path(id): Path<Uuid>) -> Response {
    if id.as_u128() > 2 {
        return busy(Path(String::new())).await.into_response();
    }
    let name = format!("web-{}", id.as_u128());
    let id = id.to_string();
    let job = job(&id, &name, 0);
    fake.lock().unwrap().jobs.insert(id, (name, 0));
    answer(StatusCode::ACCEPTED, &job).into_response()
}

async fn faults(State(fake): State<Fake>, headers: HeaderMap) -> StatusCode {
    let key = headers["x-api-key"].to_str().unwrap().to_owned();
    fake.lock().unwrap().keys.push(key);
    StatusCode::NO_CONTENT
}

/// A fake server, and a profile that points to it.
struct Lab {
    fake: Fake,
    profile: tempfile::NamedTempFile,
}

impl Lab {
    async fn new() -> Self {
        let fake = Fake::default();
        let app = Router::new()
            .route("/v1/resource/virtual-machines", post(create).get(list))
            .route("/v1/resource/virtual-machines/{id}/stop", post(busy))
            .route("/v1/resource/virtual-machines/{id}", delete(remove))
            .route("/v1/resource/jobs", post(poll))
            .route("/v1/resource/data-centers", get(data_centers))
            .route("/admin/v1/faults", delete(faults))
            .with_state(Arc::clone(&fake));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let profile = tempfile::NamedTempFile::new().unwrap();
        let text = format!("url = '{url}'\napi_key = 'gpcn_t'\nadmin_key = 'gpcn_profile'\n");
        std::fs::write(&profile, text).unwrap();
        Self { fake, profile }
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudlet"));
        command
            .env_clear()
            .env("CLOUDLET_PROFILE", self.profile.path());
        command.args(line.split_whitespace()).stdin(Stdio::null());
        command
    }

    async fn run(&self, line: &str) -> Said {
        run(self.command(line)).await
    }
}

/// What a command said.
#[derive(Debug)]
struct Said {
    status: i32,
    out: String,
    err: String,
}

async fn run(mut command: Command) -> Said {
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = ran.await.unwrap();
    Said {
        status: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

#[tokio::test]
async fn a_create_in_a_pipe_says_first_and_last_and_the_result_alone_on_stdout() {
    let lab = Lab::new().await;
    let said = lab.run("vm create web-1").await;
    assert_eq!(said.status, 0, "{said:?}");
    let lines: Vec<&str> = said.err.lines().collect();
    assert_eq!(
        lines,
        [
            "web-1  waiting in line  0 %",
            "web-1  completed in 9.4 s",
            "Next: cloudlet vm show web-1"
        ]
    );
    assert!(
        said.out.starts_with("Created web-1 (") && said.out.lines().count() == 1,
        "{said:?}"
    );
    let said = lab.run("vm create web-1 --quiet").await;
    assert!(
        said.out.trim().parse::<Uuid>().is_ok() && said.err.is_empty(),
        "{said:?}"
    );
}

#[tokio::test]
async fn json_is_the_final_jobs_and_nothing_else() {
    let lab = Lab::new().await;
    let said = lab.run("vm create web --count 3 --output json").await;
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{said:?}");
    let jobs: Vec<Value> = serde_json::from_str(&said.out).unwrap();
    let names: Vec<&str> = jobs
        .iter()
        .map(|job| job["resourceName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["web-1", "web-2", "web-3"]);
    assert!(jobs.iter().all(|job| job["status"] == "completed"));
}

#[tokio::test]
async fn a_failed_job_exits_3_with_its_reason() {
    let lab = Lab::new().await;
    let said = lab.run("vm create bad").await;
    assert_eq!(said.status, 3, "{said:?}");
    assert!(
        said.err
            .contains("error: bad was not created: Quota exceeded"),
        "{said:?}"
    );
    assert!(said.err.contains("cloudlet job show "), "{said:?}");
    assert_eq!(said.out, "");
}

#[tokio::test]
async fn time_up_exits_4_and_names_the_command_that_goes_on() {
    let lab = Lab::new().await;
    let said = lab.run("vm create slow --timeout 0").await;
    assert_eq!(said.status, 4, "{said:?}");
    let (_, id) = said
        .err
        .split_once("Go on with: cloudlet job wait ")
        .unwrap();
    let said = lab
        .run(&format!("job wait {} --timeout 0", id.trim()))
        .await;
    assert_eq!(said.status, 4, "{said:?}");
}

#[tokio::test]
async fn an_interrupt_leaves_the_job_running_and_says_how_to_go_on() {
    let lab = Lab::new().await;
    let mut command = lab.command("vm create slow");
    let ended = tokio::task::spawn_blocking(move || {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let first = lines.next().unwrap().unwrap();
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        let rest: Vec<String> = lines.map_while(Result::ok).collect();
        (child.wait().unwrap(), first, rest)
    });
    let (status, first, rest) = ended.await.unwrap();
    assert_eq!(first, "slow  waiting in line  0 %");
    assert_eq!(status.code(), Some(4), "{rest:?}");
    assert!(
        rest.concat()
            .contains("Left running. Go on with: cloudlet job wait "),
        "{rest:?}"
    );
}

#[tokio::test]
async fn submit_now_and_wait_later() {
    let lab = Lab::new().await;
    let said = lab.run("vm create web --count 2 --no-wait").await;
    let ids: Vec<&str> = said.out.lines().collect();
    assert_eq!((said.status, ids.len()), (0, 2), "{said:?}");
    let said = lab.run(&format!("job wait {} {}", ids[0], ids[1])).await;
    assert_eq!((said.status, said.out.lines().count()), (0, 2), "{said:?}");
    let said = lab.run(&format!("job wait {}", Uuid::new_v4())).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.err.contains("no job has the id"), "{said:?}");
}

#[tokio::test]
async fn several_are_deleted_at_once_and_none_if_one_is_mistyped() {
    let lab = Lab::new().await;
    let said = lab.run("vm delete web-1 web-2 web-1").await;
    assert_eq!((said.status, said.out.lines().count()), (0, 2), "{said:?}");
    assert_eq!(lab.fake.lock().unwrap().jobs.len(), 2);

    let lab = Lab::new().await;
    let said = lab.run("vm delete web-1 wbe-2").await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        lab.fake.lock().unwrap().jobs.is_empty(),
        "nothing is deleted"
    );

    let busy = Uuid::from_u128(3);
    let said = lab.run(&format!("vm delete {busy} web-2")).await;
    assert_eq!((said.status, said.out.lines().count()), (1, 1), "{said:?}");
    let says = format!("{busy} is not deleted: web-1 is being created.");
    assert!(said.err.contains(&says), "{said:?}");
    assert_eq!(lab.run("vm delete").await.status, 2);
}

#[tokio::test]
async fn names_are_resolved_and_near_misses_helped() {
    let lab = Lab::new().await;
    for (line, says) in [
        ("vm delete wbe-1", "did you mean 'web-1'?"),
        ("vm show db", "'db' is the name of 2 machines; give the id:"),
        ("vm create x --data-center 'Lab'", "There are: Lab A"),
        ("vm stop web-1", "In the way: cloudlet job wait 00000000-"),
    ] {
        let said = lab.run(line).await;
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.err.contains(says), "{line}: {said:?}");
    }
    let said = lab.run("vm list").await;
    let header: Vec<&str> = said
        .out
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(header[..2], ["NAME", "STATUS"]);
    assert!(
        said.out.contains("2026-03-01T09:00:00.000Z"),
        "in a pipe: RFC 3339: {said:?}"
    );
    assert!(!said.out.contains('\x1b'));
}

#[tokio::test]
async fn a_data_centre_is_named_in_any_case() {
    let lab = Lab::new().await;
    let mut command = lab.command("vm create web-1 --no-wait --data-center");
    let said = run({
        command.arg("lab a");
        command
    })
    .await;
    assert_eq!(said.status, 0, "{said:?}");
}

#[tokio::test]
async fn a_list_fits_80_columns_and_says_more_when_asked() {
    let lab = Lab::new().await;
    let said = lab.run("vm list").await;
    assert!(!said.out.contains("00000001"), "{said:?}");
    let widest = said.out.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{said:?}");
    let said = lab.run("vm list --output wide").await;
    assert!(said.out.contains("-000000000001"), "{said:?}");
    assert!(said.out.contains("  IP"), "{said:?}");
}

#[tokio::test]
async fn help_is_a_word_too() {
    let lab = Lab::new().await;
    for (word, flag) in [
        ("help", "--help"),
        ("help vm create", "vm create --help"),
        ("help admin fault", "admin fault --help"),
    ] {
        let (word, flag) = (lab.run(word).await, lab.run(flag).await);
        assert_eq!((word.status, word.err.as_str()), (0, ""), "{word:?}");
        assert_eq!(word.out, flag.out);
    }
    assert_eq!(lab.run("help nothing").await.status, 2);
}

#[tokio::test]
async fn wrong_words_are_answered_in_words() {
    let lab = Lab::new().await;
    for (line, says) in [
        ("serve --sim-speed fast", "that is not a number"),
        ("serve --sim-seed x", "that is not a number"),
        ("serve --sim-seed 1.5", "that is not a whole number"),
        ("job show 0193", "a job's id looks like 0193"),
        ("admin fault delete x", "a fault's id looks like 0193"),
        ("vm create x --timeout soon", "that is not a number"),
        ("admin clock advance x", "that is not a number"),
        (
            "vm rename web-1",
            "Usage: cloudlet vm rename [OPTIONS] <VM> <NAME>\n",
        ),
    ] {
        let mut command = lab.command(line);
        command
            .env("CLOUDLET_URL", "127.0.0.1:1")
            .env("CLOUDLET_API_KEY", "gpcn_t");
        let said = run(command).await;
        assert_eq!(said.status, 2, "{said:?}");
        assert!(said.err.contains(says), "{line}: {said:?}");
    }
}

#[tokio::test]
async fn the_operators_key_is_the_environments_else_the_profiles() {
    let lab = Lab::new().await;
    assert_eq!(lab.run("admin fault clear").await.status, 0);
    let mut command = lab.command("admin fault clear");
    command.env("CLOUDLET_ADMIN_KEY", "gpcn_env");
    assert_eq!(run(command).await.status, 0);
    assert_eq!(lab.fake.lock().unwrap().keys, ["gpcn_profile", "gpcn_env"]);
}

#[tokio::test]
async fn usage_is_2_and_a_server_that_is_not_there_is_1() {
    let lab = Lab::new().await;
    for line in [
        "vm create",
        "vm create x --count 51",
        "vm list --url https://cloud.example",
        "admin quota set acme",
        "serve --accel kvm",
        "serve --clock sometimes",
    ] {
        let said = lab.run(line).await;
        assert_eq!(
            (said.status, said.out.as_str()),
            (2, ""),
            "{line}: {said:?}"
        );
    }
    let mut command = lab.command("vm list");
    command.env("CLOUDLET_PROFILE", "/nonexistent/profile.toml");
    let said = run(command).await;
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.err.contains("no API key: set CLOUDLET_API_KEY"),
        "{said:?}"
    );

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let said = lab.run(&format!("vm list --url http://{free}")).await;
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.err.contains("start it with: cloudlet serve"),
        "{said:?}"
    );
}

#[tokio::test]
async fn the_environment_wins_over_the_servers_file() {
    let lab = Lab::new().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "sim_speed = 2\n").unwrap();
    let mut command = lab.command("serve");
    command
        .env("CLOUDLET_CONFIG", file.path())
        .env("CLOUDLET_SIM_SPEED", "-3");
    let said = run(command).await;
    assert_eq!(said.status, 2, "{said:?}");
    assert!(said.err.contains("--sim-speed: -3 is no speed"), "{said:?}");
}
