//! A whole server for a test: two tenants, the operator, and requests in a line each.

pub(crate) use crate::process::{ADMIN_KEY, KEY, text};
use crate::{process::Process, world};
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// The default catalogue's first data centre.
pub(crate) const LAB_A: &str = "6f1c0e5e-0000-4000-8000-000000000001";
/// An id that nothing has.
pub(crate) const NOTHING: &str = "01930000-0000-7000-8000-000000000000";

/// The machines' path.
pub(crate) const MACHINES: &str = "/v1/resource/virtual-machines";
/// The jobs' path.
pub(crate) const JOBS: &str = "/v1/resource/jobs";
/// The volumes' path.
pub(crate) const VOLUMES: &str = "/v1/resource/volumes";
/// The networks' path.
pub(crate) const NETWORKS: &str = "/v1/resource/networks";
/// The GPU machines' path.
pub(crate) const GPU: &str = "/v1/resource/gpu";
/// The default catalogue's second data centre.
pub(crate) const LAB_B: &str = "6f1c0e5e-0000-4000-8000-000000000002";

/// A server on a free port with an empty store; it ends with the test.
pub(crate) struct TestCloud {
    /// `http://127.0.0.1:PORT`.
    pub(crate) url: String,
    /// The default tenant's key.
    pub(crate) key: String,
    /// The operator's key.
    pub(crate) admin_key: String,
    /// A key of a second tenant.
    pub(crate) other_key: String,
    http: reqwest::Client,
    pub(crate) server: Process,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body; null where there is none.
    pub(crate) json: Value,
}

impl Answer {
    /// A header as text; empty where it is not there.
    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    /// The error's code; empty on a success.
    pub(crate) fn code(&self) -> &str {
        self.json["error"].as_str().unwrap_or_default()
    }

    /// The field at fault.
    pub(crate) fn field(&self) -> &str {
        self.json["details"]["field"].as_str().unwrap_or_default()
    }

    /// That this is an error with the whole envelope.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.json);
        assert_eq!(self.json["success"], json!(false));
        assert_eq!(self.header("content-type"), "application/json");
        let message = self.json["message"].as_str().unwrap();
        assert!(!message.is_empty());
        for word in [
            "struct ", "serde", "i64", "u64", "Option<", "variant", "unwrap",
        ] {
            assert!(!message.contains(word), "{message}");
        }
        self
    }

    /// That this is a 400 which names this field.
    #[track_caller]
    pub(crate) fn names(&self, field: &str) {
        self.is_error(400, "VALIDATION_ERROR");
        assert_eq!(self.field(), field, "{}", self.json);
        let message = self.json["message"].as_str().unwrap();
        assert!(message.contains(field), "{message} should name {field}");
    }
}

impl TestCloud {
    /// Starts the real binary, its simulator without delays, and makes the second tenant.
    pub(crate) async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// The same with more flags, `--sim-speed` among them where the simulator is to have delays.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let speed: &[&str] = match flags.contains(&"--sim-speed") {
            true => &[],
            false => &["--sim-speed", "0"],
        };
        let server = Process::start(&[speed, flags].concat());
        let mut cloud = Self {
            url: server.url.clone(),
            key: KEY.to_owned(),
            admin_key: ADMIN_KEY.to_owned(),
            other_key: String::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            server,
        };
        let tenant = cloud.admin(Method::POST, "/admin/v1/tenants", json!({"name": "other"}));
        let id = tenant.await.json["data"]["id"].as_str().unwrap().to_owned();
        let path = format!("/admin/v1/tenants/{id}/keys");
        let key = cloud
            .admin(Method::POST, &path, json!({"name": "tests"}))
            .await;
        cloud.other_key = key.json["data"]["key"].as_str().unwrap().to_owned();
        cloud
    }

    /// The default tenant's id.
    pub(crate) async fn tenant_id(&self) -> String {
        let check = self.get("/v1/auth/check").await;
        let id = &check.json["data"]["credential"]["entityId"];
        id.as_str().expect("an id").to_owned()
    }

    /// A new key of the default tenant.
    pub(crate) async fn key_with(&self, body: Value) -> String {
        let path = format!("/admin/v1/tenants/{}/keys", self.tenant_id().await);
        let made = self.admin(Method::POST, &path, body).await;
        assert_eq!(made.status, 201, "{}", made.json);
        made.json["data"]["key"].as_str().unwrap().to_owned()
    }

    /// A request of the default tenant, still to be sent.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.anonymous(method, path).header("X-API-Key", &self.key)
    }

    /// A request without a key, still to be sent.
    pub(crate) fn anonymous(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// Reads as the default tenant.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        send(self.request(Method::GET, path)).await
    }

    /// Posts as the default tenant.
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::POST, path).json(&body)).await
    }

    /// Puts as the default tenant.
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        send(self.request(Method::PUT, path).json(&body)).await
    }

    /// Deletes as the default tenant.
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        send(self.request(Method::DELETE, path)).await
    }

    /// Asks as the operator.
    pub(crate) async fn admin(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.anonymous(method, path);
        send(request.header("X-API-Key", &self.admin_key).json(&body)).await
    }

    /// A body that makes a machine.
    pub(crate) fn machine(name: &str) -> Value {
        json!({"name": name, "datacenterId": LAB_A, "imageId": 12, "configurationId": 45})
    }

    /// Sends bytes as they are on a connection of their own and reads to its end. The request has to
    /// ask for `Connection: close`.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> String {
        let address = self.url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// What is done again and again: a request in one line, and the job behind it.
impl TestCloud {
    /// A request such as `PUT /v1/…` with a key, a body where there is one, and more headers.
    pub(crate) async fn act_as(&self, key: &str, act: &str, body: &Value) -> Answer {
        send(self.acting(key, act, body)).await
    }

    /// The same, still to be sent.
    pub(crate) fn acting(&self, key: &str, act: &str, body: &Value) -> reqwest::RequestBuilder {
        let (method, path) = act.split_once(' ').expect("a method and a path");
        let request = self.anonymous(method.parse().unwrap(), path);
        let request = request.header("X-API-Key", key);
        match body {
            Value::Null => request.header("Content-Type", "application/json"),
            body => request.json(body),
        }
    }

    /// The same as the default tenant.
    pub(crate) async fn act(&self, act: &str, body: Value) -> Answer {
        self.act_as(&self.key, act, &body).await
    }

    /// What is read at a path; both forms of it say the same.
    pub(crate) async fn data(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.json);
        if !path.contains('?') {
            let slashed = self.get(&format!("{path}/")).await;
            assert_eq!(slashed.json, answer.json, "{path}");
        }
        answer.json["data"].clone()
    }

    /// A request that a job comes of, looked at as it was accepted.
    pub(crate) async fn accepted(&self, act: &str, body: Value) -> Value {
        let answer = self.act(act, body).await;
        assert_eq!(answer.status, 202, "{act}: {}", answer.json);
        assert_eq!(answer.json["success"], true);
        let data = &answer.json["data"];
        let jobs = data["jobs"].as_array().or(data.as_array());
        let job = jobs.map_or(data, |jobs| &jobs[0]);
        let place = format!("{JOBS}/{}", job["id"].as_str().unwrap());
        assert_eq!(answer.header("location"), place);
        assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
        assert_eq!(job["jobId"], job["id"]);
        for (key, value) in [
            ("status", json!("pending")),
            ("progress", json!(0)),
            ("progressPercentage", json!(0)),
            ("resourceId", Value::Null),
            ("error", Value::Null),
            ("errorCode", Value::Null),
            ("completedAt", Value::Null),
            ("result", Value::Null),
            ("isCompleted", json!(false)),
            ("hasFailed", json!(false)),
        ] {
            assert_eq!(job[key], value, "{key} of {job}");
        }
        assert!(job["targetId"].is_string(), "{job}");
        job.clone()
    }

    /// A job's end, by the id that its 202 gave.
    pub(crate) async fn end_of(&self, job: &Value) -> Value {
        self.end_as(&self.key, job).await
    }

    /// The same for the key's tenant.
    pub(crate) async fn end_as(&self, key: &str, job: &Value) -> Value {
        let body = json!({"jobIds": [job["id"]], "waitSeconds": 10});
        for _ in 0..12 {
            let poll = self.act_as(key, &format!("POST {JOBS}"), &body).await;
            let job = &poll.json["data"]["jobs"][0];
            if crate::process::is_final(job) {
                assert_eq!(job["completedAt"], job["updatedAt"], "{job}");
                return job.clone();
            }
        }
        panic!("job {job} does not end\n{}", self.server.log());
    }

    /// A request that a job comes of, and that job once it is completed, its fields checked against
    /// `kind` (`volume.attach`), the resource's id and what there is to tell.
    pub(crate) async fn done(&self, act: &str, body: Value, kind: &str) -> Value {
        let accepted = self.accepted(act, body).await;
        let job = self.end_of(&accepted).await;
        assert_eq!(job["status"], "completed", "{act}: {job}");
        assert_eq!(job["kind"], kind, "{job}");
        let (noun, verb) = kind.split_once('.').unwrap();
        let noun = match noun {
            "nic" | "public_ip" => "vm",
            noun => noun,
        };
        assert_eq!(
            (&job["resourceType"], &job["operation"]),
            (&json!(noun), &json!(verb))
        );
        assert_eq!(job["targetId"], accepted["targetId"]);
        let shown = match verb == "delete" {
            true => &Value::Null,
            false => &job["targetId"],
        };
        assert_eq!(&job["resourceId"], shown, "{job}");
        for (key, value) in [
            ("isCompleted", json!(true)),
            ("hasFailed", json!(false)),
            ("progress", json!(100)),
            ("stage", json!("completed")),
            ("error", Value::Null),
            ("errorCode", Value::Null),
        ] {
            assert_eq!(job[key], value, "{key} of {job}");
        }
        job
    }

    /// That a request is refused, and that nothing at all is otherwise in the store afterwards. It has
    /// an idempotency key, the same one always: refusals are not remembered.
    pub(crate) async fn refuses(&self, act: &str, body: Value, error: (u16, &str)) -> Answer {
        self.refuses_as(&self.key, act, body, error).await
    }

    /// The same for a key.
    pub(crate) async fn refuses_as(
        &self,
        key: &str,
        act: &str,
        body: Value,
        (status, code): (u16, &str),
    ) -> Answer {
        let before = world::still(&self.store()).await;
        let request = self.acting(key, act, &body);
        let answer = send(request.header("Idempotency-Key", "refused")).await;
        assert_eq!(
            (answer.status, answer.code()),
            (status, code),
            "{act} {body}: {}",
            answer.json
        );
        answer.is_error(status, code);
        let after = world::dump(&self.store());
        world::same(&before, &after, &format!("{act} {body}"));
        answer
    }

    /// The same for a 400 that names a field.
    pub(crate) async fn refuses_field(&self, act: &str, body: Value, field: &str) -> Answer {
        let answer = self
            .refuses(act, body.clone(), (400, "VALIDATION_ERROR"))
            .await;
        assert_eq!(answer.field(), field, "{act} {body}: {}", answer.json);
        answer.names(field);
        answer
    }

    /// Where the store is.
    pub(crate) fn store(&self) -> std::path::PathBuf {
        self.server.data().join("cloudlet.db")
    }

    /// What a tenant uses of a quota.
    pub(crate) async fn used(&self, quota: &str) -> u64 {
        let path = format!("/admin/v1/tenants/{}", self.tenant_id().await);
        let tenant = self.admin(Method::GET, &path, Value::Null).await;
        tenant.json["data"]["quotas"][quota]["used"]
            .as_u64()
            .unwrap()
    }

    /// Sets quotas of the default tenant.
    pub(crate) async fn limit(&self, quotas: Value) {
        let path = format!("/admin/v1/tenants/{}/quotas", self.tenant_id().await);
        let set = self.admin(Method::PUT, &path, quotas).await;
        assert_eq!(set.status, 200, "{}", set.json);
    }

    /// Places a fault.
    pub(crate) async fn fault(&self, fault: Value) {
        let placed = self.admin(Method::POST, "/admin/v1/faults", fault).await;
        assert_eq!(placed.status, 201, "{}", placed.json);
    }

    /// That records and the simulator's world say the same, and nothing is under way or left over.
    pub(crate) async fn verified(&self) {
        let found = self
            .admin(Method::GET, "/admin/v1/verify", Value::Null)
            .await;
        let none = json!({"differences": [], "pending": []});
        assert_eq!(found.json["data"], none);
    }

    /// A machine that runs; its id.
    pub(crate) async fn machine_named(&self, name: &str) -> String {
        let body = Self::machine(name);
        let job = self
            .done(&format!("POST {MACHINES}"), body, "vm.create")
            .await;
        text(&job["resourceId"])
    }

    /// A volume of 100 GB; its id.
    pub(crate) async fn volume_named(&self, name: &str) -> String {
        let body = Self::volume(name);
        let job = self
            .done(&format!("POST {VOLUMES}"), body, "volume.create")
            .await;
        text(&job["resourceId"])
    }

    /// A network, standard with this block or custom without; its id.
    pub(crate) async fn network_named(&self, name: &str, cidr: &str) -> String {
        let body = Self::network(name, cidr);
        let job = self
            .done(&format!("POST {NETWORKS}"), body, "network.create")
            .await;
        text(&job["resourceId"])
    }

    /// The rows of a machine's interfaces.
    pub(crate) async fn nics(&self, machine: &str) -> Vec<Value> {
        let rows = self
            .data(&format!("{MACHINES}/{machine}/network-interfaces"))
            .await;
        rows.as_array().unwrap().clone()
    }

    /// A body that makes a volume.
    pub(crate) fn volume(name: &str) -> Value {
        json!({"name": name, "datacenterId": LAB_A, "volumeTypeId": 1, "volumeSizeId": 11,
            "sizeGb": 100})
    }

    /// A body that makes a network.
    pub(crate) fn network(name: &str, cidr: &str) -> Value {
        match cidr {
            "" => json!({"name": name, "datacenterId": LAB_A, "networkType": "custom"}),
            cidr => json!({"name": name, "datacenterId": LAB_A, "networkType": "standard",
                "cidrBlock": cidr}),
        }
    }

    /// A body that makes a GPU machine.
    pub(crate) fn gpu(name: &str, count: u32) -> Value {
        json!({"name": name, "datacenterId": LAB_A, "seriesId": 1, "gpuCount": count})
    }
}

/// Sends a request.
pub(crate) async fn send(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.unwrap();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Answer {
        status,
        headers,
        json,
    }
}
