//! `Idempotency-Key` on requests that make no job: keys, teams, and what the operator does. Each is sent,
//! then undone by another request where that can be, then repeated: not a row of the store may move.

use crate::{
    cloud::{Answer, LAB_A, MACHINES, TestCloud, send, text},
    idempotency::keyed,
    leftovers, world,
};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What is tested here; of images the real driver's tests ask.
pub(crate) const TESTED: &[&str] = &[
    "ssh_key.create",
    "ssh_key.rename",
    "ssh_key.delete",
    "team.create",
    "team.update",
    "team.delete",
    "team.delete_several",
    "own_key.create",
    "own_key.rotate",
    "own_key.suspend",
    "own_key.reactivate",
    "own_key.revoke",
    "tenant.create",
    "tenant.set_quotas",
    "tenant.suspend",
    "tenant.resume",
    "key.create",
    "key.rotate",
    "key.suspend",
    "key.resume",
    "key.revoke",
    "fault.create",
    "fault.delete",
    "fault.clear",
    "clock.advance",
    "host.drain",
    "host.undrain",
    "leftover.retry",
    "leftover.settle",
    "host_image.import",
    "host_image.remove",
];

const FAULTS: &str = "/admin/v1/faults";

/// A request, one of the same key that is another, what undoes it, and the status of its repeat.
struct Row {
    operation: &'static str,
    act: String,
    body: Value,
    other: Value,
    undo: Option<(String, Value)>,
    again: Again,
}

/// How a repeat is answered.
#[derive(Clone, Copy, PartialEq)]
enum Again {
    /// With what the first was.
    AsBefore,
    /// With the same thing as it is now.
    AsItIs,
    /// With a refusal, since the answer had a secret in it.
    Refused,
}

fn row(operation: &'static str, act: &str, body: Value, again: Again) -> Row {
    let mut other = match &body {
        Value::Null => json!({}),
        body => body.clone(),
    };
    other["more"] = json!(1);
    let act = act.to_owned();
    Row {
        operation,
        act,
        body,
        other,
        undo: None,
        again,
    }
}

impl Row {
    fn undone_by(mut self, act: &str, body: Value) -> Self {
        self.undo = Some((act.to_owned(), body));
        self
    }
}

/// As the tenant or the operator, without a key.
async fn act(cloud: &TestCloud, act: &str, body: &Value) -> Answer {
    let key = match act.contains(" /admin/") {
        true => &cloud.admin_key,
        false => &cloud.key,
    };
    let answer = cloud.act_as(key, act, body).await;
    assert!(answer.status < 300, "{act}: {}", answer.json);
    answer
}

async fn made(cloud: &TestCloud, path: &str, body: Value) -> Answer {
    act(cloud, &format!("POST {path}"), &body).await
}

fn id(answer: &Answer) -> String {
    text(&answer.json["data"]["id"])
}

async fn tests_ssh_keys(cloud: &TestCloud) -> Vec<Row> {
    let path = "/v1/resource/ssh-keys";
    let pair = json!({"name": "old", "type": "generate", "algorithm": "ed25519"});
    let key = format!("{path}/{}", id(&made(cloud, path, pair).await));
    let public = text(&cloud.data(&key).await["publicKey"]);
    let upload = json!({"name": "up", "type": "upload", "publicKey": public});
    let new = json!({"name": "new", "type": "generate", "algorithm": "ed25519"});
    let put = format!("PUT {key}");
    vec![
        row(
            "ssh_key.create",
            &format!("POST {path}"),
            upload,
            Again::AsBefore,
        ),
        row("ssh_key.rename", &put, json!({"name": "a"}), Again::AsItIs)
            .undone_by(&put, json!({"name": "b"})),
        row(
            "ssh_key.delete",
            &format!("DELETE {key}"),
            Value::Null,
            Again::AsBefore,
        ),
        row(
            "ssh_key.create",
            &format!("POST {path}"),
            new,
            Again::Refused,
        ),
    ]
}

async fn tests_teams(cloud: &TestCloud) -> Vec<Row> {
    let path = "/v1/teams";
    let mut teams = Vec::new();
    for name in ["one", "two", "three"] {
        let made = made(cloud, path, json!({"name": name})).await;
        teams.push(made.json["data"]["teamId"].clone());
    }
    let put = format!("PUT {path}/{}", teams[0]);
    let several = json!({"ids": [teams[1], teams[2]]});
    vec![
        row(
            "team.create",
            &format!("POST {path}"),
            json!({"name": "new"}),
            Again::AsBefore,
        ),
        row("team.update", &put, json!({"name": "a"}), Again::AsItIs)
            .undone_by(&put, json!({"name": "b"})),
        row(
            "team.delete",
            &format!("DELETE {path}/{}", teams[0]),
            Value::Null,
            Again::AsBefore,
        ),
        row(
            "team.delete_several",
            &format!("POST {path}/bulk/delete"),
            several,
            Again::AsBefore,
        ),
    ]
}

/// The rows of keys at a path, in the words of whoever owns them.
fn of_keys(path: &str, key: &str, words: [&'static str; 5], resume: &str) -> Vec<Row> {
    let post = |verb: &str| format!("POST {path}/{key}/{verb}");
    let [create, rotate, suspend, resumes, revoke] = words;
    let none = Value::Null;
    vec![
        row(
            create,
            &format!("POST {path}"),
            json!({"name": "new"}),
            Again::Refused,
        ),
        row(rotate, &post("rotate"), none.clone(), Again::Refused),
        row(suspend, &post("suspend"), none.clone(), Again::AsItIs)
            .undone_by(&post(resume), none.clone()),
        row(resumes, &post(resume), none.clone(), Again::AsItIs)
            .undone_by(&post("suspend"), none.clone()),
        row(
            revoke,
            &format!("DELETE {path}/{key}"),
            none,
            Again::AsBefore,
        ),
    ]
}

async fn tests_keys(cloud: &TestCloud) -> Vec<Row> {
    let own = "/v1/auth/api-keys/me";
    let key = id(&made(cloud, own, json!({"name": "spare"})).await);
    let words = [
        "own_key.create",
        "own_key.rotate",
        "own_key.suspend",
        "own_key.reactivate",
        "own_key.revoke",
    ];
    let mut rows = of_keys(own, &key, words, "reactivate");
    let theirs = format!("/admin/v1/tenants/{}/keys", cloud.tenant_id().await);
    let key = id(&made(cloud, &theirs, json!({"name": "spare"})).await);
    let words = [
        "key.create",
        "key.rotate",
        "key.suspend",
        "key.resume",
        "key.revoke",
    ];
    rows.extend(of_keys(&theirs, &key, words, "resume"));
    rows
}

async fn tests_operator(cloud: &TestCloud) -> Vec<Row> {
    let none = Value::Null;
    let tenants = "/admin/v1/tenants";
    let tenant = id(&made(cloud, tenants, json!({"name": "acme"})).await);
    let post = |verb: &str| format!("POST {tenants}/{tenant}/{verb}");
    let quotas = format!("PUT {tenants}/{tenant}/quotas");
    let host = |verb: &str| format!("POST /admin/v1/hosts/{LAB_A}/{verb}");
    let clock = "POST /admin/v1/clock";
    vec![
        row(
            "tenant.create",
            &format!("POST {tenants}"),
            json!({"name": "new"}),
            Again::AsBefore,
        ),
        row(
            "tenant.set_quotas",
            &quotas,
            json!({"vcpus": 5}),
            Again::AsItIs,
        )
        .undone_by(&quotas, json!({"vcpus": 7})),
        row(
            "tenant.suspend",
            &post("suspend"),
            none.clone(),
            Again::AsItIs,
        )
        .undone_by(&post("resume"), none.clone()),
        row(
            "tenant.resume",
            &post("resume"),
            none.clone(),
            Again::AsItIs,
        )
        .undone_by(&post("suspend"), none.clone()),
        row("host.drain", &host("drain"), none.clone(), Again::AsItIs)
            .undone_by(&host("undrain"), none.clone()),
        row(
            "host.undrain",
            &host("undrain"),
            none.clone(),
            Again::AsItIs,
        )
        .undone_by(&host("drain"), none),
        row(
            "clock.advance",
            clock,
            json!({"advanceSeconds": 10}),
            Again::AsItIs,
        )
        .undone_by(clock, json!({"advanceSeconds": 5})),
    ]
}

async fn tests_faults(cloud: &TestCloud) -> Vec<Row> {
    let fault = json!({"operation": "vm.reset", "kind": "fail"});
    let placed = id(&made(cloud, FAULTS, fault.clone()).await);
    let post = format!("POST {FAULTS}");
    vec![
        row("fault.create", &post, fault.clone(), Again::AsBefore),
        row(
            "fault.delete",
            &format!("DELETE {FAULTS}/{placed}"),
            Value::Null,
            Again::AsBefore,
        ),
        row(
            "fault.clear",
            &format!("DELETE {FAULTS}"),
            Value::Null,
            Again::AsBefore,
        )
        .undone_by(&post, fault),
    ]
}

/// Two that are left over: the retry of one fails again, the other is settled.
async fn tests_leftovers(cloud: &TestCloud) -> Vec<Row> {
    let mut rows = Vec::new();
    for (operation, verb) in [("leftover.retry", "retry"), ("leftover.settle", "settle")] {
        let machine = cloud.machine_named(verb).await;
        let delete = format!("DELETE {MACHINES}/{machine}");
        leftovers::fails_twice(cloud, &delete, "vm.delete", "disk").await;
        let path = format!("POST /admin/v1/leftovers/{machine}/{verb}");
        rows.push(row(operation, &path, Value::Null, Again::AsBefore));
    }
    rows
}

/// All that a request could change: the store, and the faults, which stand in memory; once no leftover
/// is being tried again.
async fn all(cloud: &TestCloud) -> (Value, std::collections::BTreeMap<String, Vec<String>>) {
    let list = "/admin/v1/leftovers";
    let mut leftovers = cloud.admin(Method::GET, list, Value::Null).await.json;
    while leftovers.to_string().contains("\"retrying\":true") {
        tokio::task::yield_now().await;
        leftovers = cloud.admin(Method::GET, list, Value::Null).await.json;
    }
    let faults = cloud.admin(Method::GET, FAULTS, Value::Null).await;
    (
        faults.json["data"].clone(),
        world::still(&cloud.store()).await,
    )
}

async fn is_done_once(cloud: &TestCloud, number: usize, row: &Row) {
    let operation = row.operation;
    let key = format!("{operation}-{number}");
    let first = keyed(cloud, &key, &row.act, &row.body).await;
    assert!(first.status < 300, "{operation}: {}", first.json);
    if let Some((undo, body)) = &row.undo {
        act(cloud, undo, body).await;
    }
    let before = all(cloud).await;
    for path in [row.act.clone(), format!("{}/", row.act)] {
        let again = keyed(cloud, &key, &path, &row.body).await;
        if row.again == Again::Refused {
            again.is_error(409, "CONFLICT");
            let made = first.json["data"]["id"].as_str().unwrap();
            assert!(
                again.json["message"].as_str().unwrap().contains(made),
                "{operation}"
            );
        } else {
            assert_eq!(again.status, first.status, "{operation}: {}", again.json);
        }
        if row.again == Again::AsBefore {
            assert_eq!(again.json, first.json, "{operation}");
        }
        if row.again == Again::AsItIs {
            assert_eq!(
                again.json["data"]["id"], first.json["data"]["id"],
                "{operation}"
            );
            assert_ne!(again.json, first.json, "{operation}: it is otherwise now");
        }
        let reused = keyed(cloud, &key, &path, &row.other).await;
        reused.is_error(422, "IDEMPOTENCY_KEY_REUSED");
    }
    let after = all(cloud).await;
    assert_eq!(before.0, after.0, "{operation}: faults");
    world::same(&before.1, &after.1, operation);
}

#[tokio::test]
async fn every_request_is_carried_out_once() {
    let cloud = TestCloud::start_with(&["--clock", "manual"]).await;
    let mut rows = tests_leftovers(&cloud).await;
    rows.extend(tests_ssh_keys(&cloud).await);
    rows.extend(tests_teams(&cloud).await);
    rows.extend(tests_keys(&cloud).await);
    rows.extend(tests_operator(&cloud).await);
    rows.extend(tests_faults(&cloud).await);
    let tested: BTreeSet<_> = rows.iter().map(|row| row.operation).collect();
    let images = ["host_image.import", "host_image.remove"];
    let listed: BTreeSet<_> = TESTED.iter().copied().collect();
    assert_eq!(tested, &listed - &BTreeSet::from(images));
    for (number, row) in rows.iter().enumerate() {
        is_done_once(&cloud, number, row).await;
    }
}

/// What was refused is judged afresh, and its key stays free.
#[tokio::test]
async fn a_refusal_leaves_the_key_free() {
    let cloud = TestCloud::start().await;
    let create = "POST /admin/v1/tenants";
    let taken = keyed(&cloud, "k", create, &json!({"name": "other"})).await;
    taken.is_error(409, "CONFLICT");
    let free = keyed(&cloud, "k", create, &json!({"name": "new"})).await;
    assert_eq!(free.status, 201, "{}", free.json);
    let again = keyed(&cloud, "k", create, &json!({"name": "new"})).await;
    assert_eq!((again.status, again.json), (201, free.json));
    let nobody = format!("DELETE {FAULTS}/{}", crate::cloud::NOTHING);
    for _ in 0..2 {
        let missing = keyed(&cloud, "k", &nobody, &Value::Null).await;
        missing.is_error(404, "NOT_FOUND");
    }
}

/// The same request twenty times at once.
async fn twenty(request: reqwest::RequestBuilder) -> Vec<Answer> {
    let mut sent = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let request = request.try_clone().unwrap();
        sent.spawn(send(request.header("Idempotency-Key", "k")));
    }
    sent.join_all().await
}

/// Many at once with one key are one; a tenant's key is not the operator's.
#[tokio::test]
async fn many_at_once_are_one() {
    let cloud = TestCloud::start().await;
    let fault = json!({"operation": "vm.reset", "kind": "fail"});
    let path = format!("POST {FAULTS}");
    let placed = twenty(cloud.acting(&cloud.admin_key, &path, &fault)).await;
    let ids: BTreeSet<_> = placed.iter().map(id).collect();
    assert_eq!(ids.len(), 1, "one fault");
    let own = "POST /v1/auth/api-keys/me";
    let made = twenty(cloud.acting(&cloud.key, own, &json!({"name": "new"}))).await;
    let statuses: Vec<_> = made.iter().map(|answer| answer.status).collect();
    let count = |status| statuses.iter().filter(|&&it| it == status).count();
    assert_eq!((count(201), count(409)), (1, 19), "{statuses:?}");
    let keys = cloud.get("/v1/auth/api-keys/me").await;
    assert_eq!(keys.json["meta"]["total"], 2, "{}", keys.json);
}

/// A fault ends with its server; so does what its key is known by.
#[tokio::test]
async fn a_restart_forgets_faults_and_their_keys_and_nothing_else() {
    let mut cloud = TestCloud::start().await;
    let fault = json!({"operation": "vm.reset", "kind": "fail"});
    let (place, create) = (format!("POST {FAULTS}"), "POST /admin/v1/tenants");
    let first = id(&keyed(&cloud, "k", &place, &fault).await);
    let tenant = id(&keyed(&cloud, "k", create, &json!({"name": "new"})).await);
    cloud.server.kill();
    cloud.server.restart();
    cloud.url = cloud.server.url.clone();
    let again = id(&keyed(&cloud, "k", &place, &fault).await);
    let faults = cloud.admin(Method::GET, FAULTS, Value::Null).await;
    let listed: Vec<_> = faults.json["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| text(&it["id"]))
        .collect();
    assert_ne!(first, again);
    assert_eq!(listed, [again]);
    let known = keyed(&cloud, "k", create, &json!({"name": "new"})).await;
    assert_eq!((known.status, id(&known)), (201, tenant));
    let request = cloud.acting(&cloud.key, "POST /v1/teams", &json!({"name": "t"}));
    assert_eq!(
        send(request.header("Idempotency-Key", "k")).await.status,
        201
    );
}

/// Longer than answers are kept: the repeat still knows where it was to go.
#[tokio::test]
async fn a_long_advance_is_made_once() {
    let cloud = TestCloud::start_with(&["--clock", "manual"]).await;
    let (clock, days) = (
        "POST /admin/v1/clock",
        json!({"advanceSeconds": 300_000_000}),
    );
    let first = keyed(&cloud, "k", clock, &days).await;
    for _ in 0..2 {
        let again = keyed(&cloud, "k", clock, &days).await;
        assert_eq!((again.status, &again.json), (200, &first.json));
    }
    // A day later the key is free again.
    act(&cloud, clock, &json!({"advanceSeconds": 90_000})).await;
    let anew = keyed(&cloud, "k", clock, &days).await;
    assert_ne!(anew.json, first.json);
}

/// One settles it; the others find it gone, and are answered as that one was.
#[tokio::test]
async fn many_that_settle_at_once_are_answered_alike() {
    let cloud = TestCloud::start().await;
    for round in ["one", "two", "three"] {
        let machine = cloud.machine_named(round).await;
        let delete = format!("DELETE {MACHINES}/{machine}");
        leftovers::fails_twice(&cloud, &delete, "vm.delete", "disk").await;
        let path = format!("POST /admin/v1/leftovers/{machine}/settle");
        let settled = twenty(cloud.acting(&cloud.admin_key, &path, &Value::Null)).await;
        for answer in &settled {
            let got = (answer.status, &answer.json);
            assert_eq!(got, (200, &settled[0].json));
        }
    }
}

/// Whatever has become of the key since.
#[tokio::test]
async fn a_secret_is_not_shown_again_once_its_key_is_gone() {
    let cloud = TestCloud::start().await;
    let own = "/v1/auth/api-keys/me";
    let key = id(&made(&cloud, own, json!({"name": "spare"})).await);
    let rotate = format!("POST {own}/{key}/rotate");
    assert_eq!(keyed(&cloud, "k", &rotate, &Value::Null).await.status, 200);
    act(&cloud, &format!("DELETE {own}/{key}"), &Value::Null).await;
    for path in [rotate, format!("POST {own}/{}/rotate", key.to_uppercase())] {
        let again = keyed(&cloud, "k", &path, &Value::Null).await;
        again.is_error(409, "CONFLICT");
    }
}
