//! What creates carry (keys, user data, a password) is in no answer, log line or file ten seconds after
//! the job ended, however it ended; and what is taken for it at all.

use crate::{
    cloud::{NOTHING, TestCloud},
    process::{ADMIN_KEY, DATA_CENTER, KEY, PATIENCE, Process, create_body, is_final, pause, text},
};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

const MACHINES: &str = "/v1/resource/virtual-machines";
const GPUS: &str = "/v1/resource/gpu";
const KEYS: &str = "/v1/resource/ssh-keys";
/// A key without a comment: algorithm and data.
const PUBLIC: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIMANnN+uSIO69pCYufcv1HlY+pcqv1aRjgOxGCc/dPDE";
/// In every secret of these tests, and nowhere else.
const MARK: &str = "Hidden7-Mark";
/// How long after its job's end a secret may be found.
const WIPED_WITHIN: Duration = Duration::from_secs(10);

/// A create that carries a marked secret in every field, user data of some pages among them.
fn carrying(name: &str) -> Value {
    let mut body = create_body(name);
    body["authMethod"] = json!("custom");
    body["username"] = json!("deploy");
    body["password"] = json!(format!("{MARK}-password"));
    body["sshPublicKeys"] = json!([
        format!("{PUBLIC} {MARK}-comment-{name}"),
        format!("{PUBLIC} {MARK}-second-{name}")
    ]);
    let line = format!("# {MARK}-data-{name}\n");
    body["userData"] = json!(line.repeat(40_000 / line.len()));
    body
}

fn with_gpu(name: &str) -> Value {
    let mut body = carrying(name);
    let fields = body.as_object_mut().unwrap();
    for field in ["authMethod", "password", "imageId", "configurationId"] {
        fields.remove(field);
    }
    body["seriesId"] = json!(1);
    body["gpuCount"] = json!(1);
    body
}

/// A server whose answers are all kept.
struct Witness {
    server: Process,
    answers: Vec<String>,
}

impl Witness {
    async fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let (status, answer) = self.server.request(method, path, body).await;
        self.answers.push(answer.to_string());
        (status, answer)
    }

    /// Accepts creates; returns their jobs and machines.
    async fn create(&mut self, path: &str, body: &Value) -> Vec<(String, String)> {
        let (status, answer) = self.ask("POST", path, Some(body)).await;
        assert_eq!(status, 202, "{answer}");
        let jobs = answer["data"].as_array().unwrap().iter();
        jobs.map(|job| (text(&job["id"]), text(&job["targetId"])))
            .collect()
    }

    /// Looks at a job and its machine in every way that there is.
    async fn look(&mut self, job: &str, machine: &str) -> Value {
        for path in [
            format!("{MACHINES}/{machine}"),
            format!("{GPUS}/{machine}"),
            MACHINES.to_owned(),
            "/v1/resource/jobs".to_owned(),
        ] {
            self.ask("GET", &path, None).await;
        }
        let path = format!("/v1/resource/jobs/{job}");
        self.ask("GET", &path, None).await.1["data"].clone()
    }

    /// Waits for an end, looking all the time.
    async fn end(&mut self, (job, machine): &(String, String)) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.look(job, machine).await;
            if is_final(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end: {seen}");
            pause().await;
        }
    }

    async fn stage(&mut self, (job, machine): &(String, String), stage: &str) {
        while self.look(job, machine).await["stage"] != stage {
            pause().await;
        }
    }

    /// Nothing of it is anywhere, now or soon.
    async fn is_wiped(&self, ended: Instant) {
        loop {
            let found = places(&self.server.data());
            if found.is_empty() {
                break;
            }
            assert!(ended.elapsed() < WIPED_WITHIN, "still in {found:?}");
            pause().await;
        }
        for said in self.answers.iter().chain([&self.server.log()]) {
            for hidden in [MARK, KEY, ADMIN_KEY] {
                assert!(!said.contains(hidden), "{hidden} in {said}");
            }
        }
    }
}

/// The files that hold something that they must not.
fn places(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(places(&path));
            continue;
        }
        // One that is gone meanwhile holds nothing.
        let bytes = fs::read(&path).unwrap_or_default();
        if [MARK, KEY, ADMIN_KEY].iter().any(|it| holds(&bytes, it)) {
            found.push(path);
        }
    }
    found
}

fn holds(bytes: &[u8], hidden: &str) -> bool {
    let hidden = hidden.as_bytes();
    let starts = bytes.iter().enumerate().filter(|(_, it)| **it == hidden[0]);
    starts
        .map(|(at, _)| at)
        .any(|at| bytes[at..].starts_with(hidden))
}

/// Completed, failed, cancelled, deleted, refused and killed: nothing is left of any.
#[tokio::test]
async fn nothing_of_a_secret_is_left_ten_seconds_after_its_job_however_that_ended() {
    let mut cloud = Witness {
        server: Process::start(&["--sim-speed", "4"]),
        answers: Vec::new(),
    };
    let fault = json!({ "operation": "vm.create", "kind": "fail", "atPhase": "ready", "times": 1 });
    cloud.server.fault(&fault).await;
    let failing = cloud.create(MACHINES, &carrying("fails")).await.remove(0);
    assert!(
        !places(&cloud.server.data()).is_empty(),
        "it is kept till then"
    );
    let failed = cloud.end(&failing).await;
    assert_eq!(failed["status"], "failed", "{failed}");

    let mut several = carrying("several");
    several["numberOfInstances"] = json!(3);
    let mut ending = cloud.create(MACHINES, &several).await;
    ending.extend(cloud.create(GPUS, &with_gpu("gpu")).await);
    let cancelled = cloud.create(MACHINES, &carrying("cancelled")).await;
    cloud.stage(&cancelled[0], "disk").await;
    let cancel = format!("/v1/resource/jobs/{}/cancel", cancelled[0].0);
    assert_eq!(cloud.ask("POST", &cancel, None).await.0, 200);
    let deleted = cloud.create(MACHINES, &carrying("deleted")).await;
    let machine = format!("{MACHINES}/{}", deleted[0].1);
    assert_eq!(cloud.ask("DELETE", &machine, None).await.0, 202);
    ending.extend(cancelled.into_iter().chain(deleted));
    let mut words = Vec::new();
    for one in &ending {
        let ended = cloud.end(one).await;
        words.push(format!("{} {}", ended["status"], ended["errorCode"]));
    }
    let (done, gone) = ("\"completed\" null", "\"failed\" \"CANCELLED\"");
    assert_eq!(words, [done, done, done, done, gone, gone]);
    cloud.is_wiped(Instant::now()).await;
    assert_eq!(cloud.server.verify().await.0, Vec::<Value>::new());
}

/// Refused by a quota when its turn comes: it never began, and nothing is left.
#[tokio::test]
async fn nothing_of_a_secret_is_left_of_a_job_that_was_refused() {
    let mut cloud = Witness {
        server: Process::start(&["--sim-speed", "4"]),
        answers: Vec::new(),
    };
    let (_, tenants) = cloud.server.admin("GET", "/tenants", None).await;
    let path = format!("/tenants/{}/quotas", text(&tenants["data"][0]["id"]));
    let none = json!({ "virtualMachines": 0 });
    assert_eq!(cloud.server.admin("PUT", &path, Some(&none)).await.0, 200);
    let refused = cloud.create(MACHINES, &carrying("refused")).await.remove(0);
    let refused = cloud.end(&refused).await;
    assert_eq!(refused["errorCode"], "QUOTA_EXCEEDED", "{refused}");
    cloud.is_wiped(Instant::now()).await;
}

/// Killed while it works, and again as soon as the job has ended: the machine gets what its create
/// carried, and nothing is left.
#[tokio::test]
async fn a_secret_outlives_a_kill_and_not_its_job() {
    let mut cloud = Witness {
        server: Process::start(&["--sim-speed", "4"]),
        answers: Vec::new(),
    };
    let killed = cloud.create(MACHINES, &carrying("killed")).await.remove(0);
    cloud.stage(&killed, "disk").await;
    cloud.server.kill();
    assert!(!places(&cloud.server.data()).is_empty(), "it is needed yet");
    cloud.server.restart();
    let ended = cloud.end(&killed).await;
    assert_eq!(ended["status"], "completed", "{ended}");
    let at = Instant::now();
    cloud.server.kill();
    cloud.server.restart();
    cloud.is_wiped(at).await;
    let path = format!("{MACHINES}/{}", killed.1);
    let machine = cloud.ask("GET", &path, None).await.1;
    assert_eq!(machine["data"]["username"], "deploy");
}

#[tokio::test]
async fn what_is_wrong_is_named_and_not_shown() {
    let cloud = TestCloud::start().await;
    let long = format!("{MARK}{}", "x".repeat(65_536));
    let line = json!(format!("{PUBLIC} {MARK}"));
    for (field, value, named) in [
        ("password", json!(format!("{MARK}-only")), "password"),
        ("password", json!(123_456_789_012_i64), "password"),
        ("userData", json!(long), "userData"),
        ("userData", json!({ "a": MARK }), "userData"),
        ("sshPublicKeys", json!(MARK), "sshPublicKeys"),
        ("sshPublicKeys", json!([line, MARK]), "sshPublicKeys[1]"),
        ("sshPublicKeys", json!(vec![line; 17]), "sshPublicKeys"),
        ("username", json!("Root"), "username"),
        ("authMethod", json!("none"), "authMethod"),
        ("authMethod", json!("password"), "password"),
        ("authMethod", json!("ssh-key"), "sshKeyId"),
        ("sshKeyId", json!(NOTHING), "sshKeyId"),
        ("sshKeyId", json!("x"), "sshKeyId"),
    ] {
        let mut body = create_body("wrong");
        body[field] = value;
        let answer = cloud.post(MACHINES, body).await;
        answer.names(named);
        for hidden in [MARK, "123456789"] {
            assert!(!answer.json.to_string().contains(hidden), "{}", answer.json);
        }
    }
    assert_eq!(cloud.get(MACHINES).await.json["meta"]["total"], 0);
}

/// A stored key is shown with the machine and stays stored; a repeat is answered as before, also once
/// the key is gone; another tenant's key is like one that never was.
#[tokio::test]
async fn a_stored_key_that_a_create_names_stays_stored() {
    let cloud = TestCloud::start().await;
    let key = json!({ "name": "laptop", "type": "upload", "publicKey": PUBLIC });
    let made = cloud.post(KEYS, key).await;
    let id = text(&made.json["data"]["id"]);
    let mut body = create_body("with-key");
    body["authMethod"] = json!("ssh-key");
    body["sshKeyId"] = json!(id);
    let create = |key: &str| {
        let request = cloud.request(Method::POST, MACHINES).json(&body);
        crate::cloud::send(request.header("Idempotency-Key", key))
    };
    let accepted = create("once").await;
    assert_eq!(accepted.status, 202, "{}", accepted.json);
    let machine = text(&accepted.json["data"][0]["targetId"]);
    let shown = cloud.get(&format!("{MACHINES}/{machine}")).await.json["data"].clone();
    assert_eq!(
        (&shown["sshKeyId"], &shown["sshKeyName"], &shown["username"]),
        (&json!(id), &json!("laptop"), &json!("debian"))
    );
    let theirs = cloud.anonymous(Method::POST, MACHINES).json(&body);
    let theirs = theirs.header("X-API-Key", &cloud.other_key);
    crate::cloud::send(theirs).await.names("sshKeyId");

    let path = format!("{KEYS}/{id}");
    assert_eq!(cloud.get(&path).await.status, 200);
    assert_eq!(cloud.delete(&path).await.status, 204);
    let again = create("once").await;
    assert_eq!(again.json["data"][0]["id"], accepted.json["data"][0]["id"]);
    create("twice").await.names("sshKeyId");
    let plain = cloud.post(MACHINES, create_body("plain")).await;
    let machine = text(&plain.json["data"][0]["targetId"]);
    let shown = cloud.get(&format!("{MACHINES}/{machine}")).await.json["data"].clone();
    assert_eq!(shown["sshKeyId"], Value::Null);
    assert_eq!(text(&shown["datacenter"]["id"]), DATA_CENTER);
}
