//! What parameters and fields that many routes have may be, said once: pages, filters, names.
//!
//! As in the rules that check them; a request that fits these is not refused for them.

use crate::http::limits::{
    CONSOLE_LINES_DEFAULT, CONSOLE_LINES_LIMIT, IDEMPOTENCY_KEY_LIMIT, PAGE_LIMIT,
    PAGE_SIZE_DEFAULT, PAGE_SIZE_LIMIT,
};
use model::{
    Kind, Operation,
    limits::{GPU_COUNTS, NAME_LIMIT},
};
use serde_json::Value;
use std::collections::BTreeSet;
use utoipa::{
    Number,
    openapi::{
        OpenApi as Document, RefOr, Schema,
        extensions::Extensions,
        path::{Parameter, ParameterIn},
        schema::{ArrayItems, Object},
    },
};

/// A name: no control character, and no space at either end (`model::name`).
const NAME_PATTERN: &str = concat!(
    r"^[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]",
    r"([^\x00-\x1f\x7f-\x9f\u2028\u2029]*",
    r"[^\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000])?$",
);
/// What takes a fault's place for every operation.
const ANY: &str = "*";

/// Bounds a parameter by its name and place.
pub(super) fn parameter(parameter: &mut Parameter) {
    let name = parameter.name.as_str();
    match parameter.parameter_in {
        ParameterIn::Query if ["page", "limit", "tail"].contains(&name) => {}
        // Empty is absent.
        ParameterIn::Query => {
            let empty = Extensions::from_iter([("allowEmptyValue", true)]);
            parameter.extensions.get_or_insert_default().merge(empty);
        }
        _ => {}
    }
    let Some(schema) = object(parameter.schema.as_mut()) else {
        return;
    };
    match (name, &parameter.parameter_in) {
        ("page", ParameterIn::Query) => {
            (schema.minimum, schema.maximum) = (Some(number(1)), Some(number(PAGE_LIMIT)));
            schema.default = Some(1.into());
        }
        ("limit", ParameterIn::Query) => {
            (schema.minimum, schema.maximum) = (Some(number(1)), Some(number(PAGE_SIZE_LIMIT)));
            schema.default = Some(PAGE_SIZE_DEFAULT.into());
        }
        ("tail", ParameterIn::Query) => {
            let most = u64::from(CONSOLE_LINES_LIMIT);
            (schema.minimum, schema.maximum) = (Some(number(1)), Some(number(most)));
            schema.default = Some(CONSOLE_LINES_DEFAULT.into());
        }
        ("after", ParameterIn::Query) => {
            schema.pattern = Some("^([0-9]{1,18}-[0-9]{1,18})?$".to_owned());
        }
        ("sort", ParameterIn::Query) => {
            let said = parameter.description.as_deref().unwrap_or_default();
            schema.pattern = Some(sort_pattern(said));
        }
        ("count", ParameterIn::Query) => {
            schema.enum_values = Some(GPU_COUNTS.map(Value::from).to_vec());
        }
        ("cursor", ParameterIn::Query) => schema.pattern = Some("^[0-9a-f]{32}$".to_owned()),
        ("kind", ParameterIn::Query) => schema.enum_values = Some(operations()),
        ("resourceType", ParameterIn::Query) => schema.enum_values = Some(resource_types()),
        ("Idempotency-Key", ParameterIn::Header) => {
            (schema.min_length, schema.max_length) = (Some(1), Some(IDEMPOTENCY_KEY_LIMIT));
            schema.pattern = Some("^[!-~]+$".to_owned());
        }
        _ => {}
    }
}

/// Fields with directions, the fields being those that the description lists between its semicolons.
fn sort_pattern(description: &str) -> String {
    let fields = description.split("; ").nth(1).unwrap_or_default();
    let one = format!("({}):(asc|desc)", fields.replace(", ", "|"));
    format!("^({one}(,{one})*)?$")
}

/// Bounds the fields of what is sent.
pub(super) fn bodies(document: &mut Document) {
    let sent = sent(document);
    let components = document.components.iter_mut();
    for (schema, body) in components.flat_map(|it| &mut it.schemas) {
        let RefOr::T(Schema::Object(body)) = body else {
            continue;
        };
        if !sent.contains(schema) {
            continue;
        }
        if let Some(name) = object(body.properties.get_mut("name")) {
            (name.min_length, name.max_length) = (Some(1), Some(NAME_LIMIT));
            name.pattern = Some(NAME_PATTERN.to_owned());
        }
        if let Some(primary) = object(body.properties.get_mut("setPrimary")) {
            primary.enum_values = Some(vec![true.into()]);
        }
        if let Some(operation) = object(body.properties.get_mut("operation")) {
            let all = operations().into_iter().chain([ANY.into()]);
            operation.enum_values = Some(all.collect());
        }
    }
}

/// The names of the schemas that requests have.
fn sent(document: &Document) -> BTreeSet<String> {
    let items = document.paths.paths.values();
    let operations = items.flat_map(|it| [&it.get, &it.put, &it.post, &it.delete]);
    let bodies = operations
        .flatten()
        .filter_map(|it| match &it.request_body {
            Some(RefOr::T(body)) => Some(body),
            _ => None,
        });
    let contents = bodies.flat_map(|it| it.content.values());
    let names = contents.filter_map(|content| match content {
        RefOr::T(content) => match &content.schema {
            Some(RefOr::Ref(schema)) => schema.ref_location.rsplit('/').next(),
            _ => None,
        },
        RefOr::Ref(_) => None,
    });
    names.map(ToOwned::to_owned).collect()
}

/// The schema of one value; of a list, that of its items.
fn object(schema: Option<&mut RefOr<Schema>>) -> Option<&mut Object> {
    match schema? {
        RefOr::T(Schema::Object(object)) => Some(object),
        RefOr::T(Schema::Array(list)) => match &mut list.items {
            ArrayItems::RefOrSchema(items) => object(Some(items)),
            ArrayItems::False => None,
        },
        _ => None,
    }
}

fn operations() -> Vec<Value> {
    let all = Operation::ALL.iter();
    all.map(|it| it.name().into()).collect()
}

fn resource_types() -> Vec<Value> {
    Kind::ALL.map(|kind| kind.as_str().into()).to_vec()
}

fn number(number: u64) -> Number {
    Number::UInt(usize::try_from(number).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_sent_is_bounded() {
        let document = serde_json::to_value(crate::http::openapi()).unwrap();
        let schemas = &document["components"]["schemas"];
        let name = &schemas["MachineCreate"]["properties"]["name"];
        assert_eq!(
            (&name["minLength"], &name["maxLength"]),
            (&1.into(), &63.into())
        );
        let operation = &schemas["FaultCreate"]["properties"]["operation"]["enum"];
        assert!(operation.as_array().unwrap().contains(&"vm.create".into()));
        let list = &document["paths"]["/v1/resource/virtual-machines"]["get"];
        let limit = &list["parameters"][1]["schema"];
        assert_eq!(
            (&limit["minimum"], &limit["maximum"]),
            (&1.into(), &100.into())
        );
        let jobs = &document["paths"]["/v1/resource/jobs"]["get"]["parameters"];
        let resource = jobs
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == "resourceId");
        assert_eq!(resource.unwrap()["allowEmptyValue"], true);
    }
}
