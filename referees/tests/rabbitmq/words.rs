//! What the model says, as the client says it; and what the server says, as it is compared.

use std::collections::BTreeMap;
use std::fmt;

use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, ExchangeKind};
use seedbed_models::communication::message_queue::books::exchange::{self, Binding, Match};
use seedbed_models::communication::message_queue::books::message::Properties;
use seedbed_models::communication::message_queue::books::settings::{Overflow, QueueKind, QueueSettings};
use seedbed_models::communication::message_queue::names::ConsumerTag;

use crate::mine::ms;
use crate::said::{Delivered, death};

pub fn name(name: &impl fmt::Display) -> ShortString {
    name.to_string().into()
}

pub fn tag(tag: ConsumerTag) -> ShortString {
    format!("c{}", tag.0).into()
}

pub fn kind(kind: exchange::ExchangeKind) -> ExchangeKind {
    match kind {
        exchange::ExchangeKind::Direct => ExchangeKind::Direct,
        exchange::ExchangeKind::Topic => ExchangeKind::Topic,
        exchange::ExchangeKind::Fanout => ExchangeKind::Fanout,
        exchange::ExchangeKind::Headers => ExchangeKind::Headers,
    }
}

fn text(text: &impl fmt::Display) -> AMQPValue {
    AMQPValue::LongString(text.to_string().into())
}

fn number(number: impl Into<i64>) -> AMQPValue {
    AMQPValue::LongLongInt(number.into())
}

fn table(all: impl IntoIterator<Item = (String, AMQPValue)>) -> FieldTable {
    all.into_iter().map(|(name, value)| (name.into(), value)).collect::<BTreeMap<_, _>>().into()
}

/// The arguments of a queue. What is not said is not said.
pub fn arguments(settings: &QueueSettings) -> FieldTable {
    let span = |span: seedbed_sim::Span| number((span.0 / 1_000_000) as i64);
    let kind = match settings.kind {
        QueueKind::Classic => "classic",
        QueueKind::Quorum => "quorum",
    };
    let overflow = match settings.overflow {
        Overflow::DropHead => None,
        Overflow::RejectPublish => Some("reject-publish"),
        Overflow::RejectPublishDlx => Some("reject-publish-dlx"),
    };
    let dead_letter = settings.dead_letter.as_ref();
    let all = [
        ("x-queue-type", Some(text(&kind))),
        ("x-message-ttl", settings.message_ttl.map(span)),
        ("x-expires", settings.expires.map(span)),
        ("x-max-length", settings.max_length.map(number)),
        ("x-overflow", overflow.map(|overflow| text(&overflow))),
        ("x-dead-letter-exchange", dead_letter.map(|to| text(&to.exchange))),
        ("x-dead-letter-routing-key", dead_letter.and_then(|to| to.key.as_ref()).map(text)),
        ("x-max-priority", settings.max_priority.map(number)),
        ("x-single-active-consumer", settings.single_active.then_some(AMQPValue::Boolean(true))),
        ("x-delivery-limit", settings.delivery_limit.map(number)),
    ];
    table(all.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?))))
}

/// The arguments of a binding. All of them are needed for `x-match` too, which is left out where there is nothing to match.
pub fn binding(binding: &Binding) -> FieldTable {
    let x_match = match binding.x_match {
        Match::All if binding.headers.is_empty() => None,
        Match::All => Some("all"),
        Match::Any => Some("any"),
        Match::AllWithX => Some("all-with-x"),
        Match::AnyWithX => Some("any-with-x"),
    };
    let wanted = |value: &Option<_>| value.as_ref().map_or(AMQPValue::Void, text);
    let headers = binding.headers.iter().map(|(name, value)| (name.to_string(), wanted(value)));
    table(headers.chain(x_match.map(|x_match| ("x-match".to_string(), text(&x_match)))))
}

pub fn properties(properties: &Properties) -> BasicProperties {
    let headers = properties.headers.iter().map(|(name, value)| (name.to_string(), text(value)));
    let said = BasicProperties::default().with_delivery_mode(if properties.persistent { 2 } else { 1 });
    let said = properties.priority.into_iter().fold(said, BasicProperties::with_priority);
    let said = properties.expiration.into_iter().fold(said, |said, ttl| said.with_expiration(ms(ttl).into()));
    if properties.headers.is_empty() { said } else { said.with_headers(table(headers)) }
}

// ---------------------------------------------------------------------------------------------------------------------------
// What the server says

pub fn delivered(delivery: &Delivery, consumer: Option<u16>) -> Delivered {
    let said = &delivery.properties;
    let headers = said.headers().iter().flat_map(|headers| headers.inner());
    Delivered {
        tag: delivery.delivery_tag,
        consumer,
        redelivered: delivery.redelivered,
        exchange: delivery.exchange.to_string(),
        key: delivery.routing_key.to_string(),
        body: String::from_utf8_lossy(&delivery.data).into_owned(),
        persistent: *said.delivery_mode() == Some(2),
        priority: *said.priority(),
        expiration: said.expiration().as_ref().map(ToString::to_string),
        headers: headers.map(|(name, value)| (name.to_string(), header(name.as_str(), value))).collect(),
    }
}

fn header(name: &str, value: &AMQPValue) -> String {
    match (name, value) {
        ("x-death", AMQPValue::FieldArray(deaths)) => {
            deaths.as_slice().iter().map(one_death).collect::<Vec<_>>().join("; ")
        }
        (_, value) => plain(value),
    }
}

fn plain(value: &AMQPValue) -> String {
    match value {
        AMQPValue::LongString(text) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        AMQPValue::LongLongInt(number) => number.to_string(),
        AMQPValue::LongInt(number) => number.to_string(),
        value => format!("{value:?}"),
    }
}

/// An entry of `x-death`. Its time is known to be one, and not compared.
fn one_death(entry: &AMQPValue) -> String {
    let AMQPValue::FieldTable(entry) = entry else { panic!("an entry of x-death is a table: {entry:?}") };
    let mut entry: BTreeMap<String, AMQPValue> =
        entry.inner().iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
    let mut take = |name: &str| entry.remove(name);
    let time = take("time");
    assert!(matches!(time, Some(AMQPValue::Timestamp(_))), "a death has a time: {time:?}");
    let Some(AMQPValue::LongLongInt(count)) = take("count") else { panic!("a death has a count: {entry:?}") };
    let Some(AMQPValue::FieldArray(keys)) = take("routing-keys") else { panic!("a death has keys: {entry:?}") };
    let keys: Vec<String> = keys.as_slice().iter().map(plain).collect();
    let expiration = take("original-expiration").as_ref().map(plain);
    let mut text = |name: &str| entry.remove(name).as_ref().map(plain).unwrap_or_default();
    let (queue, reason, exchange) = (text("queue"), text("reason"), text("exchange"));
    let known = death(&queue, &reason, count, &exchange, &keys, expiration.as_deref());
    assert!(entry.is_empty(), "all of a death is compared: {entry:?}");
    known
}
