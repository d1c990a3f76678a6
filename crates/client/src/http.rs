//! One request and its answer: key, envelope, errors, `Retry-After`.

use crate::Error;
use api::{Envelope, PageMeta, error::ErrorDetails};
use reqwest::{Method, RequestBuilder, Response, Url, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{error::Error as _, time::Duration};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a request may take; start, stop and reset answer after 50 s at the latest.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(75);
/// A server that asks for a longer wait is asked again after this.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(600);
/// How much of a foreign answer is quoted in an error.
const QUOTED_CHARS: usize = 200;
/// Rows asked for at a time where a whole list is wanted: the most that the API gives.
const LIST_PAGE: u64 = 100;

/// A connection to one server with one key. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// Scheme, host and port, without a trailing slash.
    base: String,
    key: header::HeaderValue,
}

/// What an answer holds besides its data.
pub(crate) struct Answer<T> {
    pub(crate) data: T,
    pub(crate) meta: Option<PageMeta>,
    pub(crate) retry_after: Option<Duration>,
}

impl Client {
    /// A client for the server at `url` (with or without `/v1`) that shows `key`.
    ///
    /// # Errors
    /// [`Error::Setup`] if the address is none that can be spoken to, or the key could not
    /// stand in a header. Nothing is sent yet.
    pub fn new(url: &str, key: &str) -> Result<Self, Error> {
        let parsed = Url::parse(url).map_err(|e| {
            Error::Setup(format!(
                "'{url}' is not an address: {e}. An address looks like http://127.0.0.1:8080"
            ))
        })?;
        match parsed.scheme() {
            "http" => {}
            "https" => {
                return Err(Error::Setup(format!(
                    "'{url}': https is not built in yet; use http, over a trusted network or a tunnel"
                )));
            }
            other => {
                return Err(Error::Setup(format!(
                    "'{url}': an address starts with http://, not {other}:"
                )));
            }
        }
        let mut key = header::HeaderValue::from_str(key.trim())
            .map_err(|_| Error::Setup("the API key holds characters that no key has".into()))?;
        key.set_sensitive(true);
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none());
        if is_loopback(&parsed) {
            // A proxy of the environment cannot reach this machine's own loopback.
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|e| Error::Setup(format!("no HTTP client: {e}")))?;
        let trimmed = url.trim_end_matches('/');
        let base = trimmed.strip_suffix("/v1").unwrap_or(trimmed).to_owned();
        Ok(Self { http, base, key })
    }

    /// The server's address.
    pub fn url(&self) -> &str {
        &self.base
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.base))
            .header("X-API-Key", self.key.clone())
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        Ok(self.send(self.request(Method::GET, path)).await?.data)
    }

    /// Posts without a body.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        Ok(self.send(self.request(Method::POST, path)).await?.data)
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Error> {
        let request = self.request(method, path).json(body);
        Ok(self.send(request).await?.data)
    }

    /// A whole list, page after page.
    pub(crate) async fn get_all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        for page in 1_u64.. {
            let path = format!("{path}?page={page}&limit={LIST_PAGE}");
            let answer: Answer<Vec<T>> = self.send(self.request(Method::GET, &path)).await?;
            let ended = answer.data.is_empty();
            rows.extend(answer.data);
            if ended || !answer.meta.is_some_and(|meta| meta.has_next_page) {
                break;
            }
        }
        Ok(rows)
    }

    /// Sends a request whose answer's data matters.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Answer<T>, Error> {
        let (envelope, retry_after): (Envelope<T>, _) = self.read(request).await?;
        Ok(Answer {
            data: envelope.data,
            meta: envelope.meta,
            retry_after,
        })
    }

    /// Sends a request whose answer is a whole of its own.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<(T, Option<Duration>), Error> {
        let response = self.accepted(request).await?;
        let url = response.url().to_string();
        let retry_after = retry_after(&response);
        let body = response.bytes().await.map_err(|e| self.broken(&e))?;
        let whole = serde_json::from_slice(&body).map_err(|e| Error::Protocol {
            url,
            why: format!("{e}; it begins: {}", quote(&body)),
        })?;
        Ok((whole, retry_after))
    }

    /// Sends a request of which only the success matters.
    pub(crate) async fn send_only(&self, request: RequestBuilder) -> Result<(), Error> {
        self.accepted(request).await.map(drop)
    }

    async fn accepted(&self, request: RequestBuilder) -> Result<Response, Error> {
        let response = request.send().await.map_err(|e| self.broken(&e))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        let body = response.bytes().await.map_err(|e| self.broken(&e))?;
        Err(refusal(status, retry_after, &body))
    }

    fn broken(&self, error: &reqwest::Error) -> Error {
        let url = self.base.clone();
        let mut why = error.to_string();
        let mut cause = error.source();
        while let Some(inner) = cause {
            why = inner.to_string();
            cause = inner.source();
        }
        if error.is_connect() {
            Error::Connect { url, why }
        } else if error.is_timeout() {
            Error::Lost {
                url,
                why: format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()),
            }
        } else {
            Error::Lost { url, why }
        }
    }
}

/// An error's body, read with as few demands as possible.
#[derive(Deserialize)]
struct Refusal {
    error: String,
    #[serde(default)]
    message: String,
    #[serde(default)]
    details: Option<serde_json::Value>,
}

fn refusal(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Error {
    match serde_json::from_slice::<Refusal>(body) {
        Ok(refusal) => Error::Api {
            status,
            message: if refusal.message.is_empty() {
                refusal.error.clone()
            } else {
                refusal.message
            },
            code: refusal.error,
            details: refusal
                .details
                .and_then(|details| serde_json::from_value(details).ok())
                .unwrap_or_default(),
            retry_after,
        },
        Err(_) => Error::Api {
            status,
            code: format!("HTTP_{status}"),
            message: format!(
                "HTTP status {status}, from something that is not Cloudlet (a proxy?): {}",
                quote(body)
            ),
            details: Box::<ErrorDetails>::default(),
            retry_after,
        },
    }
}

fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_RETRY_AFTER))
}

fn quote(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    if text.trim().is_empty() {
        return "(an empty body)".into();
    }
    text.chars()
        .filter(|c| !c.is_control())
        .take(QUOTED_CHARS)
        .collect()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for (url, base) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
            ("http://cloud.example/v1/", "http://cloud.example"),
        ] {
            assert_eq!(Client::new(url, "k").unwrap().url(), base);
        }
        for (url, says) in [
            ("https://cloud.example", "https is not built in yet"),
            ("cloud.example", "is not an address"),
            ("ftp://cloud.example", "starts with http://"),
        ] {
            let error = Client::new(url, "k").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        assert!(Client::new("http://127.0.0.1", "a\nb").is_err());
    }

    #[test]
    fn loopback_only() {
        for (url, loopback) in [
            ("http://localhost:1", true),
            ("http://[::1]:1", true),
            ("http://127.0.0.9", true),
            ("http://10.0.0.1", false),
            ("http://localhost.example", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }

    #[test]
    fn refusals() {
        let body =
            br#"{"success":false,"error":"NEW_CODE","message":"No.","details":{"field":"name"}}"#;
        let Error::Api {
            code,
            message,
            details,
            ..
        } = refusal(400, None, body)
        else {
            panic!("not an Api error");
        };
        assert_eq!((code.as_str(), message.as_str()), ("NEW_CODE", "No."));
        assert_eq!(details.field.as_deref(), Some("name"));

        let proxy = refusal(502, None, b"<html>Bad gateway</html>");
        assert_eq!(proxy.code(), Some("HTTP_502"));
        assert!(proxy.is_transient());
        assert!(!refusal(404, None, body).is_transient());
    }
}
