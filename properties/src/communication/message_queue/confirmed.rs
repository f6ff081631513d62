//! S1: what is confirmed is kept; and at the boundary, what is sent without being confirmed.

use std::collections::BTreeMap;

use seedbed_models::communication::message_queue::MessageQueue;
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Fate, Origin};
use seedbed_models::communication::message_queue::books::message::{Message, Reason};
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::messages::Outcome;
use seedbed_models::communication::message_queue::names::{BodyId, CopyId};
use seedbed_sim::{Broken, NodeId, Property, Verdict, World};

use crate::communication::message_queue::ledger::{Copied, Ledger, Place};
use crate::communication::message_queue::reader::Reader;
use crate::communication::message_queue::routing::{Ended, routes};

/// The books as the journal tells them, with what has become of dead letters.
#[derive(Clone, Default)]
struct Kept {
    ledger: Ledger,
    published: BTreeMap<BodyId, Message>,
    /// The dead letters that were refused or had no route: by a limit, or in a cycle.
    ended: BTreeMap<CopyId, bool>,
}

impl Kept {
    fn read(&mut self, entry: &Entry) {
        match &entry.event {
            Event::Published { message, .. } => _ = self.published.insert(message.body.id, message.clone()),
            Event::Unroutable { copy } => _ = self.ended.insert(*copy, true),
            Event::Refused { origin: Origin::DeadLetter(copy, _), .. } => _ = self.ended.insert(*copy, true),
            _ => {}
        }
        self.ledger.read(entry);
    }

    /// Whether a copy is there, or gone for a reason that a publisher has to expect.
    fn is_kept(&self, id: CopyId, copied: &Copied) -> bool {
        match copied.place {
            Place::Ready | Place::Unacked(_) => true,
            Place::Left(Fate::Acked | Fate::AutoAcked | Fate::Purged | Fate::QueueDeleted) => true,
            Place::Left(Fate::NotDurable) => false,
            // Rejected, or returned too often, where no dead-letter exchange is declared.
            Place::Left(Fate::Died { dead_lettered: false, .. }) => true,
            // It has to be somewhere else now, or to have ended by its time, or by a limit.
            Place::Left(Fate::Died { reason, dead_lettered: true }) => {
                let is_child = |other: &Copied| matches!(other.origin, Origin::DeadLetter(parent, _) if parent == id);
                let mut children = self.ledger.of_body(copied.message.body.id).filter(|(_, other)| is_child(other));
                let ends = matches!(reason, Reason::Expired | Reason::Maxlen) || self.has_expired_before(copied);
                children.any(|(child, other)| self.is_kept(child, other)) || ends && self.ended.contains_key(&id)
            }
        }
    }

    fn has_expired_before(&self, copied: &Copied) -> bool {
        copied.message.deaths.iter().any(|death| matches!(death.reason, Reason::Expired | Reason::Maxlen))
    }

    /// The queue in which a message should be and is not, in no copy.
    fn missing(&self, body: BodyId) -> Option<String> {
        let Some(message) = self.published.get(&body) else { return Some("the books have never had it".into()) };
        let is_in = |queue: &str| {
            let copies = self.ledger.of_body(body).filter(|(_, copied)| copied.origin == Origin::Published);
            let mut there = copies.filter(|(_, copied)| copied.queue.as_str() == queue);
            there.any(|(id, copied)| self.is_kept(id, copied))
        };
        let queue = routes(message).into_iter().find(|queue| !is_in(queue))?;
        Some(format!("it is not in {queue:?}, and has not left it for a reason"))
    }
}

/// S1: a persistent message that was confirmed, and in quorum queues any, is in each queue to which it goes, or was acknowledged there, or its time was over, or a
/// limit has pushed it out, or it is where its dead letters go.
#[derive(Clone, Default)]
pub struct ConfirmedIsKept {
    reader: Reader,
    kept: Kept,
    ended: Ended,
    confirmed: Vec<(NodeId, BodyId)>,
}

impl Property<MessageQueue> for ConfirmedIsKept {
    fn name(&self) -> String {
        "message_queue/confirmed_is_kept".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        let news = self.reader.news(world);
        let anew = news.as_ref().is_some_and(|news| news.anew);
        if anew {
            self.kept = Kept::default();
        }
        let mut bodies: Vec<(NodeId, BodyId)> = Vec::new();
        for entry in news.as_ref().map_or(&[][..], |news| news.entries) {
            self.kept.read(entry);
            // Only what leaves can go missing.
            if let Event::Left { copy, .. } = &entry.event
                && let Some(copied) = self.kept.ledger.copy(*copy)
            {
                let body = copied.message.body.id;
                bodies.extend(self.confirmed.iter().filter(|(_, other)| *other == body));
            }
        }
        for (node, published) in self.ended.read(world)? {
            let stays = published.persistent || world.config().queues == QueueKind::Quorum;
            if stays && published.outcome == Outcome::Confirmed {
                self.confirmed.push((node, published.body));
                bodies.push((node, published.body));
            }
        }
        let all = if anew { &self.confirmed } else { &bodies };
        for (node, body) in all {
            if let Some(why) = self.kept.missing(*body) {
                return Err(Broken::new([*node], format!("{body:?} was confirmed to {node}: {why}")));
            }
        }
        Ok(())
    }
}

/// What was sent without being confirmed survives a restart of the broker: which nobody promises.
#[derive(Clone, Default)]
pub struct UnconfirmedIsKept {
    reader: Reader,
    kept: Kept,
    ended: Ended,
    sent: Vec<(NodeId, BodyId)>,
}

impl Property<MessageQueue> for UnconfirmedIsKept {
    fn name(&self) -> String {
        "message_queue/unconfirmed_is_kept".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        for (node, published) in self.ended.read(world)? {
            if published.persistent && published.outcome == Outcome::Sent {
                self.sent.push((node, published.body));
            }
        }
        let Some(news) = self.reader.news(world) else { return Ok(()) };
        if news.anew {
            self.kept = Kept::default();
        }
        news.entries.iter().for_each(|entry| self.kept.read(entry));
        for (node, body) in self.sent.iter().filter(|_| news.anew) {
            if let Some(why) = self.kept.missing(*body) {
                return Err(Broken::new([*node, news.node], format!("{node} has sent {body:?}: {why}")));
            }
        }
        Ok(())
    }
}
