//! A guest with QEMU's own agent in it: the test image with Debian's `qemu-guest-agent` and what it is
//! linked with as further first files.

use super::host::{Host, image_file, skipped};
use crate::process::text;
use std::{fs, path::Path, process::Command};

/// Where the guest finds the agent's channel: there is no udev that would give it a name.
const CHANNEL: &str = "/dev/vport0p1";

fn run(folder: &Path, program: &str, words: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    // The image's file system is smaller than mtools takes for right.
    command
        .current_dir(folder)
        .args(words)
        .env("MTOOLS_SKIP_CHECK", "1");
    let ran = command.output().ok().filter(|ran| ran.status.success())?;
    Some(String::from_utf8_lossy(&ran.stdout).into_owned())
}

/// One file of a cpio archive, format `newc`.
fn entry(archive: &mut Vec<u8>, name: &str, mode: u32, data: &[u8]) {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap();
    let number = length(archive);
    let name_length = length(name.as_bytes()) + 1;
    let fields = [
        number,
        mode,
        0,
        0,
        1,
        0,
        length(data),
        0,
        0,
        0,
        0,
        name_length,
        0,
    ];
    archive.extend(b"070701");
    for field in fields {
        archive.extend(format!("{field:08x}").bytes());
    }
    archive.extend(name.bytes().chain([0]));
    pad(archive);
    archive.extend(data);
    pad(archive);
}

fn pad(archive: &mut Vec<u8>) {
    archive.resize(archive.len().next_multiple_of(4), 0);
}

/// The agent with its libraries, and a first process that starts it; a later archive's files stand in for
/// those of an earlier one.
fn first_files(agent: &Path) -> Vec<u8> {
    let linked = Command::new("ldd").arg(agent).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let libraries = linked
        .split_whitespace()
        .filter(|word| word.starts_with('/'));
    let init = include_str!("../../../src/test_image/init.sh");
    let start = format!("qemu-ga -t /run -m virtio-serial -p {CHANNEL} 2>/dev/null &\n");
    let ready = "echo \"cloudlet test image: ready";
    assert!(init.contains(ready));
    // It says nothing: only its agent tells that it is up.
    let init = init.replace(ready, &format!("{start}: \""));
    let mut archive = Vec::new();
    for folder in ["lib", "lib/x86_64-linux-gnu", "lib64"] {
        entry(&mut archive, folder, 0o040_755, &[]);
    }
    for library in libraries {
        let data = fs::read(library).unwrap();
        entry(
            &mut archive,
            library.trim_start_matches('/'),
            0o100_755,
            &data,
        );
    }
    entry(
        &mut archive,
        "bin/qemu-ga",
        0o100_755,
        &fs::read(agent).unwrap(),
    );
    entry(&mut archive, "init", 0o100_755, init.as_bytes());
    entry(&mut archive, "TRAILER!!!", 0, &[]);
    archive
}

/// The test image with the agent in it, in this folder; nothing: Debian's packages cannot be had.
fn image_with_agent(folder: &Path, image: &Path) -> Option<()> {
    run(
        folder,
        "apt-get",
        &["download", "-qq", "qemu-guest-agent", "mtools"],
    )?;
    for file in fs::read_dir(folder).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".deb") {
            run(folder, "dpkg-deb", &["-x", &name, "root"])?;
        }
    }
    let archive = first_files(&folder.join("root/usr/sbin/qemu-ga"));
    fs::write(folder.join("agent"), archive).unwrap();
    run(folder, "gzip", &["-1", "-n", "agent"])?;
    let image = image.display().to_string();
    run(
        folder,
        "qemu-img",
        &["convert", "-O", "raw", &image, "disk.raw"],
    )?;
    let copy = folder.join("root/usr/bin/mcopy").display().to_string();
    run(folder, &copy, &["-i", "disk.raw", "::first.gz", "first.gz"])?;
    let mut both = fs::read(folder.join("first.gz")).unwrap();
    both.extend(fs::read(folder.join("agent.gz")).unwrap());
    fs::write(folder.join("first.gz"), both).unwrap();
    run(
        folder,
        &copy,
        &["-o", "-i", "disk.raw", "first.gz", "::first.gz"],
    )?;
    Some(())
}

#[tokio::test]
async fn a_guest_is_ready_once_its_agent_answers() {
    let Some(host) = Host::start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    if image_with_agent(folder.path(), &image_file(&host.cache)).is_none() {
        skipped("a guest with QEMU's agent: Debian's packages cannot be had");
        return;
    }
    host.import(60, &folder.path().join("disk.raw"), "agent")
        .await;
    let (job, machine) = host.create("web", 60).await;
    let job = host.ended(&job).await;
    assert_eq!(job["status"], "completed", "{job}\n{}", host.server.log());
    let console = host.console(&machine).await;
    assert!(
        console.contains("cloudlet test image: starting"),
        "{console}"
    );
    assert!(
        !console.contains("ready"),
        "only the agent has told: {console}"
    );
    let (_, shown) = host
        .server
        .get(&format!("/v1/resource/jobs/{}", text(&job["id"])))
        .await;
    let phases = shown["data"]["phases"].as_array().unwrap();
    assert_eq!(text(&phases.last().unwrap()["name"]), "ready");
    host.delete(&machine).await;
    host.gone(&machine).await;
}
