//! Where a user's own things are kept, by the XDG Base Directory Specification.

use std::{env, path::PathBuf};

/// What can be made again: `$XDG_CACHE_HOME/cloudlet`, else `~/.cache/cloudlet`. None where there is no home.
pub fn cache() -> Option<PathBuf> {
    place("XDG_CACHE_HOME", ".cache")
}

/// What is worth keeping from one call to the next: `$XDG_STATE_HOME/cloudlet`, else
/// `~/.local/state/cloudlet`. None where there is no home.
pub fn state() -> Option<PathBuf> {
    place("XDG_STATE_HOME", ".local/state")
}

/// A relative path is to be ignored, says the specification.
fn place(variable: &str, beneath_home: &str) -> Option<PathBuf> {
    let absolute = |name| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let own = absolute(variable).or_else(|| Some(absolute("HOME")?.join(beneath_home)));
    Some(own?.join("cloudlet"))
}
