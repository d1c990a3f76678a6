//! The front door: what every request passes, whatever its route.
//!
//! Path without its trailing slash, the key looked up and its request counted, body read whole, a panic
//! turned into the envelope, the request's id in the log and in the answer; what a fault has left for
//! the answer befalls it on its way out. Decides nothing about
//! anybody: what is over a limit is refused by the handler's extractors, at its place in the order.

use super::{
    App, auth::Visitor, body, error::ApiError, limits::CORRELATION_ID_LIMIT, listen::Unanswered,
    slash, strikes, strikes::Fate,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderName, HeaderValue, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{
    any::Any,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    task::Poll,
};
use tracing::Instrument;

const CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Lets a request in and its answer out.
pub(super) async fn door(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = uuid::Builder::from_random_bytes(rand::random()).into_uuid();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let span = tracing::info_span!("request", %id, %method, path);
    let correlation = correlation_id(&request);
    let meter = app.meters.begin();
    let mut response = inside(&app, request, next).instrument(span).await;
    if response.extensions().get::<Unanswered>().is_none() {
        meter.end(response.status());
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Some(correlation) = correlation {
        headers.insert(CORRELATION_ID, correlation);
    }
    response
}

async fn inside(app: &App, mut request: Request, next: Next) -> Response {
    slash::take_off(&mut request);
    let (mut parts, incoming) = request.into_parts();
    let fate = Fate::default();
    parts.extensions.insert(fate.clone());
    let response = visited(app, parts, incoming, next).await;
    fate.meet(app, response).await
}

async fn visited(app: &App, mut parts: Parts, incoming: Body, next: Next) -> Response {
    let Some(visitor) = Visitor::of(app, &parts).await else {
        return match strikes::judge_page(app, &parts) {
            Ok(()) => received(parts, incoming, next).await,
            Err(refusal) => refusal.into_response(),
        };
    };
    let drawn = visitor.drawn();
    parts.extensions.insert(visitor);
    let mut response = received(parts, incoming, next).await;
    if let Some(drawn) = drawn {
        drawn.tell(response.headers_mut());
    }
    response
}

async fn received(mut parts: Parts, incoming: Body, next: Next) -> Response {
    let Some(received) = body::receive(&parts.headers, incoming).await else {
        let text = "The body ended before it was whole; nothing was done";
        return ApiError::body(text).into_response();
    };
    parts.extensions.insert(received);
    let request = Request::from_parts(parts, Body::empty());
    caught(next.run(request)).await
}

/// An answer, whatever happens: a panic is a 500 with the envelope, and its text goes to the log.
async fn caught(answer: impl Future<Output = Response>) -> Response {
    let mut answer = pin!(answer);
    poll_fn(|context| {
        let polled = catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)));
        polled.unwrap_or_else(|panic| {
            let error = ApiError::internal(format!("a handler panicked: {}", text(&*panic)));
            Poll::Ready(error.into_response())
        })
    })
    .await
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a text")
}

fn correlation_id(request: &Request) -> Option<HeaderValue> {
    let id = request.headers().get(CORRELATION_ID)?;
    is_visible(id.as_bytes(), CORRELATION_ID_LIMIT).then(|| id.clone())
}

/// Whether a header's value is 1 to `limit` visible characters of ASCII.
pub(super) fn is_visible(value: &[u8], limit: usize) -> bool {
    (1..=limit).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let response = caught(async { panic!("on purpose") }).await;
        assert_eq!(response.status(), 500);
        assert_eq!(response.headers()["content-type"], "application/json");
    }

    #[test]
    fn visible() {
        assert!(is_visible(b"a-1_{}", 6));
        assert!(!is_visible(b"", 6));
        assert!(!is_visible(b"a b", 6));
        assert!(!is_visible("ä".as_bytes(), 6));
        assert!(!is_visible(b"1234567", 6));
    }
}
