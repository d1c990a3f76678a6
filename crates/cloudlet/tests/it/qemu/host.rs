//! A server with real machines, and what it leaves on this host.

use crate::process::{Process, create_body, is_final, pause, text};
use serde_json::{Value, json};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    time::{Duration, Instant},
};

pub(super) const MACHINES: &str = "/v1/resource/virtual-machines";
/// The test image as the documented request has it: ready when its guest says so.
pub(super) const TEST_IMAGE: i64 = 12;
/// The same, where nobody waits for its guest.
pub(super) const SILENT_IMAGE: i64 = 13;
/// How long anything with a guest may take: emulated on a busy machine it was seen to take 19 s.
pub(super) const GUEST_PATIENCE: Duration = Duration::from_secs(180);

/// Where the test image lies, built at most once whatever runs beside this. `None`: it cannot be built
/// here, which is told on stderr.
pub(super) fn cache() -> Option<PathBuf> {
    static CACHE: OnceLock<Option<PathBuf>> = OnceLock::new();
    CACHE
        .get_or_init(|| {
            let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("qemu");
            fs::create_dir_all(&root).unwrap();
            let lock = File::create(root.join("lock")).unwrap();
            lock.lock().unwrap();
            for program in ["qemu-system-x86_64", "qemu-img", "apt-get"] {
                if Command::new(program).arg("--version").output().is_err() {
                    skipped(&format!("real machines: {program} is not on this host"));
                    return None;
                }
            }
            let build = Command::new(env!("CARGO_BIN_EXE_cloudlet"))
                .args(["admin", "image", "build-test"])
                .env("XDG_CACHE_HOME", &root)
                .output()
                .unwrap();
            let words = String::from_utf8_lossy(&build.stderr);
            assert!(
                build.status.success(),
                "the test image cannot be built: {words}"
            );
            Some(root)
        })
        .clone()
}

/// Says aloud that something is not tested here.
#[allow(
    clippy::print_stderr,
    reason = "whoever reads the tests' output is to see it"
)]
pub(super) fn skipped(what: &str) {
    eprintln!("SKIPPED: {what}");
}

/// The file of the test image.
pub(super) fn image_file(cache: &Path) -> PathBuf {
    cache.join("cloudlet/test-image/disk.qcow2")
}

/// A server with real machines; all of them end with the test.
pub(super) struct Host {
    pub(super) server: Process,
    pub(super) cache: PathBuf,
}

impl Host {
    /// With the test image. `None`: this host has no QEMU.
    pub(super) async fn start() -> Option<Self> {
        Self::start_with(&[], &[]).await
    }

    /// With more settings for its environment (`PATH=…`), and more flags.
    pub(super) async fn start_with(environment: &[&str], flags: &[&str]) -> Option<Self> {
        let cache = cache()?;
        let cache_home = format!("XDG_CACHE_HOME={}", cache.display());
        let wrapper = [&["env", cache_home.as_str()], environment].concat();
        let own = ["--driver", "qemu", "--allow-faults", "--stop-limit", "2"];
        let server = Process::start_under(&wrapper, &[&own, flags].concat());
        let host = Self { server, cache };
        let file = image_file(&host.cache);
        host.import(SILENT_IMAGE, &file, "none").await;
        Some(host)
    }

    /// Brings an image in.
    pub(super) async fn import(&self, id: i64, file: &Path, ready: &str) {
        let body = json!({"id": id, "name": "another", "file": file, "ready": ready});
        let (status, answer) = self.server.admin("POST", "/images", Some(&body)).await;
        assert_eq!(status, 202, "{answer}");
        let image = self.imported(id).await;
        assert_eq!(image["state"], "ready", "{image}");
    }

    /// An image once its import has ended.
    pub(super) async fn imported(&self, id: i64) -> Value {
        let begun = Instant::now();
        loop {
            let (status, answer) = self
                .server
                .admin("GET", &format!("/images/{id}"), None)
                .await;
            assert_eq!(status, 200, "{answer}");
            if answer["data"]["state"] != "importing" {
                return answer["data"].clone();
            }
            assert!(begun.elapsed() < GUEST_PATIENCE, "{answer}");
            pause().await;
        }
    }

    /// Asks for a machine of the smallest size; its job's id and its own.
    pub(super) async fn create(&self, name: &str, image: i64) -> (String, String) {
        let mut body = create_body(name);
        body["imageId"] = json!(image);
        body["configurationId"] = json!(44);
        let (status, answer) = self.server.post(MACHINES, &body).await;
        assert_eq!(status, 202, "{answer}");
        let job = &answer["data"][0];
        (text(&job["id"]), text(&job["targetId"]))
    }

    /// A machine that runs; its id.
    pub(super) async fn running(&self, name: &str, image: i64) -> String {
        let (job, machine) = self.create(name, image).await;
        let job = self.ended(&job).await;
        assert_eq!(job["status"], "completed", "{job}\n{}", self.server.log());
        machine
    }

    /// A job once it has ended.
    pub(super) async fn ended(&self, job: &str) -> Value {
        let begun = Instant::now();
        loop {
            let jobs = self.server.poll(&[job.to_owned()]).await;
            if is_final(&jobs[0]) {
                return jobs[0].clone();
            }
            assert!(
                begun.elapsed() < GUEST_PATIENCE,
                "{}\n{}",
                jobs[0],
                self.server.log()
            );
            pause().await;
        }
    }

    /// That a job failed with this code, that its text has these words, and that nothing is left.
    pub(super) async fn fails(&self, job: &str, code: &str, words: &str) -> Value {
        let job = self.ended(job).await;
        assert_eq!(
            (&job["status"], &job["errorCode"]),
            (&json!("failed"), &json!(code)),
            "{job}\n{}",
            self.server.log()
        );
        let error = text(&job["error"]);
        assert!(error.contains(words), "{error}");
        assert!(!error.contains("/host/"), "a path of the host's: {error}");
        job
    }

    /// A synchronous call.
    pub(super) async fn call(&self, machine: &str, verb: &str) -> (u16, Value) {
        let path = format!("{MACHINES}/{machine}/{verb}");
        self.server.request("POST", &path, None).await
    }

    /// Deletes a machine and waits for that.
    pub(super) async fn delete(&self, machine: &str) {
        let job = self.server.delete(machine).await;
        let job = self.ended(&job).await;
        assert_eq!(job["status"], "completed", "{job}\n{}", self.server.log());
    }

    pub(super) async fn machine(&self, machine: &str) -> Value {
        let (status, answer) = self.server.get(&format!("{MACHINES}/{machine}")).await;
        assert_eq!(status, 200, "{answer}");
        answer["data"].clone()
    }

    /// Waits until a machine is shown as this.
    pub(super) async fn shown(&self, machine: &str, status: &str) -> Value {
        let begun = Instant::now();
        loop {
            let shown = self.machine(machine).await;
            if shown["status"] == status {
                return shown;
            }
            assert!(
                begun.elapsed() < GUEST_PATIENCE,
                "never {status}: {shown}\n{}",
                self.server.log()
            );
            pause().await;
        }
    }

    /// What a machine wrote on its console.
    pub(super) async fn console(&self, machine: &str) -> String {
        let path = format!("{MACHINES}/{machine}/console");
        let (status, answer) = self.server.get(&path).await;
        assert_eq!(status, 200, "{answer}");
        text(&answer["data"]["text"])
    }

    /// A machine's folder on the host.
    pub(super) fn folder(&self, machine: &str) -> PathBuf {
        self.server.data().join("host").join(machine)
    }

    /// The process that a machine's folder names.
    pub(super) fn pid(&self, machine: &str) -> u32 {
        let text = fs::read_to_string(self.folder(machine).join("pid")).unwrap();
        text.trim().parse().unwrap()
    }

    /// That records and the host say the same, and nothing is under way or left over.
    pub(super) async fn verified(&self) {
        self.server.at_rest().await;
        let (differences, pending) = self.server.verify().await;
        assert_eq!((&differences[..], &pending[..]), (&[][..], &[][..]));
    }

    /// That nothing of a machine is on this host: no process, no file.
    pub(super) async fn gone(&self, machine: &str) {
        let begun = Instant::now();
        // The host forgets it once the engine has said so, after the job's end.
        while self.folder(machine).exists() {
            assert!(begun.elapsed() < GUEST_PATIENCE, "its folder stays");
            pause().await;
        }
        assert_eq!(processes(machine), [0; 0], "its process stays");
        self.verified().await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let folders = fs::read_dir(self.server.data().join("host"));
        for folder in folders.into_iter().flatten().flatten() {
            let machine = folder.file_name().to_string_lossy().into_owned();
            for pid in processes(&machine) {
                signal(pid, "KILL");
            }
        }
    }
}

/// The processes that run a machine.
pub(super) fn processes(machine: &str) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let name = entry.ok()?.file_name();
        name.to_str()?.parse::<u32>().ok()
    });
    let runs = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        line.starts_with("qemu-system") && line.contains(machine)
    };
    numbers.filter(runs).collect()
}

/// Sends a signal to a process.
pub(super) fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .status();
    assert!(status.unwrap().success(), "there is no process {pid}");
}

/// A folder with a program in place of one of QEMU's, and the setting that puts it first.
pub(super) fn instead_of(program: &str, script: &str) -> (tempfile::TempDir, String) {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(program);
    fs::write(&file, script).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap();
    let setting = format!("PATH={}:{path}", folder.path().display());
    (folder, setting)
}
