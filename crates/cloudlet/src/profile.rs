//! The profile: where the server is and which keys to show it, kept between calls of the command
//! line. The server's first start writes it, the command line reads it; only its owner may read
//! the file. Holds no settings of the server.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// What the profile holds. An unknown key of the file is ignored: it may be a newer one's.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The server's address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The tenant's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// The operator's key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin_key: Option<String>,
}

impl Profile {
    /// The profile's file: `$CLOUDLET_PROFILE`, else `~/.config/cloudlet/profile.toml`.
    /// None where there is no home either.
    pub fn path() -> Option<PathBuf> {
        let var = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        if let Some(path) = var("CLOUDLET_PROFILE") {
            return Some(path.into());
        }
        Some(PathBuf::from(var("HOME")?).join(".config/cloudlet/profile.toml"))
    }

    /// Reads the profile; one that does not exist is empty.
    ///
    /// # Errors
    /// If the file is there but cannot be read or understood.
    pub fn load(path: &Path) -> anyhow::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        // The parser's own message would quote the line, and with it a key.
        toml::from_str(&text).map_err(|e: toml::de::Error| {
            anyhow::anyhow!("{} is not a profile: {}", path.display(), e.message())
        })
    }

    /// Writes the profile whole or not at all, readable by its owner only.
    ///
    /// # Errors
    /// If the file or its directory cannot be written.
    pub fn save(&self, path: &Path) -> anyhow::Result<()> {
        self.write(path)
            .with_context(|| format!("cannot write {}", path.display()))
    }

    /// Keeps the file beside itself, as it stands, before another takes its place: `….old`, for its
    /// owner only. Says where.
    ///
    /// # Errors
    /// If it cannot be read or written.
    pub fn put_aside(path: &Path) -> anyhow::Result<PathBuf> {
        let old = beside(path, ".old");
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        write(&old, &text).with_context(|| format!("cannot write {}", old.display()))?;
        Ok(old)
    }

    fn write(&self, path: &Path) -> anyhow::Result<()> {
        if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)?;
        }
        Ok(write(path, toml::to_string(self)?.as_bytes())?)
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Whole or not at all, for its owner only.
fn write(path: &Path, text: &[u8]) -> io::Result<()> {
    let temporary = beside(path, &format!(".{}", std::process::id()));
    // A leftover of a crashed process with the same id could have a wider mode.
    let _ = fs::remove_file(&temporary);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

/// Never shows the keys.
impl std::fmt::Debug for Profile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let known = |key: &Option<String>| key.as_ref().map(|_| "…");
        f.debug_struct("Profile")
            .field("url", &self.url)
            .field("api_key", &known(&self.api_key))
            .field("admin_key", &known(&self.admin_key))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_was_saved_is_loaded_and_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/profile.toml");
        let profile = Profile {
            url: Some("http://127.0.0.1:1".into()),
            api_key: Some("gpcn_a".into()),
            admin_key: None,
        };
        profile.save(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        profile.save(&path).unwrap();
        assert_eq!(Profile::load(&path).unwrap(), profile);
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_one_is_empty_and_a_broken_one_is_named_without_its_keys() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profile.toml");
        assert_eq!(Profile::load(&path).unwrap(), Profile::default());
        fs::write(&path, "api_key = gpcn_secret").unwrap();
        let error = format!("{:#}", Profile::load(&path).unwrap_err());
        assert!(
            error.contains("profile.toml") && !error.contains("gpcn_secret"),
            "{error}"
        );
        let shown = format!(
            "{:?}",
            Profile {
                api_key: Some("gpcn_x".into()),
                ..Profile::default()
            }
        );
        assert!(!shown.contains("gpcn_x"));
    }
}
