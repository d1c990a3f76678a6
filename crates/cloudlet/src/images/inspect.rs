//! What `qemu-img` says of a file, and whether it may become an image.
//!
//! A file that refers to others (a backing file, a data file) is refused: whoever makes a machine from
//! it would read whatever on this host it names.

use super::Format;
use crate::child::{Bond, ChildError, Nursery, Program};
use serde::Deserialize;
use std::{ffi::OsString, path::Path, time::Duration};
use tokio_util::sync::CancellationToken;

/// How long `qemu-img` may take to look at a file; a check reads all of its tables.
const LOOK_LIMIT: Duration = Duration::from_secs(300);
const GB: u64 = 1024 * 1024 * 1024;

/// What is known of a file that may become an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inspected {
    pub(super) format: Format,
    /// The smallest disk that it fits on, in GB.
    pub(super) min_disk_gb: u32,
}

/// As `qemu-img info --output=json` has it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Info {
    format: String,
    virtual_size: u64,
    #[serde(default)]
    backing_filename: Option<String>,
    #[serde(default)]
    encrypted: bool,
    #[serde(default)]
    format_specific: Option<Specific>,
}

#[derive(Deserialize)]
struct Specific {
    data: serde_json::Value,
}

/// Looks at a file; in words what is wrong with it.
pub(super) async fn inspect(nursery: &Nursery, file: &Path) -> Result<Inspected, String> {
    let info = run(nursery, &["info", "--output=json"], file).await?;
    let info: Info = serde_json::from_slice(&info)
        .map_err(|error| format!("qemu-img says of it what cannot be understood: {error}"))?;
    let inspected = judged(&info)?;
    if inspected.format == Format::Qcow2 {
        run(nursery, &["check", "-q", "-f", "qcow2"], file)
            .await
            .map_err(|text| format!("is damaged: {text}"))?;
    }
    Ok(inspected)
}

fn judged(info: &Info) -> Result<Inspected, String> {
    let format = match info.format.as_str() {
        "qcow2" => Format::Qcow2,
        "raw" => Format::Raw,
        other => {
            return Err(format!(
                "is a {other} file; qcow2 and raw are taken: qemu-img convert -O qcow2 makes one of it"
            ));
        }
    };
    let specific = info.format_specific.as_ref().map(|specific| &specific.data);
    let data_file = specific.and_then(|data| data.get("data-file"));
    if info.backing_filename.is_some() || data_file.is_some() {
        return Err(
            "refers to another file; one that stands alone is right: qemu-img convert -O qcow2 makes one of it"
                .to_owned(),
        );
    }
    if info.encrypted {
        return Err("is encrypted; one that is not is right".to_owned());
    }
    if info.virtual_size == 0 {
        return Err("is empty".to_owned());
    }
    Ok(Inspected {
        format,
        min_disk_gb: u32::try_from(info.virtual_size.div_ceil(GB)).unwrap_or(u32::MAX),
    })
}

async fn run(nursery: &Nursery, words: &[&str], file: &Path) -> Result<Vec<u8>, String> {
    let mut arguments: Vec<OsString> = words.iter().map(Into::into).collect();
    arguments.push(file.into());
    let program = Program {
        name: "qemu-img".into(),
        arguments,
        bond: Bond::Dies,
        limit: LOOK_LIMIT,
    };
    let ran = nursery.run(program, &CancellationToken::new()).await;
    ran.map_err(|error| match error {
        ChildError::Failed { text, .. } => text.lines().last().unwrap_or_default().to_owned(),
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::{Format, Info, Inspected, judged};
    use serde_json::json;

    #[test]
    fn what_stands_alone_is_taken() {
        let of = |value| judged(&serde_json::from_value::<Info>(value).unwrap());
        let gb = 1024_u64 * 1024 * 1024;
        let whole = json!({"format": "qcow2", "virtual-size": 2 * gb + 1,
            "format-specific": {"type": "qcow2", "data": {"compat": "1.1"}}});
        let right = Inspected {
            format: Format::Qcow2,
            min_disk_gb: 3,
        };
        assert_eq!(of(whole.clone()), Ok(right));
        let raw = json!({"format": "raw", "virtual-size": 5});
        assert_eq!(
            of(raw).map(|is| (is.format, is.min_disk_gb)),
            Ok((Format::Raw, 1))
        );
        for (key, value, says) in [
            ("format", json!("vmdk"), "is a vmdk file"),
            (
                "backing-filename",
                json!("/etc/passwd"),
                "refers to another file",
            ),
            ("encrypted", json!(true), "is encrypted"),
            ("virtual-size", json!(0), "is empty"),
            (
                "format-specific",
                json!({"type": "qcow2", "data": {"data-file": "/etc/passwd"}}),
                "refers to another file",
            ),
        ] {
            let mut other = whole.clone();
            other[key] = value;
            assert!(of(other).unwrap_err().starts_with(says), "{key}");
        }
    }
}
