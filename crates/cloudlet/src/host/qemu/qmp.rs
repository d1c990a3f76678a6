//! QEMU's machine protocol on a UNIX socket: one connection, one command at a time.
//!
//! QEMU serves one client at a time, so a connection is short: whoever needs one opens it, asks and
//! lets go. Every wait has a limit, since a process that is stopped keeps its socket open and says
//! nothing. Answers are told from events by their id. It knows nothing of machines.

use serde_json::{Value, json};
use std::{io, path::Path, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::UnixStream,
    time::timeout,
};

/// How long QEMU may take to greet and to answer a command. Under emulation and load it was seen to
/// take 50 ms.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(5);
/// The longest line that is taken for an answer, in bytes.
const LINE_LIMIT: u64 = 1024 * 1024;

/// A connection that has been greeted.
pub(super) struct Qmp {
    stream: BufReader<UnixStream>,
    last_id: u64,
}

/// Why QEMU did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub(super) enum QmpError {
    /// Nobody listens there.
    #[error("nothing listens on its monitor")]
    Gone,
    /// It is connected and says nothing.
    #[error("its monitor does not answer")]
    Silent,
    /// It was connected and hung up, or says what no monitor says.
    #[error("its monitor broke off: {0}")]
    Broken(String),
    /// It has refused the command.
    #[error("QEMU refused {command}: {text}")]
    Refused {
        /// The command.
        command: String,
        /// In QEMU's words.
        text: String,
    },
}

impl Qmp {
    /// Connects and waits for the greeting.
    pub(super) async fn connect(socket: &Path) -> Result<Self, QmpError> {
        match timeout(ANSWER_LIMIT, Self::greeted(socket)).await {
            Ok(connected) => connected,
            Err(_) => Err(QmpError::Silent),
        }
    }

    async fn greeted(socket: &Path) -> Result<Self, QmpError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => QmpError::Gone,
                _ => broken(error),
            })?;
        let mut qmp = Self {
            stream: BufReader::new(stream),
            last_id: 0,
        };
        let greeting = qmp.line().await?;
        if greeting.get("QMP").is_none() {
            return Err(broken("it does not greet"));
        }
        qmp.ask("qmp_capabilities", json!({})).await?;
        Ok(qmp)
    }

    /// Has a command done; its answer.
    pub(super) async fn execute(
        &mut self,
        command: &str,
        arguments: Value,
    ) -> Result<Value, QmpError> {
        match timeout(ANSWER_LIMIT, self.ask(command, arguments)).await {
            Ok(answer) => answer,
            Err(_) => Err(QmpError::Silent),
        }
    }

    async fn ask(&mut self, command: &str, arguments: Value) -> Result<Value, QmpError> {
        self.last_id += 1;
        let id = self.last_id;
        let request = json!({"execute": command, "arguments": arguments, "id": id});
        let request = format!("{request}\n");
        let socket = self.stream.get_mut();
        socket.write_all(request.as_bytes()).await.map_err(broken)?;
        loop {
            let mut line = self.line().await?;
            // Events come between a command and its answer.
            if line.get("id") != Some(&json!(id)) {
                continue;
            }
            if let Some(text) = line.pointer("/error/desc") {
                let text = text.as_str().unwrap_or("no reason given").to_owned();
                let command = command.to_owned();
                return Err(QmpError::Refused { command, text });
            }
            return Ok(line["return"].take());
        }
    }

    async fn line(&mut self) -> Result<Value, QmpError> {
        use tokio::io::AsyncReadExt as _;
        let mut line = Vec::new();
        let mut limited = (&mut self.stream).take(LINE_LIMIT);
        let read = limited.read_until(b'\n', &mut line).await.map_err(broken)?;
        if read == 0 {
            return Err(broken("it hung up"));
        }
        serde_json::from_slice(&line).map_err(broken)
    }
}

fn broken(error: impl ToString) -> QmpError {
    QmpError::Broken(error.to_string())
}
