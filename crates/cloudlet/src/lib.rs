//! Everything of Cloudlet that touches the world: HTTP, store, engine, hosts and the command line.

pub mod cli;
pub mod config;
pub mod profile;
pub mod serve;
