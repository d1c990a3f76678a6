//! `openapi.json` at the root is what the server serves.

use serde_json::Value;
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
        for operation in item.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().expect(path).to_owned();
            assert!(!names.contains(&name), "{name} is there twice");
            names.push(name);
        }
    }
    for operation in model::Operation::ALL {
        let name = operation.name();
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
    for reference in text.split(r##""$ref":"#"##).skip(1) {
        let pointer = reference.split('"').next().unwrap();
        let found = document.pointer(pointer);
        assert!(
            found.is_some_and(Value::is_object),
            "{pointer} is referred to and not there"
        );
    }
}

/// Method, path and operation of all that is documented.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let items = document["paths"].as_object().unwrap().iter();
    let all = items.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    all.collect()
}

/// Told from its shape, so that a new route has them without saying so.
#[test]
fn every_operation_lists_its_errors() {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap();
        let mut wanted = vec!["400", "405", "500"];
        if name.contains(" /v1/") || name.contains(" /admin/v1/") {
            wanted.extend(["401", "403", "429", "503"]);
        }
        if name.contains('{') {
            wanted.push("404");
        }
        if operation["requestBody"].is_object() {
            wanted.extend(["413", "415"]);
        }
        if name.starts_with("put ") || name.starts_with("delete ") {
            wanted.push("409");
        }
        if name.ends_with("/start") || name.ends_with("/reset") {
            wanted.push("502");
        }
        for status in wanted {
            assert!(responses.contains_key(status), "{name} lists no {status}");
        }
        assert!(!responses.contains_key("default"), "{name}: {responses:?}");
    }
}

#[test]
fn every_body_has_an_example() {
    let document = serde_json::to_value(cloudlet::http::openapi()).unwrap();
    let errors = document["components"]["responses"].as_object().unwrap();
    let mut bodies: Vec<_> = errors
        .iter()
        .map(|(name, response)| (name.clone(), response))
        .collect();
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap().values();
        bodies.extend(responses.map(|response| (name.clone(), response)));
        bodies.push((name, &operation["requestBody"]));
    }
    for (name, body) in bodies {
        for content in body["content"]
            .as_object()
            .iter()
            .flat_map(|it| it.values())
        {
            let has = content.get("example").or(content.get("examples"));
            assert!(has.is_some_and(|it| !it.is_null()), "{name}: {content}");
        }
    }
    let post = &document["paths"]["/v1/resource/virtual-machines"]["post"];
    let body = &post["requestBody"]["content"]["application/json"]["example"];
    let body: api::machine::MachineCreate = serde_json::from_value(body.clone()).unwrap();
    assert_eq!((body.image_id, body.configuration_id), (12, 45));
}
