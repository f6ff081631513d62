//! Bounds on the sizes in configurations, which come from files too. Roles need none of their own: a world has at most
//! [`MAX_NODES`](seedbed_sim::MAX_NODES) nodes.

/// The most accounts, rows or blocks that a component keeps. Properties look at all of them, often.
pub const MOST_KEYS: u64 = 1_000;
/// The most items that are sent, allocated or buffered at a time.
pub const MOST_AT_A_TIME: u64 = 10_000;

/// Checks that a size is at most `most`.
///
/// # Errors
/// If it is more; the error names it.
pub fn at_most(name: &str, size: impl TryInto<u64>, most: u64) -> Result<(), String> {
    match size.try_into() {
        Ok(size) if size <= most => Ok(()),
        _ => Err(format!("{name} must be at most {most}")),
    }
}
