//! The images of this host: a folder for each id, with the file that disks are made from and a note
//! of what is known of it.
//!
//! The note is written last and removed first, so an image without one is none. A file is never
//! written again once it has its name, for disks lie upon it. Which images machines may ask for is
//! told to the [`Supply`] by whoever changes them.

mod import;
mod inspect;
#[cfg(test)]
mod tests;

pub use import::{ImportError, Wish};

use crate::supply::Supply;
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

/// The note's name in an image's folder.
const NOTE: &str = "image.json";

/// The images in a data directory; clones are the same.
#[derive(Clone)]
pub struct Images {
    root: PathBuf,
    /// What is being brought in, and what could not be since the server started.
    imports: Arc<Mutex<BTreeMap<i64, HostImage>>>,
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
    /// The images in a data directory. What an import left half-done is removed.
    ///
    /// # Errors
    /// If the folder cannot be made or read.
    pub fn open(data: &Path) -> io::Result<Self> {
        let root = std::path::absolute(data)?.join("images");
        fs::create_dir_all(&root)?;
        let images = Self {
            root,
            imports: Arc::default(),
        };
        for folder in images.folders()? {
            if !folder.1.join(NOTE).exists() {
                fs::remove_dir_all(folder.1)?;
            }
        }
        Ok(images)
    }

    /// What is known of each, by id.
    ///
    /// # Errors
    /// If the folder cannot be read.
    pub fn notes(&self) -> io::Result<Vec<Note>> {
        let folders = self.folders()?;
        let mut notes: Vec<Note> = folders
            .iter()
            .filter_map(|(id, _)| self.note(*id))
            .collect();
        notes.sort_by_key(|note| note.id);
        Ok(notes)
    }

    /// What is known of one.
    pub fn note(&self, id: i64) -> Option<Note> {
        let text = fs::read(self.folder(id).join(NOTE)).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The file of one, if it is there.
    pub fn file(&self, id: i64) -> Option<ImageFile> {
        let note = self.note(id)?;
        let path = self.folder(id).join(note.file);
        path.is_file().then_some(ImageFile {
            path,
            format: note.format,
        })
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
        self.imports().remove(&id);
        let folder = self.folder(id);
        if !folder.exists() {
            return Ok(());
        }
        fs::remove_file(folder.join(NOTE))?;
        fs::remove_dir_all(folder)
    }

    /// Keeps a note, which makes what lies beside it an image.
    fn keep(&self, note: &Note) -> io::Result<()> {
        let folder = self.folder(note.id);
        let new = folder.join("image.new");
        let file = fs::File::create(&new)?;
        serde_json::to_writer_pretty(&file, note)?;
        file.sync_all()?;
        fs::rename(new, folder.join(NOTE))?;
        fs::File::open(&folder)?.sync_all()?;
        fs::File::open(&self.root)?.sync_all()
    }

    fn folder(&self, id: i64) -> PathBuf {
        self.root.join(id.to_string())
    }

    fn folders(&self) -> io::Result<Vec<(i64, PathBuf)>> {
        let mut folders = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            let id = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse().ok());
            folders.extend(id.map(|id| (id, entry.path())));
        }
        Ok(folders)
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
