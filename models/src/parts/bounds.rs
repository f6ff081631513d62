//! Bounds on the sizes in configurations, and on the numbers in operations, which come from files too. Roles need none of
//! their own: a world has at most [`MAX_NODES`](seedbed_sim::MAX_NODES) nodes.

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

/// The greatest amount of anything: as many as a trace can have of it can be added up.
pub const MOST_AMOUNT: i64 = 1_000_000_000_000;

/// Checks that there is a thing of this number; the first of `count` has the number 0.
///
/// # Errors
/// If there is none; the error names it.
pub fn exists(name: &str, number: u16, count: u16) -> Result<(), String> {
    if number < count { Ok(()) } else { Err(format!("there is no {name} {number}; there are {count}, from 0")) }
}

/// Checks that an amount is above zero, and at most [`MOST_AMOUNT`].
///
/// # Errors
/// If it is not; the error names it.
pub fn amount(name: &str, amount: i64) -> Result<(), String> {
    if (1..=MOST_AMOUNT).contains(&amount) { Ok(()) } else { Err(format!("{name} must be 1 to {MOST_AMOUNT}")) }
}
