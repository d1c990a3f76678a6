//! The requests of the Terraform provider 0.1.2, byte for byte, in the order in which it sends them, and
//! what it reads of each answer (api.md 1, 3, 4, 5).
//!
//! Each is a line of [`LIFE`]; what a later line needs of an answer is kept under a name. A new operation
//! of the provider is more lines, and nothing else.

use crate::cloud::{KEY, TestCloud};
use serde_json::Value;
use std::collections::BTreeMap;

/// One request of the provider, and what it reads of the answer.
struct Line {
    /// Method and target; `{name}` stands for what an earlier line kept.
    request: &'static str,
    /// The body; empty where the provider sends none.
    body: &'static str,
    /// The status that it takes for a success.
    status: u16,
    /// `(pointer into the answer, the JSON that must stand there)`, `{name}` as above; `?` is anything
    /// but null, and nothing is null or absent.
    reads: &'static [(&'static str, &'static str)],
    /// `(pointer into the answer, the name it is kept under)`.
    keeps: &'static [(&'static str, &'static str)],
    /// Whether it is sent again until the job that it polls is completed.
    polls: bool,
}

const fn ask(request: &'static str, status: u16) -> Line {
    Line {
        request,
        body: "",
        status,
        reads: &[],
        keeps: &[],
        polls: false,
    }
}

impl Line {
    const fn body(self, body: &'static str) -> Self {
        Self { body, ..self }
    }

    const fn reads(self, reads: &'static [(&'static str, &'static str)]) -> Self {
        Self { reads, ..self }
    }

    const fn keeps(self, keeps: &'static [(&'static str, &'static str)]) -> Self {
        Self { keeps, ..self }
    }
}

/// The poll of the job that was kept last: a batch of one, of which it reads these keys.
const fn poll() -> Line {
    Line {
        polls: true,
        ..ask("POST /v1/resource/jobs/", 200)
            .body(r#"{"jobIds":["{job}"]}"#)
            .reads(&[
                ("/success", "true"),
                ("/data/jobs/0/jobId", "\"{job}\""),
                ("/data/jobs/0/isCompleted", "true"),
                ("/data/jobs/0/hasFailed", "false"),
            ])
    }
}

/// What is read of a machine's detail: nested, with size, data centre and image as plain names.
const DETAIL: &[(&str, &str)] = &[
    ("/data/virtualMachine/id", "\"{machine}\""),
    ("/data/virtualMachine/configurationId", "{size}"),
    ("/data/virtualMachine/configuration", "\"Small\""),
    ("/data/virtualMachine/image", "\"Debian 12.x\""),
    ("/data/virtualMachine/datacenter", "\"{place name}\""),
    ("/data/virtualMachine/datacenterId", "\"{place}\""),
    ("/data/virtualMachine/cpu", "2"),
    ("/data/virtualMachine/ram", "4"),
    ("/data/virtualMachine/disk", "40"),
    ("/data/virtualMachine/regionId", "?"),
    ("/data/virtualMachine/region", "?"),
    ("/data/virtualMachine/country", "?"),
    ("/data/virtualMachine/username", "?"),
    ("/data/virtualMachine/createdAt", "?"),
    ("/data/virtualMachine/updatedAt", "?"),
];

/// Data sources, then a machine from `terraform apply` to `terraform destroy`.
const LIFE: &[Line] = &[
    // Data sources. An attribute that is not set is sent empty.
    ask("GET /v1/resource/data-centers/countries?page=1&limit=100", 200)
        .reads(&[("/data/0/id", "?"), ("/data/0/name", "?")]),
    ask("GET /v1/resource/data-centers/regions?page=1&limit=100&countryName=", 200).reads(&[
        ("/data/0/id", "?"),
        ("/data/0/name", "?"),
        ("/data/0/countryId", "?"),
        ("/data/0/countryName", "?"),
        ("/data/0/countryAbbreviation", "?"),
    ]),
    ask(
        "GET /v1/resource/data-centers/?page=1&limit=100&name=&countryName=&regionName=east",
        200,
    )
    .reads(&[
        ("/data/0/regionId", "?"),
        ("/data/0/regionName", "\"East\""),
        ("/data/0/countryId", "?"),
        ("/data/0/countryName", "?"),
        ("/data/0/countryAbbreviation", "?"),
        ("/data/1", ""),
    ])
    .keeps(&[("/data/0/id", "place"), ("/data/0/name", "place name")]),
    // Create: names are looked up first, without case; then the form with the slash.
    ask("GET /v1/resource/data-centers/{place}/virtual-machine-images", 200)
        .keeps(&[("/data/name=debian 12.x/id", "image")]),
    ask("GET /v1/resource/data-centers/{place}/virtual-machine-sizes?imageId={image}", 200)
        .reads(&[("/data/0/cpu", "?"), ("/data/0/ram", "?"), ("/data/0/disk", "?")])
        .keeps(&[("/data/name=small/id", "size")]),
    ask("POST /v1/resource/virtual-machines/", 202)
        .body(
            r#"{"name":"tf","datacenterId":"{place}","configurationId":{size},"imageId":{image},"numberOfInstances":1,"allocatePublicIp":false}"#,
        )
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobs/0/jobId", "job")]),
    poll().keeps(&[("/data/jobs/0/resourceId", "machine")]),
    ask("GET /v1/resource/virtual-machines/{machine}", 200).reads(DETAIL),
    ask("GET /v1/resource/virtual-machines/{machine}", 200).reads(&[
        ("/data/status", "\"Running\""),
        ("/data/virtualMachine/name", "\"tf\""),
    ]),
    // Update: rename, power off, power on. A body is sent by the rename alone.
    ask("PUT /v1/resource/virtual-machines/{machine}", 200).body(r#"{"name":"tf-renamed"}"#),
    ask("POST /v1/resource/virtual-machines/{machine}/stop", 200),
    ask("GET /v1/resource/virtual-machines/{machine}", 200).reads(&[
        ("/data/status", "\"Shutoff\""),
        ("/data/virtualMachine/name", "\"tf-renamed\""),
    ]),
    ask("POST /v1/resource/virtual-machines/{machine}/stop", 200),
    ask("POST /v1/resource/virtual-machines/{machine}/start", 200),
    ask("POST /v1/resource/virtual-machines/{machine}/start", 200),
    ask("GET /v1/resource/virtual-machines/{machine}", 200)
        .reads(&[("/data/status", "\"Running\"")]),
    // Destroy.
    ask("DELETE /v1/resource/virtual-machines/{machine}", 202)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/virtual-machines/{machine}", 404)
        .reads(&[("/success", "false"), ("/error", "\"NOT_FOUND\"")]),
];

/// What a provider in Go puts on the socket: these headers, in this order, on every request.
fn bytes(line: &Line, kept: &BTreeMap<&str, String>) -> String {
    let (request, body) = (filled(line.request, kept), filled(line.body, kept));
    let (method, _) = request.split_once(' ').unwrap();
    // Go writes no length for a GET or a DELETE without a body, and 0 for the others.
    let length = match (method, body.len()) {
        ("GET" | "DELETE", 0) => String::new(),
        (_, length) => format!("Content-Length: {length}\r\n"),
    };
    format!(
        "{request} HTTP/1.1\r\nHost: cloud.example\r\nUser-Agent: Go-http-client/1.1\r\n{length}\
         Content-Type: application/json\r\nX-Api-Key: {KEY}\r\nAccept-Encoding: gzip\r\n\
         Connection: close\r\n\r\n{body}"
    )
}

fn filled(text: &str, kept: &BTreeMap<&str, String>) -> String {
    let mut text = text.to_owned();
    for (name, value) in kept {
        text = text.replace(&format!("{{{name}}}"), value);
    }
    text
}

/// What stands at a JSON pointer; a step `name=text` is the row of that name, without case.
fn at<'a>(answer: &'a Value, pointer: &str) -> &'a Value {
    let steps = pointer.split('/').skip(1);
    steps.fold(answer, |found, step| match step.split_once('=') {
        Some((key, text)) => {
            let mut rows = found.as_array().into_iter().flatten();
            let row = rows.find(|row| row[key].as_str().unwrap().eq_ignore_ascii_case(text));
            row.unwrap_or(&Value::Null)
        }
        None => match step.parse::<usize>() {
            Ok(index) => &found[index],
            Err(_) => &found[step],
        },
    })
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

async fn answer(cloud: &TestCloud, request: &str) -> (u16, Value) {
    let answer = cloud.raw(request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect(&answer);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(!(300..400).contains(&status), "never a redirect: {head}");
    let json = serde_json::from_str(body).unwrap_or_else(|_| panic!("{request}\n{answer}"));
    (status, json)
}

#[tokio::test]
async fn the_life_of_a_machine_as_the_provider_asks_for_it() {
    let cloud = TestCloud::start().await;
    let mut kept = BTreeMap::new();
    for line in LIFE {
        let request = bytes(line, &kept);
        let begun = std::time::Instant::now();
        let (status, json) = loop {
            let (status, json) = answer(&cloud, &request).await;
            let job = &json["data"]["jobs"][0];
            if !line.polls || job["isCompleted"] == true || job["hasFailed"] == true {
                break (status, json);
            }
            assert!(begun.elapsed() < crate::process::PATIENCE, "{job}");
            crate::process::pause().await;
        };
        assert_eq!(status, line.status, "{request}\n{json}");
        for (pointer, wanted) in line.reads {
            let (found, wanted) = (at(&json, pointer), filled(wanted, &kept));
            match wanted.as_str() {
                "?" => assert!(!found.is_null(), "{pointer}: {request}\n{json}"),
                "" => assert!(found.is_null(), "{pointer}: {request}\n{json}"),
                _ => assert_eq!(found.to_string(), wanted, "{pointer}: {request}\n{json}"),
            }
        }
        for (pointer, name) in line.keeps {
            kept.insert(*name, plain(at(&json, pointer)));
        }
    }
}
