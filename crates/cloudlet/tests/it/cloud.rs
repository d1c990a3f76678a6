//! A whole server for a test: two tenants, the operator, and requests in a line each.

use crate::process::Process;
pub(crate) use crate::process::{ADMIN_KEY, KEY};
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
    _server: Process,
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

    /// The same with more flags.
    pub(crate) async fn start_with(flags: &[&str]) -> Self {
        let server = Process::start(&[&["--sim-speed", "0"], flags].concat());
        let mut cloud = Self {
            url: server.url.clone(),
            key: KEY.to_owned(),
            admin_key: ADMIN_KEY.to_owned(),
            other_key: String::new(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            _server: server,
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
