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
/// Guests differ by some 5 % from one to the next: the median of eleven tells what that of five does not.
const ROUNDS: usize = 11;
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

    let hands = by_hand_like_one_of(&server).await;
    let (mut api, mut hand) = (Vec::new(), Vec::new());
    for (round, by_hand) in hands.into_iter().enumerate() {
        // Each side is first every other time, so that neither always comes after the other.
        if round % 2 == 0 {
            api.push(through_the_api(&server, round).await);
            hand.push(launched(by_hand, &image));
        } else {
            hand.push(launched(by_hand, &image));
            api.push(through_the_api(&server, round).await);
        }
    }
    compare(&api, &hand);
    at_once(&mut server, &image).await;
}

/// When a machine was up, when its guest said that it is ready, when whoever waited knew it.
struct Times {
    up: Duration,
    said: Duration,
    known: Duration,
}

/// Machines to launch by hand: one for each round, all as the one that is created for this, which goes again.
async fn by_hand_like_one_of(server: &Server) -> Vec<ByHand> {
    let (job, machine) = server.create("bench-first").await;
    server.until(&[job], is_done).await;
    let folder = |round| server.data.join(format!("hand-{round}"));
    let like = |round| ByHand::like(&server.data, &machine, folder(round));
    let hands = (0..ROUNDS).map(like).collect();
    server.delete(&machine).await;
    hands
}

async fn through_the_api(server: &Server, round: usize) -> Times {
    let begun = Instant::now();
    let (job, machine) = server.create(&format!("bench-{round}")).await;
    let jobs = [job];
    server.until(&jobs, is_up).await;
    let up = begun.elapsed();
    let folder = server.data.join("host").join(&machine);
    let said = std::thread::spawn(move || {
        by_hand::wait_until_ready(&folder);
        begun.elapsed()
    });
    server.until(&jobs, is_done).await;
    let known = begun.elapsed();
    let said = said.join().unwrap().min(known);
    server.delete(&machine).await;
    Times { up, said, known }
}

fn launched(by_hand: ByHand, image: &Path) -> Times {
    let begun = Instant::now();
    by_hand.launch(image);
    let up = begun.elapsed();
    by_hand.wait_until_ready();
    let known = begun.elapsed();
    Times {
        up,
        said: known,
        known,
    }
}

fn compare(api: &[Times], hand: &[Times]) {
    let up = |times: &Times| times.up;
    let known = |times: &Times| times.known;
    for (what, is) in [("up", up as fn(&Times) -> Duration), ("ready", known)] {
        let (a, h) = (Figure::of(api, is), Figure::of(hand, is));
        let added = a.median.saturating_sub(h.median);
        let share = 100.0 * added.as_secs_f64() / h.median.as_secs_f64();
        println!(
            "create to {what}: {a} through the API, {h} by hand: {} or {share:.1} % added",
            ms(added)
        );
        if what == "ready" {
            let fine = added <= MEANT && share <= 5.0;
            let fine = if fine { "yes" } else { "NO" };
            println!("  meant: at most {} and 5 %: {fine}", ms(MEANT));
        }
    }
    // Guests differ by more than Cloudlet adds. These two say whose a difference is.
    let boot = |times: &Times| times.said.saturating_sub(times.up);
    let (a, h) = (Figure::of(api, boot), Figure::of(hand, boot));
    println!("  the guests alone, from up to their own word: {a} through the API, {h} by hand");
    let after = |times: &Times| times.known.saturating_sub(times.said);
    let after = Figure::of(api, after);
    println!("  from the guest's word until a poll has told it: {after}");
}

/// A median between its extremes.
struct Figure {
    least: Duration,
    median: Duration,
    most: Duration,
}

impl Figure {
    fn of(times: &[Times], what: impl Fn(&Times) -> Duration) -> Self {
        let mut times: Vec<_> = times.iter().map(what).collect();
        times.sort();
        Self {
            least: times[0],
            median: times[times.len() / 2],
            most: times[times.len() - 1],
        }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            least,
            median,
            most,
        } = self;
        write!(text, "{} ({} to {})", ms(*median), ms(*least), ms(*most))
    }
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
