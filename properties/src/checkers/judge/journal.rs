//! A judge of what nodes do: each node keeps a journal, and new entries are read after each event.

use std::sync::Arc;

use seedbed_sim::{Model, NodeId, Property, Verdict, World};

use super::{Id, Judge, NewEntries};

type Place<M, E> = dyn for<'w> Fn(&'w World<M>, NodeId) -> &'w [E] + Send + Sync;
type Read<M, E, V> = dyn Fn(&World<M>, NodeId, &E, &mut Vec<V>) + Send + Sync;
type Obliged<M> = dyn Fn(&World<M>, NodeId) -> bool + Send + Sync;

/// A judge bound to the journals of a model's nodes; made by [`journal`].
pub struct Journal<M: Model, J: Judge, E> {
    name: String,
    judge: J,
    place: Arc<Place<M, E>>,
    read: Arc<Read<M, E, J::Event>>,
    obliged: Arc<Obliged<M>>,
    new_entries: NewEntries,
}

/// The property, called `name`, that `judge` refuses nothing of what stands in the nodes' journals.
///
/// A journal is a list of what a node did in *this life*, in order, that only grows; `place` says where a node has it
/// (an empty list while the node is down). After each event the new entries of the nodes that may have changed are read,
/// so each entry is looked at once, and what a crash destroys has been seen. `read` says what an entry is to the judge:
/// no event, one, or several.
///
/// ```
/// use seedbed_properties::checkers::delivery::{AtMostOnce, Event};
/// use seedbed_properties::checkers::judge::journal;
/// # use seedbed_sim::{NodeId, World, doc::PingPong};
/// # struct Letter(u64);
/// # fn letters(_: &World<PingPong>, _: NodeId) -> &[Letter] { &[] }
/// # let property: seedbed_properties::checkers::judge::Journal<PingPong, AtMostOnce<NodeId, u64>, Letter> =
/// journal("post/at_most_once", AtMostOnce::default(), letters, |_, node, letter| {
///     Some(Event::Delivered { at: node, message: letter.0 })
/// });
/// ```
pub fn journal<M: Model, J: Judge, E, I: IntoIterator<Item = J::Event>>(
    name: impl Into<String>,
    judge: J,
    place: impl for<'w> Fn(&'w World<M>, NodeId) -> &'w [E] + Send + Sync + 'static,
    read: impl Fn(&World<M>, NodeId, &E) -> I + Send + Sync + 'static,
) -> Journal<M, J, E> {
    Journal {
        name: name.into(),
        judge,
        place: Arc::new(place),
        read: Arc::new(move |world, node, entry, events| events.extend(read(world, node, entry))),
        obliged: Arc::new(|world, node| world.process(node).is_some()),
        new_entries: NewEntries::default(),
    }
}

impl<M: Model, J: Judge, E> Journal<M, J, E> {
    /// Who must have done in the end what has to be done; otherwise those nodes that are up.
    pub fn obliging(self, obliged: impl Fn(&World<M>, NodeId) -> bool + Send + Sync + 'static) -> Self {
        Journal { obliged: Arc::new(obliged), ..self }
    }

    fn look(&mut self, world: &World<M>, node: NodeId) -> Verdict {
        let mut events = Vec::new();
        for entry in self.new_entries.of(world, node, (self.place)(world, node))? {
            (self.read)(world, node, entry, &mut events);
        }
        if events.is_empty() {
            return Ok(());
        }
        for event in events {
            self.judge.observe(event)?;
        }
        Ok(self.judge.instant()?)
    }
}

impl<M: Model, J: Judge + Clone, E> Clone for Journal<M, J, E> {
    fn clone(&self) -> Self {
        Journal {
            name: self.name.clone(),
            judge: self.judge.clone(),
            place: self.place.clone(),
            read: self.read.clone(),
            obliged: self.obliged.clone(),
            new_entries: self.new_entries.clone(),
        }
    }
}

impl<M: Model, J: Judge, E> Property<M> for Journal<M, J, E> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn is_liveness(&self) -> bool {
        self.judge.is_liveness()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }

    fn at_end(&mut self, world: &World<M>) -> Verdict {
        world.present().try_for_each(|node| self.look(world, node))?;
        let Journal { judge, obliged, .. } = self;
        Ok(judge.finish(&|who| who.node().is_none_or(|node| obliged(world, node)))?)
    }
}
