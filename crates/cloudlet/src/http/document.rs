//! The OpenAPI document: made from the handlers' own types, with what all operations share.
//!
//! Errors, examples, links and the bounds that many routes have are told from an operation's shape, each in
//! one place: so that no route can forget them.

mod bounds;
mod errors;
mod examples;
mod links;

use super::router;
use api::ErrorBody;
use examples::Examples;
use utoipa::{
    OpenApi,
    openapi::{
        HttpMethod, OpenApi as Document, RefOr,
        path::{Operation, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Cloudlet",
        description = "A cloud with an asynchronous API. A request that takes time is answered with \
                       202 and a job; poll POST /v1/resource/jobs until it is completed or failed. \
                       Every path is served with and without a trailing slash. Every answer under /v1 and \
                       /admin/v1 has X-RateLimit-Limit, X-RateLimit-Remaining and X-RateLimit-Reset (Unix \
                       seconds), unless the server limits nobody; 429 RATE_LIMIT_EXCEEDED has Retry-After.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ErrorBody)),
    security(("apiKey" = []), ("bearer" = [])),
)]
struct Base;

/// What all operations share; routes add themselves.
pub(super) fn base() -> Document {
    Base::openapi()
}

/// The API, as its handlers' own types tell it.
pub fn openapi() -> Document {
    let (_, mut document) = router::routes().split_for_parts();
    if let Some(components) = &mut document.components {
        let key = ApiKey::Header(ApiKeyValue::new("X-API-Key"));
        components.add_security_scheme("apiKey", SecurityScheme::ApiKey(key));
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        components.responses = errors::responses();
    }
    bounds::bodies(&mut document);
    let examples = Examples::of(&document);
    for (path, item) in &mut document.paths.paths {
        let all = [
            (HttpMethod::Get, &mut item.get),
            (HttpMethod::Put, &mut item.put),
            (HttpMethod::Post, &mut item.post),
            (HttpMethod::Delete, &mut item.delete),
        ];
        for (method, operation) in all {
            if let Some(operation) = operation {
                complete(path, &method, operation);
                examples.give(operation);
            }
        }
    }
    links::add(&mut document);
    document
}

/// The document as it is served and as it stands in `openapi.json`.
pub(super) fn text() -> serde_json::Result<String> {
    openapi().to_pretty_json()
}

fn complete(path: &str, method: &HttpMethod, operation: &mut Operation) {
    for status in errors::statuses(path, method, operation) {
        let all = &mut operation.responses.responses;
        let error = all.entry(status.to_string());
        error.or_insert_with(|| errors::reference(status));
    }
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            bounds::parameter(parameter);
        }
    }
}

/// Whether an operation has a parameter like this.
fn parameter_is(operation: &Operation, wanted: &dyn Fn(&str, &ParameterIn) -> bool) -> bool {
    let mut all = operation.parameters.iter().flatten();
    all.any(|it| matches!(it, RefOr::T(found) if wanted(&found.name, &found.parameter_in)))
}
