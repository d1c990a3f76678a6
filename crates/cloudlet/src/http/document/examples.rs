//! An example of every body, made from its schema: so that a new route cannot forget it, and none is
//! ever unlike what it stands for.
//!
//! A property is shown as what its name means here ([`SAMPLES`]), else as the first thing that its
//! schema allows. A request has what it must have and no more.

use serde_json::{Map, Value, json};
use utoipa::openapi::{Content, OpenApi as Document, RefOr, path::Operation};

/// What stands for an id.
const ID: &str = "0193e1a0-5e6f-7a10-8000-00000000000b";
/// What stands for a time.
const TIME: &str = "2026-03-01T09:01:00.412Z";
/// The deepest that bodies are nested, and more.
const DEPTH: usize = 16;

/// What a property of this name is shown as: JSON, where it fits the schema's type.
const SAMPLES: &[(&str, &str)] = &[
    ("advanceSeconds", "120"),
    ("canRetry", "false"),
    ("categoryCode", r#""general""#),
    ("cidrBlock", r#""10.0.0.0/24""#),
    ("code", r#""g-small-1""#),
    ("completedAt", "null"),
    ("configuration", r#""Small""#),
    ("configurationId", "45"),
    ("country", r#""United States""#),
    ("countryAbbr", r#""US""#),
    ("countryAbbreviation", r#""US""#),
    ("countryName", r#""United States""#),
    ("cpu", "2"),
    ("datacenter", r#""Lab A""#),
    ("datacenterId", r#""6f1c0e5e-0000-4000-8000-000000000001""#),
    ("disk", "40"),
    ("endedAt", "null"),
    ("errorCode", "null"),
    ("estimatedCompletion", "null"),
    ("hasFailed", "false"),
    ("image", r#""Debian 12.x""#),
    ("imageId", "12"),
    ("imageName", r#""Debian 12.x""#),
    ("isCompleted", "false"),
    ("isInherited", "false"),
    ("jobIds", r#"["0193e1a0-5e6f-7a10-8000-00000000000b"]"#),
    ("key", r#""gpcn_example000000000000000000001""#),
    ("keyStart", r#""gpcn_example""#),
    ("kind", r#""vm.create""#),
    ("message", r#""""#),
    ("name", r#""web-1""#),
    ("networkId", r#""0193e1a0-5e6f-7a10-8000-00000000000c""#),
    ("newSizeGb", "256"),
    ("operation", r#""vm.create""#),
    ("pageSize", "10"),
    ("permissions", r#"["read", "write"]"#),
    ("prefix", r#""gpcn_""#),
    ("progress", "0"),
    ("progressPercentage", "0"),
    ("ram", "4"),
    ("region", r#""East""#),
    ("regionName", r#""East""#),
    ("resourceDisplayName", r#""web-1""#),
    ("resourceId", "null"),
    ("resourceName", r#""web-1""#),
    ("resourceType", r#""vm""#),
    ("sizeGb", "40"),
    ("skuCode", r#""g-small-1""#),
    ("skuId", r#""45""#),
    ("stage", r#""queued""#),
    ("start", r#""gpcn_example""#),
    ("status", r#""Running""#),
    ("suspended", "false"),
    ("username", r#""debian""#),
];

/// How much of a schema is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Every property.
    Whole,
    /// Those that must be there.
    Required,
}

/// Makes examples from the schemas of a document.
pub(super) struct Examples {
    schemas: Value,
}

impl Examples {
    /// Those of this document.
    pub(super) fn of(document: &Document) -> Self {
        let schemas = document.components.as_ref().map(|it| &it.schemas);
        Self {
            schemas: json!(schemas),
        }
    }

    /// Gives an example to each body of an operation that has none.
    pub(super) fn give(&self, operation: &mut Operation) {
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for content in body.content.values_mut() {
                self.fill(content, Extent::Required);
            }
        }
        for response in operation.responses.responses.values_mut() {
            if let RefOr::T(response) = response {
                for content in response.content.values_mut() {
                    self.fill(content, Extent::Whole);
                }
            }
        }
    }

    fn fill(&self, content: &mut RefOr<Content>, extent: Extent) {
        let RefOr::T(content) = content else { return };
        if content.example.is_none() && content.examples.is_empty() {
            content.example = Some(self.example("", &json!(content.schema), extent, DEPTH));
        }
    }

    /// An example of a schema that stands under this name.
    fn example(&self, name: &str, schema: &Value, extent: Extent, depth: usize) -> Value {
        if let Some(given) = schema.get("example").or_else(|| schema["examples"].get(0)) {
            return given.clone();
        }
        let sample = SAMPLES.iter().find(|(known, _)| *known == name);
        let sample = sample.and_then(|(_, text)| serde_json::from_str(text).ok());
        if let Some(sample) = sample.filter(|sample| fits(sample, schema)) {
            return sample;
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let target = reference.rsplit('/').next().unwrap_or_default();
            return match depth.checked_sub(1) {
                Some(depth) => self.example(name, &self.schemas[target], extent, depth),
                None => Value::Null,
            };
        }
        if let Some(first) = schema["enum"].get(0) {
            return first.clone();
        }
        if let Some(parts) = schema["allOf"].as_array() {
            return self.joined(parts, extent, depth);
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema[choice].get(0) {
                return self.example(name, first, extent, depth);
            }
        }
        self.typed(schema, extent, depth)
    }

    fn typed(&self, schema: &Value, extent: Extent, depth: usize) -> Value {
        if allows(schema, "null") {
            return Value::Null;
        }
        match schema["type"].as_str() {
            Some("object") => Value::Object(self.object(schema, extent, depth)),
            Some("array") => json!([self.example("", &schema["items"], extent, depth)]),
            Some("boolean") => Value::Bool(true),
            Some("integer" | "number") => {
                let least = schema["minimum"].as_u64().unwrap_or(1);
                json!(least.max(1))
            }
            Some("string") => match schema["format"].as_str() {
                Some("uuid") => ID.into(),
                Some("date-time") => TIME.into(),
                _ => "text".into(),
            },
            _ => Value::Null,
        }
    }

    fn object(&self, schema: &Value, extent: Extent, depth: usize) -> Map<String, Value> {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let shown = properties.filter(|(name, _)| {
            extent == Extent::Whole && *name != "meta" || required.iter().any(|it| it == *name)
        });
        let shown = shown.map(|(name, schema)| {
            let value = self.example(name, schema, extent, depth);
            (name.clone(), value)
        });
        shown.collect()
    }

    fn joined(&self, parts: &[Value], extent: Extent, depth: usize) -> Value {
        let mut whole = Map::new();
        for part in parts {
            if let Value::Object(part) = self.example("", part, extent, depth) {
                whole.extend(part);
            }
        }
        Value::Object(whole)
    }
}

fn fits(sample: &Value, schema: &Value) -> bool {
    let kind = match sample {
        Value::Null => return true,
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let mut listed = schema["enum"].as_array().into_iter().flatten();
    allows(schema, kind) && (schema["enum"].is_null() || listed.any(|it| it == sample))
}

/// Whether a schema's type is this, alone or among others.
fn allows(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(all) => all.iter().any(|it| it == kind),
        _ => false,
    }
}
