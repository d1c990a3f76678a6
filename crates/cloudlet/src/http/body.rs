//! Bodies: read whole before anything is decided, judged only where one is defined.

use super::{
    App,
    error::ApiError,
    json,
    limits::{BODY_DRAIN_LIMIT, BODY_LIMIT, BODY_PATIENCE},
};
use api::ErrorCode;
use axum::{
    body::{Body as Incoming, Bytes, HttpBody},
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use serde::de::DeserializeOwned;
use std::{future::poll_fn, pin::Pin};

/// What came as a body; the front door leaves it with the request.
#[derive(Clone, Debug)]
pub(super) enum Received {
    /// All of it.
    Whole(Bytes),
    /// More than is taken.
    TooLarge,
}

/// Reads a body to its end. `None`: it was cut off, so the request never was whole.
///
/// One whose length is known to be too much is not asked for where its sender waits to be asked, and
/// not read where reading it all would take too long.
pub(super) async fn receive(headers: &HeaderMap, body: Incoming) -> Option<Received> {
    let size = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let waits = headers.contains_key(header::EXPECT);
    if size > BODY_DRAIN_LIMIT || (size > BODY_LIMIT && waits) {
        return Some(Received::TooLarge);
    }
    tokio::time::timeout(BODY_PATIENCE, read(body)).await.ok()?
}

async fn read(mut body: Incoming) -> Option<Received> {
    let (mut kept, mut size) = (Vec::new(), 0);
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame.ok()?.into_data() else {
            continue;
        };
        size += data.len();
        if size <= BODY_LIMIT {
            kept.extend_from_slice(&data);
        }
        if size > BODY_DRAIN_LIMIT {
            break;
        }
    }
    Some(if size > BODY_LIMIT {
        Received::TooLarge
    } else {
        Received::Whole(kept.into())
    })
}

/// A typed body: 415, then 413, then 400.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Body<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        match parts.extensions.get::<Received>() {
            Some(Received::Whole(bytes)) => {
                if !bytes.is_empty() {
                    check_type(&parts.headers)?;
                }
                json::parse(bytes).map(Self)
            }
            Some(Received::TooLarge) => {
                check_type(&parts.headers)?;
                let text = format!("The body is too large; at most {BODY_LIMIT} bytes are right");
                let mut error = ApiError::new(ErrorCode::PayloadTooLarge, text);
                error.details.limit = u64::try_from(BODY_LIMIT).ok();
                Err(error)
            }
            None => Err(ApiError::internal("a request came past the front door")),
        }
    }
}

/// A body may come without a type; one that comes with another than JSON is refused.
fn check_type(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(found) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(found.as_bytes());
    if is_json(&text) {
        return Ok(());
    }
    let message = format!(
        "Content-Type {} is not taken; application/json in UTF-8 is right",
        json::shown(&text)
    );
    Err(ApiError::new(ErrorCode::UnsupportedMediaType, message))
}

fn is_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_json =
        kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
    is_json
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("charset") => {
                let value = value.trim().trim_matches('"');
                ["utf-8", "utf8", "us-ascii"].contains(&value.to_ascii_lowercase().as_str())
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_as_json() {
        for (kind, is) in [
            ("application/json", true),
            ("Application/JSON; charset=UTF-8", true),
            ("application/json;charset=\"utf-8\"", true),
            ("application/json ; version=1", true),
            ("application/merge-patch+json", true),
            ("application/json; charset=utf-16", false),
            ("application/x-www-form-urlencoded", false),
            ("text/plain", false),
            ("application/jsonp", false),
            ("", false),
        ] {
            assert_eq!(is_json(kind), is, "{kind}");
        }
    }

    #[tokio::test]
    async fn a_large_body_is_read_but_not_kept() {
        let none = HeaderMap::new();
        let whole = receive(&none, Incoming::from(vec![b' '; BODY_LIMIT])).await;
        assert!(matches!(whole, Some(Received::Whole(bytes)) if bytes.len() == BODY_LIMIT));
        let large = receive(&none, Incoming::from(vec![b' '; BODY_LIMIT + 1])).await;
        assert!(matches!(large, Some(Received::TooLarge)));
    }
}
