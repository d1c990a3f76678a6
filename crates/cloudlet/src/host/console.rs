//! Which part of a console is asked for.

use std::{fmt, str::FromStr};

/// A place in a machine's console: so many bytes after the launch for a boot number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The boot number.
    pub boot: u64,
    /// Bytes.
    pub at: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.boot, self.at)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (boot, at) = text.split_once('-').ok_or(())?;
        let number = |text: &str| text.parse().map_err(|_| ());
        Ok(Self {
            boot: number(boot)?,
            at: number(at)?,
        })
    }
}

/// Which part of a console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The last lines.
    Tail(usize),
    /// What comes after a place; all, if the machine was launched anew since.
    After(Cursor),
}

/// A part of a console.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// As the guest wrote it.
    pub bytes: Vec<u8>,
    /// Where it ends.
    pub end: Cursor,
}
