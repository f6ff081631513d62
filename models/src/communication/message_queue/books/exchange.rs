//! Exchanges and bindings: which queues a message goes to (AMQP 0-9-1, §3.1.3; RabbitMQ, *Exchanges*).

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::Named;
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::message::Message;
use crate::communication::message_queue::books::topic;
use crate::communication::message_queue::names::{Key, QueueName, Text};

/// The type of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum ExchangeKind {
    /// The key of the message is that of the binding.
    Direct,
    /// The key of the binding is a pattern.
    Topic,
    /// All messages go to all queues.
    Fanout,
    /// The headers of the message match the arguments of the binding.
    Headers,
}

/// How headers match (`x-match`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Match {
    /// All arguments; those whose names begin with `x-` do not count.
    #[default]
    All,
    /// One of them at least; those whose names begin with `x-` do not count.
    Any,
    /// All arguments.
    AllWithX,
    /// One of them at least.
    AnyWithX,
}

/// What a binding says: each exchange looks at its own part.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Binding {
    /// The key, or the pattern.
    pub key: Key,
    /// The arguments, for headers: a name, and the value that it must have; without one, that it is there is enough.
    pub headers: BTreeMap<Text, Option<Text>>,
    /// How they match.
    pub x_match: Match,
}

impl Binding {
    /// A binding by a key or a pattern.
    pub fn by_key(key: impl Into<Key>) -> Self {
        Binding { key: key.into(), headers: BTreeMap::new(), x_match: Match::All }
    }

    /// A binding by headers.
    pub fn by_headers(x_match: Match, headers: impl IntoIterator<Item = (Text, Option<Text>)>) -> Self {
        Binding { key: Key::from(""), headers: headers.into_iter().collect(), x_match }
    }

    /// AMQP 0-9-1, §3.1.3.4. Without arguments that count, `all` matches everything and `any` nothing.
    fn matches_headers(&self, headers: &BTreeMap<Text, Text>) -> bool {
        let with_x = matches!(self.x_match, Match::AllWithX | Match::AnyWithX);
        let mut counted = self.headers.iter().filter(|(name, _)| with_x || !name.as_str().starts_with("x-"));
        let is_met = |(name, wanted): (&Text, &Option<Text>)| {
            headers.get(name).is_some_and(|value| wanted.as_ref().is_none_or(|wanted| wanted == value))
        };
        match self.x_match {
            Match::All | Match::AllWithX => counted.all(is_met),
            Match::Any | Match::AnyWithX => counted.any(is_met),
        }
    }
}

/// An exchange with its bindings.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Exchange {
    /// Its type.
    pub kind: ExchangeKind,
    /// Whether it survives a restart of the broker.
    pub durable: bool,
    bindings: BTreeSet<(QueueName, Binding)>,
}

impl Exchange {
    /// An exchange without bindings.
    pub fn new(kind: ExchangeKind, durable: bool) -> Self {
        Exchange { kind, durable, bindings: BTreeSet::new() }
    }

    /// The bindings: to which queue, and by what.
    pub fn bindings(&self) -> impl Iterator<Item = &(QueueName, Binding)> {
        self.bindings.iter()
    }

    /// Binds a queue. The same binding again changes nothing.
    pub(super) fn bind(&mut self, queue: QueueName, binding: Binding) {
        self.bindings.insert((queue, binding));
    }

    /// Takes a binding away, if it is there.
    pub(super) fn unbind(&mut self, queue: &QueueName, binding: &Binding) {
        self.bindings.remove(&(queue.clone(), binding.clone()));
    }

    /// Takes all bindings to a queue away.
    pub(super) fn unbind_all(&mut self, queue: &QueueName) {
        self.bindings.retain(|(bound, _)| bound != queue);
    }

    /// The queues that a message goes to, each once, however many bindings match.
    pub(super) fn route(&self, message: &Message, hash_needs_a_word: bool) -> BTreeSet<QueueName> {
        let matches = |binding: &Binding| match self.kind {
            ExchangeKind::Direct => binding.key == message.key,
            ExchangeKind::Topic => topic::matches(binding.key.as_str(), message.key.as_str(), hash_needs_a_word),
            ExchangeKind::Fanout => true,
            ExchangeKind::Headers => binding.matches_headers(&message.properties.headers),
        };
        self.bindings.iter().filter(|(_, binding)| matches(binding)).map(|(queue, _)| queue.clone()).collect()
    }
}
