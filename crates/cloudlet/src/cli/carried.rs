//! What a create carries to its machine: keys, a user, user data, a password; and the team it is put in.
//!
//! A password is never an argument: whoever lists the processes of this host would read it.

use super::{names::id_of, session::Session, ssh_key};
use anyhow::{Context, bail};
use api::{Private, machine::AuthMethod};
use clap::Args;
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Bytes that are read of a file: one more than any of them may have.
const READ_LIMIT: u64 = 64 * 1024 + 1;

/// What every new machine may be given.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Carried {
    /// A stored SSH key to put on it, by name or id: see cloudlet ssh-key list
    #[arg(long, value_name = "KEY")]
    ssh_key: Option<String>,
    /// A public key to put on it: a .pub file, or - for stdin; again for more
    #[arg(long, value_name = "FILE")]
    public_key: Vec<String>,
    /// Whom to log in as [default: the image's own user]
    #[arg(long, value_name = "USER")]
    username: Option<String>,
    /// What cloud-init is to do: a file of at most 64 KiB, or - for stdin
    #[arg(long, value_name = "FILE")]
    user_data: Option<String>,
    /// Team to put it in, by name or id
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
}

/// The same as the API has it.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    pub(crate) ssh_key_id: Option<String>,
    pub(crate) ssh_public_keys: Option<Vec<Private>>,
    pub(crate) username: Option<String>,
    pub(crate) user_data: Option<Private>,
    pub(crate) team_id: Option<i64>,
}

impl Wish {
    /// Whether there is anything in it that a host hands to its machine.
    pub(crate) fn hands_over(&self) -> bool {
        let keys = self.ssh_key_id.is_some() || self.ssh_public_keys.is_some();
        keys || self.username.is_some() || self.user_data.is_some()
    }
}

impl Carried {
    /// Reads the files, and finds what is named.
    pub(crate) async fn read(self, session: &Session) -> anyhow::Result<Wish> {
        let stdin = |word: &&String| word.as_str() == "-";
        let once = self.public_key.iter().chain(&self.user_data).filter(stdin);
        if once.count() > 1 {
            bail!("stdin (-) can be read once only");
        }
        let ssh_key_id = match &self.ssh_key {
            Some(word) => Some(ssh_key::find(session, word).await?.to_string()),
            None => None,
        };
        let team_id = match &self.team {
            Some(word) => Some(team(session, word).await?),
            None => None,
        };
        let keys = self
            .public_key
            .iter()
            .map(|word| read("--public-key", word));
        let keys: Vec<Private> = keys.collect::<anyhow::Result<_>>()?;
        let user_data = self.user_data.as_deref();
        Ok(Wish {
            ssh_key_id,
            ssh_public_keys: (!keys.is_empty()).then_some(keys),
            username: self.username,
            user_data: user_data
                .map(|word| read("--user-data", word))
                .transpose()?,
            team_id,
        })
    }
}

async fn team(session: &Session, word: &str) -> anyhow::Result<i64> {
    if let Ok(id) = word.parse() {
        return Ok(id);
    }
    let rows = session.client.all_teams().await?.into_iter();
    let rows = rows
        .map(|team| (team.id, team.name, String::new()))
        .collect();
    let found = id_of("team", word, rows, "Make one with: POST /v1/teams")?;
    Ok(found.0)
}

/// A file's text without the line's end that editors add.
fn read(flag: &str, word: &str) -> anyhow::Result<Private> {
    let mut text = String::new();
    let read = match word {
        "-" => io::stdin().take(READ_LIMIT).read_to_string(&mut text),
        file => File::open(Path::new(file))
            .and_then(|file| file.take(READ_LIMIT).read_to_string(&mut text)),
    };
    let read = read.with_context(|| format!("{flag}: {word} cannot be read"))?;
    if read as u64 == READ_LIMIT {
        bail!(
            "{flag}: {word} is too large; at most {} bytes are right",
            READ_LIMIT - 1
        );
    }
    Ok(Private(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// A password for `vm create`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PasswordArgs {
    /// How to log in: ssh-key, password or custom [default: ssh-key, or password where one is given]
    #[arg(long, value_name = "METHOD", value_parser = method)]
    auth_method: Option<AuthMethod>,
    /// A password to log in with: a file, or - for stdin. Never an argument, which other users of this
    /// computer could read
    #[arg(long, value_name = "FILE")]
    password_file: Option<String>,
}

impl PasswordArgs {
    /// The method and the password.
    pub(crate) fn read(self) -> anyhow::Result<(Option<AuthMethod>, Option<Private>)> {
        let word = self.password_file.as_deref();
        let password = word.map(|word| read("--password-file", word)).transpose()?;
        let implied = password.as_ref().map(|_| AuthMethod::Password);
        Ok((self.auth_method.or(implied), password))
    }
}

fn method(word: &str) -> Result<AuthMethod, String> {
    serde_json::from_value(word.into())
        .map_err(|_| format!("'{word}' is no method; ssh-key, password and custom are"))
}

#[cfg(test)]
mod tests {
    use super::{READ_LIMIT, method, read};

    #[test]
    fn a_files_text_is_read_and_what_is_too_large_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text").display().to_string();
        std::fs::write(&file, "a line\n").unwrap();
        assert_eq!(read("--user-data", &file).unwrap().0, "a line");
        let much = usize::try_from(READ_LIMIT).unwrap();
        std::fs::write(&file, "x".repeat(much)).unwrap();
        let error = read("--user-data", &file).unwrap_err().to_string();
        assert!(
            error.contains("is too large; at most 65536 bytes"),
            "{error}"
        );
        let error = read("--public-key", "/nonexistent")
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("--public-key: /nonexistent cannot be read"),
            "{error}"
        );
        assert!(method("key").unwrap_err().contains("'key' is no method"));
    }
}
