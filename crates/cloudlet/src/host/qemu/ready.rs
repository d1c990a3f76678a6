//! Waiting for a guest: its process runs, its console has begun to speak, it has said that it is
//! ready in the way that its image says. What was seen is kept, for nobody can see it a second time.

use super::{
    Qemu,
    fault::{of_fact, of_monitor},
    folder::Folder,
    launch::{self},
    qmp::Qmp,
};
use crate::{host::driver::Work, images::Readiness};
use api::JobErrorCode;
use model::{actor::ActionError, job::JobError};
use serde_json::json;
use std::{
    io::SeekFrom,
    path::Path,
    time::{Duration, Instant},
};
use tokio::{
    fs::File,
    io::{
        AsyncBufReadExt as _, AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, BufReader,
    },
    net::UnixStream,
    time::timeout,
};

/// How often a guest is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);
/// How long a guest's agent may take to answer.
const AGENT_LIMIT: Duration = Duration::from_secs(2);
/// The most that an agent's answer is read of, in bytes: what writes there is the tenant's.
const AGENT_ANSWER_LIMIT: u64 = 64 * 1024;
/// How much of the console is kept in mind between two looks, in bytes: the words may come in two parts.
const OVERLAP: usize = 4096;

/// Waits until the guest of this boot is ready.
pub(super) async fn wait(qemu: &Qemu, work: &Work, boot: u64) -> Result<(), ActionError> {
    let folder = qemu.folders.of(work.resource);
    let process = launch::running(&folder, work.resource)?;
    let readiness = qemu.readiness(&folder)?;
    let limit = qemu.boot_limit().await;
    let seen = tokio::select! {
        biased;
        () = work.kill.cancelled() => return Err(ActionError::killed()),
        seen = timeout(limit, see(work, &folder, &readiness)) => seen,
        Ok(()) = process.ended() => return Err(launch::gone(&folder)),
    };
    match seen {
        Ok(seen) => seen?,
        Err(_) => return Err(too_late(&readiness, limit)),
    }
    let kept = folder.on_disk(move |folder| folder.keep_ready(boot));
    kept.await
        .map_err(|error| of_fact("recording that the guest is ready", &error))
}

fn too_late(readiness: &Readiness, limit: Duration) -> ActionError {
    let sign = match readiness {
        Readiness::Console(words) => format!("did not say '{words}' on its console"),
        Readiness::Agent => "did not answer through its guest agent".to_owned(),
        Readiness::None => "did not run".to_owned(),
    };
    let text = format!("The guest {sign} within {} s.", limit.as_secs());
    ActionError {
        error: JobError::new(JobErrorCode::Stalled, text),
        permanent: true,
    }
}

async fn see(work: &Work, folder: &Folder, readiness: &Readiness) -> Result<(), ActionError> {
    let mut qmp = Qmp::connect(&folder.monitor())
        .await
        .map_err(|error| of_monitor(&error))?;
    let status = qmp
        .execute("query-status", json!({}))
        .await
        .map_err(|error| of_monitor(&error))?;
    drop(qmp);
    if status["running"] != true {
        let status = status["status"].as_str().unwrap_or("unknown");
        return Err(ActionError::transient(format!(
            "The machine is not running: {status}."
        )));
    }
    (work.progress)(50);
    match readiness {
        Readiness::None => Ok(()),
        Readiness::Console(words) => see_on_console(work, &folder.console(), words).await,
        Readiness::Agent => see_through_agent(&folder.agent()).await,
    }
}

async fn see_on_console(work: &Work, console: &Path, words: &str) -> Result<(), ActionError> {
    let mut kept = Vec::new();
    let mut read: u64 = 0;
    let mut has_begun = false;
    loop {
        // Mostly nothing is new. To ask that alone takes microseconds and no other thread, which would
        // take the guest's processor from it fifty times a second.
        if std::fs::metadata(console).is_ok_and(|file| file.len() == read) {
            tokio::time::sleep(LOOK_INTERVAL).await;
            continue;
        }
        let (from, new) = read_from(console, read).await.map_err(|error| {
            tracing::error!("the console {}: {error}", console.display());
            ActionError::permanent("The host cannot read the guest's console.")
        })?;
        if !has_begun && !new.is_empty() {
            has_begun = true;
            (work.progress)(300);
        }
        read = from + new.len() as u64;
        kept.extend(new);
        if contains(&kept, words.as_bytes()) {
            return Ok(());
        }
        kept.drain(..kept.len().saturating_sub(OVERLAP));
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// What was written since, and where that begins: at the beginning again if the console was cut.
async fn read_from(console: &Path, at: u64) -> std::io::Result<(u64, Vec<u8>)> {
    let mut file = match File::open(console).await {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((0, Vec::new())),
        file => file?,
    };
    let at = if file.metadata().await?.len() < at {
        0
    } else {
        at
    };
    file.seek(SeekFrom::Start(at)).await?;
    let mut new = Vec::new();
    file.take(1024 * 1024).read_to_end(&mut new).await?;
    Ok((at, new))
}

fn contains(text: &[u8], words: &[u8]) -> bool {
    text.windows(words.len().max(1)).any(|part| part == words)
}

async fn see_through_agent(socket: &Path) -> Result<(), ActionError> {
    let begun = Instant::now();
    loop {
        let id = begun.elapsed().as_millis();
        if let Ok(Ok(())) = timeout(AGENT_LIMIT, greet_agent(socket, id)).await {
            return Ok(());
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// What was said to an agent that was not there yet may be answered late: the number tells.
async fn greet_agent(socket: &Path, id: u128) -> std::io::Result<()> {
    let mut stream = UnixStream::connect(socket).await?;
    let (answers, mut asking) = stream.split();
    let mut answers = BufReader::new(answers.take(AGENT_ANSWER_LIMIT));
    let id = json!(u64::try_from(id).unwrap_or(0));
    let request = json!({"execute": "guest-sync", "arguments": {"id": id}});
    asking.write_all(format!("{request}\n").as_bytes()).await?;
    loop {
        let mut line = Vec::new();
        if answers.read_until(b'\n', &mut line).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        let answer: serde_json::Value = serde_json::from_slice(&line).unwrap_or_default();
        if answer["return"] == id {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::UnixListener;

    #[test]
    fn words_are_found_wherever_they_stand() {
        assert!(contains(b"\r\nit is ready after 2 s", b"ready after"));
        assert!(!contains(b"it is read", b"ready"));
        assert!(!contains(b"", b"ready"));
    }

    #[tokio::test]
    async fn a_console_that_was_cut_is_read_from_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let console = folder.path().join("console.log");
        assert_eq!(read_from(&console, 0).await.unwrap(), (0, Vec::new()));
        std::fs::write(&console, "a long line").unwrap();
        assert_eq!(read_from(&console, 7).await.unwrap(), (7, b"line".to_vec()));
        std::fs::write(&console, "cut").unwrap();
        assert_eq!(read_from(&console, 11).await.unwrap(), (0, b"cut".to_vec()));
    }

    /// What is written there is the tenant's: it may never end.
    #[tokio::test]
    async fn an_agent_that_floods_is_read_no_further_than_an_answer() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qga.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let flood = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut written: u64 = 0;
            // It ends because nobody reads on: the other side hangs up.
            while let Ok(count) = stream.write(&[b'x'; 4096]).await {
                written += count as u64;
            }
            written
        };
        let greeted = async {
            let greeted = greet_agent(&socket, 1).await;
            greeted.unwrap_err().kind()
        };
        let (kind, written) = tokio::join!(greeted, flood);
        assert_eq!(kind, std::io::ErrorKind::UnexpectedEof);
        assert!(written < 16 * AGENT_ANSWER_LIMIT, "{written}");
    }

    /// An agent that comes up late, and answers first what it was asked before.
    #[tokio::test]
    async fn an_agent_is_there_once_it_answers_what_it_was_asked() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("qga.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let agent = async {
            drop(listener.accept().await.unwrap());
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut asked = String::new();
            stream.read_line(&mut asked).await.unwrap();
            let asked: serde_json::Value = serde_json::from_str(&asked).unwrap();
            assert_eq!(asked["execute"], "guest-sync");
            let id = &asked["arguments"]["id"];
            let answers = format!("{{\"return\":-1}}\n{{\"return\":{id}}}\n");
            stream
                .get_mut()
                .write_all(answers.as_bytes())
                .await
                .unwrap();
            stream
        };
        let (seen, _stream) = tokio::join!(see_through_agent(&socket), agent);
        assert_eq!(seen, Ok(()));
    }
}
