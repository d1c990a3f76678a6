//! The test image: a tiny machine made from Debian's packages, without root and without a server.
//!
//! It boots from its disk like a real cloud image, in seconds even where the processor is emulated, and
//! feels the power button. It lies in the user's cache; nothing of it is downloaded from anywhere but
//! Debian's own archive, through `apt-get`.

mod disk;
mod initramfs;
mod newc;
mod packages;
mod program;

use crate::images::{Format, Note, Readiness};
use anyhow::{Context as _, bail};
use packages::Packages;
use serde::{Deserialize, Serialize};
use std::{
    env,
    fs::{self, File},
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// Raised when what is built changes, so that what was built before is built anew.
const RECIPE: u32 = 1;
/// What its guest says on the serial console when it is ready.
pub const READY: &str = "cloudlet test image: ready";
/// The image of the documented request.
const ID: i64 = 12;
const DISK: &str = "disk.qcow2";
const NOTE: &str = "test-image.json";

/// A test image that was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestImage {
    /// Its disk.
    pub path: PathBuf,
    /// Whether it was there already.
    pub was_there: bool,
}

/// What is noted beside the disk.
#[derive(Debug, Serialize, Deserialize)]
struct Recipe {
    recipe: u32,
    /// The packages that it was made from, with their versions.
    packages: Vec<String>,
}

/// The test image, if one was built that is as this release builds it.
pub fn find(cache: &Path) -> Option<PathBuf> {
    let folder = cache.join("test-image");
    let note = fs::read(folder.join(NOTE)).ok()?;
    let note: Recipe = serde_json::from_slice(&note).ok()?;
    let disk = folder.join(DISK);
    (note.recipe == RECIPE && disk.is_file()).then_some(disk)
}

/// What it is as an image of a host: image 12, so that the documented request works as it stands.
pub fn note() -> Note {
    Note {
        id: ID,
        name: "Cloudlet test image".to_owned(),
        username: "root".to_owned(),
        min_disk_gb: 1,
        format: Format::Qcow2,
        file: String::new(),
        size_bytes: 0,
        sha256: String::new(),
        ready: Readiness::Console(READY.to_owned()),
    }
}

/// Builds it, unless it is there; `say` is told each step.
///
/// It is made in a folder of its own, which takes its name when it is whole: what is half-made is never
/// taken for it. One builds at a time, and clears away what one that was killed has left.
///
/// # Errors
/// In words for people: what is missing, and the line that mends it.
pub fn build(cache: &Path, rebuild: bool, say: impl FnMut(&str)) -> anyhow::Result<TestImage> {
    let there = |path| TestImage {
        path,
        was_there: true,
    };
    if let Some(path) = find(cache).filter(|_| !rebuild) {
        return Ok(there(path));
    }
    if env::consts::ARCH != "x86_64" {
        bail!(
            "the test image is built on x86-64 only; this is {}",
            env::consts::ARCH
        );
    }
    fs::create_dir_all(cache).with_context(|| format!("cannot make {}", cache.display()))?;
    let lock = cache.join("test-image.lock");
    let lock = File::create(&lock).with_context(|| format!("cannot write {}", lock.display()))?;
    lock.lock()?;
    // Whoever had the lock may have built it.
    if let Some(path) = find(cache).filter(|_| !rebuild) {
        return Ok(there(path));
    }
    let work = cache.join("test-image.new");
    clear(&work)?;
    fs::create_dir(&work)?;
    let built = build_in(&work, &cache.join("test-image"), say);
    clear(&work)?;
    built
}

fn build_in(work: &Path, folder: &Path, mut say: impl FnMut(&str)) -> anyhow::Result<TestImage> {
    say("fetching a kernel, busybox and a boot loader from Debian's archive");
    let packages = Packages::fetch(work)?;
    say("packing the guest's first files");
    let initramfs = initramfs::pack(&packages)?;
    say("making the disk");
    let whole = work.join("whole");
    fs::create_dir(&whole)?;
    disk::make(&packages, &initramfs, &whole.join(DISK))?;
    let recipe = Recipe {
        recipe: RECIPE,
        packages: packages.names(),
    };
    fs::write(whole.join(NOTE), serde_json::to_vec_pretty(&recipe)?)?;
    // Disks lie upon copies of it, never upon it.
    clear(folder)?;
    fs::rename(&whole, folder)?;
    Ok(TestImage {
        path: folder.join(DISK),
        was_there: false,
    })
}

/// Removes a folder that may not be there.
fn clear(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}
