//! Linearizability as a property of a model.

use std::sync::Arc;

use seedbed_sim::{Broken, Model, NodeId, Op, Property, Ret, Verdict as Judgement, World};

use super::checker::{Checker, Limits};
use super::operation::{Operation, from_history};
use super::specification::Specification;
use super::verdict::Verdict;

/// What an operation of a model, and its answer, are to a specification; nothing: not its business.
type View<M, S> = dyn Fn(&Op<M>, Option<&Ret<M>>) -> Option<(<S as Specification>::Op, Option<<S as Specification>::Ret>)>
    + Send
    + Sync;

/// The property that a model's history is linearizable; made by [`linearizable`].
pub struct Linearizable<M: Model, S: Specification> {
    name: String,
    checker: Checker<S>,
    view: Arc<View<M, S>>,
}

/// The property, called `name` (`raft/linearizable`), that the history of a model is linearizable with respect to `spec`,
/// judged at the end. `view` says what an operation of the model is to the specification, and what its answer is: an
/// answer of nothing is any answer; a view of nothing leaves the operation out.
///
/// A history that cannot be decided within the limits breaks the property too, and says so: what was not checked must
/// not look green.
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
            Verdict::Unknown(why) => Err(Broken::from(format!(
                "linearizability of {} operations is {why}; raise the limits, or make the workload smaller",
                history.len()
            ))),
        }
    }
}
