//! Names: 1 to 63 characters, any letters, nothing that a terminal or a log would stumble over.

use crate::{facts::Refusal, limits::NAME_LIMIT};

/// Whether a name may be given; the refusal names the field and says what would be right.
pub fn check(field: &str, name: &str) -> Result<(), Refusal> {
    let count = name.chars().count();
    if count == 0 {
        return Err(Refusal::field(
            field,
            format!("is empty; 1 to {NAME_LIMIT} characters are right"),
        ));
    }
    if count > NAME_LIMIT {
        let text = format!("has {count} characters; at most {NAME_LIMIT} are right");
        return Err(Refusal::field(field, text));
    }
    if name.starts_with(char::is_whitespace) || name.ends_with(char::is_whitespace) {
        return Err(Refusal::field(
            field,
            "has a space at its start or end; take it away",
        ));
    }
    if let Some(control) = name.chars().find(|character| is_control(*character)) {
        let text = format!(
            "has the control character U+{:04X}; take it away",
            u32::from(control)
        );
        return Err(Refusal::field(field, text));
    }
    Ok(())
}

/// Control characters, and the line and paragraph separators that some programs take for them.
fn is_control(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// The names of `count` instances: the name itself for one, else `name-1` to `name-n`.
pub fn instances(name: &str, count: i64) -> Vec<String> {
    if count == 1 {
        return vec![name.to_owned()];
    }
    (1..=count)
        .map(|number| format!("{name}-{number}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{check, instances};

    #[test]
    fn table() {
        let long = "x".repeat(64);
        let emoji = "🦀".repeat(63);
        let cases = [
            ("web-1", None),
            ("مرحبا", None),
            (emoji.as_str(), None),
            ("", Some("is empty")),
            (long.as_str(), Some("has 64 characters")),
            (" web", Some("space at its start")),
            ("web\u{a0}", Some("space at its start or end")),
            ("we\nb", Some("U+000A")),
            ("we\u{7f}b", Some("U+007F")),
            ("we\u{2028}b", Some("U+2028")),
        ];
        for (name, expected) in cases {
            let found = check("name", name);
            match (expected, &found) {
                (None, Ok(())) => {}
                (Some(text), Err(refusal)) => {
                    assert!(
                        refusal.message.contains(text),
                        "{name:?}: {}",
                        refusal.message
                    );
                    assert_eq!(refusal.details.field.as_deref(), Some("name"));
                }
                _ => panic!("{name:?}: {found:?}"),
            }
        }
    }

    #[test]
    fn several_are_numbered() {
        assert_eq!(instances("web", 1), ["web"]);
        assert_eq!(instances("web", 3), ["web-1", "web-2", "web-3"]);
    }
}
