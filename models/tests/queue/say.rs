//! What the tests of the books have in common: queues, messages, what is delivered and what is ready.

use seedbed_models::communication::message_queue::books::command::{AckMode, Answer, Delivery};
use seedbed_models::communication::message_queue::books::message::{Properties, Reason};
use seedbed_models::communication::message_queue::books::session::Session;
use seedbed_models::communication::message_queue::books::settings::{DeadLetterTo, QueueKind, QueueSettings};
use seedbed_models::communication::message_queue::names::{BodyId, ExchangeName, Key, QueueName};
use seedbed_sim::Span;

/// A durable classic queue without arguments.
pub fn classic() -> QueueSettings {
    QueueSettings::durable(QueueKind::Classic)
}

/// A quorum queue without arguments.
pub fn quorum() -> QueueSettings {
    QueueSettings::durable(QueueKind::Quorum)
}

/// To this queue, by the default exchange.
pub fn dead_letters_to(queue: &str) -> Option<DeadLetterTo> {
    Some(DeadLetterTo { exchange: ExchangeName::from(""), key: Some(Key::from(queue)) })
}

/// A persistent message.
pub fn plain() -> Properties {
    Properties { persistent: true, ..Properties::default() }
}

/// A persistent message with a time to live, in milliseconds.
pub fn expiring(ms: u64) -> Properties {
    Properties { expiration: Some(Span::ms(ms)), ..plain() }
}

/// A persistent message with a priority.
pub fn urgent(priority: u8) -> Properties {
    Properties { priority: Some(priority), ..plain() }
}

/// A session with one queue, which is called `q`.
pub fn with(settings: QueueSettings) -> Session {
    let mut session = Session::new();
    session.declare_queue("q", settings).expect("a queue that can be");
    session
}

/// Publishes to a queue, and says whether no queue has refused it.
pub fn publish(session: &mut Session, queue: &str, body: u64, properties: Properties) -> bool {
    match session.publish("", queue, body, properties) {
        Ok(Answer::Published { routed: true, accepted }) => accepted,
        answer => panic!("it has a route: {answer:?}"),
    }
}

/// Publishes plain messages of these bodies to `q`.
pub fn publish_all(session: &mut Session, bodies: impl IntoIterator<Item = u64>) {
    for body in bodies {
        assert!(publish(session, "q", body, plain()));
    }
}

/// The bodies of deliveries.
pub fn bodies(deliveries: &[Delivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| delivery.message.body.id.0).collect()
}

/// The bodies that are ready in a queue, in the order of delivery.
pub fn ready(session: &Session, queue: &str) -> Vec<u64> {
    let queue = session.books().queue(&QueueName::from(queue)).expect("a queue that is there");
    queue.ready().iter().map(|queued| queued.message.body.id.0).collect()
}

/// Gets the head of a queue, which has one.
pub fn get(session: &mut Session, queue: &str) -> Delivery {
    session.get(queue, AckMode::Manual).expect("the queue is there").expect("something is ready")
}

/// How often a delivery says that it has died in a queue for a reason.
pub fn deaths(delivery: &Delivery) -> Vec<(&str, Reason, u64)> {
    delivery.message.deaths.iter().map(|death| (death.queue.as_str(), death.reason, death.count)).collect()
}

/// What its publisher calls it.
pub fn body(id: u64) -> BodyId {
    BodyId(id)
}
