//! A judge of node states: after each event it gets the facts that the states of the changed nodes show.

use std::sync::Arc;

use seedbed_sim::{Model, NodeId, Property, Verdict, World};

use super::{Id, Judge};

type View<M, V> = dyn Fn(&World<M>, NodeId) -> Option<Vec<V>> + Send + Sync;
type Obliged<M> = dyn Fn(&World<M>, NodeId) -> bool + Send + Sync;

/// A judge bound to the states of a model's nodes; made by [`facts`].
pub struct Facts<M: Model, J: Judge> {
    name: String,
    judge: J,
    view: Arc<View<M, J::Event>>,
    obliged: Arc<Obliged<M>>,
}

/// The property `name`: `judge` refuses nothing in the facts that nodes' states show.
///
/// `view` returns the present facts of a node, from its disk or its process, as events of the judge; `None` if nothing
/// is visible now, so that earlier facts remain. It is called for each node that may have changed, so facts are
/// repeated many times, and the judge must ignore repetitions; the judges of this crate that do so document it.
///
/// ```
/// use seedbed_properties::checkers::conservation::{Conservation, Event};
/// use seedbed_properties::checkers::judge::facts;
/// # use seedbed_sim::{NodeId, World, doc::PingPong};
/// # fn balance(_: &World<PingPong>, _: NodeId) -> Option<i128> { Some(0) }
/// let money = facts("bank/conserved", Conservation::new([NodeId(0), NodeId(1)]), |world: &World<PingPong>, node| {
///     Some([Event::Holds { at: node, of: "money", amount: balance(world, node)? }])
/// });
/// ```
pub fn facts<M: Model, J: Judge, I: IntoIterator<Item = J::Event>>(
    name: impl Into<String>,
    judge: J,
    view: impl Fn(&World<M>, NodeId) -> Option<I> + Send + Sync + 'static,
) -> Facts<M, J> {
    Facts {
        name: name.into(),
        judge,
        view: Arc::new(move |world, node| view(world, node).map(|events| events.into_iter().collect())),
        obliged: Arc::new(|world, node| world.process(node).is_some()),
    }
}

impl<M: Model, J: Judge> Facts<M, J> {
    /// Sets the correct processes, which must meet obligations at the end; by default the nodes that are up.
    pub fn obliging(self, obliged: impl Fn(&World<M>, NodeId) -> bool + Send + Sync + 'static) -> Self {
        Facts { obliged: Arc::new(obliged), ..self }
    }

    fn look(&mut self, world: &World<M>, node: NodeId) -> Verdict {
        for event in (self.view)(world, node).unwrap_or_default() {
            self.judge.observe(event)?;
        }
        Ok(())
    }
}

impl<M: Model, J: Judge + Clone> Clone for Facts<M, J> {
    fn clone(&self) -> Self {
        Facts {
            name: self.name.clone(),
            judge: self.judge.clone(),
            view: self.view.clone(),
            obliged: self.obliged.clone(),
        }
    }
}

impl<M: Model, J: Judge> Property<M> for Facts<M, J> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn is_liveness(&self) -> bool {
        self.judge.is_liveness()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        if world.changed().is_empty() {
            return Ok(());
        }
        world.changed().iter().try_for_each(|node| self.look(world, *node))?;
        Ok(self.judge.instant()?)
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        world.present().try_for_each(|node| self.look(world, node))?;
        let Facts { judge, obliged, .. } = self;
        judge.instant()?;
        Ok(judge.finish(&|who| who.node().is_none_or(|node| obliged(world, node)))?)
    }
}
