//! What is not compared, and why: where the model is made after a newer version than the 3.10 of the distribution, or where RabbitMQ
//! leaves open what happens. Such a command is left out of its sequence; all others are not.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::command::{AckMode, Command};
use seedbed_models::communication::message_queue::books::journal::{Event, Fate, Return};
use seedbed_models::communication::message_queue::books::queue::Queue;
use seedbed_models::communication::message_queue::books::settings::QueueKind;
use seedbed_models::communication::message_queue::names::{ChannelId, ConsumerTag, DeliveryTag, QueueName};

/// Why a command is left out, if it is: it is tried, on books that are thrown away.
pub fn left_out(books: &Books, command: &Command) -> Option<&'static str> {
    if concerns_a_limited_channel(books, command) {
        return Some("the limit of a channel");
    }
    let mut trial = books.clone();
    let before = trial.journal().len();
    trial.execute(books.now(), command.clone());
    let events = || trial.journal()[before..].iter().map(|entry| &entry.event);
    if are_several_owners(books, events()) {
        return Some("a quorum queue is told of the deliveries of each consumer apart");
    }
    events().find_map(|event| matters(books, event))
}

/// What one command says of several consumers, a quorum queue is told of each consumer apart, in any order, and it delivers in between;
/// what `basic.get` has got is as of a consumer of its own. In the model it is one step.
fn are_several_owners<'a>(books: &Books, events: impl Iterator<Item = &'a Event>) -> bool {
    let mut owners: BTreeMap<&QueueName, BTreeSet<Owner>> = BTreeMap::new();
    for event in events {
        let (copy, queue) = match event {
            Event::Returned { copy, queue, .. } => (copy, queue),
            Event::Left { copy, queue, fate: Fate::Acked | Fate::Died { .. } } => (copy, queue),
            _ => continue,
        };
        if is_quorum(books, queue)
            && let Some((channel, tag, unacked)) = books.unacked().find(|(_, _, unacked)| unacked.queued.id == *copy)
        {
            let alone = unacked.consumer.is_none().then_some(tag);
            owners.entry(queue).or_default().insert((channel, unacked.consumer, alone));
        }
    }
    owners.values().any(|owners| owners.len() > 1)
}

type Owner = (ChannelId, Option<ConsumerTag>, Option<DeliveryTag>);

fn is_quorum(books: &Books, name: &QueueName) -> bool {
    books.queue(name).is_some_and(|queue| queue.settings.kind == QueueKind::Quorum)
}

/// RabbitMQ's limit of a channel (`basic.qos` with `global`, which is deprecated) has rules that are written nowhere: it counts what
/// `basic.get` has got where it is set, and not from then on; no one else on the channel gets more either, who need not acknowledge;
/// and it is gone when the limit of consumers is set. In the model it is as the documentation has it.
fn concerns_a_limited_channel(books: &Books, command: &Command) -> bool {
    let limit =
        |id: ChannelId| books.channels().find(|(other, _)| *other == id).map_or(0, |(_, of)| of.global_prefetch());
    let has_got = |id: ChannelId| books.unacked().any(|(other, _, unacked)| other == id && unacked.consumer.is_none());
    let takes_all = |id: ChannelId| {
        let mut consumers = books.queues().flat_map(|(_, queue)| queue.consumers());
        consumers.any(|consumer| consumer.channel == id && consumer.mode == AckMode::Auto)
    };
    match *command {
        Command::Qos { channel, global: true, .. } => has_got(channel) || takes_all(channel),
        Command::Qos { channel, global: false, .. } => limit(channel) > 0,
        Command::Get(channel, _, AckMode::Manual) | Command::Consume(channel, _, _, AckMode::Auto) => {
            limit(channel) > 0
        }
        _ => false,
    }
}

fn matters(books: &Books, event: &Event) -> Option<&'static str> {
    let quorum = |name: &QueueName| books.queue(name).filter(|queue| queue.settings.kind == QueueKind::Quorum);
    let limited = |queue: &Queue| queue.settings.delivery_limit.is_some();
    match event {
        // A quorum queue tells publishers that it is full when it is more than full, and that it is not when a fifth of its room is
        // free again; of dead letters it takes all.
        Event::Refused { queue, .. } if quorum(queue).is_some() => Some("a quorum queue is full"),
        // Quorum queues have priorities since 4.0.
        Event::Entered { queue, message, .. } if quorum(queue).is_some() => {
            message.properties.priority.filter(|priority| *priority != 4).map(|_| "a priority in a quorum queue")
        }
        // What is given back by `basic.nack` is no failure since 4.3; before, all that is given back was.
        Event::Returned { queue, why: Return::Nacked, .. } if quorum(queue).is_some_and(limited) => {
            Some("a message was not processed, and has not failed")
        }
        _ => None,
    }
}
