//! The requests of the Terraform provider 0.1.2, byte for byte, in the order in which it sends them, and
//! what it reads of each answer.
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

impl Line {
    /// A poll that ends with the machine as the resource.
    const fn reads_resource(self) -> Self {
        self.reads(&[
            ("/data/jobs/0/isCompleted", "true"),
            ("/data/jobs/0/hasFailed", "false"),
            ("/data/jobs/0/resourceId", "\"{machine}\""),
        ])
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

/// Data sources, then a machine with networks and volumes from `terraform apply` to `terraform destroy`.
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
    // Another size: stop, resize without waiting, start; the start waits behind the resize.
    ask("POST /v1/resource/virtual-machines/{machine}/stop", 200),
    ask("PUT /v1/resource/virtual-machines/{machine}/size", 202)
        .body(r#"{"configurationId":46}"#)
        .reads(&[("/success", "true")]),
    ask("POST /v1/resource/virtual-machines/{machine}/start", 200),
    ask("GET /v1/resource/virtual-machines/{machine}", 200).reads(&[
        ("/data/status", "\"Running\""),
        ("/data/virtualMachine/configurationId", "46"),
        ("/data/virtualMachine/configuration", "\"Medium\""),
    ]),
    // Networks: a standard one with the same default route whatever its block, one string of servers.
    ask("POST /v1/resource/networks/", 202)
        .body(
            r#"{"name":"tf-lan","datacenterId":"{place}","networkType":"standard","description":"by terraform","cidrBlock":"172.16.4.0/24","snatEnabled":true,"dhcpServerEnabled":true,"defaultRouteEnabled":true,"serveDNSServersEnabled":true,"dhcpStartAddress":"172.16.4.10","dhcpEndAddress":"172.16.4.254","defaultRoute":"10.0.0.1","dnsServers":"8.8.8.8, 1.1.1.1"}"#,
        )
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll().keeps(&[("/data/jobs/0/resourceId", "lan")]),
    ask("GET /v1/resource/networks/{lan}", 200).reads(&[
        ("/data/id", "\"{lan}\""),
        ("/data/name", "\"tf-lan\""),
        ("/data/description", "\"by terraform\""),
        ("/data/snat", "\"true\""),
        ("/data/cidrBlock", "\"172.16.4.0/24\""),
        ("/data/gatewayIp", "\"172.16.4.1\""),
        ("/data/connectedVms", "\"0\""),
        ("/data/networkType", "\"standard\""),
        ("/data/country/id", "?"),
        ("/data/country/name", "?"),
        ("/data/region/id", "?"),
        ("/data/region/name", "\"East\""),
        ("/data/datacenter/id", "\"{place}\""),
        ("/data/datacenter/name", "\"{place name}\""),
        ("/data/dnsNameservers", "\"8.8.8.8, 1.1.1.1\""),
        ("/data/allocationPools/0/start", "\"172.16.4.10\""),
        ("/data/allocationPools/0/end", "\"172.16.4.254\""),
        ("/data/createdAt", "?"),
        ("/data/updatedAt", "?"),
    ]),
    ask("POST /v1/resource/networks/", 202)
        .body(
            r#"{"name":"tf-plain","datacenterId":"{place}","networkType":"custom","description":"","cidrBlock":"","snatEnabled":false,"dhcpServerEnabled":false,"defaultRouteEnabled":false,"serveDNSServersEnabled":false,"dhcpStartAddress":"","dhcpEndAddress":"","defaultRoute":"","dnsServers":""}"#,
        )
        .keeps(&[("/data/jobId", "job")]),
    poll().keeps(&[("/data/jobs/0/resourceId", "plain")]),
    ask("GET /v1/resource/networks/{plain}", 200).reads(&[
        ("/data/networkType", "\"custom\""),
        ("/data/snat", "\"false\""),
        ("/data/cidrBlock", "\"\""),
        ("/data/description", "\"\""),
        ("/data/dnsNameservers", "\"\""),
    ]),
    // Their updates: the create's fields less place and type; the answer is not read.
    ask("PUT /v1/resource/networks/{lan}", 200).body(
        r#"{"name":"tf-net","description":"changed","cidrBlock":"172.16.4.0/24","snatEnabled":false,"dhcpServerEnabled":true,"defaultRouteEnabled":true,"serveDNSServersEnabled":true,"dhcpStartAddress":"172.16.4.20","dhcpEndAddress":"172.16.4.200","defaultRoute":"10.0.0.1","dnsServers":"9.9.9.9"}"#,
    ),
    ask("GET /v1/resource/networks/{lan}", 200).reads(&[
        ("/data/name", "\"tf-net\""),
        ("/data/description", "\"changed\""),
        ("/data/snat", "\"false\""),
        ("/data/dnsNameservers", "\"9.9.9.9\""),
        ("/data/allocationPools/0/start", "\"172.16.4.20\""),
        ("/data/allocationPools/0/end", "\"172.16.4.200\""),
    ]),
    ask("PUT /v1/resource/networks/{plain}", 200).body(
        r#"{"name":"tf-plain","description":"layer two","cidrBlock":"","snatEnabled":false,"dhcpServerEnabled":false,"defaultRouteEnabled":false,"serveDNSServersEnabled":false,"dhcpStartAddress":"","dhcpEndAddress":"","defaultRoute":"","dnsServers":""}"#,
    ),
    // Interfaces: added on each, one made the primary one, found again in the list by its network.
    ask("POST /v1/resource/virtual-machines/{machine}/network-interfaces", 202)
        .body(r#"{"networkId":"{lan}"}"#)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll().reads_resource(),
    ask("POST /v1/resource/virtual-machines/{machine}/network-interfaces", 202)
        .body(r#"{"networkId":"{plain}"}"#)
        .keeps(&[("/data/jobId", "job")]),
    poll().reads_resource(),
    ask("GET /v1/resource/virtual-machines/{machine}/network-interfaces", 200)
        .reads(&[
            ("/data/0/isPrimary", "1"),
            ("/data/1/isPrimary", "0"),
            ("/data/1/networkId", "\"{lan}\""),
            ("/data/1/networkInterface", "1"),
            ("/data/1/privateIp", "?"),
            ("/data/1/publicIp", ""),
            ("/data/1/cidrBlock", "\"172.16.4.0/24\""),
            ("/data/1/gatewayIp", "\"172.16.4.1\""),
            ("/data/1/networkType", "\"standard\""),
            ("/data/2/networkId", "\"{plain}\""),
            ("/data/2/networkType", "\"custom\""),
            ("/data/3", ""),
        ])
        .keeps(&[("/data/0/id", "first"), ("/data/1/id", "nic"), ("/data/2/id", "bare")]),
    ask("PUT /v1/resource/virtual-machines/{machine}/network-interfaces/{nic}", 200)
        .body(r#"{"setPrimary":true}"#),
    ask("GET /v1/resource/virtual-machines/{machine}/network-interfaces", 200)
        .reads(&[("/data/0/isPrimary", "0"), ("/data/1/isPrimary", "1")]),
    // Public addresses: bodiless both.
    ask("POST /v1/resource/virtual-machines/{machine}/network-interfaces/{nic}/public-ip", 202)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll().reads_resource(),
    ask("GET /v1/resource/virtual-machines/{machine}/network-interfaces", 200)
        .reads(&[("/data/1/publicIp", "?"), ("/data/1/publicIpId", "?")]),
    ask("GET /v1/resource/networks/{lan}/virtual-machines", 200).reads(&[
        ("/data/0/id", "\"{machine}\""),
        ("/data/0/machineId", "?"),
        ("/data/0/name", "\"tf-renamed\""),
        ("/data/0/publicIp", "?"),
        ("/data/0/privateIp", "?"),
        ("/data/0/networkId", "\"{lan}\""),
    ]),
    ask("DELETE /v1/resource/virtual-machines/{machine}/network-interfaces/{nic}/public-ip", 202)
        .keeps(&[("/data/jobId", "job")]),
    poll().reads_resource(),
    // Volumes: types are fixed, the size is looked up; attached, grown, detached without a body.
    ask("GET /v1/resource/data-centers/{place}/volume-sizes", 200)
        .reads(&[("/data/volumeTypes/0/id", "1"), ("/data/volumeTypes/1/id", "2")])
        .keeps(&[
            ("/data/volumeTypes/0/availableSizes/0/id", "gb id"),
            ("/data/volumeTypes/0/availableSizes/0/sizeGb", "gb"),
            ("/data/volumeTypes/0/availableSizes/1/sizeGb", "more gb"),
        ]),
    ask("POST /v1/resource/volumes/", 202)
        .body(
            r#"{"name":"tf-data","datacenterId":"{place}","volumeTypeId":1,"volumeSizeId":{gb id},"sizeGb":{gb}}"#,
        )
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll().keeps(&[("/data/jobs/0/resourceId", "volume")]),
    ask("PUT /v1/resource/volumes/{volume}/attach", 202)
        .body(r#"{"virtualMachineId":"{machine}"}"#)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/volumes/{volume}", 200).reads(&[
        ("/data/id", "\"{volume}\""),
        ("/data/name", "\"tf-data\""),
        ("/data/sizeGb", "{gb}"),
        ("/data/volumeSizeId", "{gb id}"),
        ("/data/volumeType/id", "1"),
        ("/data/volumeType/name", "\"SSD\""),
        ("/data/datacenter/id", "\"{place}\""),
        ("/data/virtualMachineId", "\"{machine}\""),
        ("/data/virtualMachineName", "\"tf-renamed\""),
    ]),
    ask("PUT /v1/resource/volumes/{volume}/resize", 202)
        .body(r#"{"newSizeGb":{more gb}}"#)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll().keeps(&[("/data/jobs/0/resourceId", "volume")]),
    ask("GET /v1/resource/volumes/{volume}", 200).reads(&[("/data/sizeGb", "{more gb}")]),
    ask("PUT /v1/resource/volumes/{volume}/detach", 202)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/volumes/{volume}", 200).reads(&[("/data/virtualMachineId", "")]),
    // Destroy: what hangs on the machine first.
    ask("DELETE /v1/resource/volumes/{volume}", 202).keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/volumes/{volume}", 404).reads(&[("/success", "false")]),
    ask("DELETE /v1/resource/virtual-machines/{machine}/network-interfaces/{bare}", 202)
        .keeps(&[("/data/jobId", "job")]),
    poll().reads_resource(),
    ask("DELETE /v1/resource/virtual-machines/{machine}", 202)
        .reads(&[("/success", "true")])
        .keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/virtual-machines/{machine}", 404)
        .reads(&[("/success", "false"), ("/error", "\"NOT_FOUND\"")]),
    // The delete of a network answers with a job, ended or not, that is polled all the same.
    ask("DELETE /v1/resource/networks/{lan}", 200)
        .reads(&[("/success", "true"), ("/data/jobId", "?")])
        .keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/networks/{lan}", 404).reads(&[("/success", "false")]),
    ask("DELETE /v1/resource/networks/{plain}", 200).keeps(&[("/data/jobId", "job")]),
    poll(),
    ask("GET /v1/resource/networks/{plain}", 404).reads(&[("/success", "false")]),
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
