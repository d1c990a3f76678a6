//! The errors of every operation, told from its shape alone: so a new route cannot forget them.
//!
//! Each status is one response of the document, with an example for each code that has it; operations
//! refer to it. Never asks the handlers.

use super::parameter_is;
use api::ErrorCode;
use model::Operation as Operations;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::openapi::{
    ContentBuilder, HttpMethod, Ref, RefOr, Response, ResponseBuilder, example::ExampleBuilder,
    path::Operation, path::ParameterIn,
};

/// Paths whose requests show a key and are counted.
const KEYED: &[&str] = &["/v1/", "/admin/v1/"];
/// What any operation may be answered with.
const ALWAYS: &[u16] = &[400, 405, 500];
/// What any operation that takes a key may be answered with besides.
const WITH_KEY: &[u16] = &[401, 403, 429, 503];
/// Operations without a driver's job of their own that ask the driver all the same.
const ASKS_DRIVER: &[&str] = &["verify"];
/// Reads that not every driver can answer.
const NEEDS_DRIVER: &[&str] = &["vm.console"];
/// A read in spite of its method.
const POLL: &str = "job.poll";
/// Names in its body what it is about, as others do in their path.
const NAMES_IN_BODY: &str = "team.delete_several";

/// The statuses of errors that an operation may be answered with.
pub(super) fn statuses(path: &str, method: &HttpMethod, operation: &Operation) -> BTreeSet<u16> {
    let mut all: BTreeSet<_> = ALWAYS.iter().copied().collect();
    let id = operation.operation_id.as_deref().unwrap_or_default();
    if KEYED.iter().any(|keyed| path.starts_with(keyed)) {
        all.extend(WITH_KEY);
        let writes = *method != HttpMethod::Get && id != POLL;
        if writes || NEEDS_DRIVER.contains(&id) {
            all.insert(409);
        }
    } else if path == "/readyz" {
        all.insert(503);
    }
    if operation.request_body.is_some() {
        all.extend([413, 415]);
    }
    let has = |wanted: &dyn Fn(&str, &ParameterIn) -> bool| parameter_is(operation, wanted);
    if has(&|_, place| *place == ParameterIn::Path) || id == NAMES_IN_BODY {
        all.insert(404);
    }
    if has(&|name, _| name == "Idempotency-Key") {
        all.insert(422);
    }
    let waits = Operations::from_name(id).is_some_and(|it| it.definition().synchronous);
    if waits || ASKS_DRIVER.contains(&id) {
        all.insert(502);
    }
    all
}

/// The response that an operation refers to.
pub(super) fn reference(status: u16) -> RefOr<Response> {
    RefOr::Ref(Ref::from_response_name(name(status)))
}

/// Every error that there is, by the name that operations refer to.
pub(super) fn responses() -> BTreeMap<String, RefOr<Response>> {
    let mut codes: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for &code in ErrorCode::ALL {
        codes.entry(code.status()).or_default().push(code);
    }
    let all = codes
        .into_iter()
        .map(|(status, codes)| (name(status), RefOr::T(response(status, &codes))));
    all.collect()
}

fn name(status: u16) -> String {
    format!("Error{status}")
}

fn response(status: u16, codes: &[ErrorCode]) -> Response {
    let texts: Vec<_> = codes.iter().map(|code| code.as_str()).collect();
    let examples = codes.iter().map(|&code| {
        let example = ExampleBuilder::new().value(Some(example(code))).build();
        (code.as_str(), example)
    });
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("ErrorBody")))
        .examples_from_iter(examples)
        .build();
    let retry = match status {
        429 | 503 => "; `Retry-After` says in how many seconds to repeat",
        405 => "; the header `Allow` lists the methods that there are",
        _ => "",
    };
    ResponseBuilder::new()
        .description(format!("{}{retry}", texts.join(", ")))
        .content("application/json", content)
        .build()
}

fn example(code: ErrorCode) -> Value {
    let (message, details) = text(code.as_str());
    let mut body = json!({ "success": false, "error": code, "message": message });
    if !details.is_null() {
        body["details"] = details;
    }
    body
}

/// A message that the code comes with, and what details it has.
fn text(code: &str) -> (&'static str, Value) {
    let job = "0193e1a0-5e6f-7a10-8000-00000000000a";
    match code {
        "VALIDATION_ERROR" => (
            "name is empty; 1 to 63 characters are right",
            json!({ "field": "name" }),
        ),
        "UNAUTHORIZED" => (
            "No valid API key. Send one in the header X-API-Key, or as Authorization: Bearer",
            Value::Null,
        ),
        "FORBIDDEN" => (
            "This key has not the scope 'write'; use one that has",
            Value::Null,
        ),
        "NOT_FOUND" => ("Virtual machine not found", Value::Null),
        "METHOD_NOT_ALLOWED" => (
            "PATCH does nothing at /v1/resource/jobs; the header Allow lists what does",
            Value::Null,
        ),
        "CONFLICT" => (
            "name: there is a tenant of this name; take another",
            json!({ "field": "name" }),
        ),
        "RESOURCE_BUSY" => (
            "Other jobs of this virtual machine were not done within 50 s; this call was \
             withdrawn and has no effect",
            json!({ "jobId": job }),
        ),
        "LINE_FULL" => (
            "Too many operations wait for this virtual machine; wait for some to end",
            json!({ "jobId": job, "limit": 64 }),
        ),
        "INVALID_STATE" => (
            "This virtual machine is being deleted and takes no changes",
            Value::Null,
        ),
        "TOO_LATE" => ("This job has ended and cannot be cancelled", Value::Null),
        "NOT_SUPPORTED" => (
            "The driver of this server cannot do this",
            json!({ "driver": "sim" }),
        ),
        "PAYLOAD_TOO_LARGE" => (
            "The body is too large; at most 1048576 bytes are right",
            json!({ "limit": 1_048_576 }),
        ),
        "UNSUPPORTED_MEDIA_TYPE" => (
            "Content-Type text/plain is not taken; application/json in UTF-8 is right",
            Value::Null,
        ),
        "IDEMPOTENCY_KEY_REUSED" => (
            "This Idempotency-Key came with another body before; a new request needs a new key",
            Value::Null,
        ),
        "RATE_LIMIT_EXCEEDED" => (
            "Too many requests with one API key; repeat after Retry-After",
            json!({ "limit": 1_000 }),
        ),
        "DRIVER_ERROR" => ("The host could not do it.", json!({ "jobId": job })),
        "SHUTTING_DOWN" => (
            "The server is shutting down and has not done this; try again shortly",
            Value::Null,
        ),
        "STORE_UNAVAILABLE" => (
            "The store does not answer now; try again shortly, with the same Idempotency-Key \
             where there is one",
            Value::Null,
        ),
        _ => ("What is wrong, and what would be right", Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_a_code_is_a_response_with_an_example_of_it() {
        let all = responses();
        for &code in ErrorCode::ALL {
            let response = serde_json::to_value(&all[&name(code.status())]).unwrap();
            let examples = &response["content"]["application/json"]["examples"];
            let value = &examples[code.as_str()]["value"];
            let body: api::ErrorBody = serde_json::from_value(value.clone()).unwrap();
            assert_eq!(body.error, code);
        }
    }
}
