//! S2, S3, S4, S6, S7: the rules of the ledger, by server; and what consumers know across crashes of a server that promises
//! durability.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::stream::consumer::Event;
use seedbed_models::communication::stream::settings::{GROUP, STREAM};
use seedbed_models::communication::stream::{Id, Node, Stream};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::stream::durable_server;
use crate::communication::stream::ledger::{Ledger, Rule};
use crate::communication::stream::watched::Watched;

/// Ledgers of all masters, of which one rule is judged.
#[derive(Clone, Default)]
struct Ledgers {
    watched: Watched,
    of: BTreeMap<NodeId, Ledger>,
}

impl Ledgers {
    fn judge(&mut self, world: &World<Stream>, rule: Rule) -> Verdict {
        for &node in world.changed() {
            let Some(news) = self.watched.of(world, node) else {
                self.of.remove(&node);
                continue;
            };
            let stream = news.server.engine().keys().stream(STREAM);
            let anew = || Ledger::of(STREAM, stream);
            if news.begins {
                self.of.insert(node, anew());
            }
            let ledger = self.of.entry(node).or_insert_with(anew);
            let mut entered = news.executed.iter().try_for_each(|executed| ledger.enter(executed, stream));
            entered = entered.and_then(|()| ledger.agrees(stream));
            if let Err((broken, words)) = entered {
                if broken == rule {
                    return Err(Broken::new([node], format!("at {node}, {words}")));
                }
                // Another property has it; this one goes on with what is there.
                *ledger = anew();
            }
        }
        Ok(())
    }
}

/// What consumers have done, of whom nothing is forgotten.
#[derive(Clone, Default)]
struct Known {
    seen: NewEntries,
    /// How often each entry has arrived at a consumer as a new or a claimed one.
    arrived: BTreeMap<Id, u64>,
    /// The same from a history.
    recovered: BTreeMap<Id, u64>,
    /// As a new one: at whom.
    new: BTreeMap<Id, NodeId>,
    /// What somebody has begun to acknowledge.
    begun: BTreeSet<Id>,
    /// What a consumer knows to be acknowledged.
    acknowledged: BTreeSet<Id>,
}

impl Known {
    /// Reads what is new. Returns an entry that has arrived as a new one for the second time, and at whom.
    fn read(&mut self, world: &World<Stream>) -> Result<Option<(Id, NodeId, NodeId)>, Broken> {
        let mut twice = None;
        for &node in world.changed() {
            let Some(consumer) = world.process(node).and_then(Node::consumer) else { continue };
            for event in self.seen.of(world, node, consumer.journal())? {
                match *event {
                    Event::Received(id) => {
                        *self.arrived.entry(id).or_default() += 1;
                        twice = self.new.insert(id, node).map(|first| (id, first, node)).or(twice);
                    }
                    Event::Claimed(id) => *self.arrived.entry(id).or_default() += 1,
                    Event::Recovered(id) => *self.recovered.entry(id).or_default() += 1,
                    Event::Acknowledges(id) => _ = self.begun.insert(id),
                    Event::Acknowledged(id) => _ = self.acknowledged.insert(id),
                    Event::Processed(..) | Event::Failed(_) | Event::Buried(..) => {}
                }
            }
        }
        Ok(twice)
    }
}

/// S2: in a group each entry is new to exactly one consumer: a reply has the next entries behind the group's position, and none
/// that was new to anybody. Where durability is promised, no entry arrives as a new one twice.
#[derive(Clone, Default)]
pub struct NewOnce {
    ledgers: Ledgers,
    known: Known,
}

impl Property<Stream> for NewOnce {
    fn name(&self) -> String {
        "stream/new_once".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        self.ledgers.judge(world, Rule::NewOnce)?;
        let twice = self.known.read(world)?;
        match twice.filter(|_| world.config().promises_durability()) {
            None => Ok(()),
            Some((id, first, second)) => {
                let words = format!("{id} is new to {second}, and was new to {first}");
                Err(Broken::new([first, second], words))
            }
        }
    }
}

/// S3: delivered = acknowledged + pending, always, with the right consumers; what is pending goes by an acknowledgement, with its
/// consumer, or if its entry is gone and somebody claims it. Where durability is promised, nothing is pending that a consumer
/// knows to be acknowledged, and everything that has arrived and that nobody has begun to acknowledge.
#[derive(Clone, Default)]
pub struct DeliveredIsAckedOrPending {
    ledgers: Ledgers,
    known: Known,
}

impl Property<Stream> for DeliveredIsAckedOrPending {
    fn name(&self) -> String {
        "stream/delivered_is_acked_or_pending".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        self.ledgers.judge(world, Rule::Balance)?;
        self.known.read(world)?;
        let Some(stream) = durable_server(world).and_then(|server| server.engine().keys().stream(STREAM)) else {
            return Ok(());
        };
        let Some(group) = stream.groups.get(&GROUP) else { return Ok(()) };
        if let Some(id) = self.known.acknowledged.iter().find(|id| group.pending.contains_key(id)) {
            return Err(format!("{id} is pending, and a consumer knows that it is acknowledged").into());
        }
        let is_open = |id: &Id| !self.known.begun.contains(id) && stream.get(*id).is_some();
        match self.known.arrived.keys().find(|id| is_open(id) && !group.pending.contains_key(id)) {
            Some(id) => Err(format!("{id} has arrived, is not acknowledged by anybody, and is not pending").into()),
            None => Ok(()),
        }
    }
}

/// S4: a claim takes what has been idle for its time, by the server's clock, and `XAUTOCLAIM` all of that up to its cursor.
#[derive(Clone, Default)]
pub struct ClaimedWhenIdle(Ledgers);

impl Property<Stream> for ClaimedWhenIdle {
    fn name(&self) -> String {
        "stream/claimed_when_idle".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        self.0.judge(world, Rule::Idle)
    }
}

/// S6: no entry vanishes or changes but by trimming or deletion: a trimming takes the oldest, and no more than it may; a deletion
/// takes what it names.
#[derive(Clone, Default)]
pub struct EntriesStay(Ledgers);

impl Property<Stream> for EntriesStay {
    fn name(&self) -> String {
        "stream/entries_stay".into()
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        self.0.judge(world, Rule::Stay)
    }
}

/// S7: the delivery counter counts: one for a new entry, one more for each claim and for each reading of a history, but with
/// `JUSTID` or as `RETRYCOUNT` says. Where durability is promised, it counts all arrivals of an entry across crashes, but for those from
/// histories.
#[derive(Clone, Default)]
pub struct DeliveriesAreCounted {
    ledgers: Ledgers,
    known: Known,
    with_histories: bool,
}

impl DeliveriesAreCounted {
    /// The same, asked of histories across crashes too, which Redis 7.0 does not promise.
    pub fn with_histories() -> Self {
        DeliveriesAreCounted { with_histories: true, ..DeliveriesAreCounted::default() }
    }
}

impl Property<Stream> for DeliveriesAreCounted {
    fn name(&self) -> String {
        let name = if self.with_histories { "reading_a_history_counts_for_good" } else { "deliveries_are_counted" };
        format!("stream/{name}")
    }

    fn after_event(&mut self, world: &World<Stream>) -> Verdict {
        if !self.with_histories {
            self.ledgers.judge(world, Rule::Counted)?;
        }
        self.known.read(world)?;
        let Some(server) = durable_server(world) else { return Ok(()) };
        let Some(group) = server.engine().keys().group(STREAM, GROUP) else { return Ok(()) };
        for (id, nack) in &group.pending {
            let mut arrived = self.known.arrived.get(id).copied().unwrap_or_default();
            if self.with_histories {
                arrived += self.known.recovered.get(id).copied().unwrap_or_default();
            }
            if nack.deliveries < arrived {
                let words = format!("{id} has arrived {arrived} times, and {} deliveries are counted", nack.deliveries);
                return Err(words.into());
            }
        }
        Ok(())
    }
}
