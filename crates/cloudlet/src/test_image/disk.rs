//! The disk: a FAT file system with kernel, first files and boot loader, made without mounting it.

use super::{packages::Packages, program::run};
use anyhow::Context as _;
use std::{
    ffi::OsStr,
    fs::{self, File},
    path::Path,
};

/// Bytes of the file system: kernel and first files take some 16 MB.
const SIZE: u64 = 24 * 1024 * 1024;
/// What makes an emulated kernel start fastest, of what was tried; and on a panic it starts anew.
const KERNEL_FLAGS: &str = "console=ttyS0 quiet panic=-1 mitigations=off nokaslr tsc=reliable \
    no_timer_check random.trust_cpu=on rcupdate.rcu_expedited=1";

/// Makes it, at this path, compressed.
pub(super) fn make(packages: &Packages, initramfs: &[u8], disk: &Path) -> anyhow::Result<()> {
    let work = disk
        .parent()
        .and_then(Path::parent)
        .context("a disk lies in a folder")?;
    let raw = work.join("disk.raw");
    File::create(&raw)?.set_len(SIZE)?;
    let raw_word = raw.as_os_str();
    fs::copy(packages.kernel()?, work.join("vmlinuz"))?;
    fs::write(work.join("first"), initramfs)?;
    run(work, "gzip", &["-1", "-n", "first"])?;
    let config = format!(
        "DEFAULT test\nPROMPT 0\nSERIAL 0 115200\nLABEL test\nKERNEL vmlinuz\nINITRD first.gz\nAPPEND {KERNEL_FLAGS}\n"
    );
    fs::write(work.join("syslinux.cfg"), config)?;
    let format = packages.file("sbin/mkfs.fat")?;
    run(work, format, &["-F".as_ref(), "16".as_ref(), raw_word])?;
    let copy = packages.file("usr/bin/mcopy")?;
    let files = ["vmlinuz", "first.gz", "syslinux.cfg"].map(OsStr::new);
    let mut arguments = vec!["-i".as_ref(), raw_word];
    arguments.extend(files);
    arguments.push("::".as_ref());
    run(work, copy, &arguments)?;
    let loader = packages.file("usr/bin/syslinux")?;
    run(work, loader, &["--install".as_ref(), raw_word])?;
    let words = ["convert", "-c", "-f", "raw", "-O", "qcow2"].map(OsStr::new);
    let mut arguments = words.to_vec();
    arguments.extend([raw_word, disk.as_os_str()]);
    run(work, "qemu-img", &arguments)?;
    Ok(())
}
