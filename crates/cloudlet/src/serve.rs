//! The server. Not built yet.

/// Runs the server until it is told to end.
///
/// # Errors
/// Always, for now.
pub fn run(config: crate::config::Config) -> anyhow::Result<()> {
    drop(config);
    anyhow::bail!("not built yet")
}
