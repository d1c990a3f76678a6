//! What of QEMU is on this host.

use crate::child::{Bond, ChildError, Nursery, Program};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The program that runs machines.
pub const QEMU: &str = "qemu-system-x86_64";
/// The program that makes their disks.
pub const QEMU_IMG: &str = "qemu-img";
/// How both are installed, on Debian and its kin.
pub const INSTALL: &str = "sudo apt-get install --no-install-recommends qemu-system-x86 qemu-utils";
/// How long a program may take to say its version.
const VERSION_LIMIT: Duration = Duration::from_secs(20);

/// The version of a program of QEMU's; nothing: it is not here.
///
/// # Errors
/// If it is here and does not say it, in words.
pub async fn version(nursery: &Nursery, program: &str) -> Result<Option<String>, String> {
    let is_setpriv = program == "setpriv";
    let program = Program {
        name: program.into(),
        arguments: vec!["--version".into()],
        bond: Bond::Dies,
        limit: VERSION_LIMIT,
    };
    match nursery.run(program, &CancellationToken::new()).await {
        Ok(said) => {
            let said = String::from_utf8_lossy(&said);
            let first = said.lines().next().unwrap_or_default();
            let rest = first.split("version ").nth(1);
            let version = match rest {
                Some(rest) => rest.split_whitespace().next(),
                None => first.split_whitespace().next_back(),
            };
            let version = version.unwrap_or_default();
            Ok(Some(version.to_owned()))
        }
        Err(ChildError::NotStarted { .. }) if is_setpriv => Ok(None),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// `setpriv` starts it and says that there is no such program. What a program that is there says of a
/// file that it misses is another matter.
pub(super) fn is_missing(error: &ChildError) -> bool {
    matches!(error, ChildError::Failed { text, .. }
        if text.starts_with("setpriv: failed to execute") && text.contains("No such file"))
}

/// Bytes of memory of this host, by the name in `/proc/meminfo`, e.g. `MemTotal`.
pub fn memory(name: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let mut lines = text.lines();
    let rest = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    let kilobytes: u64 = rest.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Both programs are here; QEMU's version.
///
/// # Errors
/// What is missing, and the line that mends it.
pub async fn both(nursery: &Nursery) -> anyhow::Result<String> {
    let mut versions = Vec::new();
    for program in [QEMU, QEMU_IMG] {
        match version(nursery, program).await {
            Ok(Some(version)) => versions.push(version),
            Ok(None) => anyhow::bail!(
                "--driver qemu: {program} is not on this host. Install it with: {INSTALL}"
            ),
            Err(text) => anyhow::bail!("--driver qemu: {program} does not run: {text}"),
        }
    }
    Ok(versions.swap_remove(0))
}
