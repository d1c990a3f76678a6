//! The images of this host: a folder for each id, with the file that disks are made from and a note
//! of what is known of it.
//!
//! An image is brought in under another name (`ID.new`) and renamed when it is whole, and renamed
//! (`ID.old`) before it is removed: a folder that has its name is never written in again, for disks lie
//! upon its file. What cannot be read is left alone. Which images machines may ask for is told to the
//! [`Supply`] by whoever changes them, one at a time.

mod import;
mod inspect;
#[cfg(test)]
mod tests;

pub use import::{ImportError, Wish};

use crate::supply::Supply;
use anyhow::Context as _;
use api::image::{HostImage, ImageState};
use model::catalogue::Image;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fmt, fs, io,
    path::{Path, PathBuf},
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// The note's name in an image's folder.
const NOTE: &str = "image.json";
/// What follows the id of an image that is being brought in.
const NEW: &str = ".new";
/// What follows the id of an image that is being removed.
const OLD: &str = ".old";

/// The images in a data directory; clones are the same.
#[derive(Clone)]
pub struct Images {
    root: PathBuf,
    /// What is being brought in, and what could not be since the server started.
    imports: Arc<Mutex<BTreeMap<i64, HostImage>>>,
    /// Held by whoever changes what machines may ask for.
    changing: Arc<tokio::sync::Mutex<()>>,
    /// Imports end when the server does.
    closing: CancellationToken,
}

/// What is known of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The catalogue's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whom to log in as.
    pub username: String,
    /// The smallest disk that it fits on, in GB.
    pub min_disk_gb: u32,
    /// What it is stored as.
    pub format: Format,
    /// The name of its file, in the same folder.
    pub file: String,
    /// Bytes of its file.
    pub size_bytes: u64,
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// How its guest says that it is ready.
    pub ready: Readiness,
}

/// How an image is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// QEMU's own.
    Qcow2,
    /// A disk byte for byte.
    Raw,
}

impl Format {
    /// QEMU's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Qcow2 => "qcow2",
            Self::Raw => "raw",
        }
    }
}

/// How a guest says that it is ready; as text `none`, `agent`, or `console:` and the words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Readiness {
    /// By these words on its serial console.
    Console(String),
    /// By answering through the guest agent.
    Agent,
    /// It does not: a running machine is taken for ready.
    #[default]
    None,
}

/// The longest words that a guest may say that it is ready by, in bytes.
const READY_WORDS_LIMIT: usize = 200;

impl FromStr for Readiness {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::None),
            "agent" => Ok(Self::Agent),
            _ => match text.strip_prefix("console:") {
                Some(words) if (1..=READY_WORDS_LIMIT).contains(&words.len()) => {
                    Ok(Self::Console(words.to_owned()))
                }
                _ => Err(format!(
                    "none, agent or console: and 1 to {READY_WORDS_LIMIT} bytes of words are right"
                )),
            },
        }
    }
}

impl TryFrom<String> for Readiness {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Readiness> for String {
    fn from(readiness: Readiness) -> Self {
        readiness.to_string()
    }
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Console(words) => write!(f, "console:{words}"),
            Self::Agent => f.write_str("agent"),
            Self::None => f.write_str("none"),
        }
    }
}

/// An image that a disk can be made from.
#[derive(Clone, Debug)]
pub struct ImageFile {
    /// Where it lies, absolute.
    pub path: PathBuf,
    /// What it is stored as.
    pub format: Format,
}

impl Images {
    /// The images in a data directory. Nothing is changed yet.
    ///
    /// # Errors
    /// If the folder cannot be made.
    pub fn open(data: &Path) -> io::Result<Self> {
        let root = std::path::absolute(data)?.join("images");
        fs::create_dir_all(&root)?;
        Ok(Self {
            root,
            imports: Arc::default(),
            changing: Arc::default(),
            closing: CancellationToken::new(),
        })
    }

    /// Removes what imports and removals left half-done. Only whoever holds the data directory may.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn tidy(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let id = name.strip_suffix(NEW).or_else(|| name.strip_suffix(OLD));
            if id.is_none_or(|id| id.parse::<i64>().is_err()) {
                continue;
            }
            tracing::info!(
                "removing {}, which was left half-done",
                entry.path().display()
            );
            if let Err(error) = fs::remove_dir_all(entry.path()) {
                tracing::warn!("{} could not be removed: {error}", entry.path().display());
            }
        }
        Ok(())
    }

    /// Imports that are under way end, and leave nothing.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Whoever changes what machines may ask for holds this meanwhile.
    pub async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// What is known of each, by id. One that cannot be read is none, and the log says so.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn notes(&self) -> io::Result<Vec<Note>> {
        let mut notes = Vec::new();
        for id in self.ids()? {
            match self.note(id) {
                Ok(note) => notes.extend(note),
                Err(error) => tracing::error!("image {id} is not used: {error:#}"),
            }
        }
        notes.sort_by_key(|note| note.id);
        Ok(notes)
    }

    /// What is known of one; nothing: there is none.
    ///
    /// # Errors
    /// If something is there that cannot be read, which is never taken for none.
    pub fn note(&self, id: i64) -> anyhow::Result<Option<Note>> {
        let folder = self.folder(id);
        if let Err(error) = fs::symlink_metadata(&folder)
            && error.kind() == io::ErrorKind::NotFound
        {
            return Ok(None);
        }
        let path = folder.join(NOTE);
        let text = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let note = serde_json::from_slice(&text);
        Ok(Some(note.with_context(|| {
            format!("{} is damaged", path.display())
        })?))
    }

    /// The file of one, if it is there.
    ///
    /// # Errors
    /// As [`note`](Self::note).
    pub fn file(&self, id: i64) -> anyhow::Result<Option<ImageFile>> {
        let Some(note) = self.note(id)? else {
            return Ok(None);
        };
        let path = self.folder(id).join(note.file);
        Ok(path.is_file().then_some(ImageFile {
            path,
            format: note.format,
        }))
    }

    /// All, those that are being brought in as well; `machines` says how many were made from each.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn list(&self, machines: &BTreeMap<i64, u64>) -> io::Result<Vec<HostImage>> {
        let mut rows = self.imports().clone();
        for note in self.notes()? {
            rows.insert(note.id, note.into());
        }
        let of = |id| machines.get(&id).copied().unwrap_or(0);
        let row = |image: HostImage| HostImage {
            machines: of(image.id),
            ..image
        };
        Ok(rows.into_values().map(row).collect())
    }

    /// Machines may ask for what there is from now on.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn show(&self, supply: &Supply) -> io::Result<()> {
        supply.stock(self.notes()?.iter().map(Image::from).collect());
        Ok(())
    }

    /// Removes an image that nothing was made from. Whoever calls this has taken it off the shelf before.
    ///
    /// # Errors
    /// If its files cannot be removed.
    pub fn remove(&self, id: i64) -> io::Result<()> {
        {
            let mut imports = self.imports();
            let under_way = imports.get(&id).map(|row| row.state);
            // One that has its name is whole, though its import may not have said so yet.
            let is_whole = self.folder(id).exists();
            if under_way == Some(ImageState::Importing) && !is_whole {
                return Err(io::Error::other("it is being imported"));
            }
            imports.remove(&id);
        }
        let old = self.beside(id, OLD);
        if old.exists() {
            fs::remove_dir_all(&old)?;
        }
        match fs::rename(self.folder(id), &old) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            renamed => renamed?,
        }
        fs::File::open(&self.root)?.sync_all()?;
        // It is no image any more; what stays of it goes at the next start.
        if let Err(error) = fs::remove_dir_all(&old) {
            tracing::warn!("{} could not be removed: {error}", old.display());
        }
        Ok(())
    }

    /// Makes an image of what was brought in: with its note, by its name.
    fn keep(&self, note: &Note) -> io::Result<()> {
        let new = self.beside(note.id, NEW);
        let file = fs::File::create(new.join(NOTE))?;
        serde_json::to_writer_pretty(&file, note)?;
        file.sync_all()?;
        fs::File::open(&new)?.sync_all()?;
        fs::rename(new, self.folder(note.id))?;
        fs::File::open(&self.root)?.sync_all()
    }

    fn folder(&self, id: i64) -> PathBuf {
        self.root.join(id.to_string())
    }

    fn beside(&self, id: i64, what: &str) -> PathBuf {
        self.root.join(format!("{id}{what}"))
    }

    fn ids(&self) -> io::Result<Vec<i64>> {
        let mut ids = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            ids.extend(name.to_str().and_then(|name| name.parse::<i64>().ok()));
        }
        Ok(ids)
    }

    fn imports(&self) -> MutexGuard<'_, BTreeMap<i64, HostImage>> {
        self.imports.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<&Note> for Image {
    fn from(note: &Note) -> Self {
        Self {
            id: note.id,
            name: note.name.clone(),
            username: note.username.clone(),
            min_disk_gb: note.min_disk_gb,
        }
    }
}

impl From<Note> for HostImage {
    fn from(note: Note) -> Self {
        Self {
            id: note.id,
            name: note.name,
            state: ImageState::Ready,
            progress: 100,
            error: None,
            username: note.username,
            min_disk_gb: Some(note.min_disk_gb),
            size_bytes: note.size_bytes,
            sha256: Some(note.sha256),
            ready: note.ready.to_string(),
            machines: 0,
        }
    }
}
