//! Operations: what a checker of histories reads.

use seedbed_sim::{History, Outcome};

/// One operation of a history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation<O, R> {
    /// Who asked. One process may have several operations open; it matters only where it invokes one at the very instant
    /// at which its last one returned: then the one is after the other (and those invoked together are in the order of
    /// the list).
    pub process: u64,
    /// What was asked.
    pub op: O,
    /// When it was invoked, in any unit.
    pub invoked: u64,
    /// When it returned; nothing: it never did, so it may take effect at any later time, or never.
    pub returned: Option<u64>,
    /// What it returned; nothing: nobody knows, so any answer will do.
    pub ret: Option<R>,
}

impl<O, R> Operation<O, R> {
    /// An operation that returned. Operations of different processes that touch at one instant count as concurrent.
    pub fn completed(process: u64, op: O, invoked: u64, returned: u64, ret: R) -> Self {
        assert!(invoked <= returned, "an operation returns after its invocation: {invoked} > {returned}");
        Operation { process, op, invoked, returned: Some(returned), ret: Some(ret) }
    }

    /// An operation that never returned.
    pub fn pending(process: u64, op: O, invoked: u64) -> Self {
        Operation { process, op, invoked, returned: None, ret: None }
    }
}

/// The operations of a recorded history. Those that certainly failed never happened, those whose end is unknown are
/// pending. `view` says what an operation and its answer are to the specification; nothing: not its business.
pub fn from_history<O, R, SO, SR>(
    history: &History<O, R>,
    view: impl Fn(&O, Option<&R>) -> Option<(SO, Option<SR>)>,
) -> Vec<Operation<SO, SR>> {
    let judged =
        history.invocations().iter().filter(|invocation| !matches!(invocation.outcome, Outcome::Failed { .. }));
    judged
        .filter_map(|invocation| {
            let (op, ret) = view(&invocation.op, invocation.returned())?;
            let returned = invocation.ended().map(|at| at.0);
            let ret = ret.filter(|_| returned.is_some());
            Some(Operation { process: invocation.client.0.into(), op, invoked: invocation.invoked.0, returned, ret })
        })
        .collect()
}
