//! The whole server through HTTP, on the simulator.

mod bad_input;
mod cloud;
mod enumerate;
mod openapi;
mod raw;
