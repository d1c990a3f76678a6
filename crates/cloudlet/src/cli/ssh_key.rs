//! `cloudlet ssh-key`: SSH keys, sent or made.

use crate::cli::{
    ending::Ending,
    names::{Candidate, pick},
    session::Session,
    table::table,
};
use anyhow::Context;
use api::{
    SshKeyId,
    ssh_key::{SshAlgorithm, SshKey, SshKeyCreated},
};
use clap::{Args, Subcommand, ValueEnum};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// Bytes of a file that are read: more than any public key has.
const READ_BYTES: u64 = 64 * 1024;

#[derive(Debug, Subcommand)]
pub(crate) enum SshKeyCommand {
    /// List SSH keys, newest first.
    #[command(before_help = "\
Examples:
  cloudlet ssh-key list
  cloudlet ssh-key list --output json")]
    List,
    /// Add a public key that you have: the .pub file, or - for stdin.
    #[command(before_help = "\
Examples:
  cloudlet ssh-key add laptop ~/.ssh/id_ed25519.pub
  cloudlet ssh-key add laptop -")]
    Add {
        /// What the key is for
        #[arg(value_name = "NAME")]
        name: String,
        /// The file with the public key, e.g. ~/.ssh/id_ed25519.pub
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Have a pair made; its private key is shown this once.
    #[command(before_help = "\
Examples:
  cloudlet ssh-key generate ci --out ./id_ci
  cloudlet ssh-key generate old-server --algorithm rsa-4096 --out ./id_old")]
    Generate(GenerateArgs),
    /// Give a key another name.
    #[command(before_help = "\
Examples:
  cloudlet ssh-key rename laptop old-laptop
  cloudlet ssh-key rename 01930000-0000-7000-8000-000000000001 laptop")]
    Rename {
        /// The key's name or id
        #[arg(value_name = "KEY")]
        key: String,
        /// Its new name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Delete a key.
    #[command(before_help = "\
Examples:
  cloudlet ssh-key delete old-laptop
  cloudlet ssh-key delete old-laptop --quiet")]
    Delete {
        /// The key's name or id
        #[arg(value_name = "KEY")]
        key: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// What the key is for
    #[arg(value_name = "NAME")]
    name: String,
    /// What kind of key
    #[arg(long, value_enum, value_name = "ALGORITHM", default_value = "ed25519")]
    algorithm: AlgorithmWord,
    /// A new file for the private key, readable by you alone [default: stdout]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Encrypts the private key; the environment keeps it out of the history
    #[arg(
        long,
        env = "CLOUDLET_SSH_PASSPHRASE",
        value_name = "TEXT",
        hide_env_values = true
    )]
    passphrase: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AlgorithmWord {
    /// Short, fast and strong
    Ed25519,
    /// For old servers; takes seconds
    #[value(name = "rsa-4096")]
    Rsa4096,
    /// For servers older still
    #[value(name = "rsa-2048")]
    Rsa2048,
    /// Where a rule asks for a NIST curve
    #[value(name = "ecdsa-p256")]
    EcdsaP256,
}

pub(crate) async fn run(session: &Session, command: SshKeyCommand) -> anyhow::Result<Ending> {
    let Session { client, screen, .. } = session;
    match command {
        SshKeyCommand::List => list(session).await?,
        SshKeyCommand::Add { name, file } => {
            let made = client.upload_ssh_key(&name, &read(&file)?).await?;
            if screen.is_json() {
                screen.json(&made)?;
            } else {
                screen.result(made.id);
                screen.hint(format!("Added the key {name}"));
            }
        }
        SshKeyCommand::Generate(args) => generate(session, args).await?,
        SshKeyCommand::Rename { key, name } => {
            let key = find(session, &key).await?;
            let key = client.rename_ssh_key(key, &name).await?;
            if screen.is_json() {
                screen.json(&key)?;
            } else {
                screen.hint(format!("Renamed to {}", key.name));
            }
        }
        SshKeyCommand::Delete { key } => {
            let id = find(session, &key).await?;
            client.delete_ssh_key(id).await?;
            screen.hint(format!("Deleted the key {key}"));
        }
    }
    Ok(Ending::Done)
}

/// The public key in a file.
fn read(file: &Path) -> anyhow::Result<String> {
    let mut text = String::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().take(READ_BYTES).read_to_string(&mut text),
        _ => File::open(file).and_then(|file| file.take(READ_BYTES).read_to_string(&mut text)),
    };
    read.with_context(|| format!("cannot read {}", file.display()))?;
    // Said here, so that it never leaves this machine.
    anyhow::ensure!(
        !text.contains("PRIVATE KEY-----"),
        "{} is a private key; give the file that ends in .pub",
        file.display()
    );
    Ok(text)
}

/// The file is there before the key is made: a key that cannot be written would be lost.
async fn generate(session: &Session, args: GenerateArgs) -> anyhow::Result<()> {
    let Session { client, screen, .. } = session;
    let file = args
        .out
        .as_deref()
        .map(|out| create(out).map(|file| (out, file)));
    let file = file.transpose()?;
    let passphrase = args.passphrase.as_deref();
    let made = client
        .generate_ssh_key(&args.name, args.algorithm.into(), passphrase)
        .await;
    let Some((out, file)) = file else {
        return shown(session, &made?);
    };
    let made = match made {
        Ok(made) => made,
        Err(error) => {
            // Nothing is in it.
            drop(fs::remove_file(out));
            return Err(error.into());
        }
    };
    let private = made.private_key.as_deref().unwrap_or_default();
    written(file, private).with_context(|| {
        let id = made.id;
        format!(
            "cannot write {}; delete the key: cloudlet ssh-key delete {id}",
            out.display()
        )
    })?;
    if screen.is_json() {
        return screen.json(&SshKeyCreated {
            private_key: None,
            ..made
        });
    }
    screen.result(made.id);
    screen.hint(format!("Wrote the private key to {}", out.display()));
    Ok(())
}

fn create(out: &Path) -> anyhow::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(out);
    file.with_context(|| format!("cannot make the file {}", out.display()))
}

fn written(mut file: File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// The private key on stdout, for a pipe.
fn shown(session: &Session, made: &SshKeyCreated) -> anyhow::Result<()> {
    let screen = &session.screen;
    if screen.is_json() {
        return screen.json(made);
    }
    screen.result(made.private_key.as_deref().unwrap_or_default().trim_end());
    screen.hint("Shown this once. ssh takes it from a file that only you can read: chmod 600 FILE");
    Ok(())
}

async fn list(session: &Session) -> anyhow::Result<()> {
    let screen = &session.screen;
    let keys = session.client.ssh_keys().await?;
    if screen.is_json() {
        return screen.json(&keys);
    }
    if keys.is_empty() {
        screen.say("There is no SSH key yet. Add one with: cloudlet ssh-key add NAME FILE");
        return Ok(());
    }
    let rows = keys.iter().map(|key| {
        vec![
            key.name.clone(),
            key.algorithm.clone(),
            key.fingerprint.clone(),
            screen.when(key.created_at),
            key.id.to_string(),
        ]
    });
    let header = ["NAME", "ALGORITHM", "FINGERPRINT", "CREATED", "ID"];
    screen.result(table(&header, rows.collect()));
    Ok(())
}

/// The key that a name or an id means.
pub(crate) async fn find(session: &Session, word: &str) -> anyhow::Result<SshKeyId> {
    let keys = session.client.ssh_keys().await?;
    let candidate = |key: &SshKey| Candidate {
        id: key.id.to_string(),
        name: key.name.clone(),
        detail: key.fingerprint.clone(),
    };
    let candidates: Vec<_> = keys.iter().map(candidate).collect();
    let more = "Add one with: cloudlet ssh-key add NAME FILE";
    let place = pick("SSH key", word, &candidates, more)?;
    Ok(keys[place].id)
}

impl From<AlgorithmWord> for SshAlgorithm {
    fn from(word: AlgorithmWord) -> Self {
        match word {
            AlgorithmWord::Ed25519 => Self::Ed25519,
            AlgorithmWord::Rsa4096 => Self::Rsa4096,
            AlgorithmWord::Rsa2048 => Self::Rsa2048,
            AlgorithmWord::EcdsaP256 => Self::EcdsaP256,
        }
    }
}
