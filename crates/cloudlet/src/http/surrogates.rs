//! Halves of surrogate pairs: JSON can spell them, no text can hold them. Finds where one stands, so
//! that its sender is told which field.

use serde_json::Value;

/// What a half is replaced by to find it again: a character that is in no text.
const MARK: char = '\u{fdd0}';
/// How it is spelt; as long as a half, so that places in the text stay.
const SPELT: &str = r"\ufdd0";

/// The path of the first string or key that holds half of a pair; `None` where there is no half, or
/// where the text is not JSON otherwise.
pub(super) fn field_with_a_half(text: &str) -> Option<String> {
    let value = serde_json::from_str(&marked(text)?).ok()?;
    let mut path = String::new();
    is_marked(&value, &mut path).then_some(path)
}

/// The text with every half marked; `None` where there is none.
fn marked(text: &str) -> Option<String> {
    let (mut marked, mut rest, mut found) = (String::with_capacity(text.len()), text, false);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        marked.push_str(before);
        let length = match (unit(escape), unit(escape.get(6..).unwrap_or_default())) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => 12,
            (Some(0xd800..0xe000), _) => {
                found = true;
                marked.push_str(SPELT);
                rest = &escape[6..];
                continue;
            }
            _ => escape.chars().take(2).map(char::len_utf8).sum(),
        };
        marked.push_str(&escape[..length]);
        rest = &escape[length..];
    }
    marked.push_str(rest);
    found.then_some(marked)
}

/// The unit of UTF-16 that an escape at the start of a text stands for.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix(r"\u")?.get(..4)?;
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_digits.then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Whether a mark is in it; if so, `path` leads there.
fn is_marked(value: &Value, path: &mut String) -> bool {
    let length = path.len();
    let found = match value {
        Value::String(text) => text.contains(MARK),
        Value::Array(items) => items.iter().enumerate().any(|(index, item)| {
            path.truncate(length);
            path.push_str(&format!("[{index}]"));
            is_marked(item, path)
        }),
        Value::Object(fields) => fields.iter().any(|(name, item)| {
            path.truncate(length);
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&name.replace(MARK, "\u{fffd}"));
            name.contains(MARK) || is_marked(item, path)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    };
    if !found {
        path.truncate(length);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::field_with_a_half;

    #[test]
    fn halves_are_found_and_pairs_are_not() {
        for (text, field) in [
            (r#"{"a":"\ud800"}"#, Some("a")),
            (r#"{"a":"\uDfFfb"}"#, Some("a")),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, Some("a")),
            (r#"{"a":"\ud83d\\ude00"}"#, Some("a")),
            (r#"{"a":"x","b":{"c":["y","\udc00z"]}}"#, Some("b.c[1]")),
            (r#"{"a\ud800":1}"#, Some("a\u{fffd}")),
            (r#""\ud800""#, Some("")),
            (r#"{"a":"\ud83e\udd80"}"#, None),
            (r#"{"a":"\\ud800"}"#, None),
            (r#"{"a":"\ud8"}"#, None),
            (r#"{"a":"\ud800"#, None),
            (r#"{"a":"\ud800"} x"#, None),
            ("\\", None),
            ("\\é", None),
            (r"\ud800é", None),
            ("{}", None),
        ] {
            assert_eq!(field_with_a_half(text).as_deref(), field, "{text}");
        }
    }
}
