//! Every rule of Cloudlet, as plain functions from facts to decisions.
//!
//! Read alone, this crate is the specification: what a request is accepted for ([`ops`]), what a
//! job becomes ([`job`]), what a host is told ([`spec`]), how it gets there ([`plan`], [`actor`])
//! and what follows from what it reports ([`course`]). Nothing here does I/O, knows a clock, or
//! speaks SQL or HTTP; the manifest proves it. Time and new ids are passed in ([`facts::Context`]).

#![forbid(unsafe_code)]

pub mod ability;
pub mod accept;
pub mod actor;
pub mod back;
pub mod catalogue;
pub mod claim;
pub mod course;
pub mod estimate;
pub mod facts;
pub mod job;
#[cfg(test)]
mod lab;
pub mod limits;
pub mod lines;
pub mod memory;
pub mod name;
pub mod observed;
pub mod operation;
pub mod ops;
pub mod plan;
pub mod render;
pub mod report;
pub mod resource;
pub mod secret;
pub mod spec;
pub mod team;
pub mod turn;
pub mod verify;
pub mod wish;
pub mod writes;

pub use ability::{Ability, DriverAbilities};
pub use facts::{Context, Facts, Refusal};
pub use job::{Job, JobState};
pub use observed::{MachineObserved, Observed};
pub use operation::Operation;
pub use report::{Assignment, Report, ReportState, Told};
pub use resource::{Kind, Resource};
pub use spec::{MachineSpec, Spec};
pub use wish::Wish;
pub use writes::Write;
