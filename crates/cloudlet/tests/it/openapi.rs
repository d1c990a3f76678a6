//! `openapi.json` at the root is what the server serves.

use std::{env, fs, path::Path};

#[test]
fn the_document_in_the_repository_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let mut fresh = cloudlet::http::openapi().to_pretty_json().unwrap();
    fresh.push('\n');
    if env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let stored = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stored == fresh,
        "openapi.json is stale. Refresh it, look at what changed, and commit it:\n  \
         UPDATE_OPENAPI=1 cargo nextest run -p cloudlet openapi"
    );
}

#[test]
fn it_is_openapi_3_1_and_every_operation_has_a_name_of_its_own() {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let name = operation["operationId"].as_str().expect(path).to_owned();
            assert!(
                operation["responses"]["default"].is_object(),
                "{method} {path}"
            );
            assert!(!names.contains(&name), "{name} is there twice");
            names.push(name);
        }
    }
    for operation in model::Operation::ALL {
        let name = operation.definition().name;
        assert!(names.iter().any(|it| it == name), "{name} has no route");
    }
}

/// What a client generator reads is what stands on the wire.
#[test]
fn error_codes_are_those_of_the_wire() {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    let listed = &document["components"]["schemas"]["ErrorCode"]["enum"];
    let wire: Vec<_> = api::ErrorCode::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(listed, &serde_json::json!(wire));
    for (code, text) in api::ErrorCode::ALL.iter().zip(wire) {
        assert_eq!(serde_json::to_value(code).unwrap(), text);
    }
}

#[test]
fn no_reference_leads_nowhere() {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    let text = document.to_string();
    for reference in text.split(r##""$ref":"#/components/schemas/"##).skip(1) {
        let name = reference.split('"').next().unwrap();
        let schema = &document["components"]["schemas"][name];
        assert!(schema.is_object(), "{name} is referred to and not there");
    }
}
