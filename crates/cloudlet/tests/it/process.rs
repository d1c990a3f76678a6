//! The real binary as a child process: started, asked, killed, started again on the same data.

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// The first data centre of the default catalogue.
pub(crate) const DATA_CENTER: &str = "6f1c0e5e-0000-4000-8000-000000000001";
/// The first tenant's key.
pub(crate) const KEY: &str = "gpcn_test0000000000000000000000000001";
/// The operator's key.
pub(crate) const ADMIN_KEY: &str = "gpcn_admin000000000000000000000000001";
/// How long anything may take before a test gives up on it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A data directory and the server that runs on it.
pub(crate) struct Process {
    directory: tempfile::TempDir,
    flags: Vec<String>,
    wrapper: Vec<String>,
    child: Option<Child>,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
}

impl Process {
    /// Starts a server with these flags on a new data directory. Tests poll faster than clients may:
    /// nobody is limited, unless the flags say `--rate-limit on`.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_under(&[], flags)
    }

    /// The same under another program, e.g. strace.
    pub(crate) fn start_under(wrapper: &[&str], flags: &[&str]) -> Self {
        let mut process = Self {
            directory: tempfile::tempdir().unwrap(),
            flags: flags.iter().map(ToString::to_string).collect(),
            wrapper: wrapper.iter().map(ToString::to_string).collect(),
            child: None,
            url: String::new(),
            http: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .unwrap(),
        };
        process.restart();
        process
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A command of the binary, with the profile and keys of this server and nothing of the user's.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudlet"));
        self.dress(&mut command);
        command.args(arguments).env("CLOUDLET_URL", &self.url);
        command
            .env("CLOUDLET_API_KEY", KEY)
            .env("CLOUDLET_ADMIN_KEY", ADMIN_KEY);
        command
    }

    fn dress(&self, command: &mut Command) {
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CLOUDLET_")) {
            command.env_remove(name);
        }
        command.env(
            "CLOUDLET_PROFILE",
            self.directory.path().join("profile.toml"),
        );
        command.env("XDG_STATE_HOME", self.directory.path().join("state"));
    }

    /// Starts the server again on the same data; returns once it answers.
    pub(crate) fn restart(&mut self) {
        assert!(self.child.is_none(), "the server runs already");
        let binary = env!("CARGO_BIN_EXE_cloudlet");
        let mut words = self.wrapper.clone();
        words.push(binary.to_owned());
        let mut command = Command::new(&words[0]);
        self.dress(&mut command);
        command
            .args(&words[1..])
            .args(["serve", "--listen", "127.0.0.1:0", "--data"]);
        command.arg(self.data()).args(&self.flags);
        if !self.flags.iter().any(|flag| flag == "--rate-limit") {
            command.args(["--rate-limit", "off"]);
        }
        command
            .env("CLOUDLET_BOOTSTRAP_API_KEY", KEY)
            .env("CLOUDLET_BOOTSTRAP_ADMIN_KEY", ADMIN_KEY);
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.directory.path().join("log"))
            .unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let Some(url) = line.trim().strip_prefix("cloudlet listening on ") else {
            panic!("the server did not start: {line:?}\n{}", self.log());
        };
        self.url = url.to_owned();
        self.child = Some(child);
    }

    /// What the server has written to stderr.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// SIGKILL, and reaped.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().expect("the server runs");
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// SIGTERM; returns the exit status and how long it took.
    pub(crate) fn terminate(&mut self) -> (std::process::ExitStatus, Duration) {
        let mut child = self.child.take().expect("the server runs");
        let begun = Instant::now();
        let status = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        (child.wait().unwrap(), begun.elapsed())
    }

    /// A request with the tenant's key; `None` if the server did not answer.
    pub(crate) async fn try_request(
        &self,
        method: &str,
        path: &str,
        key: &str,
        body: Option<&Value>,
    ) -> Option<(u16, Value)> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.url))
            .header("X-API-Key", key);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let text = answer.text().await.ok()?;
        Some((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub(crate) async fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        self.try_request(method, path, KEY, body)
            .await
            .expect("the server answers")
    }

    pub(crate) async fn admin(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> (u16, Value) {
        self.try_request(method, &format!("/admin/v1{path}"), ADMIN_KEY, body)
            .await
            .expect("the server answers")
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.request("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.request("POST", path, Some(body)).await
    }

    /// Waits until so many requests are being answered, beside the one that asks.
    pub(crate) async fn answers_at_once(&self, requests: u64) {
        let wanted = format!("cloudlet_http_requests_in_flight {}", requests + 1);
        let begun = Instant::now();
        loop {
            let answer = self.http.get(format!("{}/metrics", self.url)).send();
            let text = answer.await.unwrap().text().await.unwrap();
            if text.lines().any(|line| line == wanted) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "never {wanted}: {text}");
            pause().await;
        }
    }

    /// Accepts one machine; returns its job's id and its own.
    pub(crate) async fn create(&self, name: &str) -> (String, String) {
        let (status, answer) = self
            .post("/v1/resource/virtual-machines", &create_body(name))
            .await;
        assert_eq!(status, 202, "{answer}");
        let job = &answer["data"][0];
        (text(&job["id"]), text(&job["targetId"]))
    }

    /// Accepts a delete; returns its job's id.
    pub(crate) async fn delete(&self, machine: &str) -> String {
        let (status, answer) = self
            .request(
                "DELETE",
                &format!("/v1/resource/virtual-machines/{machine}"),
                None,
            )
            .await;
        assert_eq!(status, 202, "{answer}");
        text(&answer["data"]["id"])
    }

    /// The jobs as they are now, in the order asked for.
    pub(crate) async fn poll(&self, ids: &[String]) -> Vec<Value> {
        let mut jobs = Vec::new();
        for chunk in ids.chunks(50) {
            let (status, answer) = self
                .post("/v1/resource/jobs", &json!({ "jobIds": chunk }))
                .await;
            assert_eq!(status, 200, "{answer}");
            jobs.extend(answer["data"]["jobs"].as_array().unwrap().iter().cloned());
        }
        jobs
    }

    /// Polls until every job has ended.
    pub(crate) async fn settle(&self, ids: &[String]) -> Vec<Value> {
        let begun = Instant::now();
        loop {
            let jobs = self.poll(ids).await;
            assert_eq!(
                jobs.len(),
                ids.len(),
                "a job that was acknowledged is not there"
            );
            if jobs.iter().all(is_final) {
                return jobs;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "these jobs do not end: {jobs:#?}\n{}",
                self.log()
            );
            pause().await;
        }
    }

    /// Moves the manual clock.
    pub(crate) async fn advance(&self, seconds: u64) {
        let (status, answer) = self
            .admin(
                "POST",
                "/clock",
                Some(&json!({ "advanceSeconds": seconds })),
            )
            .await;
        assert_eq!(status, 200, "{answer}");
    }

    /// What verify finds: differences and what is pending.
    pub(crate) async fn verify(&self) -> (Vec<Value>, Vec<Value>) {
        let (status, answer) = self.admin("GET", "/verify", None).await;
        assert_eq!(status, 200, "{answer}");
        let list = |name: &str| answer["data"][name].as_array().unwrap().clone();
        (list("differences"), list("pending"))
    }

    /// Waits until nothing is unsettled any more.
    pub(crate) async fn at_rest(&self) {
        for _ in 0..2_000 {
            if self.verify().await.1.is_empty() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        panic!("it never came to rest");
    }

    pub(crate) async fn fault(&self, fault: &Value) -> String {
        let (status, answer) = self.admin("POST", "/faults", Some(fault)).await;
        assert_eq!(status, 201, "{answer}");
        text(&answer["data"]["id"])
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Under a wrapper the child is the wrapper; it hands the signal on or its tracee goes with it.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// What a poll's pace is in these tests: the server is on this machine.
pub(crate) async fn pause() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

pub(crate) fn create_body(name: &str) -> Value {
    json!({ "name": name, "datacenterId": DATA_CENTER, "imageId": 12, "configurationId": 45 })
}

pub(crate) fn is_final(job: &Value) -> bool {
    matches!(job["status"].as_str(), Some("completed" | "failed"))
}

pub(crate) fn text(value: &Value) -> String {
    value
        .as_str()
        .unwrap_or_else(|| panic!("a string, not {value}"))
        .to_owned()
}
