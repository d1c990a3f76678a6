//! What can go wrong on a host: each ends in a clear error of the job, with nothing left.

use super::host::{
    GUEST_PATIENCE, Host, SILENT_IMAGE, TEST_IMAGE, cache, image_file, instead_of, processes,
    signal, skipped,
};
use crate::process::pause;
use std::{
    fs,
    process::{Command, Stdio},
    time::Instant,
};

const REAL: &str = "exec /usr/bin/qemu-system-x86_64 \"$@\"";

#[tokio::test]
async fn a_damaged_image_and_one_that_is_gone() {
    let Some(host) = Host::start().await else {
        return;
    };
    host.import(50, &image_file(&host.cache), "none").await;
    let file = host.server.data().join("images/50/disk");
    fs::remove_file(&file).unwrap();
    fs::write(&file, "no image at all").unwrap();
    let (job, machine) = host.create("web", 50).await;
    host.fails(&job, "DRIVER_ERROR", "The file of image 50 is damaged")
        .await;
    host.gone(&machine).await;
    fs::remove_file(&file).unwrap();
    let (job, machine) = host.create("web", 50).await;
    host.fails(
        &job,
        "DRIVER_ERROR",
        "The file of image 50 is not on this host",
    )
    .await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_qemu_that_refuses_its_options() {
    let script =
        format!("#!/bin/sh\n[ \"$1\" = --version ] || set -- \"$@\" -no-such-option\n{REAL}\n");
    let (_folder, path) = instead_of("qemu-system-x86_64", &script);
    let Some(host) = Host::start_with(&[&path], &[]).await else {
        return;
    };
    let (job, machine) = host.create("web", SILENT_IMAGE).await;
    let says = "QEMU refused to start: -no-such-option: invalid option";
    host.fails(&job, "DRIVER_ERROR", says).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_qemu_that_is_killed_while_it_starts() {
    // It is there, and gone before anybody can talk to it.
    let script = "#!/bin/sh\n[ \"$1\" = --version ] && exec /usr/bin/qemu-system-x86_64 --version\n\
        /usr/bin/qemu-system-x86_64 \"$@\" || exit\n\
        for word; do [ \"$flag\" = -pidfile ] && kill -9 \"$(cat \"$word\")\"; flag=$word; done\n";
    let (_folder, path) = instead_of("qemu-system-x86_64", script);
    let Some(host) = Host::start_with(&[&path], &["--boot-limit", "5"]).await else {
        return;
    };
    let (job, machine) = host.create("web", SILENT_IMAGE).await;
    let job = host.ended(&job).await;
    assert_eq!(job["status"], "failed", "{job}");
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_machine_that_is_killed_while_its_guest_boots() {
    let Some(host) = Host::start().await else {
        return;
    };
    let (job, machine) = host.create("web", TEST_IMAGE).await;
    let begun = Instant::now();
    while processes(&machine).is_empty()
        || host.server.poll(std::slice::from_ref(&job)).await[0]["stage"] != "ready"
    {
        assert!(begun.elapsed() < GUEST_PATIENCE);
        pause().await;
    }
    signal(host.pid(&machine), "KILL");
    host.fails(&job, "DIED", "killed").await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_guest_that_never_says_that_it_is_ready() {
    let Some(host) = Host::start_with(&[], &["--boot-limit", "3"]).await else {
        return;
    };
    host.import(51, &image_file(&host.cache), "console:what nobody says")
        .await;
    let (job, machine) = host.create("web", 51).await;
    let says = "The guest did not say 'what nobody says' on its console within 3 s";
    host.fails(&job, "STALLED", says).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_monitor_that_is_silent() {
    let Some(host) = Host::start_with(&[], &["--boot-limit", "6"]).await else {
        return;
    };
    host.import(52, &image_file(&host.cache), "console:what nobody says")
        .await;
    let (job, machine) = host.create("web", 52).await;
    let begun = Instant::now();
    while host.server.poll(std::slice::from_ref(&job)).await[0]["stage"] != "ready" {
        assert!(begun.elapsed() < GUEST_PATIENCE);
        pause().await;
    }
    signal(host.pid(&machine), "STOP");
    host.fails(&job, "STALLED", "did not say").await;
    host.gone(&machine).await;

    // One that is idle goes on being shown, and can be stopped.
    let machine = host.running("idle", SILENT_IMAGE).await;
    signal(host.pid(&machine), "STOP");
    assert_eq!(host.machine(&machine).await["status"], "Running");
    let (status, answer) = host.call(&machine, "stop").await;
    assert_eq!(
        (status, &answer["data"]["status"]),
        (200, &"Shutoff".into()),
        "{answer}"
    );
    assert!(processes(&machine).is_empty());
    host.delete(&machine).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn a_file_in_the_way() {
    let Some(host) = Host::start().await else {
        return;
    };
    let machine = host.running("web", SILENT_IMAGE).await;
    let (status, _) = host.call(&machine, "stop").await;
    assert_eq!(status, 200);
    // Where the next launch wants its socket there is a folder with something in it.
    let way = host.folder(&machine).join("qmp.sock");
    fs::create_dir(&way).unwrap();
    fs::write(way.join("thing"), "").unwrap();
    let (status, answer) = host.call(&machine, "start").await;
    assert_eq!(
        (status, &answer["error"]),
        (502, &"DRIVER_ERROR".into()),
        "{answer}"
    );
    let says = answer["message"].as_str().unwrap();
    assert!(says.contains("in the way"), "{says}");
    fs::remove_dir_all(&way).unwrap();
    host.verified().await;
    let (status, answer) = host.call(&machine, "start").await;
    assert_eq!(status, 200, "{answer}");
    host.delete(&machine).await;
    host.gone(&machine).await;
}

#[tokio::test]
async fn no_space_for_the_disk() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    let folder = host.server.data().join("host");
    host.server.kill();
    // Room for what the host notes, and not for a disk.
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=128k", "cloudlet-test"])
        .arg(&folder)
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        // A user who may not mount has the other test, which every user has.
        skipped("no space for the disk: this user may not mount a file system");
        return;
    }
    let mounted = Mounted(folder);
    host.server.restart();
    let (job, machine) = host.create("web", SILENT_IMAGE).await;
    host.fails(&job, "DRIVER_ERROR", "no space left").await;
    host.gone(&machine).await;
    host.server.kill();
    drop(mounted);
}

/// The same for any user: what makes the disk may write no file that is large enough.
#[tokio::test]
async fn a_disk_that_may_not_be_written() {
    let real = "PATH=${PATH#*:}; exec qemu-img \"$@\"";
    // Blocks of 512 bytes: 64 KiB.
    let script = format!("#!/bin/sh\n[ \"$1\" = create ] && ulimit -f 128\n{real}\n");
    let (_folder, setting) = instead_of("qemu-img", &script);
    let Some(host) = Host::start_with(&[&setting], &[]).await else {
        return;
    };
    let (job, machine) = host.create("web", SILENT_IMAGE).await;
    host.fails(&job, "DRIVER_ERROR", "no file so large").await;
    host.gone(&machine).await;
}

struct Mounted(std::path::PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let status = Command::new("umount").arg("-l").arg(&self.0).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "{} stays mounted",
            self.0.display()
        );
    }
}

#[tokio::test]
async fn two_servers_on_one_directory_a_host_without_qemu_and_simulated_machines() {
    let Some(mut host) = Host::start().await else {
        return;
    };
    let serve = |data: &std::path::Path, path: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cloudlet"));
        command
            .args([
                "serve",
                "--driver",
                "qemu",
                "--listen",
                "127.0.0.1:0",
                "--data",
            ])
            .arg(data);
        command
            .env("XDG_CACHE_HOME", cache().unwrap())
            .env("CLOUDLET_PROFILE", data.join("profile"));
        if !path.is_empty() {
            command.env("PATH", path);
        }
        let ran = command.output().unwrap();
        (
            ran.status.code(),
            String::from_utf8_lossy(&ran.stderr).into_owned(),
        )
    };
    // As an import that is under way leaves it.
    let under_way = host.server.data().join("images/77.new");
    std::fs::create_dir(&under_way).unwrap();
    let (status, says) = serve(&host.server.data(), "");
    assert_eq!(status, Some(1), "{says}");
    assert!(says.contains("in use by"), "{says}");
    assert!(under_way.exists(), "it is the first server's");
    let other = tempfile::tempdir().unwrap();
    let (status, says) = serve(&other.path().join("data"), "/nonexistent");
    assert_eq!(status, Some(1), "{says}");
    assert!(
        says.contains("setpriv (of the package util-linux)"),
        "{says}"
    );
    let bin = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/usr/bin/setpriv", bin.path().join("setpriv")).unwrap();
    let path = bin.path().display().to_string();
    let (status, says) = serve(&other.path().join("data"), &path);
    let left = std::fs::read_dir(other.path()).unwrap().count();
    assert_eq!(left, 0, "neither data nor keys");
    assert_eq!(status, Some(1), "{says}");
    assert!(
        says.contains("qemu-system-x86_64 is not on this host"),
        "{says}"
    );
    assert!(says.contains("apt-get install"), "{says}");

    host.server.kill();
    let mut sim = Command::new(env!("CARGO_BIN_EXE_cloudlet"));
    sim.args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(host.server.data());
    let ran = sim.output().unwrap();
    let says = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(1), "{says}");
    assert!(says.contains("holds machines of --driver qemu"), "{says}");
}
