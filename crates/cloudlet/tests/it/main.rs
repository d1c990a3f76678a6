//! Everything that is tested from outside: through HTTP, the command line, and the repository itself.

mod tidy;
