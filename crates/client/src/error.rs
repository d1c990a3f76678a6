//! What can go wrong with a request, in words for whoever sits before it.

use api::error::ErrorDetails;
use std::time::Duration;

/// Why a request has no answer that can be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Error {
    /// The server refused; nothing was changed.
    #[error("{message}")]
    Api {
        /// The HTTP status.
        status: u16,
        /// The stable code, e.g. `NOT_FOUND`; `HTTP_502` and the like where a proxy answered.
        ///
        /// Text, not an enum: a newer server may know codes that this client does not.
        code: String,
        /// What is wrong and what would be right.
        message: String,
        /// What a program may want to know: the field at fault, the job in the way.
        details: Box<ErrorDetails>,
        /// When the server asks to be tried again.
        retry_after: Option<Duration>,
    },
    /// No connection: the request was never sent.
    #[error("cannot reach {url}: is the server running? start it with: cloudlet serve ({why})")]
    Connect {
        /// The server's address.
        url: String,
        /// The cause, e.g. `connection refused`.
        why: String,
    },
    /// The connection broke or timed out: the request may or may not have been carried out.
    #[error("{url} did not answer: {why}")]
    Lost {
        /// The server's address.
        url: String,
        /// The cause.
        why: String,
    },
    /// An answer that is not one of this API.
    #[error("{url} does not answer like a Cloudlet server: {why}")]
    Protocol {
        /// What was asked for.
        url: String,
        /// What is wrong with the answer.
        why: String,
    },
    /// The address or the key cannot be used at all.
    #[error("{0}")]
    Setup(String),
}

impl Error {
    /// Whether asking again later may help: no connection, a lost answer, 429, 502, 503, 504.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            Self::Connect { .. } | Self::Lost { .. } => true,
            Self::Protocol { .. } | Self::Setup(_) => false,
        }
    }

    /// The error code, where the server gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Api { code, .. } => Some(code),
            _ => None,
        }
    }

    /// When the server asks to be tried again.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Api { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}
