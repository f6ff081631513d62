//! The operations of histories that checkers read.

use seedbed_sim::{History, Outcome};

/// One operation of a history.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Operation<O, R> {
    /// The process that invoked it. It may have several open operations. Processes matter only if one invokes an
    /// operation at the instant at which its last one returned: the new one is then after that (and operations invoked
    /// together are in the order of the list).
    pub process: u64,
    /// With its arguments.
    pub op: O,
    /// The time of its invocation, in any unit.
    pub invoked: u64,
    /// The time of its return; `None` if it never returned, so that it may take effect at any later time, or never.
    pub returned: Option<u64>,
    /// Its answer; `None` if it is not known, so that any answer is right.
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

/// The operations of a recorded history. Failed ones are left out, those of unknown outcome are pending. `view`
/// converts an operation and its answer for the specification; `None` leaves it out.
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
