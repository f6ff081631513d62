//! The events of members, read from their disks as they are written. No event is copied: a property that has to come back to one
//! remembers its place.

use seedbed_models::communication::ordering::Ordering;
use seedbed_models::communication::ordering::events::LOG;
use seedbed_models::communication::ordering::messages::{Event, Record};
use seedbed_sim::{NodeId, PerLife, Stored, World};

/// How much of each member's log was read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    read: PerLife<usize>,
}

/// What a member's log has that was not read before.
#[derive(Clone, Copy, Debug)]
pub struct News<'w> {
    first: usize,
    records: &'w [Stored<Record>],
}

impl Reading {
    /// Reads the new records of a member, up to the first that is damaged. After a crash all are new: what it has lost is not among
    /// them.
    pub fn news<'w>(&mut self, world: &'w World<Ordering>, node: NodeId) -> News<'w> {
        let (log, read) = (world.disk(node, LOG), self.read.of(world, node));
        if log.len() < *read {
            *read = 0;
        }
        let (first, unread) = (*read, &log[*read..]);
        let good = unread.iter().take_while(|stored| matches!(stored, Stored::Good(_))).count();
        *read += good;
        News { first, records: &unread[..good] }
    }

    /// The news of all members that an event of the world may have changed.
    pub fn of_changed<'w>(&mut self, world: &'w World<Ordering>) -> impl Iterator<Item = (NodeId, News<'w>)> {
        world.changed().iter().map(|node| (*node, self.news(world, *node)))
    }
}

impl<'w> News<'w> {
    /// Whether this is all that the member has, so that what was known of it before is to be forgotten.
    pub fn is_all(&self) -> bool {
        self.first == 0
    }

    /// The events, with their places in the log.
    pub fn placed(&self) -> impl Iterator<Item = (usize, &'w Event)> + use<'w> {
        let event = |(place, stored): (usize, &'w Stored<Record>)| match stored {
            Stored::Good(Record::Event(event)) => Some((place, event)),
            _ => None,
        };
        (self.first..).zip(self.records).filter_map(event)
    }

    /// The events.
    pub fn events(&self) -> impl Iterator<Item = &'w Event> + use<'w> {
        self.placed().map(|(_, event)| event)
    }
}

/// The event at a place of a member's log.
pub fn event_at(world: &World<Ordering>, node: NodeId, place: usize) -> Option<&Event> {
    match world.disk(node, LOG).get(place) {
        Some(Stored::Good(Record::Event(event))) => Some(event),
        _ => None,
    }
}

/// All events of a member.
pub fn all_events(world: &World<Ordering>, node: NodeId) -> impl Iterator<Item = &Event> {
    world.log(node, LOG).filter_map(|record| match record {
        Record::Event(event) => Some(event),
        Record::Number(_) | Record::Raft(_) => None,
    })
}
