//! Everything of Cloudlet that touches the world: HTTP, store, engine, hosts and the command line.

#![forbid(unsafe_code)]

pub mod child;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod faults;
pub mod host;
pub mod http;
pub mod images;
pub mod keys;
pub mod places;
pub mod profile;
pub mod secrets;
pub mod serve;
pub mod ssh_keys;
pub mod store;
pub mod supply;
pub mod test_image;
mod values;
