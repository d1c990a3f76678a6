//! Debian's packages, fetched and unpacked beside the image: nothing is installed, so nobody need be root.

use super::program::run;
use anyhow::{Context as _, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The package that names the newest kernel for machines in a cloud.
const KERNEL: &str = "linux-image-cloud-amd64";
/// What else it takes: the guest's programs, its boot loader, and what makes its disk.
const OTHERS: &[&str] = &["busybox-static", "syslinux", "mtools", "dosfstools"];

/// Packages, unpacked.
pub(super) struct Packages {
    root: PathBuf,
    files: Vec<String>,
}

impl Packages {
    /// Fetches and unpacks them in a folder.
    pub(super) fn fetch(work: &Path) -> anyhow::Result<Self> {
        let downloads = work.join("packages");
        let root = work.join("unpacked");
        fs::create_dir(&downloads)?;
        fs::create_dir(&root)?;
        let kernel = kernel(&downloads)?;
        let mut arguments = vec!["download", "-qq", kernel.as_str()];
        arguments.extend(OTHERS);
        run(&downloads, "apt-get", &arguments).context(
            "Debian's packages cannot be fetched. If the lists of packages are old, refresh them with: sudo apt-get update",
        )?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&downloads)? {
            let path = entry?.path();
            files.extend(
                path.file_stem()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
            run(
                work,
                "dpkg-deb",
                &["-x".as_ref(), path.as_os_str(), root.as_os_str()],
            )?;
        }
        files.sort();
        Ok(Self { root, files })
    }

    /// Their names, with versions.
    pub(super) fn names(&self) -> Vec<String> {
        self.files.clone()
    }

    /// A file of theirs by its path, e.g. `bin/busybox`.
    pub(super) fn file(&self, path: &str) -> anyhow::Result<PathBuf> {
        // Where Debian has moved /bin and /sbin into /usr, packages did so one after the other.
        let candidates = [path.to_owned(), format!("usr/{path}")];
        let found = candidates
            .iter()
            .map(|path| self.root.join(path))
            .find(|path| path.exists());
        found.with_context(|| format!("Debian's packages have no {path}"))
    }

    /// The kernel.
    pub(super) fn kernel(&self) -> anyhow::Result<PathBuf> {
        let mut names = fs::read_dir(self.root.join("boot"))?;
        let found = names.find_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?;
            name.starts_with("vmlinuz-").then_some(path)
        });
        found.context("the kernel's package has no kernel")
    }

    /// A driver of the kernel's by its name; nothing: it is built in, or there is none.
    pub(super) fn driver(&self, name: &str) -> Option<PathBuf> {
        let modules = ["lib/modules", "usr/lib/modules"].map(|path| self.root.join(path));
        modules
            .iter()
            .find_map(|folder| search(folder, &format!("{name}.ko")))
    }
}

/// The package of the newest kernel: the one that the general package depends on.
fn kernel(folder: &Path) -> anyhow::Result<String> {
    let said = run(folder, "apt-cache", &["depends", KERNEL]).context(
        "the lists of packages do not name a kernel. Refresh them with: sudo apt-get update",
    )?;
    let said = String::from_utf8_lossy(&said);
    let depends = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Depends: "));
    let found = depends.map(str::trim).find(|name| {
        name.strip_prefix("linux-image-")
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
    });
    match found {
        Some(name) => Ok(name.to_owned()),
        None => bail!(
            "the package {KERNEL} names no kernel. Refresh the lists with: sudo apt-get update"
        ),
    }
}

fn search(folder: &Path, name: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.is_dir() {
            if let Some(found) = search(&path, name) {
                return Some(found);
            }
        } else if path.file_name().is_some_and(|is| is == name) {
            return Some(path);
        }
    }
    None
}
