//! A machine's process as the host sees it: found by its folder's process id or by its command line,
//! never trusted by number alone, ended through a descriptor that cannot come to mean another.
//!
//! It never talks to QEMU; that is `qmp`.

use super::folder::Folder;
use api::ResourceId;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::{fs, io, os::fd::OwnedFd, path::Path, sync::Arc, time::Duration};
use tokio::{io::unix::AsyncFd, time::timeout};

/// How long a killed process may take to be gone.
const KILL_LIMIT: Duration = Duration::from_secs(10);

/// A process of ours that runs a machine; clones are the same process.
#[derive(Clone, Debug)]
pub(super) struct Process {
    /// Its number, for people.
    pub(super) pid: u32,
    /// The boot number that it was launched for.
    pub(super) boot: u64,
    handle: Arc<OwnedFd>,
}

/// What QEMU is called, so that a process tells which launch it is of.
pub(super) fn name(boot: u64) -> String {
    format!("cloudlet-boot-{boot}")
}

/// The process of a machine, if there is one that has not ended.
///
/// Its folder names one. Where it does not (the server was killed while QEMU was starting), every
/// process of this host is looked at.
pub(super) fn find(folder: &Folder, resource: ResourceId) -> io::Result<Option<Process>> {
    let named = fs::read_to_string(folder.pid()).ok();
    let named = named.and_then(|text| text.trim().parse().ok());
    if let Some(process) = named.and_then(|pid| ours(pid, resource)) {
        return Ok(Some(process));
    }
    Ok(search(resource)?.into_iter().next())
}

/// Every process that runs a machine: one, but for the moment in which QEMU splits off.
pub(super) fn search(resource: ResourceId) -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        found.extend(pid.and_then(|pid| ours(pid, resource)));
    }
    Ok(found)
}

/// The process of this number, if it runs that machine.
fn ours(pid: u32, resource: ResourceId) -> Option<Process> {
    let proc = Path::new("/proc").join(pid.to_string());
    // First the handle, then the look: what the look shows is what the handle is of, or nothing is.
    let handle = handle(pid)?;
    let line = fs::read(proc.join("cmdline")).ok()?;
    let boot = boot_of(&line, &resource.0.to_string())?;
    has_not_ended(&proc).then(|| Process {
        pid,
        boot,
        handle: Arc::new(handle),
    })
}

fn handle(pid: u32) -> Option<OwnedFd> {
    let pid = Pid::from_raw(i32::try_from(pid).ok()?)?;
    pidfd_open(pid, PidfdFlags::NONBLOCK).ok()
}

/// A process that nobody has reaped yet has no command line, but one that is about to may have.
fn has_not_ended(proc: &Path) -> bool {
    let stat = fs::read_to_string(proc.join("stat")).unwrap_or_default();
    // The name stands in brackets and may hold anything, brackets too.
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

/// The boot number in the command line of a QEMU of ours for this machine.
fn boot_of(line: &[u8], uuid: &str) -> Option<u64> {
    let words: Vec<&str> = line
        .split(|byte| *byte == 0)
        .filter_map(|word| std::str::from_utf8(word).ok())
        .collect();
    let value = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).copied()
    };
    if value("-uuid") != Some(uuid) {
        return None;
    }
    let name = value("-name")?;
    name.split(',')
        .next()?
        .strip_prefix("cloudlet-boot-")?
        .parse()
        .ok()
}

impl Process {
    /// Waits until it has ended. Safe to drop.
    #[allow(
        deprecated,
        reason = "it is sound for a descriptor that is owned, and its successor is an unsafe function"
    )]
    pub(super) async fn ended(&self) -> io::Result<()> {
        let handle =
            AsyncFd::with_interest(Arc::clone(&self.handle), tokio::io::Interest::READABLE)?;
        let _readable = handle.readable().await?;
        Ok(())
    }

    /// Kills it and waits until it is gone.
    pub(super) async fn kill(&self) -> io::Result<()> {
        match pidfd_send_signal(&*self.handle, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error.into()),
        }
        match timeout(KILL_LIMIT, self.ended()).await {
            Ok(ended) => ended,
            Err(_) => Err(io::Error::other(format!(
                "process {} cannot be killed",
                self.pid
            ))),
        }
    }
}

/// Which start of the host this is.
pub(super) fn host_boot() -> io::Result<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(id.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::boot_of;

    #[test]
    fn only_a_command_line_of_this_machine_is_taken() {
        let line = |words: &[&str]| words.join("\0").into_bytes();
        let ours = line(&[
            "qemu-system-x86_64",
            "-name",
            "cloudlet-boot-7,debug-threads=on",
            "-uuid",
            "abc",
            "",
        ]);
        assert_eq!(boot_of(&ours, "abc"), Some(7));
        assert_eq!(boot_of(&ours, "another"), None);
        for words in [
            &["qemu-system-x86_64", "-name", "other", "-uuid", "abc"][..],
            &["qemu-system-x86_64", "-uuid", "abc"],
            &["vi", "-uuid"],
            &["grep", "abc"],
            &[],
        ] {
            assert_eq!(boot_of(&line(words), "abc"), None, "{words:?}");
        }
    }
}
