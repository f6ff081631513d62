//! `seedbed compare`: the models of a family beside each other, on the same workload and under the same faults.

mod messaging;
mod transactions;

use clap::ValueEnum;

use crate::commands::Ended;
use crate::commands::sweep::parse_seeds;
use crate::signals;

/// The families that can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Family {
    /// Orders from shops to a group of consumers.
    Messaging,
    /// Transfers between accounts on several nodes.
    Transactions,
}

/// Measures all models of a family, and prints the table.
///
/// # Errors
/// If the seeds are not a range, or a model cannot be run.
pub fn compare(family: Family, seeds: &str, as_json: bool) -> anyhow::Result<Ended> {
    let seeds = parse_seeds(seeds)?;
    signals::handle();
    match family {
        Family::Messaging => messaging::compare(seeds, as_json),
        Family::Transactions => transactions::compare(seeds, as_json),
    }
}
