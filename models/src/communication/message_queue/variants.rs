//! The configurations that sweeps draw: both kinds of queues, with and without each argument; and those in which a bug can show.

use proptest::prelude::*;
use seedbed_sim::Span;

use crate::communication::message_queue::books::settings::{Overflow, QueueKind};
use crate::communication::message_queue::bugs::Bug;
use crate::communication::message_queue::client::consumer::Acks;
use crate::communication::message_queue::model::MessageQueue;
use crate::communication::message_queue::topology::DeadLetters;

impl MessageQueue {
    /// The variants of this, for any bug or none.
    pub(super) fn variants_for(&self, bug: Option<Bug>) -> BoxedStrategy<MessageQueue> {
        let model = self.clone();
        (queues(), clients())
            .prop_map(move |(queues, clients)| {
                let model = clients.apply(queues.apply(model.clone()));
                match bug {
                    Some(bug) => concerned(model, bug),
                    None => model,
                }
            })
            .boxed()
    }
}

#[derive(Clone, Debug)]
struct Queues {
    queues: QueueKind,
    dead_letters: DeadLetters,
    message_ttl: Option<Span>,
    max_length: Option<u32>,
    overflow: Overflow,
    max_priority: Option<u8>,
    single_active: bool,
    delivery_limit: Option<u32>,
    delay: Span,
}

fn queues() -> impl Strategy<Value = Queues> {
    let queues = prop_oneof![3 => Just(QueueKind::Classic), 2 => Just(QueueKind::Quorum)];
    let dead_letters = prop_oneof![
        1 => Just(DeadLetters::None),
        2 => Just(DeadLetters::Kept),
        3 => Just(DeadLetters::Retried),
    ];
    let message_ttl = prop::option::weighted(0.2, prop_oneof![Just(Span::ms(30)), Just(Span::ms(200))]);
    let max_length = prop::option::weighted(0.25, 0u32..6);
    let overflow = prop_oneof![
        2 => Just(Overflow::DropHead),
        2 => Just(Overflow::RejectPublish),
        1 => Just(Overflow::RejectPublishDlx),
    ];
    let max_priority = prop::option::weighted(0.3, Just(5u8));
    let delivery_limit = prop::option::weighted(0.4, 0u32..3);
    let delay = prop_oneof![2 => Just(Span::ms(60)), 1 => Just(Span::ms(8)), 1 => Just(Span::ms(250))];
    let of_messages = (message_ttl, max_length, overflow, max_priority);
    (queues, dead_letters, of_messages, prop::bool::weighted(0.2), delivery_limit, delay).prop_map(
        |(queues, dead_letters, of_messages, single_active, delivery_limit, delay)| {
            let (message_ttl, max_length, overflow, max_priority) = of_messages;
            Queues {
                queues,
                dead_letters,
                message_ttl,
                max_length,
                overflow,
                max_priority,
                single_active,
                delivery_limit,
                delay,
            }
        },
    )
}

impl Queues {
    fn apply(self, model: MessageQueue) -> MessageQueue {
        let Queues { queues, dead_letters, message_ttl, max_length, overflow, .. } = self;
        let Queues { max_priority, single_active, delivery_limit, delay, .. } = self;
        let overflow = possible(queues, overflow);
        MessageQueue {
            queues,
            dead_letters,
            message_ttl,
            max_length,
            overflow,
            max_priority,
            single_active,
            delivery_limit,
            delay,
            ..model
        }
    }
}

/// Quorum queues know no limit of a channel.
fn limit_of_channels(queues: QueueKind, global_prefetch: u16) -> u16 {
    match queues {
        QueueKind::Classic => global_prefetch,
        QueueKind::Quorum => 0,
    }
}

/// A quorum queue does not dead-letter what it refuses.
fn possible(queues: QueueKind, overflow: Overflow) -> Overflow {
    match (queues, overflow) {
        (QueueKind::Quorum, Overflow::RejectPublishDlx) => Overflow::RejectPublish,
        (_, overflow) => overflow,
    }
}

#[derive(Clone, Debug)]
struct Clients {
    connections: u16,
    channels: u16,
    confirms: bool,
    acks: Acks,
    prefetch: u16,
    global_prefetch: u16,
    service: Span,
}

fn clients() -> impl Strategy<Value = Clients> {
    let acks = prop_oneof![3 => Just(Acks::Each), 3 => Just(Acks::Several(3)), 1 => Just(Acks::Auto)];
    let prefetch = prop_oneof![2 => Just(3u16), 1 => Just(1u16), 1 => Just(0u16)];
    let global_prefetch = prop_oneof![3 => Just(0u16), 1 => Just(2u16)];
    let service = prop_oneof![3 => Just(Span::ms(8)), 1 => Just(Span::ms(40))];
    (1u16..3, 1u16..3, prop::bool::weighted(0.85), acks, prefetch, global_prefetch, service).prop_map(
        |(connections, channels, confirms, acks, prefetch, global_prefetch, service)| Clients {
            connections,
            channels,
            confirms,
            acks,
            prefetch,
            global_prefetch,
            service,
        },
    )
}

impl Clients {
    fn apply(self, model: MessageQueue) -> MessageQueue {
        let Clients { connections, channels, confirms, acks, prefetch, global_prefetch, service } = self;
        let global_prefetch = limit_of_channels(model.queues, global_prefetch);
        MessageQueue { connections, channels, confirms, acks, prefetch, global_prefetch, service, ..model }
    }
}

/// The same in so far as a bug can show in it.
fn concerned(model: MessageQueue, bug: Bug) -> MessageQueue {
    let manual = |acks| if acks == Acks::Auto { Acks::Each } else { acks };
    let classic = |model: MessageQueue| MessageQueue { queues: QueueKind::Classic, ..model };
    let quorum = |model: MessageQueue| {
        let overflow = possible(QueueKind::Quorum, model.overflow);
        let global_prefetch = limit_of_channels(QueueKind::Quorum, model.global_prefetch);
        MessageQueue { queues: QueueKind::Quorum, overflow, global_prefetch, ..model }
    };
    match bug {
        Bug::ConfirmBeforeSync | Bug::ConfirmMultipleOffByOne | Bug::MandatoryIgnored => {
            MessageQueue { confirms: true, ..model }
        }
        Bug::RefusedButConfirmed => MessageQueue {
            confirms: true,
            max_length: Some(model.max_length.unwrap_or(1)),
            overflow: Overflow::RejectPublish,
            ..model
        },
        Bug::RefusalCoversTheNext => MessageQueue {
            confirms: true,
            max_length: Some(model.max_length.unwrap_or(1)),
            overflow: Overflow::RejectPublish,
            ..model
        },
        Bug::LimitOffByOne => MessageQueue { max_length: Some(model.max_length.unwrap_or(1).max(1)), ..model },
        Bug::AckWrongTag => MessageQueue { acks: Acks::Each, prefetch: model.prefetch.max(3), ..model },
        Bug::MultipleAckOffByOne => MessageQueue { acks: Acks::Several(2), prefetch: 0, global_prefetch: 0, ..model },
        Bug::RequeueIgnored
        | Bug::RequeueDuplicates
        | Bug::UnackedLostOnClose
        | Bug::DeliveredTwice
        | Bug::RedeliveredNotSaid
        | Bug::ConsumerNotRecovered => MessageQueue { acks: manual(model.acks), ..model },
        Bug::PrefetchIgnored => MessageQueue { acks: manual(model.acks), prefetch: model.prefetch.max(1), ..model },
        Bug::RequeueToTail => classic(MessageQueue { acks: manual(model.acks), prefetch: 1, ..model }),
        Bug::SingleActiveIgnored => MessageQueue { single_active: true, ..model },
        Bug::DlxLostOnCrash => {
            classic(MessageQueue { dead_letters: DeadLetters::Kept, acks: manual(model.acks), confirms: true, ..model })
        }
        Bug::DeathCountReset => MessageQueue { dead_letters: DeadLetters::Retried, acks: manual(model.acks), ..model },
        Bug::ExpiresWithTheHead => MessageQueue { dead_letters: DeadLetters::Retried, ..model },
        Bug::LimitIgnoresTheFirst | Bug::DeadLettersTwice => quorum(MessageQueue {
            delivery_limit: Some(model.delivery_limit.unwrap_or(1)),
            acks: manual(model.acks),
            ..model
        }),
        Bug::TakeoverForgotten => quorum(MessageQueue { acks: manual(model.acks), ..model }),
        Bug::AckNotWritten => classic(MessageQueue { acks: manual(model.acks), ..model }),
        Bug::DeliversExpired => MessageQueue { prefetch: 1, acks: manual(model.acks), ..model },
        Bug::HashNeedsAWord => model,
    }
}
