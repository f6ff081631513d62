//! What members broadcast and deliver, told to the judges of broadcasts as it happens. What a crash has lost was never done: then
//! a new judge is told what is left, in the same order.

use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Event, What};
use seedbed_models::communication::ordering::{Order, Ordering};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::delivery::{self, Destination};
use crate::checkers::judge::Judge;
use crate::communication::ordering::reading::Reading;

/// What a judge is told.
pub type Told = delivery::Event<NodeId, MessageId>;

/// The property that a judge refuses nothing.
#[derive(Clone)]
pub struct Deliveries<J> {
    name: &'static str,
    new: fn(&Ordering) -> J,
    asked: fn(Order) -> bool,
    judge: Option<J>,
    reading: Reading,
    told: Vec<(NodeId, Told)>,
}

impl<J: Judge<Event = Told, Node = NodeId>> Deliveries<J> {
    /// A property of this name.
    pub fn new(name: &'static str, new: fn(&Ordering) -> J) -> Self {
        Deliveries { name, new, asked: |_| true, judge: None, reading: Reading::default(), told: Vec::new() }
    }

    /// The same, asked where members deliver in such an order only.
    pub fn asked_of(self, asked: fn(Order) -> bool) -> Self {
        Deliveries { asked, ..self }
    }

    fn look(&mut self, world: &World<Ordering>, node: NodeId) -> Verdict {
        let news = self.reading.news(world, node);
        let mut new = news.events().filter_map(|event| told(node, event)).peekable();
        if news.is_all() {
            let known = self.told.iter().filter(|(who, _)| *who == node).map(|(_, event)| event);
            let same = known.clone().take_while(|known| new.next_if(|left| left == *known).is_some()).count();
            if known.count() > same {
                self.forget_what_is_lost(world, node, same)?;
            }
        }
        let judge = self.judge.get_or_insert_with(|| (self.new)(world.config()));
        for event in new {
            self.told.push((node, event.clone()));
            judge.observe(event)?;
        }
        Ok(())
    }

    /// Only so many of the first things that a member has done are left.
    fn forget_what_is_lost(&mut self, world: &World<Ordering>, node: NodeId, left: usize) -> Result<(), Broken> {
        let mut place = 0;
        self.told.retain(|(who, _)| {
            place += usize::from(*who == node);
            *who != node || place <= left
        });
        let judge = self.judge.insert((self.new)(world.config()));
        for (_, event) in &self.told {
            judge.observe(event.clone())?;
        }
        Ok(())
    }
}

fn told(node: NodeId, event: &Event) -> Option<Told> {
    match &event.what {
        What::Broadcast(message) => Some(Told::Sent { by: node, message: message.id, to: Destination::Everyone }),
        What::Receive(_) => None,
        What::Deliver(id) => Some(Told::Delivered { at: node, message: *id }),
    }
}

impl<J: Judge<Event = Told, Node = NodeId> + Clone> Property<Ordering> for Deliveries<J> {
    fn name(&self) -> String {
        self.name.into()
    }

    fn is_liveness(&self) -> bool {
        (self.new)(&Ordering::default()).is_liveness()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        if !(self.asked)(world.config().order) {
            return Ok(());
        }
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }

    fn at_end(&mut self, world: &World<Ordering>) -> Verdict {
        if !(self.asked)(world.config().order) {
            return Ok(());
        }
        world.present().try_for_each(|node| self.look(world, node))?;
        match &mut self.judge {
            Some(judge) => Ok(judge.finish(&|node| world.process(*node).is_some())?),
            None => Ok(()),
        }
    }
}
