//! A machine's serial console: the file that QEMU appends to, read in parts and kept from growing
//! without end.

use super::folder::Folder;
use crate::host::console::{Cursor, Part, Text};
use std::{
    fs::File,
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
};

/// The most that is read of a console at a time, in bytes.
const READ_LIMIT: u64 = 256 * 1024;
/// The most that is kept of a console, in bytes: a guest may write without end.
const KEPT_LIMIT: u64 = 16 * 1024 * 1024;

/// Reads a part of it.
pub(super) fn read(folder: &Folder, part: Part) -> anyhow::Result<Text> {
    let boot = folder.launched()?.map_or(0, |launched| launched.boot);
    let mut file = match File::open(folder.console()) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let end = Cursor { boot, at: 0 };
            return Ok(Text {
                bytes: Vec::new(),
                end,
            });
        }
        file => file?,
    };
    let length = file.metadata()?.len();
    let from = match part {
        Part::Tail(_) => length.saturating_sub(READ_LIMIT),
        Part::After(place) if place.boot == boot && place.at <= length => place.at,
        Part::After(_) => 0,
    };
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes)?;
    bytes.truncate(bytes.len() - begun_character(&bytes));
    let at = from + bytes.len() as u64;
    if let Part::Tail(lines) = part {
        last_lines(&mut bytes, lines);
    }
    let end = Cursor { boot, at };
    Ok(Text { bytes, end })
}

/// How many of the last bytes begin a character whose others are still to come.
fn begun_character(text: &[u8]) -> usize {
    let from = text.len().saturating_sub(3);
    let is_begun = |at: &usize| matches!(std::str::from_utf8(&text[*at..]), Err(error) if error.valid_up_to() == 0 && error.error_len().is_none());
    (from..text.len())
        .find(is_begun)
        .map_or(0, |at| text.len() - at)
}

/// Keeps the last lines of a text; one that is not ended yet is a line.
fn last_lines(text: &mut Vec<u8>, lines: usize) {
    let body = text.strip_suffix(b"\n").unwrap_or(text);
    let mut ends = body
        .iter()
        .enumerate()
        .rev()
        .filter(|(_, byte)| **byte == b'\n');
    let from = match lines.checked_sub(1) {
        None => text.len(),
        Some(before) => ends.nth(before).map_or(0, |(at, _)| at + 1),
    };
    text.drain(..from);
}

/// Empties it if it has grown too large. QEMU goes on at its new end, since it appends.
pub(super) fn cut(folder: &Folder) -> io::Result<()> {
    let console = folder.console();
    if !console.exists() || console.metadata()?.len() <= KEPT_LIMIT {
        return Ok(());
    }
    let mut file = File::options().append(true).open(console)?;
    file.set_len(0)?;
    file.write_all(b"[cloudlet: what stood here was too long and is gone]\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::qemu::folder::{Folders, Launched};
    use api::ResourceId;
    use uuid::Uuid;

    #[test]
    fn a_character_is_read_once_it_is_whole() {
        let whole = "é€😀";
        for (text, begun) in [
            (whole.as_bytes(), 0),
            (&whole.as_bytes()[..1], 1),
            (&whole.as_bytes()[..4], 2),
            (&whole.as_bytes()[..8], 3),
            (b"a\xff", 0),
            (b"\xe2\x82a", 0),
            (b"", 0),
        ] {
            assert_eq!(begun_character(text), begun, "{text:?}");
        }
    }

    #[test]
    fn the_last_lines_are_the_last_lines() {
        for (text, lines, kept) in [
            ("a\nb\nc\n", 2, "b\nc\n"),
            ("a\nb\nc", 2, "b\nc"),
            ("a\nb\nc\n", 9, "a\nb\nc\n"),
            ("a\nb\n", 0, ""),
            ("\n\n", 1, "\n"),
            ("", 3, ""),
        ] {
            let mut text = text.as_bytes().to_vec();
            last_lines(&mut text, lines);
            assert_eq!(String::from_utf8(text).unwrap(), kept);
        }
    }

    #[test]
    fn a_console_is_followed_over_a_new_launch_and_never_grows_without_end() {
        let data = tempfile::tempdir().unwrap();
        let folder = Folders::open(data.path())
            .unwrap()
            .of(ResourceId(Uuid::from_u128(1)));
        let launch = |boot| {
            let host_boot = String::new();
            folder.keep_launched(&Launched { boot, host_boot }).unwrap();
        };
        launch(1);
        let nothing = read(&folder, Part::Tail(5)).unwrap();
        assert_eq!((nothing.bytes.len(), nothing.end.at), (0, 0));
        std::fs::write(folder.console(), "one\ntwo\n").unwrap();
        let text = read(&folder, Part::After(nothing.end)).unwrap();
        assert_eq!(text.bytes, b"one\ntwo\n");
        assert_eq!(read(&folder, Part::After(text.end)).unwrap().bytes, b"");
        launch(2);
        std::fs::write(folder.console(), "another\nmachine's\n").unwrap();
        let anew = read(&folder, Part::After(text.end)).unwrap();
        assert_eq!(anew.bytes, b"another\nmachine's\n");
        let file = File::options().append(true).open(folder.console()).unwrap();
        file.set_len(KEPT_LIMIT + 1).unwrap();
        cut(&folder).unwrap();
        let left = read(&folder, Part::After(anew.end)).unwrap();
        assert!(left.bytes.len() < 100);
    }
}
