//! What clients do, drawn.

use proptest::prelude::*;
use seedbed_models::communication::pub_sub::packet::{Options, Qos, RetainHandling};

/// How many clients there are.
pub const CLIENTS: u16 = 3;
/// What they publish to.
pub const TOPICS: [&str; 6] = ["a", "a/b", "a/b/c", "b", "/a", "$data/b"];
/// What they subscribe to: the place is the subscription identifier, less one.
pub const FILTERS: [&str; 12] =
    ["#", "+", "a/#", "+/b", "a/b", "a/+", "/+", "$data/#", "$share/g/a/+", "$share/g/#", "a/#/b", "$share/g"];

/// A command.
#[derive(Clone, Debug)]
pub enum Command {
    /// A client connects, or connects again.
    Connect {
        client: u16,
        clean_start: bool,
        /// Whether its session outlives the connection.
        durable: bool,
        receive_maximum: u16,
        /// Whether it has a Will Message, and whether that waits (for longer than the test takes).
        will: Option<bool>,
    },
    /// A client publishes; with QoS 2 it sends PUBLISH twice, if `again`.
    Publish { client: u16, topic: usize, qos: Qos, retain: bool, empty: bool, again: bool },
    /// A client subscribes.
    Subscribe { client: u16, filter: usize, options: Options },
    /// A client unsubscribes.
    Unsubscribe { client: u16, filter: usize },
    /// A client disconnects; with its Will Message, if so.
    Disconnect { client: u16, with_will: bool },
    /// A client's connection is lost.
    Drop { client: u16 },
    /// From now on a client answers to what it gets, or does not.
    Answer { client: u16, answers: bool },
    /// A client releases what it has of QoS 2, or completes it, without being asked: there is no such exchange.
    Stray { client: u16, release: bool },
}

fn qos() -> impl Strategy<Value = Qos> {
    prop::sample::select(vec![Qos::AtMostOnce, Qos::AtLeastOnce, Qos::ExactlyOnce])
}

fn options() -> impl Strategy<Value = Options> {
    let handling = vec![RetainHandling::Send, RetainHandling::SendIfNew, RetainHandling::DoNotSend];
    (qos(), prop::bool::weighted(0.2), any::<bool>(), prop::sample::select(handling)).prop_map(
        |(qos, no_local, retain_as_published, retain_handling)| Options {
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        },
    )
}

/// Commands.
pub fn command() -> impl Strategy<Value = Command> {
    let client = 0..CLIENTS;
    let filter = || 0..FILTERS.len();
    let will = prop::option::weighted(0.4, any::<bool>());
    prop_oneof![
        4 => (client.clone(), prop::bool::weighted(0.25), prop::bool::weighted(0.7), prop::sample::select(vec![1u16, 2, 20]), will)
            .prop_map(|(client, clean_start, durable, receive_maximum, will)| Command::Connect { client, clean_start, durable, receive_maximum, will }),
        10 => (client.clone(), 0..TOPICS.len(), qos(), prop::bool::weighted(0.3), prop::bool::weighted(0.15), prop::bool::weighted(0.2))
            .prop_map(|(client, topic, qos, retain, empty, again)| Command::Publish { client, topic, qos, retain, empty, again }),
        6 => (client.clone(), filter(), options()).prop_map(|(client, filter, options)| {
            let no_local = options.no_local && !FILTERS[filter].starts_with("$share");
            Command::Subscribe { client, filter, options: Options { no_local, ..options } }
        }),
        2 => (client.clone(), filter()).prop_map(|(client, filter)| Command::Unsubscribe { client, filter }),
        2 => (client.clone(), prop::bool::weighted(0.3)).prop_map(|(client, with_will)| Command::Disconnect { client, with_will }),
        2 => client.clone().prop_map(|client| Command::Drop { client }),
        3 => (client.clone(), any::<bool>()).prop_map(|(client, answers)| Command::Answer { client, answers }),
        1 => (client, any::<bool>()).prop_map(|(client, release)| Command::Stray { client, release }),
    ]
}
