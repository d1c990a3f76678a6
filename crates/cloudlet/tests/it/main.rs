//! Everything that is tested from outside: through HTTP, the command line, and the repository itself.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod docs;
mod tidy;
