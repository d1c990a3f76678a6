//! One server for each data directory, by a lock on a file in it.
//!
//! The lock is the operating system's, so it goes with the process however that ends; the text in
//! the file only says who holds it.

use anyhow::{Context, bail};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{Read, Write},
    path::Path,
};

const FILE: &str = "cloudlet.lock";

/// The lock on a data directory; let go when dropped.
pub(super) struct DirectoryLock(#[allow(dead_code, reason = "held, not read")] File);

/// Takes the lock or says who has it.
pub(super) fn lock(directory: &Path) -> anyhow::Result<DirectoryLock> {
    let shown = directory.display();
    std::fs::create_dir_all(directory)
        .with_context(|| format!("cannot make the data directory {shown}"))?;
    let path = directory.join(FILE);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another process".to_owned(),
                process => format!("process {process}"),
            };
            bail!("data directory {shown} is in use by {holder}");
        }
        Err(TryLockError::Error(error)) => {
            return Err(error).with_context(|| format!("cannot lock {}", path.display()));
        }
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(DirectoryLock(file))
}
