//! A machine's own disk: an overlay on its image, made under another name and renamed when whole.

use super::folder::{self, Folder};
use crate::{
    child::{Bond, ChildError, Nursery, Program},
    images::ImageFile,
};
use model::observed::DiskObserved;
use std::{
    fs::File,
    io::{self, ErrorKind, Read as _},
    path::Path,
    time::Duration,
};
use tokio_util::sync::CancellationToken;

/// How long making an overlay may take; 10 ms were measured.
const MAKE_LIMIT: Duration = Duration::from_secs(60);
const GB: u64 = 1024 * 1024 * 1024;
const QCOW2_MAGIC: [u8; 4] = *b"QFI\xfb";

/// Makes the disk of a machine from an image, so many GB large.
pub(super) async fn make(
    nursery: &Nursery,
    folder: &Folder,
    image: &ImageFile,
    size_gb: u32,
    kill: &CancellationToken,
) -> Result<(), DiskError> {
    let new = folder.new_disk();
    let ready = |folder: &Folder| {
        folder.make()?;
        folder::remove_file(&folder.new_disk())
    };
    folder.on_disk(ready).await?;
    let arguments = vec![
        "create".into(),
        "-q".into(),
        "-f".into(),
        "qcow2".into(),
        "-b".into(),
        image.path.clone().into(),
        "-F".into(),
        image.format.as_str().into(),
        new.clone().into(),
        format!("{size_gb}G").into(),
    ];
    let program = Program {
        name: "qemu-img".into(),
        arguments,
        bond: Bond::Dies,
        limit: MAKE_LIMIT,
    };
    let made = nursery.run(program, kill).await;
    let placed = match made {
        Ok(_) => folder.on_disk(place).await.map_err(DiskError::from),
        Err(error) => Err(error.into()),
    };
    if placed.is_err() {
        // What is half-made helps nobody, and its room may be what is missing.
        let removed = folder.on_disk(|folder| folder::remove_file(&folder.new_disk()));
        drop(removed.await);
    }
    placed
}

/// What was made gets its name once it is on disk.
fn place(folder: &Folder) -> io::Result<()> {
    let new = folder.new_disk();
    File::open(&new)?.sync_all()?;
    std::fs::rename(&new, folder.disk())?;
    folder::sync_folder(folder.path())
}

/// Why there is no disk.
#[derive(Debug, thiserror::Error)]
pub(super) enum DiskError {
    /// `qemu-img` did not make it.
    #[error(transparent)]
    Child(#[from] ChildError),
    /// A file could not be written.
    #[error(transparent)]
    File(#[from] io::Error),
}

/// The machine's own disk as it is.
pub(super) fn look(folder: &Folder) -> io::Result<DiskObserved> {
    match virtual_size(&folder.disk()) {
        Ok(Some(bytes)) => Ok(DiskObserved::Whole {
            size_gb: u32::try_from(bytes / GB).unwrap_or(u32::MAX),
        }),
        // Something lies there that is no disk.
        Ok(None) => Ok(DiskObserved::Partial),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(match folder.new_disk().exists() {
            true => DiskObserved::Partial,
            false => DiskObserved::Absent,
        }),
        Err(error) => Err(error),
    }
}

/// The size that a qcow2 file's guest sees, from its header; nothing if it is none.
fn virtual_size(path: &Path) -> io::Result<Option<u64>> {
    if path.is_dir() {
        return Ok(None);
    }
    let mut header = [0; 32];
    match File::open(path)?.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let (magic, size) = (&header[..4], &header[24..32]);
    let size = size.try_into().map(u64::from_be_bytes).unwrap_or(0);
    Ok((magic == QCOW2_MAGIC).then_some(size))
}
