//! S4, S5 and the order of each sender: what a member delivers, and when (Hadzilacos & Toueg 1994, §3).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::ordering::messages::{Event, MessageId, What};
use seedbed_models::communication::ordering::{Order, Ordering};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::ordering::{delivered, delivered_by, journals};
use crate::transactions::journals::Journals;

/// The deliveries of one property's journals that are new, each with what its member has delivered before.
fn new_deliveries(
    journals: &mut Journals<Ordering, Event>,
    world: &World<Ordering>,
    node: NodeId,
) -> Vec<(MessageId, Vec<MessageId>)> {
    let old = journals.read(world, node);
    let journal = journals.of(node);
    let mut before: Vec<MessageId> = delivered(&journal[..old]).collect();
    let mut new = Vec::new();
    for id in delivered(&journal[old..]) {
        new.push((id, before.clone()));
        before.push(id);
    }
    new
}

/// If a member broadcasts a message before another, nobody delivers the second before the first.
#[derive(Clone)]
pub struct FifoOrder {
    journals: Journals<Ordering, Event>,
    asked: fn(Order) -> bool,
}

impl Default for FifoOrder {
    fn default() -> Self {
        FifoOrder { journals: journals(), asked: Order::is_fifo }
    }
}

impl FifoOrder {
    /// The same, asked of every order.
    pub fn of_all() -> Self {
        FifoOrder { asked: |_| true, ..FifoOrder::default() }
    }
}

impl Property<Ordering> for FifoOrder {
    fn name(&self) -> String {
        "ordering/fifo_order".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        if !(self.asked)(world.config().order) {
            return Ok(());
        }
        for &node in world.changed() {
            for (id, before) in new_deliveries(&mut self.journals, world, node) {
                let is_earlier = |other: MessageId| other.sender == id.sender && other.seq < id.seq;
                let had: BTreeSet<u64> =
                    before.iter().filter(|other| is_earlier(**other)).map(|other| other.seq).collect();
                if let Some(seq) = (1..id.seq).find(|seq| !had.contains(seq)) {
                    let earlier = MessageId { seq, ..id };
                    return Err(Broken::new(
                        [node],
                        format!("{node} delivers {id:?}, and has not delivered {earlier:?}"),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// S4: no message is delivered before its causes: those that its sender had delivered or broadcast before, and their causes.
#[derive(Clone)]
pub struct CausalOrder {
    journals: Journals<Ordering, Event>,
    /// Of each message that was broadcast.
    causes: BTreeMap<MessageId, BTreeSet<MessageId>>,
    asked: fn(Order) -> bool,
}

impl Default for CausalOrder {
    fn default() -> Self {
        CausalOrder { journals: journals(), causes: BTreeMap::new(), asked: Order::is_causal }
    }
}

impl CausalOrder {
    /// The same, asked of every order.
    pub fn of_all() -> Self {
        CausalOrder { asked: |_| true, ..CausalOrder::default() }
    }

    /// The causes of what a member broadcasts after these of its events.
    fn causes_after(&self, events: &[Event]) -> BTreeSet<MessageId> {
        let direct = events.iter().filter_map(|event| match &event.what {
            What::Broadcast(message) => Some(message.id),
            What::Deliver(id) => Some(*id),
            What::Receive(_) => None,
        });
        let mut causes: BTreeSet<MessageId> = direct.collect();
        let indirect: Vec<MessageId> = causes.iter().filter_map(|id| self.causes.get(id)).flatten().copied().collect();
        causes.extend(indirect);
        causes
    }

    fn look(&mut self, world: &World<Ordering>, node: NodeId) -> Verdict {
        let old = self.journals.read(world, node);
        let journal = self.journals.of(node).to_vec();
        for (place, event) in journal.iter().enumerate().skip(old) {
            match &event.what {
                What::Receive(_) => {}
                What::Broadcast(message) => {
                    let causes = self.causes_after(&journal[..place]);
                    self.causes.insert(message.id, causes);
                }
                What::Deliver(id) => {
                    let before: BTreeSet<MessageId> = delivered(&journal[..place]).collect();
                    let causes = self.causes.get(id);
                    if let Some(cause) = causes.and_then(|causes| causes.difference(&before).next()) {
                        let words = format!("{node} delivers {id:?}, and has not delivered {cause:?}, which caused it");
                        return Err(Broken::new([node], words));
                    }
                }
            }
        }
        Ok(())
    }
}

impl Property<Ordering> for CausalOrder {
    fn name(&self) -> String {
        "ordering/causal_order".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        if !(self.asked)(world.config().order) {
            return Ok(());
        }
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }
}

/// S5: all members deliver the same sequence: the n-th that one delivers is the n-th of every other.
#[derive(Clone)]
pub struct TotalOrder {
    journals: Journals<Ordering, Event>,
    asked: fn(Order) -> bool,
}

impl Default for TotalOrder {
    fn default() -> Self {
        TotalOrder { journals: journals(), asked: Order::is_total }
    }
}

impl TotalOrder {
    /// The same, asked of every order.
    pub fn of_all() -> Self {
        TotalOrder { asked: |_| true, ..TotalOrder::default() }
    }
}

impl Property<Ordering> for TotalOrder {
    fn name(&self) -> String {
        "ordering/total_order".into()
    }

    fn after_event(&mut self, world: &World<Ordering>) -> Verdict {
        if !(self.asked)(world.config().order) {
            return Ok(());
        }
        for &node in world.changed() {
            for (id, before) in new_deliveries(&mut self.journals, world, node) {
                let nth = before.len();
                for other in world.present().filter(|other| *other != node) {
                    let theirs = delivered_by(&self.journals, other).nth(nth);
                    if let Some(theirs) = theirs.filter(|theirs| *theirs != id) {
                        let words = format!("after {nth} others {node} delivers {id:?}, and {other} {theirs:?}");
                        return Err(Broken::new([node, other], words));
                    }
                }
            }
        }
        Ok(())
    }
}
