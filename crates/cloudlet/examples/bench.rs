//! The figures of `./dev bench`: the real binary, real connections, every 202 fsynced.
//!
//! Reads nothing into the numbers: it prints the median and the 99th percentile of what it saw, beside
//! what the disk alone can do in the same run, since machines and moments differ.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const KEY: &str = "gpcn_bench000000000000000000000000001";
const ADMIN_KEY: &str = "gpcn_benchadmin00000000000000000000001";
/// How long each figure is measured.
const WINDOW: Duration = Duration::from_secs(3);

struct Cloud {
    child: Child,
    address: String,
    _data: tempfile::TempDir,
    start_up: Duration,
}

impl Cloud {
    fn start(flags: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let begun = Instant::now();
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data.path())
            .args(["--rate-limit", "off"])
            .args(flags)
            .env("CLOUDLET_PROFILE", data.path().join("profile.toml"))
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
        let address = line.trim().rsplit("http://").next().unwrap().to_owned();
        Self {
            child,
            address,
            _data: data,
            start_up: begun.elapsed(),
        }
    }

    fn memory_mib(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .unwrap();
        line.split_whitespace()
            .nth(1)
            .unwrap()
            .parse::<f64>()
            .unwrap()
            / 1024.0
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The release binary beside this example.
fn binary() -> PathBuf {
    let example = std::env::current_exe().unwrap();
    example.parent().unwrap().parent().unwrap().join("cloudlet")
}

/// One connection that is kept; as small as a client can be, since it shares the cores.
struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let socket = TcpStream::connect(address).await.unwrap();
        socket.set_nodelay(true).unwrap();
        Self {
            socket,
            buffer: vec![0; 256 * 1024],
        }
    }

    async fn post(&mut self, path: &str, body: &str) -> (u16, String) {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.socket.write_all(head.as_bytes()).await.unwrap();
        let mut filled = 0;
        loop {
            let read = self.socket.read(&mut self.buffer[filled..]).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            filled += read;
            let text = std::str::from_utf8(&self.buffer[..filled]).unwrap();
            let Some((head, rest)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.to_ascii_lowercase();
            let length = length.split("content-length: ").nth(1).unwrap();
            let length: usize = length.split("\r\n").next().unwrap().trim().parse().unwrap();
            if rest.len() >= length {
                return (head[9..12].parse().unwrap(), rest.to_owned());
            }
        }
    }
}

fn create_body() -> String {
    r#"{"name":"bench","datacenterId":"6f1c0e5e-0000-4000-8000-000000000001","imageId":12,"configurationId":44}"#.to_owned()
}

/// Sorted latencies as "n per s, p50, p99".
fn figures(mut latencies: Vec<Duration>, window: Duration) -> String {
    latencies.sort_unstable();
    let at = |part: f64| {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss
        )]
        let index = ((latencies.len() - 1) as f64 * part) as usize;
        latencies[index].as_secs_f64() * 1000.0
    };
    #[allow(clippy::cast_precision_loss)]
    let rate = latencies.len() as f64 / window.as_secs_f64();
    format!(
        "{rate:8.0} per s   p50 {:7.2} ms   p99 {:7.2} ms",
        at(0.5),
        at(0.99)
    )
}

async fn load(
    address: &str,
    connections: usize,
    path: &'static str,
    body: String,
    expected: u16,
) -> String {
    let body = Arc::new(body);
    let begun = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (address, body) = (address.to_owned(), body.clone());
        tasks.spawn(async move {
            let mut connection = Connection::open(&address).await;
            let mut latencies = Vec::new();
            while begun.elapsed() < WINDOW {
                let sent = Instant::now();
                let (status, answer) = connection.post(path, &body).await;
                assert_eq!(status, expected, "{answer}");
                latencies.push(sent.elapsed());
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.concat();
    figures(latencies, begun.elapsed())
}

/// What the disk alone does: 4 KiB appended and synced, again and again.
fn disk() -> String {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let (begun, mut latencies) = (Instant::now(), Vec::new());
    while begun.elapsed() < Duration::from_secs(1) {
        let sent = Instant::now();
        file.write_all(&[7; 4096]).unwrap();
        file.as_file().sync_data().unwrap();
        latencies.push(sent.elapsed());
    }
    figures(latencies, begun.elapsed())
}

fn ids_in(answer: &str) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(answer).unwrap();
    json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["id"].as_str().unwrap().to_owned())
        .collect()
}

/// From sending a create to the first poll that shows it completed, polling without a pause.
async fn instant_operation() -> String {
    let cloud = Cloud::start(&["--sim-speed", "0"]);
    let mut connection = Connection::open(&cloud.address).await;
    let (begun, mut latencies) = (Instant::now(), Vec::new());
    while begun.elapsed() < WINDOW {
        let sent = Instant::now();
        let (_, answer) = connection
            .post("/v1/resource/virtual-machines", &create_body())
            .await;
        let poll = format!(r#"{{"jobIds":["{}"]}}"#, ids_in(&answer)[0]);
        loop {
            let (_, answer) = connection.post("/v1/resource/jobs", &poll).await;
            if answer.contains(r#""isCompleted":true"#) || answer.contains(r#""hasFailed":true"#) {
                break;
            }
        }
        latencies.push(sent.elapsed());
    }
    figures(latencies, begun.elapsed())
}

#[tokio::main]
async fn main() {
    println!("disk alone, 4 KiB + fdatasync           {}", disk());
    {
        let cloud = Cloud::start(&[]);
        println!(
            "start-up on an empty store              {:8.1} ms",
            cloud.start_up.as_secs_f64() * 1000.0
        );
        println!(
            "idle memory                             {:8.1} MiB",
            cloud.memory_mib()
        );
    }
    for connections in [1, 16, 64] {
        // Accepted and queued: the clock stands still, so nothing but accepting is measured.
        let cloud = Cloud::start(&["--clock", "manual"]);
        let line = load(
            &cloud.address,
            connections,
            "/v1/resource/virtual-machines",
            create_body(),
            202,
        )
        .await;
        println!("creates accepted, {connections:2} connections        {line}");
    }
    let cloud = Cloud::start(&["--clock", "manual"]);
    let mut connection = Connection::open(&cloud.address).await;
    let body = create_body().replace(r#""name":"#, r#""numberOfInstances":50,"name":"#);
    let (_, answer) = connection
        .post("/v1/resource/virtual-machines", &body)
        .await;
    let poll = serde_json::json!({ "jobIds": ids_in(&answer) }).to_string();
    for connections in [1, 16] {
        let line = load(
            &cloud.address,
            connections,
            "/v1/resource/jobs",
            poll.clone(),
            200,
        )
        .await;
        println!("polls of 50 ids, {connections:2} connections         {line}");
    }
    println!(
        "202 to completed, --sim-speed 0         {}",
        instant_operation().await
    );
    println!("disk alone once more                    {}", disk());
}
