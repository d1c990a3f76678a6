//! The driver qemu, with real QEMU and real guests: one test at a time, with two guests at most.
//!
//! Where QEMU cannot be had each of these says so on stderr, in a line that begins with SKIPPED.

mod agent;
mod by_hand;
mod crash;
mod damage;
mod doctor;
mod failures;
mod host;
mod images;
mod life;
mod overhead;
mod refused;
mod story;
mod watched;
