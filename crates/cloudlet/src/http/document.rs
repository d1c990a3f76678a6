//! The OpenAPI document: made from the handlers' own types, with what all operations share.

use super::router;
use api::ErrorBody;
use utoipa::{
    OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        path::Operation,
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
    }
    for item in document.paths.paths.values_mut() {
        let all = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        for operation in all.into_iter().flatten() {
            add_error(operation);
        }
    }
    document
}

/// The document as it is served and as it stands in `openapi.json`.
pub(super) fn text() -> serde_json::Result<String> {
    openapi().to_pretty_json()
}

fn add_error(operation: &mut Operation) {
    let all = &mut operation.responses.responses;
    all.insert("default".to_owned(), RefOr::T(error()));
}

fn error() -> Response {
    let schema = Ref::from_schema_name("ErrorBody");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description("What is wrong, and what would be right")
        .content("application/json", content)
        .build()
}
