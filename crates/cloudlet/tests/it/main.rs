//! Everything that is tested through the real binary, its HTTP interface and the repository itself:
//! one program, so that it is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agree;
mod bad_input;
mod cli;
mod clients;
mod cloud;
mod crash;
mod docs;
mod durability;
mod enumerate;
mod estimates;
mod failures;
mod first_start;
mod gpu;
mod hosts;
mod idempotency;
mod idempotency_jobless;
mod interfaces;
mod job_wait;
mod jobs;
mod keys;
mod leftovers;
mod life;
mod lists;
mod networks;
mod openapi;
mod operator;
mod order;
mod places;
mod process;
mod proofs;
mod qemu;
mod rates;
mod raw;
mod request_faults;
mod resize;
mod retention;
mod schemathesis;
mod secrets;
mod ssh_keys;
mod teams;
mod terraform;
mod tidy;
mod volumes;
mod world;
