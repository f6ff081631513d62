//! Where messages go: to the queues that the bindings say, and back to publishers that want them back.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::exchange::{Binding, ExchangeKind, Match};
use seedbed_models::communication::message_queue::books::journal::{Entry, Event, Origin};
use seedbed_models::communication::message_queue::books::message::Message;
use seedbed_models::communication::message_queue::client::publisher::{Did, Published};
use seedbed_models::communication::message_queue::messages::Outcome;
use seedbed_models::communication::message_queue::names::BodyId;
use seedbed_models::communication::message_queue::topology::{AUDIT, DEAD, EXCHANGES, RETRY, Topology, WORK};
use seedbed_models::communication::message_queue::{MessageQueue, Node};
use seedbed_sim::{Broken, Property, Verdict, World};

use crate::checkers::judge::NewEntries;
use crate::communication::message_queue::audit::{Finding, Rule};
use crate::communication::message_queue::ledger::Ledger;
use crate::communication::message_queue::reader::Reader;

/// Whether words match a pattern, by its definition: `*` is one word, `#` any number of them.
fn matches(pattern: &[&str], words: &[&str]) -> bool {
    match (pattern.split_first(), words.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((&"#", rest)), _) => (0..=words.len()).any(|taken| matches(rest, &words[taken..])),
        (Some(_), None) => false,
        (Some((part, rest)), Some((word, others))) => (*part == "*" || part == word) && matches(rest, others),
    }
}

fn words(text: &str) -> Vec<&str> {
    text.split('.').filter(|_| !text.is_empty()).collect()
}

fn is_bound(kind: ExchangeKind, binding: &Binding, message: &Message) -> bool {
    let has = |(name, value): (&_, &Option<_>)| match (message.properties.headers.get(name), value) {
        (Some(said), Some(wanted)) => said == wanted,
        (said, None) => said.is_some(),
        (None, Some(_)) => false,
    };
    match (kind, binding.x_match) {
        (ExchangeKind::Direct, _) => binding.key == message.key,
        (ExchangeKind::Topic, _) => matches(&words(binding.key.as_str()), &words(message.key.as_str())),
        (ExchangeKind::Fanout, _) => true,
        (ExchangeKind::Headers, Match::All | Match::AllWithX) => binding.headers.iter().all(has),
        (ExchangeKind::Headers, Match::Any | Match::AnyWithX) => binding.headers.iter().any(has),
    }
}

/// The queues that a message which clients publish has to go to.
pub fn routes(message: &Message) -> BTreeSet<&'static str> {
    if message.exchange.is_default() {
        return [WORK, AUDIT, DEAD, RETRY].into_iter().filter(|queue| *queue == message.key.as_str()).collect();
    }
    let kind = EXCHANGES.iter().find(|(name, _)| *name == message.exchange.as_str()).map(|(_, kind)| *kind);
    let bindings = Topology::bindings();
    let of_exchange = bindings.iter().filter(|(exchange, ..)| *exchange == message.exchange.as_str());
    let bound = of_exchange.filter(|(_, _, binding)| kind.is_some_and(|kind| is_bound(kind, binding, message)));
    bound.map(|(_, queue, _)| *queue).collect()
}

/// A message goes to all queues whose bindings match, and to no other, each once.
#[derive(Clone, Default)]
pub struct RoutedAsBound {
    /// The queues that the message which was published last has not come to yet.
    awaited: Option<(BodyId, BTreeSet<&'static str>)>,
}

impl RoutedAsBound {
    fn arrives(&mut self, body: BodyId, queue: &str) -> Finding {
        let awaited = self.awaited.as_mut().filter(|(awaited, _)| *awaited == body);
        if awaited.is_some_and(|(_, queues)| queues.remove(queue)) {
            return Ok(());
        }
        Err(format!("{body:?} comes to {queue:?}, and {:?} is to come", self.awaited))
    }
}

impl Rule for RoutedAsBound {
    const NAME: &'static str = "message_queue/routed_as_bound";

    fn entry(&mut self, _: &MessageQueue, _: &Ledger, entry: &Entry) -> Finding {
        match &entry.event {
            Event::Published { message, routes: routed, .. } => {
                self.complete()?;
                let should = routes(message);
                let routed: BTreeSet<&str> = routed.iter().map(|queue| queue.as_str()).collect();
                if routed != should {
                    let (exchange, key) = (&message.exchange, &message.key);
                    return Err(format!(
                        "{:?} to {exchange:?} by {key:?} goes to {routed:?}, not {should:?}",
                        message.body.id
                    ));
                }
                self.awaited = Some((message.body.id, should));
                Ok(())
            }
            Event::Entered { message, queue, origin: Origin::Published, .. } => {
                self.arrives(message.body.id, queue.as_str())
            }
            Event::Refused { body, queue, origin: Origin::Published } => self.arrives(*body, queue.as_str()),
            _ => Ok(()),
        }
    }

    fn books(&mut self, _: &MessageQueue, _: &Ledger, _: &Books) -> Finding {
        self.complete()
    }
}

impl RoutedAsBound {
    fn complete(&self) -> Finding {
        match &self.awaited {
            Some((body, queues)) if !queues.is_empty() => Err(format!("{body:?} has not come to {queues:?}")),
            _ => Ok(()),
        }
    }
}

/// How publishes have ended, as it is said.
#[derive(Clone, Default)]
pub struct Ended(NewEntries);

impl Ended {
    pub fn read<'w>(
        &mut self,
        world: &'w World<MessageQueue>,
    ) -> Result<Vec<(seedbed_sim::NodeId, &'w Published)>, Broken> {
        let mut all = Vec::new();
        for &node in world.changed() {
            let client = world.process(node).and_then(Node::client);
            let Some(publisher) = client.and_then(|client| client.publisher()) else { continue };
            for did in self.0.of(world, node, publisher.did())? {
                if let Did::Ended(published) = did {
                    all.push((node, published));
                }
            }
        }
        Ok(all)
    }
}

/// A mandatory message that has no route is returned before it is confirmed, and none is returned that has one.
#[derive(Clone, Default)]
pub struct MandatoryIsReturned {
    reader: Reader,
    ended: Ended,
    /// Whether each message that was published has a route.
    routed: BTreeMap<BodyId, bool>,
}

impl Property<MessageQueue> for MandatoryIsReturned {
    fn name(&self) -> String {
        "message_queue/mandatory_is_returned".into()
    }

    fn after_event(&mut self, world: &World<MessageQueue>) -> Verdict {
        for entry in self.reader.news(world).map_or(&[][..], |news| news.entries) {
            if let Event::Published { message, routes, .. } = &entry.event {
                self.routed.insert(message.body.id, !routes.is_empty());
            }
        }
        for (node, published) in self.ended.read(world)? {
            let routed = self.routed.get(&published.body);
            let is_wrong = match published.outcome {
                Outcome::Confirmed => published.mandatory && routed == Some(&false),
                Outcome::Returned => !published.mandatory || routed != Some(&false),
                Outcome::Refused | Outcome::Sent => false,
            };
            if is_wrong {
                let words = format!("{published:?} of {node}, and it has a route: {routed:?}");
                return Err(Broken::new([node], words));
            }
        }
        Ok(())
    }
}
