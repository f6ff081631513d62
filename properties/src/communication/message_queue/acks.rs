//! S3, and that a message which is gone because it was acknowledged was processed.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate};
use seedbed_models::communication::message_queue::client::consumer::Did;
use seedbed_models::communication::message_queue::names::{ChannelId, CopyId, DeliveryTag};
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::message_queue::audit::Finding;
use crate::communication::message_queue::ledger::{Ledger, Place, is_ack};
use crate::communication::message_queue::reader::Reader;

/// What consumers have said, of all their lives.
#[derive(Clone, Default)]
pub struct Consumers {
    seen: NewEntries,
    pub processed: BTreeSet<(ChannelId, DeliveryTag)>,
    acks: BTreeSet<(ChannelId, DeliveryTag, bool)>,
}

impl Consumers {
    /// Reads what is new; returns it, and of whom.
    pub fn read<'w>(&mut self, world: &'w World<MessageQueue>) -> Result<Vec<(NodeId, &'w Did)>, Broken> {
        let mut all = Vec::new();
        for &node in world.changed() {
            let client = world.process(node).and_then(Node::client);
            let Some(consumer) = client.and_then(|client| client.consumer()) else { continue };
            for did in self.seen.of(world, node, consumer.did())? {
                match did {
                    Did::Processed { channel, tag, .. } => _ = self.processed.insert((*channel, *tag)),
                    Did::Settled { channel, tag, multiple, how } if is_ack(*how) => {
                        self.acks.insert((*channel, *tag, *multiple));
                    }
                    Did::Received(_) | Did::Settled { .. } => {}
                }
                all.push((node, did));
            }
        }
        Ok(all)
    }
}

/// S3: a message whose ack the books have executed is not delivered again. An ack that a classic queue had not on its disk when its
/// broker crashed may be forgotten, as nobody was told of it. If a later publish is on the disk, the ack has to be there too. (Publishes
/// and not copies are what is compared: the restart itself makes copies, of what has expired meanwhile.)
#[derive(Clone, Default)]
pub struct AckedIsNeverDeliveredAgain {
    reader: Reader,
    ledger: Ledger,
    /// The copies that were acked, and how many publishes the journal had then.
    acked: BTreeMap<CopyId, u64>,
    published: u64,
}

impl AckedIsNeverDeliveredAgain {
    fn look(&mut self, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Published { .. } => self.published += 1,
            Event::Settled { channel, tag, multiple, how } if is_ack(*how) => {
                let meant = self.ledger.meant(*channel, *tag, *multiple);
                self.acked.extend(meant.into_iter().map(|copy| (copy, self.published)));
            }
            Event::Delivered { copy, channel, .. } if self.acked.contains_key(copy) => {
                return Err(format!("{copy:?} was acknowledged, and is delivered again on {channel:?}"));
            }
            _ => {}
        }
        Ok(())
    }

    /// The journal that was replayed: what was delivered in it was delivered before.
    fn replay(&mut self, entries: &[Entry]) {
        (self.ledger, self.published) = (Ledger::default(), 0);
        let before = std::mem::take(&mut self.acked);
        for entry in entries {
            if !matches!(entry.event, Event::Delivered { .. }) {
                let looked = self.look(entry);
                assert!(looked.is_ok(), "only deliveries are judged: {looked:?}");
            }
            self.ledger.read(entry);
        }
        let published = self.published;
        self.acked.extend(before.into_iter().filter(|(_, then)| *then < published));
    }
}

impl Property<MessageQueue> for AckedIsNeverDeliveredAgain {
    fn name(&self) -> String {
        "message_queue/acked_is_never_delivered_again".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        let Some(news) = self.reader.news(world) else { return Ok(()) };
        if news.anew {
            self.replay(news.entries);
            return Ok(());
        }
        for entry in news.entries {
            self.look(entry).map_err(|words| Broken::new([news.node], words))?;
            self.ledger.read(entry);
        }
        Ok(())
    }
}

/// What leaves the books as acknowledged was meant by the ack that was executed last; and if it was delivered to a consumer, that has
/// processed it, and sent this ack.
#[derive(Clone, Default)]
pub struct AckedByItsConsumer {
    reader: Reader,
    ledger: Ledger,
    consumers: Consumers,
    /// The copies that the last ack means, and that ack.
    meant: BTreeSet<CopyId>,
    ack: Option<(ChannelId, DeliveryTag, bool)>,
    /// The deliveries that were asked for by `basic.get`.
    got: BTreeSet<(ChannelId, DeliveryTag)>,
}

impl AckedByItsConsumer {
    fn look(&mut self, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Settled { channel, tag, multiple, how } if is_ack(*how) => {
                self.meant = self.ledger.meant(*channel, *tag, *multiple).into_iter().collect();
                self.ack = Some((*channel, *tag, *multiple));
            }
            Event::Delivered { channel, tag, consumer: None, .. } => _ = self.got.insert((*channel, *tag)),
            Event::Left { copy, fate: Fate::Acked, .. } => return self.acked(*copy),
            _ => {}
        }
        Ok(())
    }

    fn acked(&self, copy: CopyId) -> Finding {
        let place = self.ledger.copy(copy).map(|copied| copied.place);
        let (Some(Place::Unacked(holder)), Some(ack)) = (place, self.ack) else {
            return Err(format!("{copy:?} is acknowledged, and it is {place:?}"));
        };
        let delivery = (holder.channel, holder.tag);
        if !self.meant.contains(&copy) {
            return Err(format!("{copy:?} is acknowledged, and the ack of {ack:?} does not mean {delivery:?}"));
        }
        if self.got.contains(&delivery) {
            return Ok(());
        }
        if !self.consumers.processed.contains(&delivery) {
            return Err(format!("{copy:?} is acknowledged, and nobody has processed {delivery:?}"));
        }
        if !self.consumers.acks.contains(&ack) {
            return Err(format!("{copy:?} is acknowledged, and nobody has sent the ack of {ack:?}"));
        }
        Ok(())
    }
}

impl Property<MessageQueue> for AckedByItsConsumer {
    fn name(&self) -> String {
        "message_queue/acked_by_its_consumer".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        self.consumers.read(world)?;
        let Some(news) = self.reader.news(world) else { return Ok(()) };
        if news.anew {
            (self.ledger, self.ack) = (Ledger::default(), None);
        }
        for entry in news.entries {
            self.look(entry).map_err(|words| Broken::new([news.node], words))?;
            self.ledger.read(entry);
        }
        Ok(())
    }
}
