//! Raw flags, environment and file made into one validated configuration.
