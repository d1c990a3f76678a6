//! Words of the command line made into values; what does not fit is said for people.
//!
//! What is returned follows `invalid value 'x' for '--flag': `, which is said by the parser.

use std::str::FromStr;

/// A whole number without a sign.
pub(crate) fn whole<T: FromStr>(word: &str) -> Result<T, String> {
    word.parse().map_err(|_| {
        let text = match word.parse::<f64>() {
            Ok(_) => "that is not a whole number, 0 or more, of a size that fits",
            Err(_) => "that is not a number",
        };
        text.to_owned()
    })
}

/// A number with or without a point.
pub(crate) fn number(word: &str) -> Result<f64, String> {
    word.parse()
        .map_err(|_| "that is not a number; one looks like 0.5 or 10".to_owned())
}

/// A job's id.
pub(crate) fn job_id(word: &str) -> Result<api::JobId, String> {
    id("a job", word)
}

/// A job's status.
pub(crate) fn job_status(word: &str) -> Result<api::JobStatus, String> {
    let all = api::JobStatus::ALL;
    let found = all.into_iter().find(|status| status.as_str() == word);
    found.ok_or_else(|| {
        let names = all.map(api::JobStatus::as_str);
        format!("there are: {}", names.join(", "))
    })
}

/// A fault's id.
pub(crate) fn fault_id(word: &str) -> Result<api::FaultId, String> {
    id("a fault", word)
}

fn id<T: FromStr>(whose: &str, word: &str) -> Result<T, String> {
    word.parse().map_err(|_| {
        format!("{whose}'s id looks like 01930000-0000-7000-8000-000000000001, in full")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_said_for_people() {
        let said = |result: Result<u32, String>| result.unwrap_err();
        assert_eq!(whole::<u32>("7"), Ok(7));
        assert_eq!(said(whole("x")), "that is not a number");
        for word in ["-1", "1.5", "5000000000"] {
            assert!(
                said(whole(word)).starts_with("that is not a whole number"),
                "{word}"
            );
        }
        assert_eq!(number("0.5"), Ok(0.5));
        assert!(number("fast").unwrap_err().contains("not a number"));
        assert!(
            job_id("0193")
                .unwrap_err()
                .contains("a job's id looks like 0193")
        );
    }
}
