//! The broker of `pub_sub` and mosquitto (2.0.11 is what Debian 12 has), packet by packet: three clients, whose commands are drawn. Each
//! subscription gets a copy of its own in both (`allow_duplicate_messages`).
//!
//! What cannot be equal is not compared: packet identifiers that the broker gives, and the order of copies of one message and of
//! retained messages. Of a shared subscription it is compared that one of its members gets a message, and not which.

// A real server has a real clock.
#![allow(clippy::disallowed_methods, clippy::disallowed_types)]

mod commands;
mod sides;
mod wire;

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use seedbed_models::communication::pub_sub::names::{BodyId, ClientId, PacketId, SubscriptionId};
use seedbed_models::communication::pub_sub::packet::{
    Body, Connect, Message, Packet, Publish, Qos, Reason, SessionExpiry, Will,
};
use seedbed_models::communication::pub_sub::topic::{Filter, Topic};
use seedbed_referees::{Server, sequences};
use seedbed_sim::Span;

use commands::{CLIENTS, Command, FILTERS, TOPICS};
use sides::{Model, Real, Side};

/// How many publishes with a QoS above 0 a broker takes at a time, as mosquitto is told too.
const RECEIVE_MAXIMUM: u16 = 20;
/// The commands of a sequence.
const LENGTH: usize = 30;

fn start() -> Option<Server> {
    Server::start("mosquitto", |port, folder| {
        let file = folder.join("mosquitto.conf");
        let text = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nmax_inflight_messages {RECEIVE_MAXIMUM}\n\
             max_queued_messages 100000\nallow_duplicate_messages true\nset_tcp_nodelay true\n"
        );
        std::fs::write(&file, text).expect("its settings");
        vec!["-c".into(), file.display().to_string()]
    })
}

/// What has come, in words that can be compared: by client, and for shared subscriptions by message.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    by_client: BTreeMap<u16, Vec<String>>,
    shared: Vec<String>,
}

/// The clients, of which a broker knows.
#[derive(Default)]
struct Clients {
    deaf: BTreeMap<u16, bool>,
    published: u64,
}

impl Clients {
    fn message(&mut self, topic: &str, qos: Qos, retain: bool, empty: bool) -> Message {
        self.published += 1;
        Message {
            topic: Topic::from(topic),
            qos,
            retain,
            body: Body { id: BodyId(self.published), empty },
            expiry: None,
        }
    }

    /// Carries out a command, and reads until nothing more comes.
    fn run(&mut self, side: &mut dyn Side, command: &Command) -> Seen {
        let mut seen = Seen::default();
        match command {
            Command::Connect { client, clean_start, durable, receive_maximum, will } => {
                let will = will.map(|waits| Will {
                    message: self.message("a/b", Qos::AtLeastOnce, false, false),
                    delay: if waits { Span::secs(1_000) } else { Span::ZERO },
                });
                let connect = Connect {
                    client: ClientId(*client),
                    clean_start: *clean_start,
                    expiry: if *durable { SessionExpiry::Never } else { SessionExpiry::AT_ONCE },
                    receive_maximum: *receive_maximum,
                    keep_alive: Span::ZERO,
                    will,
                };
                // A client that is connected is taken over by a connection of its own: the old one is read to its end.
                side.close(*client);
                self.settle(side, &mut seen);
                side.open(*client);
                side.send(*client, &Packet::Connect(Box::new(connect)));
            }
            Command::Publish { client, topic, qos, retain, empty, again } => {
                let message = self.message(TOPICS[*topic], *qos, *retain, *empty);
                let id = (*qos > Qos::AtMostOnce).then_some(PacketId(1));
                let publish = |dup| {
                    let message = message.clone();
                    Packet::Publish(Box::new(Publish { message, dup, id, subscriptions: Vec::new() }))
                };
                side.send(*client, &publish(false));
                if *again && *qos == Qos::ExactlyOnce {
                    side.send(*client, &publish(true));
                }
                self.settle(side, &mut seen);
                if *qos == Qos::ExactlyOnce {
                    side.send(*client, &Packet::PubRel(PacketId(1), Reason::Success));
                }
            }
            Command::Subscribe { client, filter, options } => {
                let filters = vec![(Filter::from(FILTERS[*filter]), *options)];
                side.send(*client, &Packet::Subscribe(PacketId(9), filters, Some(SubscriptionId(*filter as u32 + 1))));
            }
            Command::Unsubscribe { client, filter } => {
                side.send(*client, &Packet::Unsubscribe(PacketId(8), vec![Filter::from(FILTERS[*filter])]));
            }
            Command::Disconnect { client, with_will } => {
                let reason = if *with_will { Reason::WithWill } else { Reason::Success };
                side.send(*client, &Packet::Disconnect(reason, None));
            }
            Command::Drop { client } => side.close(*client),
            Command::Answer { client, answers } => _ = self.deaf.insert(*client, !answers),
            Command::Stray { client, release: true } => {
                side.send(*client, &Packet::PubRel(PacketId(77), Reason::Success));
            }
            Command::Stray { client, release: false } => {
                side.send(*client, &Packet::PubAck(PacketId(777), Reason::Success));
            }
        }
        self.settle(side, &mut seen);
        for lines in seen.by_client.values_mut() {
            if matches!(command, Command::Publish { .. } | Command::Subscribe { .. }) {
                lines.sort();
            }
        }
        seen.shared.sort();
        seen
    }

    /// Reads and answers until nothing more comes.
    fn settle(&mut self, side: &mut dyn Side, seen: &mut Seen) {
        let mut idle = 0;
        while idle < 2 {
            idle += 1;
            for client in 0..CLIENTS {
                if !side.is_open(client) {
                    continue;
                }
                for packet in side.come(client) {
                    idle = 0;
                    self.came(side, client, packet, seen);
                }
                if !side.is_open(client) {
                    seen.by_client.entry(client).or_default().push("closed".into());
                    idle = 0;
                }
            }
        }
    }

    fn came(&mut self, side: &mut dyn Side, client: u16, packet: Packet, seen: &mut Seen) {
        let is_deaf = self.deaf.get(&client).copied().unwrap_or(false);
        let answer = match &packet {
            Packet::Publish(publish) => match (publish.message.qos, publish.id) {
                (Qos::AtLeastOnce, Some(id)) => Some(Packet::PubAck(id, Reason::Success)),
                (Qos::ExactlyOnce, Some(id)) => Some(Packet::PubRec(id, Reason::Success)),
                _ => None,
            },
            Packet::PubRel(id, _) => Some(Packet::PubComp(*id, Reason::Success)),
            _ => None,
        };
        if let Some(answer) = answer.filter(|_| !is_deaf) {
            side.send(client, &answer);
        }
        let line = match &packet {
            Packet::Publish(publish) => {
                let Publish { message, dup, subscriptions, .. } = &**publish;
                let Message { topic, qos, retain, body, .. } = message;
                let body = if body.empty { "nothing".into() } else { body.id.0.to_string() };
                let of: Vec<&str> = subscriptions.iter().map(|id| FILTERS[id.0 as usize - 1]).collect();
                if of.iter().any(|filter| filter.starts_with("$share")) {
                    seen.shared.push(format!("{topic} {body} {qos:?} {dup} {of:?}"));
                    return;
                }
                format!("{topic}: {body}, {qos:?}, retain {retain}, dup {dup}, for {of:?}")
            }
            // Whose identifier it is depends on who gets a message of a shared subscription.
            Packet::PubRel(..) => return,
            Packet::ConnAck { session_present, .. } => format!("ConnAck {session_present}"),
            packet => format!("{packet:?}"),
        };
        seen.by_client.entry(client).or_default().push(line);
    }
}

fn compare(port: u16, commands: &[Command]) -> Result<(), TestCaseError> {
    let (mut real, mut model) = (Real::new(port), Model::new(RECEIVE_MAXIMUM));
    let (mut theirs, mut ours) = (Clients::default(), Clients::default());
    let mut before = Vec::new();
    let mut result = Ok(());
    for command in commands {
        let (their, our) = (theirs.run(&mut real, command), ours.run(&mut model, command));
        before.push(format!("{command:?}\n    -> {their:?}"));
        if their != our {
            let words = format!("ours: {our:?}\nafter\n{}", before.join("\n"));
            result = Err(TestCaseError::fail(words));
            break;
        }
    }
    clean(port);
    result
}

/// Takes from the real broker what a sequence has left: sessions, and what is retained.
fn clean(port: u16) {
    let mut real = Real::new(port);
    for client in 0..CLIENTS {
        let connect = Connect {
            client: ClientId(client),
            clean_start: true,
            expiry: SessionExpiry::AT_ONCE,
            receive_maximum: 20,
            keep_alive: Span::ZERO,
            will: None,
        };
        real.open(client);
        real.send(client, &Packet::Connect(Box::new(connect)));
    }
    let mut clients = Clients::default();
    for topic in TOPICS {
        let message = clients.message(topic, Qos::AtMostOnce, true, true);
        real.send(0, &Packet::Publish(Box::new(Publish { message, dup: false, id: None, subscriptions: Vec::new() })));
    }
    for client in 0..CLIENTS {
        real.come(client);
        real.send(client, &Packet::Disconnect(Reason::Success, None));
        real.come(client);
    }
}

#[test]
fn a_real_broker_answers_the_same() {
    let Some(server) = start() else { return };
    let config = Config { cases: sequences(), failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let sequence = prop::collection::vec(commands::command(), LENGTH);
    if let Err(difference) = runner.run(&sequence, |commands| compare(server.port(), &commands)) {
        panic!("{difference}");
    }
}
