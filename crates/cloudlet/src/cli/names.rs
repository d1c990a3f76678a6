//! Names or ids: finds the one thing that a word on the command line means.

use anyhow::bail;
use std::fmt::{Display, Write};

/// How many names are listed where none fits.
const LISTED: usize = 8;

/// A thing that can be named.
pub(crate) struct Candidate {
    pub(crate) id: String,
    pub(crate) name: String,
    /// What tells it from another of the same name.
    pub(crate) detail: String,
}

/// The place of the candidate that `word` names.
///
/// `what` is the thing's noun, `more` the sentence shown where there is none at all.
pub(crate) fn pick(what: &str, word: &str, all: &[Candidate], more: &str) -> anyhow::Result<usize> {
    if let Some(place) = all.iter().position(|one| one.id.eq_ignore_ascii_case(word)) {
        return Ok(place);
    }
    let named: Vec<usize> = (0..all.len()).filter(|n| all[*n].name == word).collect();
    match named[..] {
        [one] => Ok(one),
        [] => bail!(nothing(what, word, all, more)),
        _ => {
            let mut text = format!(
                "'{word}' is the name of {} {what}s; give the id:",
                named.len()
            );
            for one in named.iter().map(|n| &all[*n]) {
                let _ = write!(text, "\n  {}  {}", one.id, one.detail);
            }
            bail!(text)
        }
    }
}

/// The id of the row that a word names; a word that is an id needs no rows.
pub(crate) fn id_of<Id: Copy + Display>(
    what: &str,
    word: &str,
    rows: Vec<(Id, String, String)>,
    more: &str,
) -> anyhow::Result<Id> {
    let ids: Vec<Id> = rows.iter().map(|(id, ..)| *id).collect();
    let candidates = rows.into_iter().map(|(id, name, detail)| Candidate {
        id: id.to_string(),
        name,
        detail,
    });
    let candidates: Vec<Candidate> = candidates.collect();
    Ok(ids[pick(what, word, &candidates, more)?])
}

fn nothing(what: &str, word: &str, all: &[Candidate], more: &str) -> String {
    if all.is_empty() {
        let text = format!("no {what} has the name or id '{word}': there is none at all. {more}");
        return text.trim_end().to_owned();
    }
    if let Some(near) = nearest(word, all.iter().map(|one| one.name.as_str())) {
        return format!("no {what} has the name or id '{word}'; did you mean '{near}'?");
    }
    let mut names: Vec<&str> = Vec::new();
    for name in all.iter().map(|one| one.name.as_str()) {
        if names.contains(&name) {
            continue;
        }
        if names.len() == LISTED {
            names.push("…");
            break;
        }
        names.push(name);
    }
    format!(
        "no {what} has the name or id '{word}'. There are: {}",
        names.join(", ")
    )
}

/// The name that was probably meant: at most a third of the word's letters differ.
fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    names
        .map(|name| {
            (
                strsim::damerau_levenshtein(&word, &name.to_lowercase()),
                name,
            )
        })
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Candidate> {
        [("1a", "web-1"), ("2b", "web-2"), ("3c", "db"), ("4d", "db")]
            .into_iter()
            .map(|(id, name)| Candidate {
                id: id.into(),
                name: name.into(),
                detail: format!("Running, {id}"),
            })
            .collect()
    }

    #[test]
    fn a_name_or_an_id() {
        for (word, place) in [("web-2", 1), ("2B", 1), ("4d", 3)] {
            assert_eq!(pick("machine", word, &all(), "").unwrap(), place);
        }
    }

    #[test]
    fn what_does_not_fit_says_what_would() {
        for (word, says) in [
            (
                "db",
                "'db' is the name of 2 machines; give the id:\n  3c  Running, 3c\n  4d  ",
            ),
            (
                "wbe-1",
                "no machine has the name or id 'wbe-1'; did you mean 'web-1'?",
            ),
            ("WEB-2", "did you mean 'web-2'?"),
            ("mail", ". There are: web-1, web-2, db"),
        ] {
            let error = pick("machine", word, &all(), "").unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
            assert!(!error.contains("db, db"), "a name is listed once: {error}");
        }
        let error = pick("machine", "x", &[], "Make one.")
            .unwrap_err()
            .to_string();
        assert!(
            error.ends_with("there is none at all. Make one."),
            "{error}"
        );
    }
}
