//! The histories of worlds as recorded histories.

use seedbed_sim::{History, Invocation, Op, Outcome, Ret, Time};
use serde_json::Value;

use super::object::Model;
use super::recorded::{Call, Ended, FailedCas, Kind, NullRead, Operations, Place};

/// An operation of a model and its answer, in a recorded history.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// A function of the object, as in [`super::object`].
    pub function: &'static str,
    /// The argument.
    pub asked: Value,
    /// The answer, if there was one; an error if the operation was refused, such as a compare-and-set that found
    /// another value.
    pub answered: Option<Result<Value, ()>>,
}

/// Converts operations of a model; `None` leaves one out.
pub type View<M> = fn(&Op<M>, Option<&Ret<M>>) -> Option<Seen>;

/// The history of a run of a model as operations on an object. Times are nanoseconds.
pub fn operations<O, R>(
    object: Model,
    history: &History<O, R>,
    view: impl Fn(&O, Option<&R>) -> Option<Seen>,
) -> Operations {
    // A failed operation never happened, and did not even see the value.
    let happened = |invocation: &Invocation<O, R>| !matches!(invocation.outcome, Outcome::Failed { .. });
    let invocations = history.invocations().iter().enumerate().filter(|(_, invocation)| happened(invocation));
    let calls = invocations.filter_map(|(n, invocation)| {
        let Seen { function, asked, answered } = view(&invocation.op, invocation.returned())?;
        let place = Place { line: 1, event: Some(n + 1) };
        let ended = |at: Time, kind, value| Some(Ended { at: at.0, kind, value, place });
        let ended = match (&invocation.outcome, answered) {
            (Outcome::Returned { at, .. }, Some(Ok(value))) => ended(*at, Kind::Ok, value),
            (Outcome::Returned { at, .. }, Some(Err(()))) => ended(*at, Kind::Fail, Value::Null),
            (Outcome::Returned { at, .. }, None) => ended(*at, Kind::Ok, Value::Null),
            (Outcome::Failed { .. } | Outcome::Unknown, _) => None,
        };
        let (process, invoked) = (invocation.client.0.into(), invocation.invoked.0);
        Some(Call { process, function: function.into(), asked, invoked, place, ended, is_final: false })
    });
    Operations {
        model: Some(object),
        init: None,
        failed_cas: Some(FailedCas::Definite),
        null_read: Some(NullRead::Absent),
        unit: "ns",
        completions_only: false,
        calls: calls.collect(),
    }
}
