//! What clients get wrong, and that each is told what and where. Nothing of it is ever a 500.

use crate::cloud::{
    GPU, JOBS, LAB_A, LAB_B, MACHINES, NETWORKS, NOTHING, TestCloud, VOLUMES, send, text,
};
use reqwest::Method;
use serde_json::{Value, json};

const LIMIT: usize = 1024 * 1024;

/// A create's body with one field set, or taken away where the value is null.
fn with(field: &str, value: Value) -> Value {
    let mut body = TestCloud::machine("web");
    body[field] = value;
    body
}

fn without(field: &str) -> Value {
    let mut body = TestCloud::machine("web");
    body.as_object_mut().unwrap().remove(field);
    body
}

#[tokio::test]
async fn fields_of_a_create() {
    let cloud = TestCloud::start().await;
    let long = "x".repeat(64);
    let cases = [
        ("name", json!(5)),
        ("name", json!("")),
        ("name", json!(long)),
        ("name", json!("we\u{7}b")),
        ("name", json!(" web")),
        ("name", Value::Null),
        ("datacenterId", json!("dc-uuid")),
        ("datacenterId", json!(NOTHING)),
        ("datacenterId", json!(7)),
        ("imageId", json!(9999)),
        ("imageId", json!("12")),
        ("imageId", json!(12.5)),
        ("imageId", json!(1e300)),
        ("imageId", json!(true)),
        ("configurationId", json!(-1)),
        ("configurationId", json!([45])),
        ("numberOfInstances", json!(0)),
        ("numberOfInstances", json!(51)),
        ("numberOfInstances", json!("2")),
        ("allocatePublicIp", json!("no")),
        ("allocatePublicIp", json!(1)),
        ("teamId", json!("ops")),
        (
            "networkInterfaces[0].networkId",
            json!([{"networkId": NOTHING, "primary": true}]),
        ),
    ];
    for (field, value) in cases {
        let name = field.split('[').next().unwrap();
        cloud.post(MACHINES, with(name, value)).await.names(field);
    }
    let list = cloud.get(MACHINES).await;
    assert_eq!(list.json["meta"]["total"], 0, "a refusal writes nothing");
}

#[tokio::test]
async fn a_create_as_a_whole() {
    let cloud = TestCloud::start().await;
    for field in ["name", "datacenterId", "imageId", "configurationId"] {
        cloud.post(MACHINES, without(field)).await.names(field);
    }
    let unknown = cloud
        .post(MACHINES, with("datacenterId", json!("dc-uuid")))
        .await;
    let message = unknown.json["message"].as_str().unwrap();
    assert!(
        message.contains("Lab A") && message.contains(LAB_A),
        "{message}"
    );
    let numbered = json!({"name": "y".repeat(62), "numberOfInstances": 10});
    let mut body = TestCloud::machine("");
    body.as_object_mut()
        .unwrap()
        .extend(numbered.as_object().unwrap().clone());
    cloud.post(MACHINES, body).await.names("name");
    let list = cloud.get(MACHINES).await;
    assert_eq!(list.json["meta"]["total"], 0, "a refusal writes nothing");
}

#[tokio::test]
async fn bodies_that_are_none() {
    let cloud = TestCloud::start().await;
    let post = |path: &'static str, kind: &'static str, body: Vec<u8>| {
        let request = cloud.request(Method::POST, path);
        send(request.header("Content-Type", kind).body(body))
    };
    let json = "application/json";
    let deep = format!(r#"{{"name":{}1{}}}"#, "[".repeat(40), "]".repeat(40));
    for body in [
        b"{".to_vec(),
        b"".to_vec(),
        b"   ".to_vec(),
        b"[]".to_vec(),
        b"null".to_vec(),
        br#"{"name":"a"} more"#.to_vec(),
        b"{\"name\":\"\xff\xfe\"}".to_vec(),
        br#"{"name":"\ud800"}"#.to_vec(),
        deep.into_bytes(),
        vec![b'['; 500_000],
    ] {
        let answer = post(MACHINES, json, body.clone()).await;
        answer.is_error(400, "VALIDATION_ERROR");
        post(JOBS, json, body)
            .await
            .is_error(400, "VALIDATION_ERROR");
    }
    let whole = TestCloud::machine("web").to_string();
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
    ] {
        let answer = post(MACHINES, kind, whole.clone().into_bytes()).await;
        answer.is_error(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    let padded = |size: usize| {
        let mut body = whole.clone().into_bytes();
        body.resize(size, b' ');
        body
    };
    post(MACHINES, json, padded(LIMIT + 1))
        .await
        .is_error(413, "PAYLOAD_TOO_LARGE");
    post(MACHINES, json, padded(3 * LIMIT))
        .await
        .is_error(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(post(MACHINES, json, padded(LIMIT)).await.status, 202);
    assert_eq!(
        post(MACHINES, "application/json; charset=utf-8", padded(500))
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn polls() {
    let cloud = TestCloud::start().await;
    let poll = |ids: Value| cloud.post(JOBS, json!({"jobIds": ids}));
    poll(json!([])).await.names("jobIds");
    poll(json!(vec![NOTHING; 51])).await.names("jobIds");
    poll(json!(NOTHING)).await.names("jobIds");
    poll(Value::Null).await.names("jobIds");
    poll(json!([NOTHING, 4])).await.names("jobIds[1]");
    cloud.post(JOBS, json!([NOTHING])).await.names("jobIds");
    cloud.post(JOBS, json!({})).await.names("jobIds");

    let created = cloud.post(MACHINES, TestCloud::machine("web")).await;
    let id = created.json["data"][0]["id"].as_str().unwrap().to_owned();
    let asked = json!(["no-uuid", "", id.to_uppercase(), NOTHING, id, id]);
    let answer = poll(asked).await;
    assert_eq!(answer.status, 200);
    let jobs = answer.json["data"]["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 1, "{jobs:?}");
    assert_eq!(jobs[0]["id"], json!(id));
    assert_eq!(
        poll(json!(vec![NOTHING; 50])).await.json["data"]["jobs"],
        json!([])
    );
}

#[tokio::test]
async fn pages_and_parameters() {
    let cloud = TestCloud::start().await;
    for list in [
        MACHINES,
        "/v1/resource/data-centers",
        "/v1/resource/data-centers/regions",
    ] {
        for (name, value) in [
            ("page", "0"),
            ("page", "-1"),
            ("page", "x"),
            ("page", "1.5"),
            ("page", "%2B1"),
            ("page", ""),
            ("limit", "0"),
            ("limit", "101"),
            ("limit", "99999999999999999999"),
        ] {
            cloud
                .get(&format!("{list}?{name}={value}"))
                .await
                .names(name);
        }
        for name in ["page", "limit"] {
            let twice = format!("{list}?{name}=1&{name}=1");
            cloud.get(&twice).await.names(name);
        }
        let far = cloud.get(&format!("{list}?page=1000000&limit=100")).await;
        assert_eq!((far.status, &far.json["data"]), (200, &json!([])));
    }
    let sizes = format!("/v1/resource/data-centers/{LAB_A}/virtual-machine-sizes");
    for query in [
        "imageId=x",
        "imageId=999",
        "imageId=%2B12",
        "imageId=12&imageId=13",
        "imageId=12&filter%5BimageId%5D=12",
    ] {
        let answer = cloud.get(&format!("{sizes}?{query}")).await;
        answer.names("imageId");
    }
}

#[tokio::test]
async fn ids_in_paths() {
    let cloud = TestCloud::start().await;
    for id in [
        NOTHING,
        "x",
        "%ff",
        "1",
        "00000000-0000-0000-0000-000000000000",
    ] {
        let machine = format!("{MACHINES}/{id}");
        cloud.get(&machine).await.is_error(404, "NOT_FOUND");
        cloud.delete(&machine).await.is_error(404, "NOT_FOUND");
        cloud
            .put(&machine, json!({"name": "a"}))
            .await
            .is_error(404, "NOT_FOUND");
        cloud.put(&machine, json!({"name": 1})).await.names("name");
        for verb in ["start", "stop", "reset"] {
            let path = format!("{machine}/{verb}");
            cloud
                .post(&path, json!({}))
                .await
                .is_error(404, "NOT_FOUND");
        }
        cloud
            .get(&format!("{JOBS}/{id}"))
            .await
            .is_error(404, "NOT_FOUND");
        let images = format!("/v1/resource/data-centers/{id}/virtual-machine-images");
        cloud.get(&images).await.is_error(404, "NOT_FOUND");
        let tenant = format!("/admin/v1/tenants/{id}");
        cloud
            .admin(Method::GET, &tenant, json!({}))
            .await
            .is_error(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn things_of_others_are_as_if_they_were_not() {
    let cloud = TestCloud::start().await;
    let created = cloud.post(MACHINES, TestCloud::machine("mine")).await;
    let job = &created.json["data"][0];
    let (job_id, machine) = (
        job["id"].as_str().unwrap(),
        job["targetId"].as_str().unwrap(),
    );
    let other = |method, path: &str, body: Value| {
        let request = cloud.anonymous(method, path);
        send(request.header("X-API-Key", &cloud.other_key).json(&body))
    };
    for (method, path) in [
        (Method::GET, format!("{MACHINES}/{machine}")),
        (Method::PUT, format!("{MACHINES}/{machine}")),
        (Method::DELETE, format!("{MACHINES}/{machine}")),
        (Method::POST, format!("{MACHINES}/{machine}/start")),
        (Method::GET, format!("{JOBS}/{job_id}")),
    ] {
        let of = |id: &str| path.replace(machine, id).replace(job_id, id);
        let body = json!({"name": "taken"});
        let theirs = other(method.clone(), &path, body.clone()).await;
        theirs.is_error(404, "NOT_FOUND");
        let never = other(method, &of(NOTHING), body).await;
        assert_eq!(theirs.json, never.json);
    }
    let polled = other(Method::POST, JOBS, json!({"jobIds": [job_id]})).await;
    assert_eq!(polled.json["data"]["jobs"], json!([]));
    assert_eq!(
        other(Method::GET, MACHINES, json!({})).await.json["data"],
        json!([])
    );
    assert_eq!(
        cloud.get(&format!("{MACHINES}/{machine}")).await.status,
        200
    );
}

#[tokio::test]
async fn keys() {
    let cloud = TestCloud::start().await;
    let with =
        |name: &str, value: &str| send(cloud.anonymous(Method::GET, MACHINES).header(name, value));
    let none = send(cloud.anonymous(Method::GET, MACHINES)).await;
    none.is_error(401, "UNAUTHORIZED");
    for (name, value) in [
        ("X-API-Key", "gpcn_00000000000000000000000000000000"),
        ("X-API-Key", "nonsense"),
        ("X-API-Key", ""),
        (
            "Authorization",
            "Bearer gpcn_00000000000000000000000000000000",
        ),
        ("Authorization", "Bearer nonsense"),
        ("Authorization", "Basic Zzz="),
    ] {
        assert_eq!(with(name, value).await.json, none.json, "{name}: {value}");
    }
    assert_eq!(with("x-api-key", &cloud.key).await.status, 200);
    let bearer = format!("Bearer {}", cloud.key);
    assert_eq!(with("Authorization", &bearer).await.status, 200);
    with("X-API-Key", &cloud.admin_key)
        .await
        .is_error(403, "FORBIDDEN");
    cloud
        .get("/admin/v1/tenants")
        .await
        .is_error(403, "FORBIDDEN");
    // The key is judged before the body.
    let broken = cloud.anonymous(Method::POST, MACHINES).body("{");
    send(broken).await.is_error(401, "UNAUTHORIZED");
}

/// Of several things that are wrong, the one is told that comes first in the API's order.
#[tokio::test]
async fn which_error_comes_first() {
    let cloud = TestCloud::start().await;
    let large = vec![b'{'; LIMIT + 1];
    let ask = |method, path: &str, key: &str, kind: &str, body: &[u8]| {
        let request = cloud.anonymous(method, path).header("X-API-Key", key);
        send(request.header("Content-Type", kind).body(body.to_vec()))
    };
    let (own, operator, json) = (&cloud.key, &cloud.admin_key, "application/json");
    let machine = format!("{MACHINES}/{NOTHING}");
    for (method, path, key, kind, body, status) in [
        (Method::POST, "/nowhere", "x", "text/plain", &large[..], 404),
        (Method::PATCH, MACHINES, "x", "text/plain", &large, 405),
        (Method::POST, MACHINES, "x", "text/plain", &large, 401),
        (Method::POST, MACHINES, operator, "text/plain", &large, 403),
        (Method::POST, MACHINES, own, "text/plain", &large, 415),
        (Method::POST, MACHINES, own, json, &large, 413),
        (Method::POST, MACHINES, own, json, b"{", 400),
        (Method::PUT, &machine, own, json, b"{", 400),
        (Method::PUT, &machine, own, json, br#"{"name":""}"#, 400),
        (Method::PUT, &machine, own, json, br#"{"name":"a"}"#, 404),
    ] {
        let answer = ask(method, path, key, kind, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.json);
    }
}

#[tokio::test]
async fn paths_and_methods() {
    let cloud = TestCloud::start().await;
    for path in [
        "/v1",
        "/v1/resource",
        "/v2/resource/jobs",
        "/v1/resource/virtual-machines//",
        "/x/",
    ] {
        let answer = send(cloud.anonymous(Method::GET, path)).await;
        answer.is_error(404, "NOT_FOUND");
    }
    for (method, path, allow) in [
        (Method::PATCH, MACHINES, "POST,GET,HEAD"),
        (Method::OPTIONS, MACHINES, "POST,GET,HEAD"),
        (Method::PUT, JOBS, "POST,GET,HEAD"),
        (Method::POST, "/v1/resource/data-centers", "GET,HEAD"),
    ] {
        for path in [path.to_owned(), format!("{path}/")] {
            let answer = send(cloud.anonymous(method.clone(), &path)).await;
            answer.is_error(405, "METHOD_NOT_ALLOWED");
            let sorted = |list: &str| {
                let mut list: Vec<_> = list.split(',').map(|it| it.trim().to_owned()).collect();
                list.sort();
                list
            };
            assert_eq!(sorted(answer.header("allow")), sorted(allow));
        }
    }
    let head = send(cloud.request(Method::HEAD, MACHINES)).await;
    assert_eq!((head.status, &head.json), (200, &Value::Null));
}

#[tokio::test]
async fn repeats() {
    let cloud = TestCloud::start().await;
    let post = |key: &str, path: &str, body: Value| {
        let request = cloud.request(Method::POST, path);
        send(request.header("Idempotency-Key", key).json(&body))
    };
    let body = TestCloud::machine("once");
    let first = post("k-1", MACHINES, body.clone()).await;
    let again = post("k-1", MACHINES, body.clone()).await;
    assert_eq!((first.status, again.status), (202, 202));
    assert_eq!(first.json["data"][0]["id"], again.json["data"][0]["id"]);
    let slashed = post("k-1", &format!("{MACHINES}/"), body.clone()).await;
    assert_eq!(
        slashed.json["data"]["jobs"][0]["id"],
        first.json["data"][0]["id"]
    );
    let other = post("k-1", MACHINES, TestCloud::machine("other")).await;
    other.is_error(422, "IDEMPOTENCY_KEY_REUSED");
    let fresh = post("k-2", MACHINES, body.clone()).await;
    assert_ne!(first.json["data"][0]["id"], fresh.json["data"][0]["id"]);
    for key in ["", "a b", &"k".repeat(256)] {
        post(key, MACHINES, body.clone())
            .await
            .names("Idempotency-Key");
    }
    let twice = cloud.request(Method::POST, MACHINES).json(&body);
    let twice = twice.header("Idempotency-Key", "k-3");
    send(twice.header("Idempotency-Key", "k-3"))
        .await
        .names("Idempotency-Key");
}

/// Half of a surrogate pair is no text: JSON can spell it, UTF-8 cannot.
#[tokio::test]
async fn half_of_a_surrogate_pair() {
    let cloud = TestCloud::start().await;
    for half in [r"\ud800", r"a\udfff", r"\ud83d\ud83d", r"\uD800b"] {
        let body = TestCloud::machine("HALF").to_string().replace("HALF", half);
        let request = cloud.request(Method::POST, MACHINES).body(body);
        let answer = send(request).await;
        answer.names("name");
        let message = answer.json["message"].as_str().unwrap();
        assert!(message.contains("half of a surrogate pair"), "{message}");
    }
    let whole = TestCloud::machine("HALF").to_string();
    let whole = whole.replace("HALF", r"\ud83e\udd80");
    let request = cloud.request(Method::POST, MACHINES).body(whole);
    let made = send(request).await;
    assert_eq!(made.json["data"][0]["resourceName"], "🦀", "{}", made.json);
}

#[tokio::test]
async fn the_operator() {
    let cloud = TestCloud::start().await;
    let admin = |method, path: &'static str, body| cloud.admin(method, path, body);
    let tenants = "/admin/v1/tenants";
    admin(Method::POST, tenants, json!({"name": ""}))
        .await
        .names("name");
    admin(Method::POST, tenants, json!({})).await.names("name");
    let taken = admin(Method::POST, tenants, json!({"name": "other"})).await;
    taken.is_error(409, "CONFLICT");
    let all = admin(Method::GET, tenants, json!({})).await;
    let id = all.json["data"][0]["id"].as_str().unwrap();
    let quotas = format!("{tenants}/{id}/quotas");
    let put = |body| cloud.admin(Method::PUT, &quotas, body);
    for wrong in [json!(-1), json!(1.5), json!("3"), json!(u64::MAX)] {
        put(json!({"vcpus": wrong})).await.names("vcpus");
    }
    put(json!({"vcpus": 4, "gpus": 0})).await;
    let changed = put(json!({"gpus": null})).await;
    let quotas = &changed.json["data"]["quotas"];
    assert_eq!(
        (&quotas["vcpus"]["limit"], &quotas["gpus"]["limit"]),
        (&json!(4), &Value::Null)
    );
}

#[tokio::test]
async fn faults_and_clock() {
    let cloud = TestCloud::start().await;
    let admin = |method, path: &'static str, body| cloud.admin(method, path, body);
    let faults = "/admin/v1/faults";
    for (body, field) in [
        (json!({"kind": "fail"}), "operation"),
        (
            json!({"operation": "vm.creat", "kind": "fail"}),
            "operation",
        ),
        (json!({"operation": "*", "kind": "fall"}), "kind"),
        (
            json!({"operation": "*", "kind": "fail", "atPhase": "lunch"}),
            "atPhase",
        ),
        (
            json!({"operation": "*", "kind": "fail", "atPercent": 101}),
            "atPercent",
        ),
        (
            json!({"operation": "*", "kind": "fail", "probability": 2}),
            "probability",
        ),
        (
            json!({"operation": "*", "kind": "fail", "tenantId": "x"}),
            "tenantId",
        ),
    ] {
        admin(Method::POST, faults, body).await.names(field);
    }
    let placed = admin(
        Method::POST,
        faults,
        json!({"operation": "vm.create", "kind": "stall"}),
    );
    let placed = placed.await;
    assert_eq!(placed.status, 201, "{}", placed.json);
    let one = format!("{faults}/{}", placed.json["data"]["id"].as_str().unwrap());
    let listed = admin(Method::GET, faults, json!({})).await;
    assert_eq!(listed.json["data"], json!([placed.json["data"]]));
    assert_eq!(
        cloud.admin(Method::DELETE, &one, json!({})).await.status,
        204
    );
    let gone = cloud.admin(Method::DELETE, &one, json!({})).await;
    gone.is_error(404, "NOT_FOUND");
    assert_eq!(admin(Method::DELETE, faults, json!({})).await.status, 204);
    let clock = "/admin/v1/clock";
    let moved = admin(Method::POST, clock, json!({"advanceSeconds": 1})).await;
    moved.is_error(409, "INVALID_STATE");
    admin(Method::POST, clock, json!({"advanceSeconds": -1}))
        .await
        .names("advanceSeconds");
}

/// Every field of a volume's bodies; those of networks, interfaces, GPUs and sizes are in their files.
#[tokio::test]
async fn fields_of_volumes() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let volume = cloud.volume_named("data").await;
    for (field, value) in [
        ("name", json!(5)),
        ("name", json!(["a"])),
        ("name", Value::Null),
        ("datacenterId", json!("dc-uuid")),
        ("datacenterId", json!(NOTHING)),
        ("datacenterId", json!({})),
        ("datacenterId", Value::Null),
        ("volumeTypeId", json!(3)),
        ("volumeTypeId", json!("1")),
        ("volumeTypeId", json!(-1)),
        ("volumeTypeId", Value::Null),
        ("volumeSizeId", json!(21)),
        ("volumeSizeId", json!(1.5)),
        ("volumeSizeId", json!(true)),
        ("volumeSizeId", Value::Null),
        ("sizeGb", json!(256)),
        ("sizeGb", json!(0)),
        ("sizeGb", json!(1e300)),
        ("sizeGb", json!("100")),
        ("sizeGb", Value::Null),
        ("teamId", json!("ops")),
    ] {
        let mut body = TestCloud::volume("more");
        body[field] = value;
        cloud
            .refuses_field(&format!("POST {VOLUMES}"), body, field)
            .await;
    }
    let path = format!("PUT {VOLUMES}/{volume}");
    for wrong in [
        json!(NOTHING),
        json!("x"),
        json!(7),
        json!(volume),
        json!([machine]),
        Value::Null,
    ] {
        let body = json!({"virtualMachineId": wrong});
        cloud
            .refuses_field(&format!("{path}/attach"), body, "virtualMachineId")
            .await;
    }
    for wrong in [
        json!("256"),
        json!(256.5),
        json!(1e300),
        json!(null),
        json!([256]),
    ] {
        let body = json!({"newSizeGb": wrong});
        cloud
            .refuses_field(&format!("{path}/resize"), body, "newSizeGb")
            .await;
    }
    for verb in ["attach", "resize"] {
        let act = format!("{path}/{verb}");
        let request = cloud.acting(&cloud.key, &act, &Value::Null).body("{");
        send(request).await.is_error(400, "VALIDATION_ERROR");
    }
}

/// What is another tenant's is as if it were not, in every path and every body.
#[tokio::test]
async fn ids_of_others() {
    let cloud = TestCloud::start().await;
    let machine = cloud.machine_named("web").await;
    let volume = cloud.volume_named("data").await;
    let network = cloud.network_named("lan", "10.5.0.0/24").await;
    let gpu = cloud
        .done(
            &format!("POST {GPU}"),
            TestCloud::gpu("train", 1),
            "gpu.create",
        )
        .await;
    let gpu = text(&gpu["resourceId"]);
    let nic = text(&cloud.nics(&machine).await[0]["id"]);
    let nics = format!("{MACHINES}/{machine}/network-interfaces");
    let on = json!({"virtualMachineId": machine, "newSizeGb": 256});
    let name = json!({"name": "taken"});
    let none = Value::Null;
    let key = &cloud.other_key;
    for (act, body) in [
        (format!("GET {VOLUMES}/{volume}"), none.clone()),
        (format!("DELETE {VOLUMES}/{volume}"), none.clone()),
        (format!("PUT {VOLUMES}/{volume}/attach"), on.clone()),
        (format!("PUT {VOLUMES}/{volume}/detach"), none.clone()),
        (format!("PUT {VOLUMES}/{volume}/resize"), on),
        (format!("GET {NETWORKS}/{network}"), none.clone()),
        (
            format!("GET {NETWORKS}/{network}/virtual-machines"),
            none.clone(),
        ),
        (format!("PUT {NETWORKS}/{network}"), name.clone()),
        (format!("DELETE {NETWORKS}/{network}"), none.clone()),
        (format!("GET {GPU}/{gpu}"), none.clone()),
        (format!("PUT {GPU}/{gpu}"), name),
        (format!("DELETE {GPU}/{gpu}"), none.clone()),
        (
            format!("PUT {MACHINES}/{machine}/size"),
            json!({"configurationId": 46}),
        ),
        (format!("GET {nics}"), none.clone()),
        (format!("POST {nics}"), json!({"networkId": network})),
        (format!("PUT {nics}/{nic}"), json!({"setPrimary": true})),
        (format!("DELETE {nics}/{nic}"), none.clone()),
        (format!("POST {nics}/{nic}/public-ip"), none.clone()),
        (format!("DELETE {nics}/{nic}/public-ip"), none),
    ] {
        let theirs = cloud
            .refuses_as(key, &act, body.clone(), (404, "NOT_FOUND"))
            .await;
        let id = act.split('/').nth(4).unwrap();
        let never = cloud.act_as(key, &act.replace(id, NOTHING), &body).await;
        assert_eq!(theirs.json, never.json, "{act}");
    }
    for path in [VOLUMES, NETWORKS, GPU] {
        let list = cloud
            .act_as(key, &format!("GET {path}"), &Value::Null)
            .await;
        assert_eq!(list.json["data"], json!([]), "{path}");
    }
    // In a body: the field is named, and the answer is that of an id that never was.
    let own = cloud
        .act_as(key, &format!("POST {MACHINES}"), &TestCloud::machine("own"))
        .await;
    let own = cloud.end_as(key, &own.json["data"][0]).await;
    let own = text(&own["resourceId"]);
    let disk = cloud
        .act_as(key, &format!("POST {VOLUMES}"), &TestCloud::volume("own"))
        .await;
    let disk = cloud.end_as(key, &disk.json["data"]).await;
    let disk = text(&disk["resourceId"]);
    let with_network = |id: &str| {
        let mut body = TestCloud::machine("web");
        body["networkInterfaces"] = json!([{"networkId": id, "primary": true}]);
        body
    };
    for (act, body, field) in [
        (
            format!("PUT {VOLUMES}/{disk}/attach"),
            json!({"virtualMachineId": machine}),
            "virtualMachineId",
        ),
        (
            format!("POST {MACHINES}/{own}/network-interfaces"),
            json!({"networkId": network}),
            "networkId",
        ),
        (
            format!("POST {MACHINES}"),
            with_network(&network),
            "networkInterfaces[0].networkId",
        ),
    ] {
        let refused = cloud
            .refuses_as(key, &act, body.clone(), (400, "VALIDATION_ERROR"))
            .await;
        refused.names(field);
        let text = body
            .to_string()
            .replace(&machine, NOTHING)
            .replace(&network, NOTHING);
        let never = serde_json::from_str(&text).unwrap();
        assert_eq!(
            cloud.act_as(key, &act, &never).await.json,
            refused.json,
            "{act}"
        );
    }
}

/// A data centre that another tenant's things are in is nobody's secret; its things are.
#[tokio::test]
async fn a_data_centre_without_gpus() {
    let cloud = TestCloud::start().await;
    let mut body = TestCloud::gpu("train", 8);
    body["datacenterId"] = json!(LAB_B);
    body["seriesId"] = json!(2);
    let refused = cloud
        .refuses(&format!("POST {GPU}"), body, (409, "CAPACITY_EXCEEDED"))
        .await;
    let message = refused.json["message"].as_str().unwrap();
    assert!(
        message.contains("Lab B") && !message.contains('4'),
        "what is left is not told: {message}"
    );
}
