//! *Queues*, "Durability": what is there after a restart; and that the books are a function of what they are told.

use proptest::prelude::*;
use seedbed_models::communication::message_queue::books::Books;
use seedbed_models::communication::message_queue::books::command::{AckMode, Command, Durable, Stamped};
use seedbed_models::communication::message_queue::books::exchange::ExchangeKind;
use seedbed_models::communication::message_queue::books::message::Properties;
use seedbed_models::communication::message_queue::books::settings::QueueSettings;
use seedbed_models::communication::message_queue::names::{
    ChannelId, ConnectionId, DeliveryTag, ExchangeName, QueueName,
};
use seedbed_sim::{Span, Time};

use crate::say::{classic, get, plain, publish, quorum, ready, with};

#[test]
fn what_is_durable_is_there_after_a_restart() {
    let mut session = with(classic());
    session.declare_queue("transient", QueueSettings::default()).expect("it is new");
    session.tell(Command::DeclareExchange(
        session.channel(),
        ExchangeName::from("t"),
        ExchangeKind::Fanout,
        Durable(false),
    ));
    session.declare_exchange("d", ExchangeKind::Fanout).expect("it is new");
    let passing = Properties::default();
    assert!(publish(&mut session, "q", 1, plain()) && publish(&mut session, "q", 2, passing));
    assert!(publish(&mut session, "q", 3, plain()) && publish(&mut session, "transient", 4, plain()));
    get(&mut session, "q");
    session.tell(Command::Restart);
    assert_eq!(ready(&session, "q"), [1, 3], "what is persistent, and what was not acknowledged in its old place");
    let queues: Vec<&str> = session.books().queues().map(|(name, _)| name.as_str()).collect();
    let exchanges: Vec<&str> = session.books().exchanges().map(|(name, _)| name.as_str()).collect();
    assert_eq!((queues, exchanges, session.books().channels().count()), (vec!["q"], vec!["d"], 0));
    assert!(get(session.on(2, 1), "q").redelivered);
}

#[test]
fn in_a_quorum_queue_all_messages_are_there() {
    let mut session = with(quorum());
    assert!(publish(&mut session, "q", 1, Properties::default()) && publish(&mut session, "q", 2, plain()));
    session.tell(Command::Restart);
    assert_eq!(ready(&session, "q"), [1, 2]);
}

fn command() -> impl Strategy<Value = Command> {
    let channel =
        (1u64..3, 1u16..3).prop_map(|(connection, number)| ChannelId { connection: ConnectionId(connection), number });
    let queue = prop::sample::select(vec!["a", "b"]).prop_map(QueueName::from);
    let tag = (0u64..6).prop_map(DeliveryTag);
    (channel, queue, tag, 0..14u8, any::<bool>()).prop_map(|(channel, queue, tag, which, flag)| {
        use seedbed_models::communication::message_queue::books::command::Publish;
        use seedbed_models::communication::message_queue::books::journal::Settlement;
        use seedbed_models::communication::message_queue::books::message::Body;
        use seedbed_models::communication::message_queue::names::{BodyId, ConsumerTag, Key};
        let to = if queue.as_str() == "a" { "b" } else { "a" };
        let settings = QueueSettings {
            message_ttl: flag.then(|| Span::ms(4)),
            dead_letter: crate::say::dead_letters_to(to),
            ..classic()
        };
        let publish = Publish {
            exchange: ExchangeName::from(""),
            key: Key::from(queue.as_str()),
            mandatory: false,
            properties: Properties { persistent: flag, ..Properties::default() },
            body: Body::of(BodyId(tag.0)),
        };
        let mode = if flag { AckMode::Manual } else { AckMode::Auto };
        match which {
            0 | 1 => Command::OpenChannel(channel),
            2 | 3 => Command::DeclareQueue(channel, queue, Box::new(settings)),
            4..=6 => Command::Publish(channel, Box::new(publish)),
            7 => Command::Consume(channel, queue, ConsumerTag(1), mode),
            8 => Command::Get(channel, queue, mode),
            9 => Command::Settle { channel, tag, multiple: flag, how: Settlement::Ack },
            10 => Command::Settle { channel, tag, multiple: flag, how: Settlement::Reject { requeue: flag } },
            11 => Command::CloseConnection(channel.connection),
            12 if flag => Command::Restart,
            12 => Command::Purge(channel, queue),
            _ => Command::Tick,
        }
    })
}

proptest! {
    /// The same commands give the same books; and at each moment every copy that has come is there once or has left once.
    #[test]
    fn books_are_replayed(commands in prop::collection::vec((0u64..3, command()), 1..60)) {
        use std::collections::BTreeSet;
        use seedbed_models::communication::message_queue::books::journal::Event;
        let (mut books, mut now, mut log) = (Books::default(), Time::ZERO, Vec::new());
        for (passed, command) in commands {
            now += Span::ms(passed);
            let stamped = Stamped { at: now, command, bug: None };
            books.replay(&stamped);
            log.push(stamped);
            let mut there = BTreeSet::new();
            for entry in books.journal() {
                match &entry.event {
                    Event::Entered { copy, .. } => prop_assert!(there.insert(*copy)),
                    Event::Left { copy, .. } => prop_assert!(there.remove(copy)),
                    _ => {}
                }
            }
            let copies: Vec<_> = books.copies().map(|(_, queued)| queued.id).collect();
            prop_assert_eq!(copies.len(), there.len());
            prop_assert_eq!(copies.into_iter().collect::<BTreeSet<_>>(), there);
            prop_assert!(books.next_due().is_none_or(|due| due > now), "what is due is done");
        }
        let mut again = Books::default();
        log.iter().for_each(|stamped| again.replay(stamped));
        prop_assert_eq!(again, books);
    }
}
