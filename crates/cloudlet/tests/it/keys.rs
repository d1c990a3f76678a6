//! Keys from their making to their end: what each opens, when, and what is shown of it.

use crate::{
    cloud::{Answer, JOBS, MACHINES, NOTHING, TestCloud, send},
    process::{ADMIN_KEY, Process},
};
use reqwest::Method;
use serde_json::{Value, json};

const OWN: &str = "/v1/auth/api-keys/me";
const DAY: u64 = 86_400;

/// Lists machines with a key.
async fn try_key(cloud: &TestCloud, key: &str) -> Answer {
    send(
        cloud
            .anonymous(Method::GET, MACHINES)
            .header("X-API-Key", key),
    )
    .await
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Each end of a key is seen at once, and looks like a key that never was.
#[tokio::test]
async fn the_operator_suspends_resumes_rotates_and_revokes() {
    let cloud = TestCloud::start().await;
    let wrong = try_key(&cloud, "gpcn_00000000000000000000000000000000").await;
    wrong.is_error(401, "UNAUTHORIZED");
    let keys = format!("/admin/v1/tenants/{}/keys", cloud.tenant_id().await);
    let body = json!({"name": "ci", "scopes": ["read"], "expiresInDays": 30, "rateLimitMax": 7});
    let made = cloud.admin(Method::POST, &keys, body).await;
    assert_eq!(made.status, 201);
    let made = &made.json["data"];
    let (key, id) = (text(&made["key"]), text(&made["id"]));
    assert_eq!(
        (&made["scopes"], &made["rateLimitMax"], &made["lastUsedAt"]),
        (&json!(["read"]), &json!(7), &Value::Null)
    );
    let act = |verb: &str| {
        let (path, cloud) = (format!("{keys}/{id}/{verb}"), &cloud);
        async move { cloud.admin(Method::POST, &path, Value::Null).await }
    };
    assert_eq!(try_key(&cloud, &key).await.status, 200);
    let suspended = act("suspend").await;
    assert_eq!(
        (suspended.status, &suspended.json["data"]["suspended"]),
        (200, &json!(true))
    );
    assert!(suspended.json["data"]["lastUsedAt"].is_string());
    assert!(suspended.json["data"].get("key").is_none());
    assert_eq!(try_key(&cloud, &key).await.json, wrong.json);
    assert_eq!(act("resume").await.json["data"]["suspended"], false);
    assert_eq!(try_key(&cloud, &key).await.status, 200);

    let rotated = act("rotate").await;
    assert_eq!(rotated.status, 200);
    let rotated = &rotated.json["data"];
    let new = text(&rotated["key"]);
    for same in ["id", "name", "scopes", "rateLimitMax", "createdAt"] {
        assert_eq!(rotated[same], made[same], "{same}");
    }
    assert_ne!(new, key);
    assert_eq!(try_key(&cloud, &key).await.json, wrong.json);
    assert_eq!(try_key(&cloud, &new).await.status, 200);

    let path = format!("{keys}/{id}");
    assert_eq!(
        cloud.admin(Method::DELETE, &path, Value::Null).await.status,
        204
    );
    assert_eq!(try_key(&cloud, &new).await.json, wrong.json);
    let again = cloud.admin(Method::DELETE, &path, Value::Null).await;
    again.is_error(404, "NOT_FOUND");
    for verb in ["suspend", "resume", "rotate"] {
        act(verb).await.is_error(404, "NOT_FOUND");
    }
    let list = cloud.admin(Method::GET, &keys, Value::Null).await;
    let left = list.json["data"].as_array().unwrap();
    assert!(left.iter().all(|row| row["id"] != id.as_str()));
}

/// Whoever asks while it happens: once the answer to the change is there, the key opens nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_after_the_answer_gets_in() {
    let cloud = TestCloud::start().await;
    for round in 0..20 {
        let made = cloud.post(OWN, json!({"name": "short"})).await;
        let (key, id) = (
            text(&made.json["data"]["key"]),
            text(&made.json["data"]["id"]),
        );
        let knock = || async {
            let mut entered = 0;
            while try_key(&cloud, &key).await.status == 200 {
                entered += 1;
                assert!(entered < 10_000, "the key was revoked");
            }
            entered
        };
        let revoke = async {
            while try_key(&cloud, &key).await.status != 200 {}
            match round % 3 {
                0 => assert_eq!(cloud.delete(&format!("{OWN}/{id}")).await.status, 204),
                1 => drop(cloud.post(&format!("{OWN}/{id}/suspend"), json!({})).await),
                _ => drop(cloud.post(&format!("{OWN}/{id}/rotate"), json!({})).await),
            }
            for _ in 0..5 {
                try_key(&cloud, &key).await.is_error(401, "UNAUTHORIZED");
            }
        };
        tokio::join!(knock(), knock(), knock(), revoke);
    }
}

/// The status of a list with a key.
async fn listed(cloud: &Process, key: &str) -> u16 {
    let request = cloud.http.get(format!("{}{MACHINES}", cloud.url));
    let answer = request.header("X-API-Key", key).send().await.unwrap();
    answer.status().as_u16()
}

/// A request that came before the revocation and is whole only after it changes nothing.
#[tokio::test]
async fn a_body_that_is_whole_too_late() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let cloud = TestCloud::start().await;
    let made = cloud.post(OWN, json!({"name": "short"})).await;
    let (key, id) = (
        text(&made.json["data"]["key"]),
        text(&made.json["data"]["id"]),
    );
    let body = TestCloud::machine("late").to_string();
    let (first, second) = body.split_at(10);
    let address = cloud.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    // Asked to go on: the server has read the head and waits for the body.
    let head = format!(
        "POST {MACHINES} HTTP/1.1\r\nHost: cloud\r\nConnection: close\r\nX-API-Key: {key}\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut seen = [0; 12];
    stream.read_exact(&mut seen).await.unwrap();
    assert_eq!(&seen, b"HTTP/1.1 100");
    stream.write_all(first.as_bytes()).await.unwrap();
    assert_eq!(cloud.delete(&format!("{OWN}/{id}")).await.status, 204);
    stream.write_all(second.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("HTTP/1.1 401 "), "{answer}");
    assert_eq!(cloud.get(MACHINES).await.json["meta"]["total"], 0);
}

#[tokio::test]
async fn a_key_with_a_limit_of_its_own() {
    let cloud = TestCloud::start_with(&["--rate-limit", "on"]).await;
    let key = cloud
        .key_with(json!({"name": "few", "rateLimitMax": 2}))
        .await;
    for left in ["1", "0"] {
        let answer = try_key(&cloud, &key).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), "2");
        assert_eq!(answer.header("x-ratelimit-remaining"), left);
    }
    let third = try_key(&cloud, &key).await;
    third.is_error(429, "RATE_LIMIT_EXCEEDED");
    let id = cloud.get(OWN).await.json["data"][1]["id"].clone();
    let shown = cloud.get(&format!("{OWN}/{}", text(&id))).await;
    assert_eq!(shown.json["data"]["rateLimitWindow"], 60);
}

/// Expiry is the server's clock's, and starts again with a new secret.
#[tokio::test]
async fn a_key_expires_on_the_servers_clock() {
    let mut cloud = Process::start(&["--clock", "manual"]);
    let (_, tenants) = cloud.admin("GET", "/tenants", None).await;
    let keys = format!("/tenants/{}/keys", text(&tenants["data"][0]["id"]));
    let body = json!({"name": "week", "expiresInDays": 7});
    let (status, made) = cloud.admin("POST", &keys, Some(&body)).await;
    assert_eq!(status, 201, "{made}");
    let (old, id) = (text(&made["data"]["key"]), text(&made["data"]["id"]));
    cloud.advance(7 * DAY - 1).await;
    assert_eq!(listed(&cloud, &old).await, 200);
    cloud.advance(1).await;
    assert_eq!(listed(&cloud, &old).await, 401);
    let rotate = format!("{keys}/{id}/rotate");
    let (_, rotated) = cloud.admin("POST", &rotate, None).await;
    let new = text(&rotated["data"]["key"]);
    cloud.advance(7 * DAY - 1).await;
    assert_eq!(listed(&cloud, &new).await, 200);
    // What is known of a key is on disk, when it was last used with it.
    let (_, before) = cloud.admin("GET", &keys, None).await;
    assert!(cloud.terminate().0.success());
    cloud.restart();
    let (_, after) = cloud.admin("GET", &keys, None).await;
    assert_eq!(before, after);
    assert!(after["data"][1]["lastUsedAt"].is_string(), "{after}");
    assert_eq!(listed(&cloud, &new).await, 200);
    cloud.advance(1).await;
    assert_eq!(listed(&cloud, &new).await, 401);
}

/// What a tenant is shown of its own keys.
#[tokio::test]
async fn a_tenant_keeps_its_own_keys() {
    let cloud = TestCloud::start().await;
    let body = json!({"name": "ci", "expiresInDays": 90, "roleId": null, "metadata": {"a": 1}});
    let made = cloud.post(OWN, body).await;
    assert_eq!(made.status, 201, "{}", made.json);
    let made = &made.json["data"];
    let (key, id) = (text(&made["key"]), text(&made["id"]));
    assert_eq!(made["prefix"], "gpcn_");
    assert_eq!(made["start"], key[..13]);
    let one = format!("{OWN}/{id}");
    let shown = cloud.get(&one).await.json["data"].clone();
    for (field, value) in [
        ("name", json!("ci")),
        ("enabled", json!(true)),
        ("isInherited", json!(false)),
        ("roles", json!([])),
        ("rateLimitEnabled", json!(false)),
    ] {
        assert_eq!(shown[field], value, "{field}");
    }
    for null in [
        "userId",
        "userName",
        "userEmail",
        "roleId",
        "rateLimitMax",
        "lastUsedAt",
    ] {
        assert_eq!(shown.get(null), Some(&Value::Null), "{null}");
    }
    assert_eq!(shown["entityId"], cloud.tenant_id().await);
    let list = cloud.get(OWN).await;
    assert_eq!(list.json["data"][1], shown);

    let check = cloud
        .anonymous(Method::GET, "/v1/auth/check")
        .header("X-API-Key", &key);
    let check = send(check).await.json["data"].clone();
    let credential = &check["credential"];
    assert_eq!(check["authenticated"], true);
    assert_eq!(
        (
            &credential["kind"],
            &credential["id"],
            &credential["keyStart"]
        ),
        (&json!("api_key"), &json!(id), &made["start"])
    );
    assert_eq!(credential["expiresAt"], shown["expiresAt"]);
    assert_eq!(check["grants"]["permissions"], json!(["read", "write"]));
}

/// Suspended, reactivated, rotated and ended by its tenant, and by nobody else.
#[tokio::test]
async fn a_tenant_ends_its_own_keys() {
    let cloud = TestCloud::start().await;
    let made = cloud.post(OWN, json!({"name": "ci"})).await;
    let made = &made.json["data"];
    let (key, id) = (text(&made["key"]), text(&made["id"]));
    let one = format!("{OWN}/{id}");
    let suspended = cloud.post(&format!("{one}/suspend"), json!({})).await;
    assert_eq!(suspended.json["data"]["enabled"], false);
    assert_eq!(try_key(&cloud, &key).await.status, 401);
    let active = cloud.post(&format!("{one}/reactivate"), json!({})).await;
    assert_eq!(active.json["data"]["enabled"], true);
    let rotated = cloud.post(&format!("{one}/rotate"), json!({})).await;
    assert_eq!(
        (rotated.status, &rotated.json["data"]["id"]),
        (200, &json!(id))
    );
    assert_eq!(try_key(&cloud, &key).await.status, 401);

    // Another tenant's key and one that never was are the same.
    let never = cloud.get(&format!("{OWN}/{NOTHING}")).await;
    never.is_error(404, "NOT_FOUND");
    for (method, path) in [
        (Method::GET, one.clone()),
        (Method::DELETE, one.clone()),
        (Method::POST, format!("{one}/rotate")),
        (Method::POST, format!("{one}/suspend")),
        (Method::POST, format!("{one}/reactivate")),
    ] {
        let request = cloud
            .anonymous(method, &path)
            .header("X-API-Key", &cloud.other_key);
        assert_eq!(send(request).await.json, never.json, "{path}");
    }
    let new = text(&rotated.json["data"]["key"]);
    let itself = cloud
        .anonymous(Method::DELETE, &one)
        .header("X-API-Key", &new);
    assert_eq!(send(itself).await.status, 204, "a key may end itself");
    assert_eq!(try_key(&cloud, &new).await.status, 401);
}

/// No key makes one that may do more than itself, or learns the secret of one.
#[tokio::test]
async fn no_key_makes_a_wider_one() {
    let cloud = TestCloud::start().await;
    let narrow = json!({"name": "w", "scopes": ["write"], "rateLimitMax": 9});
    let narrow = cloud.key_with(narrow).await;
    let ask = |path: &str, body: Value| {
        let request = cloud.anonymous(Method::POST, path);
        send(request.header("X-API-Key", &narrow).json(&body))
    };
    let same = ask(OWN, json!({"name": "same", "rateLimitMax": 1_000})).await;
    assert_eq!(same.status, 201);
    let id = text(&same.json["data"]["id"]);
    let shown = cloud.get(&format!("{OWN}/{id}")).await.json["data"].clone();
    assert_eq!(
        (
            &shown["scopes"],
            &shown["rateLimitMax"],
            &shown["rateLimitEnabled"]
        ),
        (&json!(["write"]), &json!(9), &json!(true))
    );
    let wider = json!({"name": "x", "scopes": ["read", "write"]});
    ask(OWN, wider).await.is_error(403, "FORBIDDEN");
    let role = json!({"name": "x", "roleId": NOTHING});
    ask(OWN, role).await.is_error(403, "FORBIDDEN");
    let all = cloud.get(OWN).await;
    let wide = text(&all.json["data"][0]["id"]);
    let rotate = ask(&format!("{OWN}/{wide}/rotate"), json!({})).await;
    rotate.is_error(403, "FORBIDDEN");
    assert_eq!(
        cloud.get(OWN).await.status,
        200,
        "its secret is what it was"
    );
    for (field, body) in [
        ("name", json!({})),
        ("expiresInDays", json!({"name": "x", "expiresInDays": 1})),
        ("roleId", json!({"name": "x", "roleId": "admin"})),
        ("metadata", json!({"name": "x", "metadata": []})),
    ] {
        cloud.post(OWN, body).await.names(field);
    }
}

/// What was accepted goes on; only asking is over.
#[tokio::test]
async fn the_jobs_of_a_suspended_tenant_go_on() {
    let cloud = Process::start(&["--clock", "manual"]);
    let (_, tenants) = cloud.admin("GET", "/tenants", None).await;
    let tenant = format!("/tenants/{}", text(&tenants["data"][0]["id"]));
    let (job, _) = cloud.create("web").await;
    let (status, _) = cloud
        .admin("POST", &format!("{tenant}/suspend"), None)
        .await;
    assert_eq!(status, 200);
    let poll = json!({"jobIds": [job]});
    assert_eq!(cloud.post(JOBS, &poll).await.0, 403);
    cloud.advance(600).await;
    cloud.admin("POST", &format!("{tenant}/resume"), None).await;
    assert_eq!(cloud.poll(&[job]).await[0]["status"], "completed");
    let (_, nobody) = cloud
        .admin("POST", &format!("/tenants/{NOTHING}/suspend"), None)
        .await;
    assert_eq!(nobody["error"], "NOT_FOUND");
}

/// The command line, from the making of a key to its end.
#[test]
fn by_hand() {
    let cloud = Process::start(&["--sim-speed", "0"]);
    let run = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let said = cloud.command(&words).output().unwrap();
        let out = String::from_utf8(said.stdout).unwrap();
        let err = String::from_utf8(said.stderr).unwrap();
        (said.status.code().unwrap(), out.trim().to_owned(), err)
    };
    let list = |key: &str| {
        let mut command = cloud.command(&["vm", "list"]);
        command
            .env("CLOUDLET_API_KEY", key)
            .output()
            .unwrap()
            .status
            .code()
    };
    let create = "admin key create default ci --scope read --expires-in-days 30 --rate-limit 9";
    let (status, key, err) = run(create);
    assert!(status == 0 && key.starts_with("gpcn_"), "{key} {err}");
    assert_eq!(list(&key), Some(0));
    let (_, rows, _) = run("admin key list default");
    let row = rows.lines().find(|row| row.starts_with("ci ")).unwrap();
    assert!(row.contains("active") && row.contains("read  "), "{rows}");
    assert_eq!(run("admin key suspend default ci").0, 0);
    assert_eq!(list(&key), Some(1));
    assert_eq!(run("admin key resume default ci").0, 0);
    assert_eq!(list(&key), Some(0));
    let (_, new, _) = run("admin key rotate default ci");
    assert_eq!((list(&key), list(&new)), (Some(1), Some(0)));
    assert_eq!(run("admin tenant suspend default").0, 0);
    assert_eq!(list(&new), Some(1));
    let (_, json, _) = run("admin tenant resume default --output json");
    let tenant: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(tenant["suspended"], false);
    assert_eq!(run("admin key revoke default ci").0, 0);
    assert_eq!(list(&new), Some(1));
    let (status, _, err) = run("admin key revoke default ci");
    assert!(
        status == 1 && err.contains("no key has the name or id 'ci'"),
        "{err}"
    );
    assert_eq!(run("admin key create default x --expires-in-days 8").0, 1);
    assert_eq!(list(ADMIN_KEY), Some(1));
}

/// Keys are bounded as everything is, or a limit of one key's rate would be none.
#[tokio::test]
async fn there_are_at_most_a_thousand_keys_of_a_tenant() {
    let cloud = TestCloud::start().await;
    let path = "/v1/auth/api-keys/me";
    let make = || cloud.post(path, json!({"name": "many"}));
    for _ in 1..1_000 {
        assert_eq!(make().await.status, 201);
    }
    let full = make().await;
    full.is_error(409, "LIMIT_EXCEEDED");
    assert_eq!(full.json["details"]["limit"], 1_000);
    let keys = cloud.get(path).await;
    let id = keys.json["data"][1]["id"].as_str().unwrap();
    assert_eq!(cloud.delete(&format!("{path}/{id}")).await.status, 204);
    assert_eq!(make().await.status, 201);
}
