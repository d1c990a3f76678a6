//! Under strace: every 202 is written after a sync that began after its request was read.

use crate::process::{Process, create_body};
use std::{collections::BTreeMap, process::Command};

/// Whether this machine lets one process trace another; a skip is loud.
fn can_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-o", "/dev/null", "true"])
        .status();
    matches!(tried, Ok(status) if status.success())
}

#[tokio::test]
async fn every_202_is_written_after_a_sync_that_began_after_its_request_was_read() {
    if !can_trace() {
        eprintln!("SKIPPED 1 test: strace is missing or ptrace is not permitted here");
        return;
    }
    let trace = tempfile::NamedTempFile::new().unwrap();
    let output = trace.path().to_str().unwrap().to_owned();
    let calls = "trace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg";
    let strace = [
        "strace", "-D", "-f", "-q", "-s", "200", "-o", &output, "-e", calls,
    ];
    let mut cloud = Process::start_under(&strace, &["--sim-speed", "0"]);
    let mut names = Vec::new();
    for number in 0..20 {
        let name = format!("durable-{number}");
        let (status, _) = cloud
            .post("/v1/resource/virtual-machines", &create_body(&name))
            .await;
        assert_eq!(status, 202);
        names.push(name);
    }
    let server = cloud.pid().to_string();
    cloud.terminate();
    let ended = |line: &str| {
        let (pid, call) = line.split_once(' ').unwrap_or_default();
        pid == server && call.contains("+++ exited")
    };
    let begun = std::time::Instant::now();
    let text = loop {
        // The tracer writes its last lines after the server is gone.
        let text = std::fs::read_to_string(trace.path()).unwrap();
        if text.lines().any(ended) {
            break text;
        }
        assert!(
            begun.elapsed() < crate::process::PATIENCE,
            "the trace has no end"
        );
        crate::process::pause().await;
    };
    let checked = check(&text);
    assert!(
        checked >= names.len(),
        "only {checked} answers were found in the trace"
    );
}

/// Walks the trace in order: a request's read, then a sync's begin and its end, then the 202's write.
fn check(trace: &str) -> usize {
    let (mut read_at, mut syncs, mut checked) = (None, Vec::new(), 0);
    let mut begun: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((pid, call)) = line.trim_start().split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        if call.contains("POST /v1/resource") && !call.contains("HTTP/1.1 202") {
            read_at = Some(at);
        } else if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            if call.contains("<unfinished") {
                begun.insert(pid, at);
            } else {
                syncs.push((at, at));
            }
        } else if call.starts_with("<... fsync resumed")
            || call.starts_with("<... fdatasync resumed")
        {
            if let Some(begin) = begun.remove(pid) {
                syncs.push((begin, at));
            }
        } else if call.contains("HTTP/1.1 202") {
            let read = read_at.expect("an answer comes after its request");
            let synced = syncs.iter().any(|&(begin, end)| begin > read && end < at);
            assert!(
                synced,
                "line {at}: a 202 was written before a sync that began after its request was read"
            );
            checked += 1;
        }
    }
    checked
}
