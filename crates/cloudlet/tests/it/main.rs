//! Everything that is tested through the real binary, its HTTP interface and the repository itself:
//! one program, so that it is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod cli;
mod clients;
mod crash;
mod docs;
mod durability;
mod failures;
mod life;
mod order;
mod process;
mod tidy;
mod world;
