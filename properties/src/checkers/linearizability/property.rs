//! Linearizability as a property of a model.

use std::sync::Arc;

use seedbed_sim::{Broken, Model, NodeId, Op, Property, Ret, Verdict as Judgement, World};

use super::checker::{Checker, Limits};
use super::operation::{Operation, from_history};
use super::specification::Specification;
use super::verdict::Verdict;

/// Converts an operation of a model and its answer for a specification; `None` leaves it out.
type View<M, S> = dyn Fn(&Op<M>, Option<&Ret<M>>) -> Option<(<S as Specification>::Op, Option<<S as Specification>::Ret>)>
    + Send
    + Sync;

/// The property that a model's history is linearizable; made by [`linearizable`].
pub struct Linearizable<M: Model, S: Specification> {
    name: String,
    checker: Checker<S>,
    view: Arc<View<M, S>>,
}

/// The property `name` (`raft/linearizable`): the history of a model is linearizable with respect to `spec`, checked at
/// the end. `view` converts an operation of the model and its answer for the specification: without an answer, any
/// answer is right; without an operation, it is left out.
///
/// A history that cannot be decided within the limits violates the property too, with a message that says so: a result
/// that was not checked must not pass.
pub fn linearizable<M: Model, S: Specification>(
    name: impl Into<String>,
    spec: S,
    view: impl Fn(&Op<M>, Option<&Ret<M>>) -> Option<(S::Op, Option<S::Ret>)> + Send + Sync + 'static,
) -> Linearizable<M, S> {
    Linearizable { name: name.into(), checker: Checker::new(spec), view: Arc::new(view) }
}

impl<M: Model, S: Specification> Linearizable<M, S> {
    /// The same with other limits.
    pub fn limits(self, limits: Limits) -> Self {
        Linearizable { checker: self.checker.limits(limits), ..self }
    }
}

impl<M: Model, S: Specification + Clone> Clone for Linearizable<M, S> {
    fn clone(&self) -> Self {
        Linearizable { name: self.name.clone(), checker: self.checker.clone(), view: self.view.clone() }
    }
}

impl<M: Model, S: Specification> Property<M> for Linearizable<M, S> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn at_end(&mut self, world: &World<M>) -> Judgement {
        let history: Vec<Operation<S::Op, S::Ret>> = from_history(world.history(), |op, ret| (self.view)(op, ret));
        match self.checker.check(&history) {
            Verdict::Linearizable(_) => Ok(()),
            Verdict::Violation(counterexample) => {
                let client = NodeId(history[counterexample.culprit].process as u16);
                Err(Broken::new([client], counterexample.to_string()))
            }
            Verdict::Unknown(why) => Err(Broken::undecided(format!(
                "linearizability of {} operations is {why}; raise the limits, or make the workload smaller",
                history.len()
            ))),
        }
    }
}
