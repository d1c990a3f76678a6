//! A machine without Cloudlet, to measure what Cloudlet adds: for a test, and for `examples/bench_machines.rs`.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a thread of its own looks at a machine that was launched by hand"
)]

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

/// What the test image says once it is up.
const READY: &str = "cloudlet test image: ready";
/// How long a guest or its end is waited for.
const PATIENCE: Duration = Duration::from_secs(180);
/// How often its console is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// A machine without Cloudlet: the command line that it was launched with, in a folder of its own.
pub(crate) struct ByHand {
    folder: PathBuf,
    words: Vec<String>,
}

impl ByHand {
    /// As this machine in a data directory.
    pub(crate) fn like(data: &Path, machine: &str, folder: PathBuf) -> Self {
        let theirs = data.join("host").join(machine);
        let pid = fs::read_to_string(theirs.join("pid")).unwrap();
        let line = fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap();
        let line = String::from_utf8(line).unwrap();
        let ours = folder.display().to_string();
        let words = line.split('\0').filter(|word| !word.is_empty());
        let words = words.map(|word| word.replace(&theirs.display().to_string(), &ours));
        let words = words.map(|word| word.replace(machine, "00000000-0000-4000-8000-000000000001"));
        Self {
            folder,
            words: words.collect(),
        }
    }

    /// Launches it; its process is up when this returns.
    pub(crate) fn launch(&self, image: &Path) {
        fs::create_dir_all(&self.folder).unwrap();
        let disk = self.folder.join("disk.qcow2");
        let mut make = Command::new("qemu-img");
        make.args(["create", "-q", "-f", "qcow2", "-b"])
            .arg(image)
            .args(["-F", "qcow2"])
            .arg(&disk);
        assert!(make.arg("10G").status().unwrap().success());
        let status = Command::new(&self.words[0]).args(&self.words[1..]).status();
        assert!(status.unwrap().success());
        let socket = UnixStream::connect(self.folder.join("qmp.sock")).unwrap();
        let mut answers = BufReader::new(socket.try_clone().unwrap());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        for command in ["qmp_capabilities", "cont"] {
            writeln!(&socket, "{{\"execute\":\"{command}\"}}").unwrap();
            while !{
                line.clear();
                answers.read_line(&mut line).unwrap();
                line.contains("\"return\"")
            } {}
        }
    }

    pub(crate) fn wait_until_ready(&self) {
        wait_until_ready(&self.folder);
    }
}

/// Waits until the guest whose console stands in this folder has said that it is ready.
pub(crate) fn wait_until_ready(folder: &Path) {
    let begun = Instant::now();
    while !fs::read_to_string(folder.join("console.log"))
        .unwrap_or_default()
        .contains(READY)
    {
        assert!(begun.elapsed() < PATIENCE, "the guest does not get ready");
        std::thread::sleep(LOOK);
    }
}

/// Its end is waited for: the host frees a gigabyte, and whoever is measured next would pay for that.
impl Drop for ByHand {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.folder.join("pid")).unwrap_or_default();
        let Ok(pid) = pid.trim().parse::<u32>() else {
            return;
        };
        let _ = Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status();
        let begun = Instant::now();
        while runs(pid) && begun.elapsed() < PATIENCE {
            std::thread::sleep(LOOK);
        }
    }
}

/// A zombie has freed everything, and who is to reap it may never do so.
fn runs(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.trim().chars().next());
    state.is_some_and(|state| state != 'Z')
}
