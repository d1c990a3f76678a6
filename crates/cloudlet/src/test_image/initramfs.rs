//! The guest's first files: busybox, the drivers that its kernel does not have built in, and the
//! script that is its first process.

use super::{newc::Archive, packages::Packages};
use std::fs;

const INIT: &str = include_str!("init.sh");
const DHCP: &str = include_str!("udhcpc.sh");

/// Drivers, each after those that it needs.
const DRIVERS: &[&str] = &[
    "failover",
    "net_failover",
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
    "virtio_net",
    "virtio_console",
    "button",
    "evdev",
    "rng-core",
    "virtio-rng",
    "af_packet",
];

/// Packs them.
pub(super) fn pack(packages: &Packages) -> anyhow::Result<Vec<u8>> {
    let mut archive = Archive::default();
    for folder in ["bin", "dev", "mod"] {
        archive.folder(folder);
    }
    archive.character_device("dev/console", (5, 1));
    archive.character_device("dev/null", (1, 3));
    archive.program("init", INIT.as_bytes());
    archive.program("udhcpc.sh", DHCP.as_bytes());
    archive.program("bin/busybox", &fs::read(packages.file("bin/busybox")?)?);
    let mut there = Vec::new();
    for &driver in DRIVERS {
        if let Some(file) = packages.driver(driver) {
            archive.program(&format!("mod/{driver}.ko"), &fs::read(file)?);
            there.push(driver);
        }
    }
    archive.program("modules", there.join("\n").as_bytes());
    Ok(archive.finish())
}
