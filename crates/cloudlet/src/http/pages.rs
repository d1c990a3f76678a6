//! What needs no key: whether the server lives, its counters, its document, two small pages, and the
//! answers to what is not there.

use super::{App, answer::Answer, document, error::ApiError};
use crate::store::StoreError;
use api::{Envelope, ErrorCode};
use axum::{
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

const INDEX: &str = include_str!("pages/index.txt");
/// The longest host that is repeated.
const HOST_CHARS: usize = 255;
const DOCS: &str = include_str!("pages/docs.html");

/// How the server is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
    /// What an operator should see to, in sentences; nothing where all is well.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    notes: Vec<String>,
}

impl Health {
    const OK: Self = Self {
        status: "ok",
        notes: Vec::new(),
    };
}

/// A real host without an image makes no machines, and serves all the same.
fn notes(app: &App) -> Vec<String> {
    let lacks_images = app.images.is_some() && app.catalogue().images.is_empty();
    let text = "There is no image, so no machine can be made. Build one with: cloudlet admin image \
        build-test, and start the server again; or bring one in with: cloudlet admin image import";
    lacks_images.then(|| text.to_owned()).into_iter().collect()
}

/// Whether the process lives.
#[utoipa::path(
    get, path = "/healthz", tag = "Server", operation_id = "health", security(()),
    responses((status = 200, description = "It lives", body = Envelope<Health>)),
)]
pub(super) async fn healthz() -> Answer<Health> {
    Answer::ok(Health::OK)
}

/// Whether the server takes requests: its store answers and it is not shutting down.
#[utoipa::path(
    get, path = "/readyz", tag = "Server", operation_id = "readiness", security(()),
    responses((status = 200, description = "It does", body = Envelope<Health>)),
)]
pub(super) async fn readyz(
    State(app): State<App>,
    _: super::auth::Open,
) -> Result<Answer<Health>, ApiError> {
    app.store().used(Vec::new()).await?;
    writable(app.store().is_writable())?;
    Ok(Answer::ok(Health {
        notes: notes(&app),
        ..Health::OK
    }))
}

/// A store that can be read and not written, e.g. since its disk is full, takes no requests.
fn writable(is_writable: bool) -> Result<(), StoreError> {
    let cause = || StoreError::Unavailable("the store cannot be written".to_owned());
    is_writable.then_some(()).ok_or_else(cause)
}

/// Counters in the text format of Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "Server", operation_id = "metrics", security(()),
    responses((status = 200, description = "Counters", body = String, content_type = "text/plain")),
)]
pub(super) async fn metrics(State(app): State<App>) -> Response {
    let text = app
        .meters
        .text(app.engine.is_draining(), app.store().commits());
    typed("text/plain; version=0.0.4; charset=utf-8", text)
}

/// This document.
#[utoipa::path(
    get, path = "/openapi.json", tag = "Server", operation_id = "openapi", security(()),
    responses((status = 200, description = "OpenAPI 3.1", body = Object)),
)]
pub(super) async fn openapi_json() -> Result<Response, ApiError> {
    let text = document::text().map_err(|error| ApiError::internal(error.to_string()))?;
    Ok(typed("application/json", text))
}

/// A word of welcome, with an example for the address that was asked.
pub(super) async fn index(headers: HeaderMap) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = host.filter(|host| is_host(host)).unwrap_or("127.0.0.1");
    typed("text/plain; charset=utf-8", INDEX.replace("{host}", host))
}

/// Whether it is a host that may stand in an example: nothing that a shell or a browser would take
/// for anything else.
fn is_host(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    !host.is_empty() && host.len() <= HOST_CHARS && host.bytes().all(plain)
}

/// The document for a browser.
pub(super) async fn docs() -> Response {
    typed("text/html; charset=utf-8", DOCS.to_owned())
}

/// No such path.
pub(super) async fn no_path(uri: Uri) -> ApiError {
    let path = super::json::shown(uri.path());
    let text = format!("There is nothing at {path}; /docs lists what there is");
    ApiError::new(ErrorCode::NotFound, text)
}

/// No such method there; the router adds `Allow`.
pub(super) async fn no_method(method: Method, uri: Uri) -> ApiError {
    let (path, method) = (super::json::shown(uri.path()), method.as_str());
    let text = format!("{method} does nothing at {path}; the header Allow lists what does");
    ApiError::new(ErrorCode::MethodNotAllowed, text)
}

fn typed(kind: &'static str, text: String) -> Response {
    (StatusCode::OK, [(header::CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_host_is_repeated() {
        for host in ["127.0.0.1:18080", "localhost", "[::1]:80", "lab-1.example"] {
            assert!(is_host(host), "{host}");
        }
        let long = "a".repeat(256);
        for host in ["", "a;rm", "a b", "$(id)", "<b>", "a\"", "ü", &long] {
            assert!(!is_host(host), "{host}");
        }
    }

    #[test]
    fn a_store_that_cannot_be_written_is_not_ready() {
        assert!(writable(true).is_ok());
        let error = ApiError::from(writable(false).expect_err("not ready"));
        assert_eq!(error.code, ErrorCode::StoreUnavailable);
    }
}
