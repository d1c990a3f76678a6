//! From the bytes of a body to a typed value, and from what serde says to what helps its sender.
//!
//! An error names the field and the value seen, and says what would be right; it never shows the name
//! of a type of the code.

use super::{
    error::ApiError,
    limits::{DEPTH_LIMIT, SEEN_CHARS},
    surrogates,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use serde_path_to_error::{Path, Segment};

/// The largest number whose neighbours a double can tell apart: 2^53.
const WHOLE_LIMIT: f64 = 9_007_199_254_740_992.0;

/// Fields that hold what no answer may show, as they are named in every body.
const PRIVATE_FIELDS: [&str; 5] = [
    "password",
    "passphrase",
    "userData",
    "sshPublicKeys",
    "publicKey",
];

/// Reads a body that is a JSON object.
pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(not_an_object::<T>("nothing"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let at = error.valid_up_to();
        ApiError::body(format!("The body is not UTF-8 at byte {at}; send UTF-8"))
    })?;
    if is_deeper_than(bytes, DEPTH_LIMIT) {
        let text = format!(
            "The body is nested too deeply; at most {DEPTH_LIMIT} levels of lists and objects are \
             right"
        );
        return Err(ApiError::body(text));
    }
    let mut value: Value = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    make_whole(&mut value);
    typed(&value)
}

/// JSON knows one kind of number: 12.0 is the whole number 12. Beyond 2^53 a fraction may have been lost.
fn make_whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number
                .as_f64()
                .filter(|it| number.is_f64() && it.fract() == 0.0);
            let whole = whole.filter(|it| it.abs() <= WHOLE_LIMIT);
            if let Some(whole) = whole.and_then(|it| format!("{it:.0}").parse::<i64>().ok()) {
                *number = whole.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(make_whole),
        Value::Object(fields) => fields.values_mut().for_each(make_whole),
        _ => {}
    }
}

fn not_json(text: &str, error: &serde_json::Error) -> ApiError {
    let half = "holds half of a surrogate pair, which no text can; send both halves, or the \
                character itself";
    match surrogates::field_with_a_half(text) {
        Some(field) if field.is_empty() => ApiError::body(format!("The body {half}")),
        Some(field) => ApiError::field(&field, half),
        None => ApiError::body(format!("The body is not JSON: {error}")),
    }
}

fn typed<T: DeserializeOwned>(value: &Value) -> Result<T, ApiError> {
    if !value.is_object() {
        return Err(not_an_object::<T>(&seen(value)));
    }
    serde_path_to_error::deserialize(value).map_err(|error| {
        let (field, message) = explain::<T>(value, error.path(), &error.inner().to_string());
        ApiError::field(&field, &message)
    })
}

/// Names the first field that is needed, since that is what is missing.
fn not_an_object<T: DeserializeOwned>(found: &str) -> ApiError {
    let error = match typed::<T>(&Value::Object(Map::new())) {
        Ok(_) => ApiError::body(""),
        Err(error) => error,
    };
    let with = match &error.details.field {
        Some(field) => format!(" with {field}"),
        None => String::new(),
    };
    let message = format!("The body must be a JSON object{with}, not {found}");
    ApiError { message, ..error }
}

/// The field at fault, and what is wrong with it.
fn explain<T: DeserializeOwned>(root: &Value, path: &Path, said: &str) -> (String, String) {
    let field = path.to_string();
    if let Some(name) = quoted_after(said, "missing field ") {
        let right = expected_of::<T>(root, path, name);
        let field = if field == "." {
            name.to_owned()
        } else {
            format!("{field}.{name}")
        };
        return (field, format!("is missing; {right} is right"));
    }
    let found = at(root, path);
    let seen = if is_private(path) { kind } else { seen };
    let message = if let Some(name) = quoted_after(said, "unknown variant ") {
        let right = said.split_once("expected ").map_or("", |(_, names)| names);
        let right = right.trim_start_matches("one of ").replace('`', "");
        format!("there is no {}; right is: {right}", shown(name))
    } else if found.is_null() {
        format!("is missing; {} is right", right(said))
    } else if said.starts_with("invalid value") && found.is_number() {
        format!("{} is out of range; {} is right", seen(found), right(said))
    } else {
        format!("must be {}, not {}", right(said), seen(found))
    };
    (field, message)
}

/// What a missing field should be: what serde expects where null stands in its place.
fn expected_of<T: DeserializeOwned>(root: &Value, path: &Path, name: &str) -> &'static str {
    let mut with_null = root.clone();
    let place = path
        .iter()
        .try_fold(&mut with_null, |value, segment| match segment {
            Segment::Map { key } => value.get_mut(key),
            Segment::Seq { index } => value.get_mut(index),
            Segment::Enum { .. } | Segment::Unknown => Some(value),
        });
    if let Some(Value::Object(fields)) = place {
        fields.insert(name.to_owned(), Value::Null);
    }
    match serde_path_to_error::deserialize::<_, T>(&with_null) {
        Err(error) => right(&error.inner().to_string()),
        Ok(_) => "a value",
    }
}

/// What would be right, in the words of JSON instead of those of the code.
fn right(said: &str) -> &'static str {
    if said.starts_with("UUID parsing failed") {
        return "a UUID";
    }
    let expected = said.rsplit_once("expected ").map_or("", |(_, what)| what);
    match expected {
        "a string" | "a borrowed string" | "string or map" => "a string",
        "a boolean" => "true or false",
        "i64" | "i32" => "a whole number",
        "u64" | "u32" | "u16" | "u8" | "usize" => "a whole number of at least 0",
        "f64" | "f32" => "a number",
        "a sequence" => "a list",
        "a list of strings" => "a list of strings",
        what if what.contains("UUID") => "a UUID",
        what if what.starts_with("struct") || what == "a map" => "an object",
        what if what.starts_with("enum") => "one of its names as a string",
        _ => "something else",
    }
}

fn at<'a>(root: &'a Value, path: &Path) -> &'a Value {
    path.iter().fold(root, |value, segment| match segment {
        Segment::Map { key } => value.get(key).unwrap_or(value),
        Segment::Seq { index } => value.get(index).unwrap_or(value),
        Segment::Enum { .. } | Segment::Unknown => value,
    })
}

/// Whether a field holds what no answer may show.
fn is_private(path: &Path) -> bool {
    path.iter().any(
        |segment| matches!(segment, Segment::Map { key } if PRIVATE_FIELDS.contains(&key.as_str())),
    )
}

/// What a value is, without the value.
fn kind(value: &Value) -> String {
    let kind = match value {
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Null | Value::Array(_) | Value::Object(_) => return seen(value),
    };
    kind.to_owned()
}

fn seen(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => shown(text),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// A text as an error shows it: quoted, short, without control characters.
pub(super) fn shown(text: &str) -> String {
    let plain = text.chars().filter(|character| !character.is_control());
    format!("'{}'", plain.take(SEEN_CHARS).collect::<String>())
}

fn quoted_after<'a>(said: &'a str, before: &str) -> Option<&'a str> {
    let rest = said.strip_prefix(before)?.strip_prefix('`')?;
    rest.split_once('`').map(|(name, _)| name)
}

/// Whether lists and objects are nested deeper than this; looks at nothing else.
fn is_deeper_than(bytes: &[u8], limit: usize) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for &byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > limit {
            return true;
        }
    }
    false
}

#[cfg(test)]
#[path = "json_tests.rs"]
mod tests;
