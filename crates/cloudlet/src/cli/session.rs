//! Which server, which key: flag, else environment, else profile.

use crate::{
    cli::{
        ending::{Usage, profile_name},
        screen::{Format, Screen},
        submissions::Whose,
    },
    profile::Profile,
};
use clap::Args;
use client::Client;
use std::borrow::Cow;

const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// What every command that asks a server takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// The server's address [default: the profile's, else http://127.0.0.1:8080]
    #[arg(
        long,
        global = true,
        env = "CLOUDLET_URL",
        value_name = "URL",
        hide_env_values = true
    )]
    url: Option<String>,
    /// The key to show [default: the profile's]; the environment keeps it out of the history
    #[arg(
        long,
        global = true,
        env = "CLOUDLET_API_KEY",
        value_name = "KEY",
        hide_env_values = true
    )]
    api_key: Option<String>,
    /// Form of the results: table, wide or json
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORM",
        hide_possible_values = true
    )]
    output: Format,
    /// No progress, no hints: on stdout the bare ids or keys, on stderr only errors
    #[arg(long, short, global = true)]
    quiet: bool,
}

/// A client and a screen: what commands work with.
pub(crate) struct Session {
    pub(crate) client: Client,
    /// The operator's client, where a tenant's session has that key at hand, too.
    pub(crate) operator: Option<Client>,
    pub(crate) screen: Screen,
    /// Whose jobs are written down.
    pub(crate) whose: Whose,
}

impl Global {
    pub(crate) fn screen(&self) -> Screen {
        Screen::new(self.output, self.quiet)
    }

    /// A session with the tenant's key.
    pub(crate) fn tenant(&self, screen: &Screen) -> anyhow::Result<Session> {
        let profile = load_profile()?;
        let key = given(self.api_key.clone()).or(profile.api_key).ok_or_else(|| {
            Usage(format!(
                "no API key: set CLOUDLET_API_KEY, or start a server on an empty data directory: \
                 it saves one in {}",
                profile_name()
            ))
        })?;
        let operator = operators_key(profile.admin_key)
            .and_then(|key| self.client(profile.url.as_deref(), &key).ok());
        let client = self.client(profile.url.as_deref(), &key)?;
        Ok(Session {
            whose: Whose::new(client.url(), &key),
            client,
            operator,
            screen: *screen,
        })
    }

    /// A session with the operator's key.
    pub(crate) fn operator(&self, screen: &Screen) -> anyhow::Result<Session> {
        let profile = load_profile()?;
        let key = operators_key(profile.admin_key).ok_or_else(|| {
            Usage(format!(
                "no operator's key: set CLOUDLET_ADMIN_KEY, or put admin_key into {}",
                profile_name()
            ))
        })?;
        let client = self.client(profile.url.as_deref(), &key)?;
        Ok(Session {
            whose: Whose::new(client.url(), &key),
            client,
            operator: None,
            screen: *screen,
        })
    }

    fn client(&self, profiles: Option<&str>, key: &str) -> Result<Client, client::Error> {
        let url = given(self.url.clone());
        let url = url.as_deref().or(profiles).unwrap_or(DEFAULT_URL);
        Client::new(&with_scheme(url), key)
    }
}

/// The variable's, else the profile's.
fn operators_key(profiles: Option<String>) -> Option<String> {
    given(std::env::var("CLOUDLET_ADMIN_KEY").ok()).or(profiles)
}

/// A variable that is set to nothing counts as not set.
fn given(value: Option<String>) -> Option<String> {
    value.filter(|value| !value.is_empty())
}

/// An address as people type it: without a scheme it is http.
fn with_scheme(url: &str) -> Cow<'_, str> {
    if url.contains("://") {
        url.into()
    } else {
        format!("http://{url}").into()
    }
}

fn load_profile() -> anyhow::Result<Profile> {
    match Profile::path() {
        Some(path) => Profile::load(&path),
        None => Ok(Profile::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::with_scheme;

    #[test]
    fn an_address_without_a_scheme_is_http() {
        for (typed, meant) in [
            ("127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("localhost:8081", "http://localhost:8081"),
            ("[::1]:8081", "http://[::1]:8081"),
            ("https://a.example", "https://a.example"),
        ] {
            assert_eq!(with_scheme(typed), meant);
        }
    }
}
