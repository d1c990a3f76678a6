//! Requests byte for byte as deployed clients send them.

use crate::cloud::{KEY, LAB_A, TestCloud};
use serde_json::Value;
use tokio::{io::AsyncWriteExt, net::TcpStream};

/// Status line, headers and body of an answer.
fn read(answer: &str) -> (u16, String, Value) {
    let (head, body) = answer.split_once("\r\n\r\n").expect(answer);
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let head = head.to_ascii_lowercase();
    (
        status,
        head,
        serde_json::from_str(body).unwrap_or(Value::Null),
    )
}

/// One request with the headers that every client here sends.
async fn ask(cloud: &TestCloud, line: &str, headers: &str, body: &str) -> (u16, String, Value) {
    let request = format!(
        "{line} HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\nx-api-key: {KEY}\r\n{headers}\r\n{body}"
    );
    read(&cloud.raw(request.as_bytes()).await)
}

fn chunked(body: &str) -> String {
    let (first, second) = body.split_at(body.len() / 2);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    format!("{}{}0\r\n\r\n", chunk(first), chunk(second))
}

fn body(name: &str) -> String {
    TestCloud::machine(name).to_string()
}

/// .NET's `PostAsJsonAsync`: chunked, `charset=utf-8`, no Content-Length.
#[tokio::test]
async fn as_dotnet_sends_it() {
    let cloud = TestCloud::start().await;
    let headers = "Content-Type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n";
    let line = "POST /v1/resource/virtual-machines";
    let (status, head, json) = ask(&cloud, line, headers, &chunked(&body("web-server"))).await;
    assert_eq!(status, 202, "{json}");
    assert!(head.contains("retry-after: 2") && head.contains("content-type: application/json"));
    let job = &json["data"][0];
    let id = job["id"].as_str().unwrap();
    assert!(head.contains(&format!("location: /v1/resource/jobs/{id}")));
    assert_eq!(
        (&job["status"], &job["progress"]),
        (&"pending".into(), &0.into())
    );
    assert_eq!(job["resourceId"], Value::Null);
    let poll = format!(r#"{{"jobIds":["{id}"]}}"#);
    let (status, _, json) = ask(&cloud, "POST /v1/resource/jobs", headers, &chunked(&poll)).await;
    assert_eq!((status, &json["data"]["jobs"][0]["id"]), (200, &id.into()));
}

/// The Terraform provider: trailing slashes, a JSON content type on everything.
#[tokio::test]
async fn as_terraform_sends_it() {
    let cloud = TestCloud::start().await;
    let json_type = "Content-Type: application/json\r\n";
    let body = body("tf");
    let headers = format!("{json_type}Content-Length: {}\r\n", body.len());
    let line = "POST /v1/resource/virtual-machines/";
    let (status, head, json) = ask(&cloud, line, &headers, &body).await;
    assert_eq!(status, 202, "{json}");
    let job = &json["data"]["jobs"][0];
    let id = job["jobId"].as_str().unwrap();
    assert!(head.contains(&format!("location: /v1/resource/jobs/{id}")));
    let machine = format!(
        "/v1/resource/virtual-machines/{}",
        job["targetId"].as_str().unwrap()
    );
    let images = format!("/v1/resource/data-centers/{LAB_A}/virtual-machine-images");
    for path in [
        "/v1/resource/data-centers/?page=1&limit=100&regionName=east",
        "/v1/resource/data-centers/regions?countryName=",
        "/v1/resource/data-centers/countries/",
        &images,
        "/v1/resource/virtual-machines/",
        &machine,
        &format!("{machine}/"),
    ] {
        let (status, head, json) = ask(&cloud, &format!("GET {path}"), json_type, "").await;
        assert_eq!(status, 200, "{path}: {json}");
        assert!(!head.contains("location:"), "never a redirect");
    }
    let no_body = format!("{json_type}Content-Length: 0\r\n");
    let (status, _, json) = ask(&cloud, &format!("POST {machine}/stop"), &no_body, "").await;
    assert_eq!(status, 200, "{json}");
    assert_eq!(json["data"]["status"], "Shutoff");
    let (status, _, json) = ask(&cloud, &format!("DELETE {machine}/"), json_type, "").await;
    assert_eq!(
        (status, &json["data"]["operation"]),
        (202, &"delete".into()),
        "{json}"
    );
}

/// A list in a query that finds nothing is empty, not an error.
#[tokio::test]
async fn filters_of_the_catalogue() {
    let cloud = TestCloud::start().await;
    for (query, count) in [
        ("regionName=EAST", 1),
        ("filter%5BregionName%5D=east", 1),
        ("regionName=nowhere", 0),
        ("name=lab%20a&countryName=united%20states", 1),
        ("countryName=", 3),
        ("name=LAB", 3),
        ("name=ab%20b", 1),
        ("name=lab%25", 0),
        ("name=lab_a", 0),
        ("countryName=states", 2),
        ("regionName=RA", 2),
    ] {
        let line = format!("GET /v1/resource/data-centers?{query}");
        let (status, _, json) = ask(&cloud, &line, "", "").await;
        let rows = json["data"].as_array().map(Vec::len);
        assert_eq!((status, rows), (200, Some(count)), "{query}: {json}");
    }
}

/// A body where none is defined does not matter, whatever it is.
#[tokio::test]
async fn a_body_nobody_asked_for() {
    let cloud = TestCloud::start().await;
    let headers = "Content-Type: text/plain\r\nContent-Length: 5\r\n";
    let (status, _, json) = ask(
        &cloud,
        "GET /v1/resource/virtual-machines",
        headers,
        "{\"a\":",
    )
    .await;
    assert_eq!(status, 200, "{json}");
}

#[tokio::test]
async fn a_request_cut_off_leaves_nothing() {
    let cloud = TestCloud::start().await;
    let whole = body("cut");
    for framing in [
        format!("Content-Length: {}\r\n\r\n{}", whole.len() + 10, whole),
        format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{whole}\r\n",
            whole.len()
        ),
    ] {
        let request = format!(
            "POST /v1/resource/virtual-machines HTTP/1.1\r\nHost: cloud\r\nx-api-key: {KEY}\r\n\
             Content-Type: application/json\r\n{framing}"
        );
        let address = cloud.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        let _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut rest).await;
        assert!(!String::from_utf8_lossy(&rest).contains(" 202 "));
    }
    let (_, _, json) = ask(&cloud, "GET /v1/resource/virtual-machines", "", "").await;
    assert_eq!(json["meta"]["total"], 0);
}

/// A body that says beforehand that it is too large is refused before it is sent.
#[tokio::test]
async fn a_length_above_the_limit_is_refused_without_the_body() {
    let cloud = TestCloud::start().await;
    let line = "POST /v1/resource/virtual-machines";
    for headers in [
        "Content-Length: 2000000\r\nExpect: 100-continue\r\n",
        "Content-Length: 4000000000\r\n",
    ] {
        let (status, _, json) = ask(&cloud, line, headers, "").await;
        assert_eq!(
            (status, &json["error"], &json["details"]["limit"]),
            (413, &"PAYLOAD_TOO_LARGE".into(), &1_048_576.into())
        );
    }
    let waits = "Content-Length: 20\r\nExpect: 100-continue\r\n";
    let (status, _, _) = ask(&cloud, line, waits, "                    ").await;
    assert_eq!(status, 100, "a body that is taken is asked for");
}

#[tokio::test]
async fn headers_that_come_back() {
    let cloud = TestCloud::start().await;
    let (_, head, _) = ask(&cloud, "GET /nowhere", "X-Correlation-ID: trace-1\r\n", "").await;
    assert!(head.contains("x-correlation-id: trace-1") && head.contains("x-request-id: "));
    let (_, head, _) = ask(&cloud, "GET /nowhere", "X-Correlation-ID: a b\r\n", "").await;
    assert!(!head.contains("x-correlation-id"));
}
