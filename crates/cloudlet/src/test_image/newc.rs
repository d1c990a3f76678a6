//! The archive that the kernel unpacks as its first files: cpio's `newc` form, whose whole is a header
//! of hexadecimal numbers, a name and the content, each padded to four bytes (kernel's
//! `buffer-format.rst`). Written here since device files in it need no root that way.

/// An archive that grows.
#[derive(Default)]
pub(super) struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

/// What an entry is, with its permissions: the bits of `st_mode`.
const FOLDER: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const CHARACTER_DEVICE: u32 = 0o020_600;

impl Archive {
    pub(super) fn folder(&mut self, name: &str) {
        self.entry(name, FOLDER, (0, 0), &[]);
    }

    pub(super) fn program(&mut self, name: &str, content: &[u8]) {
        self.entry(name, PROGRAM, (0, 0), content);
    }

    pub(super) fn character_device(&mut self, name: &str, number: (u32, u32)) {
        self.entry(name, CHARACTER_DEVICE, number, &[]);
    }

    /// The whole.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, (major, minor): (u32, u32), content: &[u8]) {
        self.entries += 1;
        let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (links, owner, time, device, check) = (1, 0, 0, 0, 0);
        let fields = [
            self.entries,
            mode,
            owner,
            owner,
            links,
            time,
            size(content.len()),
            device,
            device,
            major,
            minor,
            size(name.len() + 1),
            check,
        ];
        self.bytes.extend(b"070701");
        for field in fields {
            self.bytes.extend(format!("{field:08x}").bytes());
        }
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn an_archive_is_as_cpio_has_it() {
        let mut archive = Archive::default();
        archive.folder("bin");
        archive.program("init", b"hello");
        archive.character_device("console", (5, 1));
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        let header = |at: usize| {
            std::str::from_utf8(&bytes[at..at + 110])
                .unwrap()
                .to_owned()
        };
        assert!(
            header(0).starts_with("07070100000001000041ed"),
            "{}",
            header(0)
        );
        // A header of 110 bytes, `bin` and its zero, padded.
        let second = 116;
        assert!(header(second).starts_with("07070100000002000081ed"));
        assert_eq!(&bytes[second + 110..second + 115], b"init\0");
        assert_eq!(&bytes[second + 116..second + 121], b"hello");
        assert!(bytes.windows(10).any(|part| part == b"TRAILER!!!"));
    }
}
