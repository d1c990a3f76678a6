//! The figures of `./dev bench` about real machines: what Cloudlet adds to launching the same command
//! line by hand, in the same run, since machines and moments differ.
//!
//! "Up" is when QEMU's monitor has answered and the guest was let run, "ready" when the guest has said so
//! on its console.

#![allow(clippy::print_stdout, clippy::unwrap_used)]
#[path = "../tests/it/qemu/by_hand.rs"]
mod by_hand;

use by_hand::ByHand;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

const KEY: &str = "gpcn_bench000000000000000000000000001";
const ADMIN_KEY: &str = "gpcn_benchadmin00000000000000000000001";
const DATA_CENTER: &str = "6f1c0e5e-0000-4000-8000-000000000001";
const ROUNDS: usize = 5;
const AT_ONCE: usize = 10;
/// What Cloudlet is meant to add at most.
const MEANT: Duration = Duration::from_millis(100);

struct Server {
    child: Child,
    url: String,
    data: PathBuf,
    http: reqwest::Client,
}

impl Server {
    fn start(data: &Path) -> Self {
        let example = std::env::current_exe().unwrap();
        let binary = example.parent().unwrap().parent().unwrap().join("cloudlet");
        let mut child = Command::new(binary)
            .args([
                "serve",
                "--driver",
                "qemu",
                "--listen",
                "127.0.0.1:0",
                "--rate-limit",
                "off",
            ])
            .args(["--stop-limit", "1", "--data"])
            .arg(data)
            .env("CLOUDLET_PROFILE", data.join("profile.toml"))
            .env("CLOUDLET_BOOTSTRAP_API_KEY", KEY)
            .env("CLOUDLET_BOOTSTRAP_ADMIN_KEY", ADMIN_KEY)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(
            url.starts_with("http"),
            "the server did not start: cloudlet doctor says why"
        );
        Self {
            child,
            url,
            data: data.to_owned(),
            http: reqwest::Client::new(),
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn ask(&self, method: reqwest::Method, path: &str, body: &Value) -> Value {
        let request = self.http.request(method, format!("{}{path}", self.url));
        let answer = request
            .header("X-API-Key", KEY)
            .json(body)
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    }

    /// A machine's job and id.
    async fn create(&self, name: &str) -> (String, String) {
        let body = json!({"name": name, "datacenterId": DATA_CENTER, "imageId": 12, "configurationId": 44});
        let answer = self
            .ask(
                reqwest::Method::POST,
                "/v1/resource/virtual-machines",
                &body,
            )
            .await;
        let job = &answer["data"][0];
        let text = |value: &Value| {
            value
                .as_str()
                .unwrap_or_else(|| panic!("{answer}"))
                .to_owned()
        };
        (text(&job["id"]), text(&job["targetId"]))
    }

    /// Polls jobs until all are so; a poll is answered when something has changed.
    async fn until(&self, jobs: &[String], is: impl Fn(&Value) -> bool) {
        let mut since = Value::Null;
        loop {
            let mut body = json!({"jobIds": jobs, "waitSeconds": 20});
            if !since.is_null() {
                body["since"] = since;
            }
            let answer = self
                .ask(reqwest::Method::POST, "/v1/resource/jobs", &body)
                .await;
            since = answer["data"]["cursor"].clone();
            let rows = answer["data"]["jobs"].as_array().unwrap();
            assert!(rows.iter().all(|job| job["status"] != "failed"), "{answer}");
            if rows.iter().all(&is) {
                return;
            }
        }
    }

    async fn delete(&self, machine: &str) {
        let path = format!("/v1/resource/virtual-machines/{machine}");
        let answer = self.ask(reqwest::Method::DELETE, &path, &Value::Null).await;
        let job = answer["data"]["id"].as_str().unwrap().to_owned();
        self.until(&[job], |job| job["status"] == "completed").await;
    }
}

fn is_up(job: &Value) -> bool {
    job["stage"] == "ready" || is_done(job)
}

fn is_done(job: &Value) -> bool {
    job["status"] == "completed"
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.0} ms", time.as_secs_f64() * 1000.0)
}

#[tokio::main]
async fn main() {
    let data = tempfile::tempdir().unwrap();
    let mut server = Server::start(data.path());
    let image = data.path().join("images/12/disk");
    assert!(
        image.exists(),
        "there is no test image: cloudlet admin image build-test"
    );

    let (mut up, mut ready, mut hand_up, mut hand_ready) = (vec![], vec![], vec![], vec![]);
    for round in 0..ROUNDS {
        let begun = Instant::now();
        let (job, machine) = server.create(&format!("bench-{round}")).await;
        let jobs = [job];
        server.until(&jobs, is_up).await;
        up.push(begun.elapsed());
        server.until(&jobs, is_done).await;
        ready.push(begun.elapsed());
        let by_hand = ByHand::like(
            &server.data,
            &machine,
            data.path().join(format!("hand-{round}")),
        );
        server.delete(&machine).await;
        let begun = Instant::now();
        by_hand.launch(&image);
        hand_up.push(begun.elapsed());
        by_hand.wait_until_ready();
        hand_ready.push(begun.elapsed());
    }
    let spread = |times: &[Duration]| {
        format!(
            "{} to {}",
            ms(*times.iter().min().unwrap()),
            ms(*times.iter().max().unwrap())
        )
    };
    for (what, api, hand) in [
        ("up", &mut up, &mut hand_up),
        ("ready", &mut ready, &mut hand_ready),
    ] {
        let (a, h) = (median(api), median(hand));
        let added = a.saturating_sub(h);
        let share = 100.0 * added.as_secs_f64() / h.as_secs_f64();
        println!(
            "create to {what}: {} through the API ({}), {} by hand ({}): {} or {share:.1} % added",
            ms(a),
            spread(api),
            ms(h),
            spread(hand),
            ms(added)
        );
        if what == "ready" {
            let fine = added <= MEANT && share <= 5.0;
            println!(
                "  meant: at most {} and 5 %: {}",
                ms(MEANT),
                if fine { "yes" } else { "NO" }
            );
        }
    }
    at_once(&mut server, &image).await;
}

async fn at_once(server: &mut Server, image: &Path) {
    let begun = Instant::now();
    let (mut jobs, mut machines) = (Vec::new(), Vec::new());
    for number in 0..AT_ONCE {
        let (job, machine) = server.create(&format!("many-{number}")).await;
        jobs.push(job);
        machines.push(machine);
    }
    server.until(&jobs, is_done).await;
    let api = begun.elapsed();

    server.kill();
    let begun = Instant::now();
    *server = Server::start(&server.data);
    loop {
        let list = server
            .ask(
                reqwest::Method::GET,
                "/v1/resource/virtual-machines?limit=100",
                &Value::Null,
            )
            .await;
        let rows = list["data"].as_array().unwrap();
        let verify = server
            .http
            .get(format!("{}/admin/v1/verify", server.url))
            .header("X-API-Key", ADMIN_KEY);
        let verify: Value = verify.send().await.unwrap().json().await.unwrap();
        let settled = verify["data"] == json!({"differences": [], "pending": []});
        if settled && rows.len() == AT_ONCE && rows.iter().all(|row| row["status"] == "Running") {
            break;
        }
    }
    println!(
        "restart after kill -9 with {AT_ONCE} running machines: all known again after {}",
        ms(begun.elapsed())
    );

    let folder = server.data.clone();
    let like = |number: usize| {
        ByHand::like(
            &server.data,
            &machines[number],
            folder.join(format!("many-{number}")),
        )
    };
    let by_hand: Vec<ByHand> = (0..AT_ONCE).map(like).collect();
    for machine in &machines {
        server.delete(machine).await;
    }
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for machine in &by_hand {
            scope.spawn(|| {
                machine.launch(image);
                machine.wait_until_ready();
            });
        }
    });
    let hand = begun.elapsed();
    println!(
        "{AT_ONCE} at once until all are ready: {} through the API, {} by hand",
        ms(api),
        ms(hand)
    );
    drop(by_hand);
    server.kill();
}
