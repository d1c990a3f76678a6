//! Everything that is tested through the real binary and its HTTP interface: one program, so that
//! it is linked once.

mod cli;
mod clients;
mod crash;
mod durability;
mod failures;
mod life;
mod order;
mod process;
mod world;
