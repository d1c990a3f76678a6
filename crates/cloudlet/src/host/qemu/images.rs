//! The images of this host: one folder for each id, with the file and what is known of it.

use model::catalogue::Image;
use serde::{Deserialize, Serialize};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The images in a data directory; clones are the same.
#[derive(Clone, Debug)]
pub struct Images {
    root: PathBuf,
}

/// What is known of an image, in the file beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageNote {
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
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// How its guest says that it is ready.
    pub readiness: Readiness,
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

/// How a guest says that it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// By these words on its serial console.
    Console(String),
    /// By answering through the guest agent.
    Agent,
    /// It does not: a running machine is taken for ready.
    None,
}

/// An image that a disk can be made from.
#[derive(Clone, Debug)]
pub(super) struct ImageFile {
    /// Where it lies, absolute.
    pub(super) path: PathBuf,
    /// What it is stored as.
    pub(super) format: Format,
}

impl Images {
    /// The images in a data directory.
    pub fn open(data: &Path) -> io::Result<Self> {
        let root = std::path::absolute(data)?.join("images");
        fs::create_dir_all(&root)?;
        Ok(Self { root })
    }

    /// What is known of each, by id.
    pub fn list(&self) -> io::Result<Vec<ImageNote>> {
        let mut notes = Vec::new();
        for entry in fs::read_dir(&self.root)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.parse().ok());
            notes.extend(id.and_then(|id| self.note(id)));
        }
        notes.sort_by_key(|note| note.id);
        Ok(notes)
    }

    /// What is known of one.
    pub fn note(&self, id: i64) -> Option<ImageNote> {
        let text = fs::read(self.folder(id).join("image.json")).ok()?;
        serde_json::from_slice(&text).ok()
    }

    /// The file of one, if it is there.
    pub(super) fn file(&self, id: i64) -> Option<ImageFile> {
        let note = self.note(id)?;
        let path = self.folder(id).join(note.file);
        path.is_file().then_some(ImageFile {
            path,
            format: note.format,
        })
    }

    fn folder(&self, id: i64) -> PathBuf {
        self.root.join(id.to_string())
    }
}

impl From<&ImageNote> for Image {
    fn from(note: &ImageNote) -> Self {
        Self {
            id: note.id,
            name: note.name.clone(),
            username: note.username.clone(),
            min_disk_gb: note.min_disk_gb,
        }
    }
}
