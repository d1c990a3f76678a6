//! How a command ends: the exit status, and errors in words with the next thing to try.

use crate::{cli::screen::Screen, config::ConfigError, profile::Profile};
use client::Error;

/// The exit status. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Ending {
    /// Done.
    Done = 0,
    /// Something is wrong; said on stderr.
    Error = 1,
    /// The command itself is wrong.
    Usage = 2,
    /// A job failed.
    JobFailed = 3,
    /// Still running when the time was up, or left running by Ctrl-C.
    StillRunning = 4,
}

/// An error in how the command was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Usage(pub(crate) String);

/// Says what is wrong and where to look.
pub(crate) fn explain(screen: &Screen, error: &anyhow::Error) -> Ending {
    screen.error(&format!("{error:#}"));
    if let Some(hint) = error.downcast_ref::<Error>().and_then(hint) {
        screen.complain(&hint);
    }
    if error.is::<Usage>() || error.is::<ConfigError>() || is_setup(error) {
        Ending::Usage
    } else {
        Ending::Error
    }
}

fn is_setup(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Setup(_)))
}

fn hint(error: &Error) -> Option<String> {
    let Error::Api {
        status, details, ..
    } = error
    else {
        return None;
    };
    match (status, details.job_id) {
        (401, _) => Some(format!(
            "A tenant's key comes from --api-key, else CLOUDLET_API_KEY, else {0}; that of \
             `cloudlet admin` from CLOUDLET_ADMIN_KEY, else {0}.",
            profile_name()
        )),
        (409, Some(job)) => Some(format!("In the way: cloudlet job wait {job}")),
        _ => None,
    }
}

/// The profile's file, for people.
pub(crate) fn profile_name() -> String {
    match Profile::path() {
        Some(path) => path.display().to_string(),
        None => "the profile (there is no home directory to keep one in)".into(),
    }
}
