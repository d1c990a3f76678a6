//! Programs that are run to their end: `qemu-img`, and QEMU until it has split off.
//!
//! A dedicated thread starts them, for a child dies with the thread that started it
//! (`PR_SET_PDEATHSIG`), and that thread outlives all that wait for one. A child is killed and reaped
//! when its action is to end or its limit has passed; it is never walked away from.

use std::{
    ffi::OsString,
    io,
    process::{ExitStatus, Stdio},
    sync::mpsc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    process::{Child, Command},
    runtime::Handle,
    sync::oneshot,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// What of the server's environment a child is given. No more: the first start's keys may stand in it,
/// and a machine's process outlives the server.
const INHERITED: &[&str] = &["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"];
/// What starts children that die with the server, and where it comes from.
const SETPRIV: &str = "setpriv (of the package util-linux)";
/// The most that is read of what a child says, in bytes.
const OUTPUT_LIMIT: u64 = 64 * 1024;

/// Whether a child dies with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bond {
    /// It does.
    Dies,
    /// It outlives the server.
    Outlives,
}

/// What is to be run.
pub struct Program {
    /// Its name or path.
    pub name: OsString,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Whether it dies with the server.
    pub bond: Bond,
    /// How long it may take.
    pub limit: Duration,
}

/// Why a program did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    /// It could not be started.
    #[error("{name} could not be started: {error}")]
    NotStarted {
        /// Its name.
        name: String,
        /// Why.
        error: io::Error,
    },
    /// It says that it failed.
    #[error("{name} failed: {text}")]
    Failed {
        /// Its name.
        name: String,
        /// Its own words.
        text: String,
    },
    /// Its limit has passed; it was killed.
    #[error("{name} took longer than {} s and was ended", limit.as_secs())]
    TooLong {
        /// Its name.
        name: String,
        /// The limit.
        limit: Duration,
    },
    /// It was to end; it was killed.
    #[error("it was ended early")]
    Killed,
}

/// The thread that starts children; clones are the same thread.
#[derive(Clone)]
pub struct Nursery {
    orders: mpsc::Sender<Order>,
}

struct Order {
    command: Command,
    answer: oneshot::Sender<io::Result<Child>>,
}

impl Nursery {
    /// Starts the thread.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn open() -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel::<Order>();
        let runtime = Handle::current();
        let work = move || {
            let _entered = runtime.enter();
            for Order {
                mut command,
                answer,
            } in inbox
            {
                // Nobody waits any more: the child is killed as it is dropped.
                drop(answer.send(command.spawn()));
            }
        };
        std::thread::Builder::new()
            .name("children".to_owned())
            .spawn(work)?;
        Ok(Self { orders })
    }

    /// Runs a program to its end; what it wrote on its standard output.
    pub async fn run(
        &self,
        program: Program,
        kill: &CancellationToken,
    ) -> Result<Vec<u8>, ChildError> {
        let Program {
            name,
            arguments,
            bond,
            limit,
        } = program;
        let shown = name.to_string_lossy().into_owned();
        let mut command = match bond {
            Bond::Dies => {
                let mut command = Command::new("setpriv");
                command.args(["--pdeathsig", "KILL", "--"]).arg(&name);
                command
            }
            Bond::Outlives => Command::new(&name),
        };
        let starter = match bond {
            Bond::Dies => SETPRIV.to_owned(),
            Bond::Outlives => shown.clone(),
        };
        let inherited = INHERITED.iter().filter_map(|name| {
            let value = std::env::var_os(name)?;
            Some((name, value))
        });
        command
            .args(arguments)
            .env_clear()
            .envs(inherited)
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        let (answer, started) = oneshot::channel();
        let not_started = |error| ChildError::NotStarted {
            name: starter.clone(),
            error,
        };
        let gone = || io::Error::other("the server stops");
        self.orders
            .send(Order { command, answer })
            .map_err(|_| not_started(gone()))?;
        let child = started.await.map_err(|_| not_started(gone()))?;
        let mut child = child.map_err(not_started)?;
        let ended = tokio::select! {
            biased;
            () = kill.cancelled() => Err(ChildError::Killed),
            ended = timeout(limit, finish(&mut child)) => match ended {
                Ok(ended) => ended.map_err(not_started),
                Err(_) => Err(ChildError::TooLong { name: shown.clone(), limit }),
            },
        };
        match ended {
            Ok((status, output, _)) if status.success() => Ok(output),
            Ok((status, _, words)) => {
                let words = String::from_utf8_lossy(&words);
                let text = match words.trim() {
                    "" => status.to_string(),
                    words => words.to_owned(),
                };
                Err(ChildError::Failed { name: shown, text })
            }
            Err(error) => {
                // Killed and reaped; if that fails it had ended.
                drop(child.kill().await);
                Err(error)
            }
        }
    }
}

async fn finish(child: &mut Child) -> io::Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let (output, words) = (read(child.stdout.take()), read(child.stderr.take()));
    let (status, output, words) = tokio::join!(child.wait(), output, words);
    Ok((status?, output?, words?))
}

async fn read(pipe: Option<impl AsyncRead + Unpin>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if let Some(pipe) = pipe {
        pipe.take(OUTPUT_LIMIT).read_to_end(&mut text).await?;
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(name: &str, bond: Bond) -> Program {
        Program {
            name: name.into(),
            arguments: Vec::new(),
            bond,
            limit: Duration::from_secs(20),
        }
    }

    /// The test's own process has more: cargo's variables.
    #[tokio::test]
    async fn a_child_is_given_no_more_of_the_environment_than_it_needs() {
        let nursery = Nursery::open().unwrap();
        for bond in [Bond::Dies, Bond::Outlives] {
            let kill = CancellationToken::new();
            let said = nursery.run(program("env", bond), &kill).await.unwrap();
            let said = String::from_utf8(said).unwrap();
            let names: Vec<_> = said
                .lines()
                .filter_map(|line| line.split('=').next())
                .collect();
            assert!(names.contains(&"PATH"), "{said}");
            let known = |name: &&str| INHERITED.contains(name) || *name == "LC_ALL";
            assert!(names.iter().all(known), "{said}");
        }
        assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
    }

    #[tokio::test]
    async fn what_is_not_there_is_named() {
        let nursery = Nursery::open().unwrap();
        for bond in [Bond::Dies, Bond::Outlives] {
            let kill = CancellationToken::new();
            let run = nursery.run(program("no-such-program", bond), &kill).await;
            let error = run.unwrap_err().to_string();
            assert!(error.contains("no-such-program"), "{error}");
        }
    }
}
