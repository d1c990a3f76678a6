//! A text that is nobody's business: what a create carries and no answer, log or event may show.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A text that `{:?}` does not show.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Private(pub String);

/// By hand, so that no log ever shows it, nor how long it is.
impl fmt::Debug for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Private(…)")
    }
}

impl From<&str> for Private {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl From<String> for Private {
    fn from(text: String) -> Self {
        Self(text)
    }
}
