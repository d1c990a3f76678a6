//! A machine's process as the host sees it: found by its folder's process id or by its command line,
//! never trusted by number alone, ended through a descriptor that cannot come to mean another.
//!
//! It never talks to QEMU; that is `qmp`.

use super::folder::Folder;
use anyhow::Context as _;
use api::ResourceId;
use rustix::{
    io::Errno,
    process::{Pid, PidfdFlags, Signal, geteuid, pidfd_open, pidfd_send_signal},
};
use std::{
    fs,
    io::{self, ErrorKind},
    os::{fd::OwnedFd, unix::fs::MetadataExt as _},
    path::Path,
    sync::Arc,
    time::Duration,
};
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
///
/// # Errors
/// If it cannot be told: that is never taken for none.
pub(super) fn find(folder: &Folder, resource: ResourceId) -> io::Result<Option<Process>> {
    let named = there(fs::read_to_string(folder.pid()))?;
    let named = named.and_then(|text| text.trim().parse().ok());
    if let Some(pid) = named
        && let Some(process) = ours(pid, folder, resource)?
    {
        return Ok(Some(process));
    }
    Ok(search(folder, resource)?.into_iter().next())
}

/// Every process that runs a machine: one, but for the moment in which QEMU splits off.
pub(super) fn search(folder: &Folder, resource: ResourceId) -> io::Result<Vec<Process>> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        if let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) {
            found.extend(ours(pid, folder, resource)?);
        }
    }
    Ok(found)
}

/// Whether processes can be held here at all.
///
/// # Errors
/// Why not, in words for whoever starts the server.
pub(super) fn check() -> anyhow::Result<()> {
    let own =
        Pid::from_raw(i32::try_from(std::process::id())?).context("this process has no id")?;
    pidfd_open(own, PidfdFlags::NONBLOCK)
        .map(drop)
        .context("--driver qemu needs pidfd_open, which this kernel or container does not allow")
}

/// The process of this number, if it runs that machine.
fn ours(pid: u32, folder: &Folder, resource: ResourceId) -> io::Result<Option<Process>> {
    let proc = Path::new("/proc").join(pid.to_string());
    if boot(&proc, folder, resource)?.is_none() {
        return Ok(None);
    }
    // First the handle, then the look: what the look shows is what the handle is of, or nothing is.
    let Some(handle) = there(handle(pid))? else {
        return Ok(None);
    };
    let Some(boot) = boot(&proc, folder, resource)? else {
        return Ok(None);
    };
    Ok(has_not_ended(&proc)?.then(|| Process {
        pid,
        boot,
        handle: Arc::new(handle),
    }))
}

/// What is not there, or not ours to look at, is nothing; any other failure is one.
fn there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => Ok(None),
            // A process that is just ending.
            _ if error.raw_os_error() == Some(Errno::SRCH.raw_os_error()) => Ok(None),
            _ => Err(error),
        },
    }
}

fn handle(pid: u32) -> io::Result<OwnedFd> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    let pid = pid.ok_or(ErrorKind::NotFound)?;
    pidfd_open(pid, PidfdFlags::NONBLOCK).map_err(|error| match error {
        // Not "not ours to look at": nobody is asked whose a process is.
        Errno::PERM | Errno::ACCESS => io::Error::other("pidfd_open is not allowed here"),
        error => error.into(),
    })
}

/// The boot number of a process that runs this machine of this data directory, and may be ours.
fn boot(proc: &Path, folder: &Folder, resource: ResourceId) -> io::Result<Option<u64>> {
    let line = there(fs::read(proc.join("cmdline")))?.unwrap_or_default();
    let Some(found) = boot_of(&line, &resource.0.to_string()) else {
        return Ok(None);
    };
    let owner = there(fs::metadata(proc))?.map(|about| about.uid());
    let owners = [Some(geteuid().as_raw()), Some(0), folder_owner(folder)?];
    let may_be_ours = owner.is_some() && owners.contains(&owner);
    Ok((may_be_ours && !is_of_another(found.pid_file, folder)?).then_some(found.boot))
}

fn folder_owner(folder: &Folder) -> io::Result<Option<u32>> {
    Ok(there(fs::metadata(folder.path()))?.map(|about| about.uid()))
}

/// Whether a process keeps its id in the folder of another data directory: a copy's machines are not
/// the original's. One that was moved with its processes running is still itself.
fn is_of_another(pid_file: Option<&str>, folder: &Folder) -> io::Result<bool> {
    let theirs = pid_file.and_then(|file| Path::new(file).parent());
    let Some(theirs) = theirs else {
        return Ok(false);
    };
    let identity = |path: &Path| -> io::Result<Option<(u64, u64)>> {
        Ok(there(fs::metadata(path))?.map(|about| (about.dev(), about.ino())))
    };
    let (theirs, own) = (identity(theirs)?, identity(folder.path())?);
    Ok(theirs.is_some() && theirs != own)
}

/// A process that nobody has reaped yet has no command line, but one that is about to may have.
fn has_not_ended(proc: &Path) -> io::Result<bool> {
    let stat = there(fs::read_to_string(proc.join("stat")))?.unwrap_or_default();
    // The name stands in brackets and may hold anything, brackets too.
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    Ok(state.is_some_and(|state| !matches!(state, 'Z' | 'X')))
}

/// What a command line tells.
#[derive(Debug, PartialEq, Eq)]
struct Told<'a> {
    boot: u64,
    pid_file: Option<&'a str>,
}

/// The boot number in the command line of a QEMU of ours for this machine.
fn boot_of<'a>(line: &'a [u8], uuid: &str) -> Option<Told<'a>> {
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
    let name = value("-name")?.split(',').next()?;
    Some(Told {
        boot: name.strip_prefix("cloudlet-boot-")?.parse().ok()?,
        pid_file: value("-pidfile"),
    })
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
    use super::*;
    use crate::host::qemu::folder::Folders;
    use std::process::{Child, Command};
    use uuid::Uuid;

    #[test]
    fn only_a_command_line_of_this_machine_is_taken() {
        let line = |words: &[&str]| words.join("\0").into_bytes();
        let ours = line(&[
            "qemu-system-x86_64",
            "-name",
            "cloudlet-boot-7,debug-threads=on",
            "-uuid",
            "abc",
            "-pidfile",
            "/x/pid",
            "",
        ]);
        let told = Told {
            boot: 7,
            pid_file: Some("/x/pid"),
        };
        assert_eq!(boot_of(&ours, "abc"), Some(told));
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

    /// What is not there is none; what cannot be told is not.
    #[test]
    fn a_failure_is_never_taken_for_no_process() {
        for (error, is_none) in [
            (Errno::NOENT, true),
            (Errno::SRCH, true),
            (Errno::ACCESS, true),
            (Errno::MFILE, false),
            (Errno::NFILE, false),
            (Errno::IO, false),
            (Errno::NOMEM, false),
        ] {
            let found = there::<()>(Err(error.into()));
            assert_eq!(found.is_ok(), is_none, "{error}");
        }
        check().unwrap();
    }

    /// A process that says of itself what a machine of ours would.
    fn pretender(resource: ResourceId, pid_file: &Path) -> Child {
        let script = "read -r _ || true";
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh", "-name", "cloudlet-boot-3", "-uuid"]);
        command.arg(resource.0.to_string());
        command.arg("-pidfile").arg(pid_file);
        let child = command.stdin(std::process::Stdio::piped()).spawn().unwrap();
        // It has begun, but its words may not be there yet.
        let words = format!("/proc/{}/cmdline", child.id());
        while fs::read(&words).unwrap().is_empty() {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn a_machine_of_a_copied_data_directory_is_not_the_originals() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let machine = ResourceId(Uuid::from_u128(7));
        let folder = |data: &tempfile::TempDir| {
            let folder = Folders::open(data.path()).unwrap().of(machine);
            folder.make().unwrap();
            folder
        };
        let (original, copy) = (folder(&first), folder(&second));
        let mut child = pretender(machine, &original.pid());
        for folder in [&original, &copy] {
            fs::write(folder.pid(), child.id().to_string()).unwrap();
        }
        let found = find(&original, machine).unwrap().unwrap();
        assert_eq!((found.pid, found.boot), (child.id(), 3));
        assert!(find(&copy, machine).unwrap().is_none());
        // Moved away, with its process running: still itself.
        let moved = second.path().join("moved");
        fs::rename(first.path(), &moved).unwrap();
        let moved = Folders::open(&moved).unwrap().of(machine);
        assert!(find(&moved, machine).unwrap().is_some());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(find(&moved, machine).unwrap().is_none());
    }
}
