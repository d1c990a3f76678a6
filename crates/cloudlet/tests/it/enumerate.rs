//! Every documented route: closed without a key, the same with a trailing slash, never a 500.

use crate::cloud::{JOBS, NOTHING, TestCloud, send};
use reqwest::Method;
use serde_json::{Value, json};

/// Method, path with an id that nothing has, and whether it needs no key.
fn routes() -> Vec<(Method, String, bool)> {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let method = method.to_uppercase().parse().unwrap();
            let is_public = operation["security"] == Value::from(vec![serde_json::json!({})]);
            let named = ["{id}", "{keyId}", "{nicId}"].into_iter();
            let path = named.fold(path.clone(), |path, name| path.replace(name, NOTHING));
            assert!(!path.contains('{'), "{path}: which id stands here?");
            routes.push((method, path, is_public));
        }
    }
    assert!(
        routes.len() >= 80,
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

/// A key that may only read changes nothing, on no route; what it may read, it reads.
#[tokio::test]
async fn a_key_without_the_scope() {
    let cloud = TestCloud::start().await;
    let read = cloud
        .key_with(json!({"name": "r", "scopes": ["read"]}))
        .await;
    let write = cloud
        .key_with(json!({"name": "w", "scopes": ["write"]}))
        .await;
    for (method, path, is_public) in routes() {
        if is_public || path.starts_with("/admin") {
            continue;
        }
        let reads = method == Method::GET || (method == Method::POST && path == JOBS);
        for path in [path.clone(), format!("{path}/")] {
            let ask = |key: &str| {
                let request = cloud.anonymous(method.clone(), &path);
                send(request.header("X-API-Key", key).body("{"))
            };
            let (wrong, right) = match reads {
                true => (&write, &read),
                false => (&read, &write),
            };
            assert_ne!(ask(right).await.status, 403, "{method} {path}");
            if path.trim_end_matches('/') == "/v1/auth/check" {
                assert_eq!(ask(wrong).await.status, 200, "it needs no scope");
            } else {
                ask(wrong).await.is_error(403, "FORBIDDEN");
            }
        }
    }
}

/// Whatever it asks for: its keys open nothing, and all else is as before once it is resumed.
#[tokio::test]
async fn a_suspended_tenant() {
    let cloud = TestCloud::start().await;
    let tenant = cloud.tenant_id().await;
    let set = |verb| {
        let path = format!("/admin/v1/tenants/{tenant}/{verb}");
        let cloud = &cloud;
        async move { cloud.admin(Method::POST, &path, Value::Null).await }
    };
    assert_eq!(set("suspend").await.json["data"]["suspended"], true);
    for (method, path, is_public) in routes() {
        if !is_public && path.starts_with("/v1") {
            let answer = send(cloud.request(method, &path)).await;
            answer.is_error(403, "FORBIDDEN");
        }
    }
    let other = cloud
        .anonymous(Method::GET, JOBS)
        .header("X-API-Key", &cloud.other_key);
    assert_ne!(send(other).await.status, 403, "another tenant's key");
    assert_eq!(set("resume").await.json["data"]["suspended"], false);
    for (method, path, is_public) in routes() {
        if !is_public && path.starts_with("/v1") {
            let answer = send(cloud.request(method, &path).body("{")).await;
            assert_ne!(answer.status, 403, "{path}");
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

/// Whatever there is not, is not there: no route takes an id that nothing has, or another tenant's.
#[tokio::test]
async fn an_id_that_nothing_has() {
    let cloud = TestCloud::start().await;
    for (method, path, _) in routes() {
        if !path.contains(NOTHING) {
            continue;
        }
        let (_, operation) = path.split_once(NOTHING).unwrap();
        let key = match path.starts_with("/admin") {
            true => &cloud.admin_key,
            false => &cloud.key,
        };
        // A body with which each of them goes on to look for the resource.
        let body = json!({
            "name": "a", "configurationId": 46, "networkId": NOTHING, "setPrimary": true,
            "virtualMachineId": NOTHING, "newSizeGb": 256,
        });
        let request = cloud.anonymous(method.clone(), &path);
        let request = request.header("X-API-Key", key).json(&body);
        let answer = send(request.header("Idempotency-Key", "k")).await;
        let is_quiet = operation.is_empty() && path.starts_with("/v1/teams");
        if !is_quiet {
            answer.is_error(404, "NOT_FOUND");
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
