//! Reading a write-ahead log back after a crash.

use seedbed_sim::{Context, File, Process, Stored};

seedbed_sim::marks! {
    // What is durable is corrupt only under a fault that no component tolerates.
    seldom HALTED_ON_A_CORRUPT_RECORD = "halted on a corrupt record",
    TORN_RECORD_DROPPED = "torn record dropped",
}

/// A durable record of a log is corrupt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged;

/// The records of a log, as [`read`] gives them. `None` if one is damaged: then the node has halted, for it may have
/// forgotten what it promised.
pub fn recover<P: Process>(ctx: &mut Context<'_, P>, file: File) -> Option<Vec<P::Record>> {
    let records = read(ctx, file);
    if records.is_err() {
        ctx.mark(HALTED_ON_A_CORRUPT_RECORD);
        ctx.halt("a durable record of the log is corrupt");
    }
    records.ok()
}

/// The records of a log up to the first that a crash tore; what stands behind it is cut off, for nobody was told of it.
///
/// # Errors
/// If a record that had been durable is damaged.
pub fn read<P: Process>(ctx: &mut Context<'_, P>, file: File) -> Result<Vec<P::Record>, Damaged> {
    let stored = ctx.read(file);
    if stored.iter().any(|record| matches!(record, Stored::Corrupt)) {
        return Err(Damaged);
    }
    let written = stored.len();
    let whole: Vec<P::Record> = stored.into_iter().map_while(Stored::good).collect();
    if whole.len() < written {
        ctx.mark(TORN_RECORD_DROPPED);
        ctx.replace(file, whole.clone());
    }
    Ok(whole)
}
