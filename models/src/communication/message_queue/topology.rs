//! The exchanges, queues and bindings that clients declare, the same at every client, and again on every new connection.

use seedbed_sim::{Named, Span};
use serde::{Deserialize, Serialize};

use crate::communication::message_queue::books::command::{Command, Durable};
use crate::communication::message_queue::books::exchange::{Binding, ExchangeKind, Match};
use crate::communication::message_queue::books::settings::{DeadLetterTo, Overflow, QueueKind, QueueSettings};
use crate::communication::message_queue::names::{ChannelId, ExchangeName, Key, QueueName, Text};

/// The queue with all the arguments; consumers process it.
pub const WORK: &str = "work";
/// A queue without arguments, which gets copies of some messages; consumers process it.
pub const AUDIT: &str = "audit";
/// Where dead letters of `work` stay.
pub const DEAD: &str = "dead";
/// Where dead letters of `work` wait until they come back: nobody consumes it, its messages expire.
pub const RETRY: &str = "retry";
/// The exchanges to which clients publish, besides the default one: one of each type.
pub const EXCHANGES: [(&str, ExchangeKind); 4] = [
    ("direct", ExchangeKind::Direct),
    ("topic", ExchangeKind::Topic),
    ("fanout", ExchangeKind::Fanout),
    ("headers", ExchangeKind::Headers),
];

/// What becomes of the dead letters of `work`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetters {
    /// They are gone.
    None,
    /// They stay in `dead`.
    #[default]
    Kept,
    /// They come back after a delay, through `retry`: delayed delivery built from time to live and dead-lettering.
    Retried,
}

/// The arguments of `work`, and what is around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Topology {
    /// The kind of all queues.
    pub kind: QueueKind,
    /// The time to live of messages in `work`.
    pub message_ttl: Option<Span>,
    /// The most messages that are ready in `work`.
    pub max_length: Option<u32>,
    /// What becomes of more.
    pub overflow: Overflow,
    /// The highest priority in `work`, of classic queues.
    pub max_priority: Option<u8>,
    /// Whether `work` serves one consumer at a time.
    pub single_active: bool,
    /// How often a message may be returned to `work`, of quorum queues.
    pub delivery_limit: Option<u32>,
    /// What becomes of the dead letters of `work`.
    pub dead_letters: DeadLetters,
    /// How long they wait in `retry`.
    pub delay: Span,
}

impl Topology {
    /// The queues with their arguments.
    pub fn queues(&self) -> Vec<(QueueName, QueueSettings)> {
        let plain = || QueueSettings::durable(self.kind);
        let retry = QueueSettings { message_ttl: Some(self.delay), dead_letter: to("", Some(WORK)), ..plain() };
        [(WORK, self.work()), (AUDIT, plain()), (DEAD, plain()), (RETRY, retry)]
            .map(|(name, settings)| (QueueName::from(name), settings))
            .to_vec()
    }

    /// The arguments of the queue that most messages go to.
    pub fn work(&self) -> QueueSettings {
        QueueSettings {
            message_ttl: self.message_ttl,
            max_length: self.max_length,
            overflow: self.overflow,
            max_priority: self.max_priority.filter(|_| self.kind == QueueKind::Classic),
            single_active: self.single_active,
            delivery_limit: self.delivery_limit.filter(|_| self.kind == QueueKind::Quorum),
            dead_letter: match self.dead_letters {
                DeadLetters::None => None,
                DeadLetters::Kept => to(DEAD, None),
                DeadLetters::Retried => to(RETRY, None),
            },
            ..QueueSettings::durable(self.kind)
        }
    }

    /// The bindings: which queue, to which exchange, and how.
    pub fn bindings() -> Vec<(&'static str, &'static str, Binding)> {
        let header = |name: &str, value: &str| (Text::from(name), Some(Text::from(value)));
        vec![
            ("direct", WORK, Binding::by_key(WORK)),
            ("direct", AUDIT, Binding::by_key(AUDIT)),
            ("topic", WORK, Binding::by_key("order.#")),
            ("topic", AUDIT, Binding::by_key("*.eu")),
            ("topic", AUDIT, Binding::by_key("#.paid")),
            ("fanout", WORK, Binding::by_key("")),
            ("fanout", AUDIT, Binding::by_key("")),
            ("headers", WORK, Binding::by_headers(Match::Any, [header("kind", "order"), header("urgent", "yes")])),
            (
                "headers",
                AUDIT,
                Binding::by_headers(Match::All, [header("kind", "order"), (Text::from("region"), None)]),
            ),
            (DEAD, DEAD, Binding::by_key("")),
            (RETRY, RETRY, Binding::by_key("")),
        ]
    }

    /// The methods that declare all this on a channel. They change nothing where it is declared.
    pub fn declarations(&self, channel: ChannelId) -> Vec<Command> {
        let own = [(DEAD, ExchangeKind::Fanout), (RETRY, ExchangeKind::Fanout)];
        let exchanges = EXCHANGES
            .into_iter()
            .chain(own)
            .map(|(name, kind)| Command::DeclareExchange(channel, ExchangeName::from(name), kind, Durable(true)));
        let queues =
            self.queues().into_iter().map(|(name, settings)| Command::DeclareQueue(channel, name, Box::new(settings)));
        let bindings = Topology::bindings().into_iter().map(|(exchange, queue, binding)| {
            Command::Bind(channel, ExchangeName::from(exchange), QueueName::from(queue), Box::new(binding))
        });
        exchanges.chain(queues).chain(bindings).collect()
    }
}

fn to(exchange: &str, key: Option<&str>) -> Option<DeadLetterTo> {
    Some(DeadLetterTo { exchange: ExchangeName::from(exchange), key: key.map(Key::from) })
}
