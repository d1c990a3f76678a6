//! What went wrong, in the tenant's words and the operator's.
//!
//! A tenant reads what happened and never a path of the host; the log has the whole.

use super::{disk::DiskError, qmp::QmpError};
use crate::child::ChildError;
use model::actor::ActionError;
use std::io::{self, ErrorKind};

/// A file of the host's could not be read or written.
pub(super) fn of_file(doing: &str, error: &io::Error) -> ActionError {
    tracing::error!("{doing}: {error}");
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => ActionError::permanent(NO_SPACE),
        ErrorKind::FileTooLarge => ActionError::permanent("The host allows no file so large."),
        ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::AlreadyExists
        | ErrorKind::PermissionDenied
        | ErrorKind::DirectoryNotEmpty => {
            ActionError::permanent(format!("Something is in the way on the host: {doing}."))
        }
        _ => ActionError::transient(format!("The host has trouble with its files: {doing}.")),
    }
}

const NO_SPACE: &str = "The host has no space left for the machine's disk.";

/// A fact could not be read or kept.
pub(super) fn of_fact(doing: &str, error: &anyhow::Error) -> ActionError {
    match error
        .chain()
        .find_map(|cause| cause.downcast_ref::<io::Error>())
    {
        Some(file) => {
            let file = io::Error::new(file.kind(), format!("{error:#}"));
            of_file(doing, &file)
        }
        None => {
            tracing::error!("{doing}: {error:#}");
            ActionError::permanent(format!("The host's records are damaged: {doing}."))
        }
    }
}

/// The disk could not be made from its image.
pub(super) fn of_disk(image: i64, error: &DiskError) -> ActionError {
    let child = match error {
        DiskError::File(error) => return of_file("making the disk", error),
        DiskError::Child(child) => child,
    };
    let text = match child {
        ChildError::Killed => return ActionError::killed(),
        ChildError::Failed { text, .. } => text,
        ChildError::NotStarted { .. } | ChildError::TooLong { .. } => {
            tracing::error!("the disk of image {image}: {child}");
            return ActionError::transient("The host could not run qemu-img.");
        }
    };
    tracing::error!("the disk of image {image}: {text}");
    // The end of its sentence is the system's own word for the cause.
    if text.contains("No space left on device") || text.contains("Disk quota exceeded") {
        return ActionError::permanent(NO_SPACE);
    }
    // QEMU's words for the same where a limit is the user's and not the file system's.
    if text.contains("File too large") || text.contains("too large for file format") {
        return ActionError::permanent("The host allows no file so large.");
    }
    if text.contains("not in qcow2 format") || text.contains("Image is") || text.contains("corrupt")
    {
        return ActionError::permanent(format!(
            "The file of image {image} is damaged: the operator has to import it again."
        ));
    }
    ActionError::permanent(format!("The disk could not be made from image {image}."))
}

/// QEMU did not start.
pub(super) fn of_start(error: &ChildError) -> ActionError {
    tracing::error!("a launch: {error}");
    match error {
        ChildError::Killed => ActionError::killed(),
        ChildError::NotStarted { .. } => ActionError::transient("The host could not run QEMU."),
        ChildError::TooLong { .. } => ActionError::transient("QEMU did not come up in time."),
        ChildError::Failed { text, .. } => {
            ActionError::permanent(format!("QEMU refused to start: {}", reason(text)))
        }
    }
}

/// The last line of what QEMU says, without its own name and without a path.
fn reason(text: &str) -> String {
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    let line = line.unwrap_or("it gave no reason");
    let line = line.strip_prefix("qemu-system-x86_64: ").unwrap_or(line);
    let words = line.split(' ').map(|word| {
        let is_path = word.matches('/').count() > 1;
        if is_path { "…" } else { word }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The monitor did not do as it was told.
pub(super) fn of_monitor(error: &QmpError) -> ActionError {
    tracing::warn!("a monitor: {error}");
    ActionError::transient(match error {
        QmpError::Gone | QmpError::Broken(_) => "The machine's process has ended.",
        QmpError::Silent => "The machine's process does not answer.",
        QmpError::Refused { .. } => "QEMU refused to run the machine.",
    })
}

#[cfg(test)]
mod tests {
    use super::reason;

    #[test]
    fn a_reason_names_no_path() {
        let text = "qemu-system-x86_64: -qmp unix:/data/host/x/qmp.sock,server=on: Failed to bind socket to /data/host/x/qmp.sock: Address already in use\n";
        let shown = reason(text);
        assert_eq!(
            shown,
            "-qmp … Failed to bind socket to … Address already in use"
        );
        assert_eq!(reason(" \n"), "it gave no reason");
    }
}
