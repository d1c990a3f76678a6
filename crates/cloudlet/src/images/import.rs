//! Bringing an image in: a file of this host is copied, its digest taken on the way, looked at, and
//! only then an image. What fails leaves nothing but the word why.

use super::{Format, Images, NEW, Note, Readiness, inspect, inspect::Inspected};
use crate::{child::Nursery, keys, supply::Supply};
use api::image::{HostImage, ImageState};
use rustix::fs::OFlags;
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::timeout;

/// Bytes that are copied at a time.
const CHUNK: usize = 1024 * 1024;
/// How long a file may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(10);

/// What an image is to be.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The catalogue's id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// Whom to log in as.
    pub username: String,
    /// How its guest says that it is ready.
    pub ready: Readiness,
    /// The file, absolute.
    pub file: PathBuf,
}

/// Why an import does not begin.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is one of this id.
    #[error("image {0} is there already; remove it first, or choose another id")]
    Taken(i64),
    /// There is something of this id that cannot be read.
    #[error("image {0} is there and cannot be read, as the server's log says; choose another id")]
    Damaged(i64),
    /// The file cannot be read.
    #[error("{0}")]
    File(String),
}

impl Images {
    /// Begins to bring an image in; it goes on when this has answered, and [`Images::list`] tells how
    /// far it is.
    ///
    /// # Errors
    /// If there is one of its id, or its file cannot be read.
    pub async fn begin(&self, wish: Wish, supply: Supply) -> Result<HostImage, ImportError> {
        let file = wish.file.clone();
        let opening = tokio::task::spawn_blocking(move || open(&file));
        // A file on a disk that is gone may never open.
        let opened = match timeout(OPEN_LIMIT, opening).await {
            Ok(opened) => opened.unwrap_or_else(|error| Err(error.to_string())),
            Err(_) => Err(format!(
                "{} did not open within {} s",
                wish.file.display(),
                OPEN_LIMIT.as_secs()
            )),
        };
        let (source, size) = opened.map_err(ImportError::File)?;
        let row = HostImage {
            id: wish.id,
            name: wish.name.clone(),
            state: ImageState::Importing,
            progress: 0,
            error: None,
            username: wish.username.clone(),
            min_disk_gb: None,
            size_bytes: size,
            sha256: None,
            ready: wish.ready.to_string(),
            machines: 0,
        };
        {
            let mut imports = self.imports();
            let under_way = imports.get(&wish.id);
            let under_way = under_way.is_some_and(|row| row.state == ImageState::Importing);
            match self.note(wish.id) {
                Ok(None) if !under_way => {}
                Ok(_) => return Err(ImportError::Taken(wish.id)),
                Err(error) => {
                    tracing::error!("image {}: {error:#}", wish.id);
                    return Err(ImportError::Damaged(wish.id));
                }
            }
            imports.insert(wish.id, row.clone());
        }
        let images = self.clone();
        tokio::spawn(async move {
            let id = wish.id;
            match images.bring(wish, source).await {
                Ok(()) => {
                    let _changing = images.changing().await;
                    images.imports().remove(&id);
                    if let Err(error) = images.show(&supply) {
                        tracing::error!("the images cannot be listed: {error}");
                    }
                }
                Err(text) => images.failed(id, text),
            }
        });
        Ok(row)
    }

    async fn bring(&self, wish: Wish, source: File) -> Result<(), String> {
        let (images, id) = (self.clone(), wish.id);
        let copied = tokio::task::spawn_blocking(move || images.copy(id, source)).await;
        let copied = copied.map_err(|error| error.to_string())?;
        let Copied { file, sha256, size } =
            copied.map_err(|error| format!("it could not be copied: {error}"))?;
        let nursery = Nursery::open().map_err(|error| error.to_string())?;
        let inspected = inspect::inspect(&nursery, &file).await;
        let Inspected {
            format,
            min_disk_gb,
        } = inspected.map_err(|text| format!("{} {text}", wish.file.display()))?;
        let note = Note {
            id,
            name: wish.name,
            username: wish.username,
            min_disk_gb,
            format,
            file: FILE.to_owned(),
            size_bytes: size,
            sha256,
            ready: wish.ready,
        };
        let kept = fs::set_permissions(&file, Permissions::from_mode(0o444))
            .and_then(|()| self.keep(&note));
        kept.map_err(|error| format!("it could not be kept: {error}"))
    }

    /// Copies a file as long as it was when it was opened, unless the server ends.
    fn copy(&self, id: i64, source: File) -> io::Result<Copied> {
        let folder = self.beside(id, NEW);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir(&folder)?;
        let file = folder.join(FILE);
        let mut copy = File::create_new(&file)?;
        let whole = source.metadata()?.len();
        let mut source = source.take(whole);
        let (mut digest, mut done, mut chunk) = (Sha256::new(), 0, vec![0; CHUNK]);
        loop {
            let read = source.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            if self.closing.is_cancelled() {
                return Err(io::Error::other("the server stops"));
            }
            digest.update(&chunk[..read]);
            copy.write_all(&chunk[..read])?;
            done += read as u64;
            self.progress(id, done * 99 / whole.max(1));
        }
        if done < whole {
            return Err(io::Error::other("the file became shorter meanwhile"));
        }
        copy.sync_all()?;
        let sha256 = keys::hex(&digest.finalize());
        Ok(Copied {
            file,
            sha256,
            size: done,
        })
    }

    fn progress(&self, id: i64, percent: u64) {
        if let Some(row) = self.imports().get_mut(&id) {
            row.progress = u8::try_from(percent.min(99)).unwrap_or(99);
        }
    }

    fn failed(&self, id: i64, text: String) {
        tracing::warn!("image {id} could not be imported: {text}");
        match fs::remove_dir_all(self.beside(id, NEW)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!("what is left of image {id} could not be removed: {error}");
            }
            _ => {}
        }
        if let Some(row) = self.imports().get_mut(&id) {
            row.state = ImageState::Failed;
            row.error = Some(text);
        }
    }

    /// Takes in an image that was made on this host, unless there is one of its id: all at once.
    ///
    /// # Errors
    /// If its file cannot be read or copied.
    pub fn adopt(&self, note: Note, file: &Path) -> anyhow::Result<()> {
        if self.note(note.id)?.is_some() {
            return Ok(());
        }
        let Copied { file, sha256, size } = self.copy(note.id, File::open(file)?)?;
        fs::set_permissions(&file, Permissions::from_mode(0o444))?;
        self.keep(&Note {
            file: FILE.to_owned(),
            size_bytes: size,
            sha256,
            format: Format::Qcow2,
            ..note
        })?;
        Ok(())
    }
}

/// Opens a plain file; one that is none is not waited for. Its length, or why not.
fn open(path: &Path) -> Result<(File, u64), String> {
    let shown = path.display();
    let unreadable = |error: io::Error| format!("{shown} cannot be read: {error}");
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or(0);
    let mut options = File::options();
    let source = options.read(true).custom_flags(flags).open(path);
    let source = source.map_err(unreadable)?;
    let about = source.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(format!(
            "{shown} is no plain file; a qcow2 or raw file is right"
        ));
    }
    if about.len() == 0 {
        return Err(format!("{shown} is empty; a qcow2 or raw file is right"));
    }
    Ok((source, about.len()))
}

/// The file's name in its image's folder.
const FILE: &str = "disk";

struct Copied {
    file: PathBuf,
    sha256: String,
    size: u64,
}
