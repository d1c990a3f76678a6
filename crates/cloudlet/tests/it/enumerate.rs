//! Every documented route: closed without a key, the same with a trailing slash, never a 500.

use crate::cloud::{NOTHING, TestCloud, send};
use reqwest::Method;
use serde_json::Value;

/// Method, path with an id that nothing has, and whether it needs no key.
fn routes() -> Vec<(Method, String, bool)> {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let is_public = operation["security"] == Value::from(vec![serde_json::json!({})]);
            routes.push((method, path.replace("{id}", NOTHING), is_public));
        }
    }
    assert!(
        routes.len() >= 25,
        "only {} routes are documented",
        routes.len()
    );
    routes
}

#[tokio::test]
async fn no_route_without_a_key() {
    let cloud = TestCloud::start().await;
    for (method, path, is_public) in routes() {
        for path in [path.clone(), format!("{path}/")] {
            let answer = send(cloud.anonymous(method.clone(), &path)).await;
            if is_public {
                assert_eq!(answer.status, 200, "{method} {path}");
            } else {
                answer.is_error(401, "UNAUTHORIZED");
            }
        }
    }
}

#[tokio::test]
async fn the_right_key_at_the_wrong_door() {
    let cloud = TestCloud::start().await;
    for (method, path, is_public) in routes() {
        let key = match path.starts_with("/admin") {
            true => &cloud.key,
            false => &cloud.admin_key,
        };
        if !is_public {
            let request = cloud.anonymous(method, &path).header("X-API-Key", key);
            send(request).await.is_error(403, "FORBIDDEN");
        }
    }
}

#[tokio::test]
async fn nothing_is_a_500() {
    let cloud = TestCloud::start().await;
    for (method, path, _) in routes() {
        let key = match path.starts_with("/admin") {
            true => &cloud.admin_key,
            false => &cloud.key,
        };
        for body in ["", "{}", "[]", "null", "{\"name\":{}}", "\u{0}"] {
            let request = cloud
                .anonymous(method.clone(), &path)
                .header("X-API-Key", key);
            let answer = send(request.body(body)).await;
            assert!(
                answer.status < 500,
                "{method} {path} {body}: {}",
                answer.json
            );
        }
    }
}

#[tokio::test]
async fn public_pages() {
    let cloud = TestCloud::start().await;
    for (path, kind, holds) in [
        ("/", "text/plain; charset=utf-8", "Cloudlet"),
        ("/docs", "text/html; charset=utf-8", "/openapi.json"),
        (
            "/metrics",
            "text/plain; version=0.0.4; charset=utf-8",
            "cloudlet_http_requests_total",
        ),
        ("/openapi.json", "application/json", "\"openapi\": \"3.1"),
    ] {
        let response = cloud.anonymous(Method::GET, path).send().await.unwrap();
        assert_eq!(response.headers()["content-type"], kind);
        assert!(response.text().await.unwrap().contains(holds), "{path}");
    }
}
