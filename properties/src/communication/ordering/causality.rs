//! What happened before what (Lamport 1978, §2): events of one member in their order, and the broadcast of a message before its
//! receipts.

use std::collections::BTreeMap;

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::envelope::MessageId;
use seedbed_models::communication::ordering::messages::{Event, What};
use seedbed_sim::{NodeId, World};

use crate::communication::ordering::reading::{News, event_at};

/// Which events come right before others. What happened before an event is that, and what happened before that.
#[derive(Clone, Debug, Default)]
pub struct RightBefore {
    /// The place of the last event of each member.
    last: BTreeMap<NodeId, usize>,
    /// The places of the broadcasts, in the logs of their senders.
    broadcasts: BTreeMap<MessageId, usize>,
}

impl RightBefore {
    /// Learns where the broadcasts among the news of a member are. Those of all members that may have changed are to be known before
    /// any news are judged.
    pub fn learn(&mut self, node: NodeId, news: &News<'_>) {
        if news.is_all() {
            self.last.remove(&node);
            self.broadcasts.retain(|id, _| id.sender != node);
        }
        let broadcast = |(place, event): (usize, &Event)| match &event.what {
            What::Broadcast(message) => Some((message.id, place)),
            What::Receive(_) | What::Deliver(_) => None,
        };
        self.broadcasts.extend(news.placed().filter_map(broadcast));
    }

    /// The events right before the next one of a member, which is at this place: its last one, and the broadcast of what is received.
    pub fn next<'w>(
        &mut self,
        world: &'w World<Ordering>,
        node: NodeId,
        (place, event): (usize, &Event),
    ) -> [Option<&'w Event>; 2] {
        let last = self.last.insert(node, place).and_then(|last| event_at(world, node, last));
        let sent = match &event.what {
            What::Receive(message) => {
                let sender = message.id.sender;
                self.broadcasts.get(&message.id).and_then(|place| event_at(world, sender, *place))
            }
            What::Broadcast(_) | What::Deliver(_) => None,
        };
        [last, sent]
    }
}

/// Of each member how many of its events are in the past of an event, that event included.
pub type Past = Vec<u64>;

/// The past of each event, as they happen.
#[derive(Clone, Debug, Default)]
pub struct Pasts {
    /// Of the last event of each member.
    last: BTreeMap<NodeId, Past>,
    /// Of the broadcast of each message.
    broadcasts: BTreeMap<MessageId, Past>,
}

impl Pasts {
    /// A member begins anew with its first event: a crash has lost some.
    pub fn forget(&mut self, node: NodeId) {
        self.last.remove(&node);
    }

    /// The past of the next event of a member of a group of so many.
    pub fn next(&mut self, members: u16, node: NodeId, event: &Event) -> &Past {
        let past = self.last.entry(node).or_insert_with(|| vec![0; members.into()]);
        if let What::Receive(message) = &event.what
            && let Some(sent) = self.broadcasts.get(&message.id)
        {
            past.iter_mut().zip(sent).for_each(|(mine, theirs)| *mine = (*mine).max(*theirs));
        }
        past[node.index()] += 1;
        if let What::Broadcast(message) = &event.what {
            self.broadcasts.insert(message.id, past.clone());
        }
        past
    }
}
