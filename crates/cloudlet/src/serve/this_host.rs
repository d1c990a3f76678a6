//! What can be had where the machines are real: this host's room and the images that lie on it.

use crate::{host::qemu::presence, images::Images};
use anyhow::{Context as _, bail};
use model::catalogue::{Catalogue, HostRoom, Image};
use std::path::Path;

/// How many vCPUs a CPU is given out as: most guests are idle most of the time.
const CPU_OVERCOMMIT: f64 = 16.0;
const GIB: u64 = 1024 * 1024 * 1024;

/// The catalogue of this host. One that was given keeps its data centre and its sizes; images are
/// those that lie here.
pub(super) fn catalogue(
    data: &Path,
    images: &Images,
    given: Option<Catalogue>,
) -> anyhow::Result<Catalogue> {
    let mut catalogue = match given {
        Some(given) if given.data_centers.len() > 1 => bail!(
            "--catalogue: it has {} data centres, but with --driver qemu this host is the only one",
            given.data_centers.len()
        ),
        Some(given) => given,
        None => Catalogue::of_host(room(data)?)?,
    };
    let notes = images.notes()?;
    catalogue.images = notes.iter().map(Image::from).collect();
    Ok(catalogue)
}

/// What this host has. Disks grow as they are written, so its whole file system is given out.
fn room(data: &Path) -> anyhow::Result<HostRoom> {
    let cpus = std::thread::available_parallelism()?.get();
    let memory = presence::memory("MemTotal").context("/proc/meminfo has no MemTotal")?;
    let disk = rustix::fs::statvfs(data).context("cannot ask for the size of the disk")?;
    let disk = disk.f_blocks.saturating_mul(disk.f_frsize);
    Ok(HostRoom {
        cpus: u32::try_from(cpus)?,
        memory_gb: u32::try_from(memory / GIB)?,
        disk_gb: u32::try_from(disk / GIB)?,
        cpu_overcommit: CPU_OVERCOMMIT,
    })
}
