//! The programs that the test image is built with: run to their end, their words kept for the error.

use anyhow::{Context as _, bail};
use std::{
    env,
    ffi::{OsStr, OsString},
    path::Path,
    process::Command,
};

/// Runs a program in a folder; what it wrote on its standard output.
pub(super) fn run(
    folder: &Path,
    program: impl AsRef<OsStr>,
    arguments: &[impl AsRef<OsStr>],
) -> anyhow::Result<Vec<u8>> {
    let program = program.as_ref();
    let name = Path::new(program)
        .file_name()
        .unwrap_or(program)
        .to_string_lossy()
        .into_owned();
    // Programs of the packages start one another.
    let mut path = OsString::from(folder.join("unpacked/usr/bin"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .env("PATH", path);
    let output = command.output().with_context(|| missing(&name))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.trim();
        bail!("{name} failed ({}): {words}", output.status);
    }
    Ok(output.stdout)
}

/// What to do where a program is not there.
fn missing(name: &str) -> String {
    let package = match name {
        "apt-get" | "apt-cache" => {
            return format!("{name} is not here: the test image is built on Debian and its kin");
        }
        "qemu-img" => "qemu-utils",
        "dpkg-deb" => "dpkg",
        other => other,
    };
    format!("{name} is not here. Install it with: sudo apt-get install {package}")
}
