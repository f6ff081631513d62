//! Sequences: few names, keys, headers and tags, so that commands meet.

use proptest::prelude::*;
use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Durable, OnlyIf, Publish};
use seedbed_models::communication::message_queue::books::exchange::{Binding, ExchangeKind, Match};
use seedbed_models::communication::message_queue::books::journal::Settlement;
use seedbed_models::communication::message_queue::books::message::{Body, Properties};
use seedbed_models::communication::message_queue::books::settings::{DeadLetterTo, Overflow, QueueKind, QueueSettings};
use seedbed_models::communication::message_queue::names::{
    BodyId, ChannelId, ConnectionId, ConsumerTag, DeliveryTag, ExchangeName, Key, QueueName, Text,
};
use seedbed_sim::Span;

use crate::theirs::Ending;

/// One thing that is done.
#[derive(Clone, Debug)]
pub enum Step {
    /// The tag of a `Command::Settle` is the place among the deliveries that wait on its channel.
    Tell(Command),
    /// A queue is declared as the sequence has it.
    Declare(ChannelId, usize),
    End(ConnectionId, Ending),
    Wait,
}

/// A sequence of commands, and what the things are like that it declares.
#[derive(Clone, Debug)]
pub struct Sequence {
    pub queues: Vec<QueueSettings>,
    pub steps: Vec<Step>,
}

/// Which queues there are in a sequence, and whether time passes.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub quorum: f64,
    pub waits: bool,
}

/// How long a wait is, and what passes in one: twice, and not a third time, with half of it to spare.
pub const WAIT: Span = Span::ms(750);
const SHORT: Span = Span::ms(300);
/// Long enough not to pass while a sequence runs.
const LONG: Span = Span::ms(1_000_000);

const QUEUES: usize = 3;
const EXCHANGES: usize = 2;

/// The names of a worker: no other has them.
#[derive(Clone, Debug)]
pub struct Names {
    prefix: String,
}

impl Names {
    pub fn new(worker: usize) -> Self {
        Names { prefix: format!("w{worker}") }
    }

    pub fn queue(&self, place: usize) -> String {
        format!("{}q{}", self.prefix, place + 1)
    }

    fn exchange(&self, place: usize) -> String {
        format!("{}x{}", self.prefix, place + 1)
    }

    pub fn queues(&self) -> Vec<String> {
        (0..QUEUES).map(|place| self.queue(place)).collect()
    }

    pub fn exchanges(&self) -> Vec<String> {
        (0..EXCHANGES).map(|place| self.exchange(place)).collect()
    }

    fn any_queue(&self) -> impl Strategy<Value = QueueName> + Clone + use<> {
        let (first, second, third) = (self.queue(0), self.queue(1), self.queue(2));
        prop_oneof![6 => Just(first), 4 => Just(second), 1 => Just(third)].prop_map(|name| QueueName::from(&*name))
    }

    fn declared_exchange(&self) -> impl Strategy<Value = ExchangeName> + Clone + use<> {
        let (first, second) = (self.exchange(0), self.exchange(1));
        prop_oneof![3 => Just(first), 2 => Just(second)].prop_map(|name| ExchangeName::from(&*name))
    }

    /// The default one too.
    fn any_exchange(&self) -> impl Strategy<Value = ExchangeName> + Clone + use<> {
        prop_oneof![12 => self.declared_exchange(), 1 => Just(ExchangeName::default_exchange())]
    }
}

fn channel() -> impl Strategy<Value = ChannelId> + Clone {
    let of = |connection, number| ChannelId { connection: ConnectionId(connection), number };
    prop_oneof![5 => Just(of(1, 1)), 3 => Just(of(1, 2)), 2 => Just(of(2, 1))]
}

fn key() -> impl Strategy<Value = &'static str> + Clone {
    prop_oneof![Just("a"), Just("b"), Just("a.b"), Just("a.b.a"), Just("")]
}

fn pattern() -> impl Strategy<Value = &'static str> + Clone {
    let wild = prop_oneof![
        Just("#"),
        Just("*"),
        Just("a.*"),
        Just("a.#"),
        Just("#.b"),
        Just("*.b"),
        Just("#.b.#"),
        Just("*.#"),
        Just("a.#.a"),
    ];
    prop_oneof![1 => key(), 1 => wild]
}

fn header() -> impl Strategy<Value = Text> + Clone {
    prop_oneof![3 => Just("h"), 2 => Just("k"), 2 => Just("x-t")].prop_map(Text::from)
}

fn value() -> impl Strategy<Value = Text> + Clone {
    prop_oneof![Just("1"), Just("2")].prop_map(Text::from)
}

fn binding() -> BoxedStrategy<Binding> {
    let x_match = prop_oneof![3 => Just(Match::All), 3 => Just(Match::Any), 1 => Just(Match::AllWithX), 1 => Just(Match::AnyWithX)];
    let headers = prop::collection::btree_map(header(), prop::option::weighted(0.8, value()), 1..3);
    prop_oneof![
        3 => pattern().prop_map(Binding::by_key),
        1 => (pattern(), x_match, headers).prop_map(|(key, x_match, headers)| Binding { key: key.into(), headers, x_match }),
    ]
    .boxed()
}

fn kind() -> impl Strategy<Value = ExchangeKind> + Clone {
    prop_oneof![
        3 => Just(ExchangeKind::Topic), 2 => Just(ExchangeKind::Direct), 2 => Just(ExchangeKind::Headers),
        1 => Just(ExchangeKind::Fanout),
    ]
}

// ---------------------------------------------------------------------------------------------------------------------------
// Queues

/// Short ones where time passes; long ones; and none.
fn ttl(waits: bool, often: f64) -> BoxedStrategy<Option<Span>> {
    let short = if waits { SHORT } else { LONG };
    prop::option::weighted(
        if waits { 3.0 * often } else { often },
        prop_oneof![4 => Just(short), 1 => Just(LONG), 1 => Just(Span::ZERO)],
    )
    .boxed()
}

fn dead_letter(names: &Names) -> BoxedStrategy<Option<DeadLetterTo>> {
    let missing = ExchangeName::from("nowhere");
    let queue = (names.any_queue(), Just(ExchangeName::default_exchange()))
        .prop_map(|(queue, exchange)| DeadLetterTo { exchange, key: Some(Key::from(queue.as_str())) });
    let exchange = prop_oneof![6 => names.any_exchange(), 1 => Just(missing)];
    let other = (exchange, prop::option::of(key().prop_map(Key::from)))
        .prop_map(|(exchange, key)| DeadLetterTo { exchange, key });
    prop::option::weighted(0.7, prop_oneof![2 => queue, 1 => other]).boxed()
}

fn settings(names: &Names, like: Kind) -> BoxedStrategy<QueueSettings> {
    let quorum = prop::bool::weighted(like.quorum);
    let expires = prop_oneof![
        8 => Just(None), 1 => Just(Some(LONG)), 1 => Just(Some(if like.waits { SHORT } else { LONG })),
    ];
    let overflow = prop_oneof![3 => Just(Overflow::DropHead), 2 => Just(Overflow::RejectPublish), 1 => Just(Overflow::RejectPublishDlx)];
    let length = (prop::option::weighted(0.35, 0u32..4), overflow);
    let dead_letter = dead_letter(names);
    let rest = (prop::option::weighted(0.2, 1u8..5), prop::bool::weighted(0.2), prop::option::weighted(0.4, 0u32..3));
    // What a kind of queue cannot have is rarely asked for.
    let odd = prop::bool::weighted(0.04);
    (quorum, ttl(like.waits, 0.12), expires, length, dead_letter, rest, prop::bool::weighted(0.8), odd)
        .prop_map(|(quorum, message_ttl, expires, (max_length, overflow), dead_letter, rest, durable, odd)| {
            let (max_priority, single_active, delivery_limit) = rest;
            let all = QueueSettings {
                kind: if quorum { QueueKind::Quorum } else { QueueKind::Classic },
                durable,
                message_ttl,
                expires,
                max_length,
                overflow,
                dead_letter,
                max_priority,
                single_active,
                delivery_limit,
            };
            match (odd, quorum) {
                (true, _) => all,
                (false, false) => QueueSettings { delivery_limit: None, ..all },
                (false, true) => {
                    let overflow = if overflow == Overflow::RejectPublishDlx { Overflow::DropHead } else { overflow };
                    QueueSettings { durable: true, overflow, max_priority: None, ..all }
                }
            }
        })
        .boxed()
}

// ---------------------------------------------------------------------------------------------------------------------------
// Commands

fn publish(names: &Names, waits: bool) -> BoxedStrategy<Command> {
    let to_queue = names.any_queue().prop_map(|queue| (ExchangeName::default_exchange(), Key::from(queue.as_str())));
    let nowhere = Just((ExchangeName::from("nowhere"), Key::from("a")));
    let to_exchange = (names.any_exchange(), key().prop_map(Key::from));
    let to = prop_oneof![10 => to_queue, 10 => to_exchange, 1 => nowhere];
    let headers = prop_oneof![
        2 => Just(Default::default()),
        1 => prop::collection::btree_map(header(), value(), 1..3),
    ];
    let properties = (any::<bool>(), prop::option::weighted(0.4, 0u8..7), ttl(waits, 0.1), headers).prop_map(
        |(persistent, priority, expiration, headers)| Properties { persistent, priority, expiration, headers },
    );
    (channel(), to, any::<bool>(), properties, 0u64..10_000)
        .prop_map(|(channel, (exchange, key), mandatory, properties, body)| {
            let body = Body::of(BodyId(body));
            Command::Publish(channel, Box::new(Publish { exchange, key, mandatory, properties, body }))
        })
        .boxed()
}

fn mode() -> impl Strategy<Value = AckMode> + Clone {
    prop_oneof![4 => Just(AckMode::Manual), 1 => Just(AckMode::Auto)]
}

fn consumer() -> impl Strategy<Value = ConsumerTag> + Clone {
    (1u16..4).prop_map(ConsumerTag)
}

/// The place of a delivery among those that wait on its channel. Places beyond all are unknown tags.
fn settle() -> BoxedStrategy<Command> {
    let place = prop_oneof![20 => 0u64..4, 1 => Just(u64::MAX)].prop_map(DeliveryTag);
    let how = prop_oneof![
        2 => Just(Settlement::Ack),
        2 => any::<bool>().prop_map(|requeue| Settlement::Nack { requeue }),
        2 => any::<bool>().prop_map(|requeue| Settlement::Reject { requeue }),
    ];
    (channel(), place, any::<bool>(), how)
        .prop_map(|(channel, tag, multiple, how)| {
            let multiple = multiple && !matches!(how, Settlement::Reject { .. });
            Command::Settle { channel, tag, multiple, how }
        })
        .boxed()
}

fn durable() -> impl Strategy<Value = Durable> + Clone {
    prop::bool::weighted(0.8).prop_map(Durable)
}

fn topology(names: &Names, like: Kind) -> BoxedStrategy<Step> {
    let only_if =
        (prop::bool::weighted(0.4), prop::bool::weighted(0.4)).prop_map(|(unused, empty)| OnlyIf { unused, empty });
    let bind = || (channel(), names.any_exchange(), names.any_queue(), binding().prop_map(Box::new));
    let commands = prop_oneof![
        2 => (channel(), names.any_exchange(), kind(), durable()).prop_map(|(c, x, k, d)| Command::DeclareExchange(c, x, k, d)),
        1 => (channel(), names.any_exchange(), only_if.clone()).prop_map(|(c, x, o)| Command::DeleteExchange(c, x, o)),
        1 => (channel(), names.any_queue(), settings(names, like)).prop_map(|(c, q, s)| Command::DeclareQueue(c, q, Box::new(s))),
        2 => (channel(), names.any_queue(), only_if).prop_map(|(c, q, o)| Command::DeleteQueue(c, q, o)),
        2 => (channel(), names.any_queue()).prop_map(|(c, q)| Command::Purge(c, q)),
        4 => bind().prop_map(|(c, x, q, b)| Command::Bind(c, x, q, b)),
        1 => bind().prop_map(|(c, x, q, b)| Command::Unbind(c, x, q, b)),
    ];
    prop_oneof![
        3 => (channel(), 0..QUEUES).prop_map(|(channel, place)| Step::Declare(channel, place)),
        13 => commands.prop_map(Step::Tell),
    ]
    .boxed()
}

fn step(names: &Names, like: Kind) -> BoxedStrategy<Step> {
    let ending = prop_oneof![Just(Ending::Closed), Just(Ending::Lost)];
    let connection = (1u64..3).prop_map(ConnectionId);
    let global = prop::bool::weighted(0.25);
    let commands = prop_oneof![
        32 => publish(names, like.waits),
        10 => (channel(), names.any_queue(), mode()).prop_map(|(c, q, m)| Command::Get(c, q, m)),
        9 => (channel(), names.any_queue(), consumer(), mode()).prop_map(|(c, q, t, m)| Command::Consume(c, q, t, m)),
        3 => (channel(), consumer()).prop_map(|(c, t)| Command::Cancel(c, t)),
        5 => (channel(), 0u16..4, global).prop_map(|(channel, prefetch, global)| Command::Qos { channel, prefetch, global }),
        22 => settle(),
        2 => channel().prop_map(Command::CloseChannel),
    ];
    prop_oneof![
        83 => commands.prop_map(Step::Tell),
        13 => topology(names, like),
        2 => (connection, ending).prop_map(|(connection, how)| Step::End(connection, how)),
        if like.waits { 8 } else { 0 } => Just(Step::Wait),
    ]
    .boxed()
}

/// Two exchanges and two queues, with some bindings, so that messages go somewhere.
fn beginning(names: &Names) -> BoxedStrategy<Vec<Step>> {
    let on = ChannelId { connection: ConnectionId(1), number: 1 };
    let exchange = |place: usize| ExchangeName::from(&*names.exchange(place));
    let (first, second) = (exchange(0), exchange(1));
    let bindings = prop::collection::vec((names.declared_exchange(), 0usize..2, binding()), 1..5);
    let names = names.clone();
    (kind(), kind(), durable(), bindings)
        .prop_map(move |(one, other, durable, bindings)| {
            let exchanges = [(first.clone(), one), (second.clone(), other)];
            let declared = exchanges.map(|(name, kind)| Step::Tell(Command::DeclareExchange(on, name, kind, durable)));
            let queues = (0..2).map(|place| Step::Declare(on, place));
            let bound = bindings.into_iter().map(|(exchange, place, binding)| {
                Step::Tell(Command::Bind(on, exchange, QueueName::from(&*names.queue(place)), Box::new(binding)))
            });
            declared.into_iter().chain(queues).chain(bound).collect()
        })
        .boxed()
}

/// Sequences of so many commands, besides those of the beginning.
pub fn sequence(names: &Names, like: Kind, length: usize) -> BoxedStrategy<Sequence> {
    let queues = prop::collection::vec(settings(names, like), QUEUES);
    let steps = prop::collection::vec(step(names, like), length);
    (queues, beginning(names), steps)
        .prop_map(|(queues, mut beginning, steps)| {
            beginning.extend(steps);
            Sequence { queues, steps: beginning }
        })
        .boxed()
}
