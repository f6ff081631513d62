//! What clients are asked, drawn and checked.

use std::collections::BTreeMap;

use proptest::prelude::*;
use seedbed_sim::Span;

use crate::communication::message_queue::books::message::{Properties, Refusal};
use crate::communication::message_queue::messages::{Draft, Op};
use crate::communication::message_queue::names::{ExchangeName, Key, QueueName, Text};
use crate::communication::message_queue::topology::{AUDIT, DEAD, EXCHANGES, RETRY, WORK};

/// The most messages of an operation, headers of a message, and failures to process one.
const MOST_MESSAGES: usize = 16;
const MOST_HEADERS: usize = 8;
const MOST_FAILURES: u8 = 5;

/// Checks an operation.
pub(super) fn validate(op: &Op) -> Result<(), String> {
    match op {
        Op::Get(queue) if [WORK, AUDIT, DEAD, RETRY].contains(&queue.as_str()) => Ok(()),
        Op::Get(queue) => Err(format!("there is no queue {queue:?}; there are {WORK}, {AUDIT}, {DEAD} and {RETRY}")),
        Op::Publish(drafts) if drafts.is_empty() || drafts.len() > MOST_MESSAGES => {
            Err(format!("there must be 1 to {MOST_MESSAGES} messages"))
        }
        Op::Publish(drafts) => drafts.iter().try_for_each(validate_draft),
    }
}

fn validate_draft(draft: &Draft) -> Result<(), String> {
    let Draft { exchange, key, properties, failures, .. } = draft;
    let is_known = exchange.is_default() || EXCHANGES.iter().any(|(name, _)| *name == exchange.as_str());
    let headers = &properties.headers;
    match () {
        () if !is_known => Err(format!("clients do not publish to the exchange {exchange:?}")),
        () if !key.is_short() => Err("a key has at most 255 bytes, and no control characters".into()),
        () if headers.len() > MOST_HEADERS => Err(format!("a message has at most {MOST_HEADERS} headers")),
        () if !headers.iter().all(|(name, value)| name.is_short() && value.is_short()) => {
            Err("names and values of headers have at most 255 bytes, and no control characters".into())
        }
        () if *failures > MOST_FAILURES => Err(format!("failures must be at most {MOST_FAILURES}")),
        () => Ok(()),
    }
}

/// Operations: mostly several messages at once, now and then a message is asked for.
pub(super) fn op() -> BoxedStrategy<Op> {
    let queue = prop::sample::select(vec![WORK, AUDIT, DEAD]).prop_map(|name| Op::Get(QueueName::from(name)));
    let publish = prop::collection::vec(draft(), 1..6).prop_map(Op::Publish);
    prop_oneof![6 => publish, 1 => queue].boxed()
}

/// Messages by all exchanges, most of them to `work`; some with a time to live, a priority, without persistence, without a route;
/// some that consumers fail to process.
fn draft() -> BoxedStrategy<Draft> {
    let properties = (
        prop::bool::weighted(0.85),
        prop::option::weighted(0.4, 0u8..8),
        prop::option::weighted(0.15, prop_oneof![(1u64..80).prop_map(Span::ms), Just(Span::ZERO)]),
    );
    let failures = prop_oneof![6 => Just(0u8), 3 => 1u8..4];
    let refusal = prop_oneof![Just(Refusal::Nack), Just(Refusal::Reject), Just(Refusal::Discard)];
    (route(), prop::bool::weighted(0.3), properties, failures, refusal)
        .prop_map(|((exchange, key, headers), mandatory, (persistent, priority, expiration), failures, refusal)| {
            Draft {
                exchange,
                key,
                mandatory,
                properties: Properties { persistent, priority, expiration, headers },
                failures,
                refusal,
            }
        })
        .boxed()
}

type Route = (ExchangeName, Key, BTreeMap<Text, Text>);

fn route() -> BoxedStrategy<Route> {
    let by_key = |exchange: &'static str, keys: Vec<&'static str>| {
        prop::sample::select(keys).prop_map(move |key| (ExchangeName::from(exchange), Key::from(key), BTreeMap::new()))
    };
    let header = |name: &'static str, values: Vec<&'static str>| {
        let value = prop::option::weighted(0.6, prop::sample::select(values));
        value.prop_map(move |value| value.map(|value| (Text::from(name), Text::from(value))))
    };
    let headers = (
        header("kind", vec!["order", "refund"]),
        header("urgent", vec!["yes", "no"]),
        header("region", vec!["eu", "us"]),
    );
    let by_headers = headers.prop_map(|(kind, urgent, region)| {
        let headers = [kind, urgent, region].into_iter().flatten().collect();
        (ExchangeName::from("headers"), Key::from(""), headers)
    });
    prop_oneof![
        3 => by_key("", vec![WORK, WORK, WORK, AUDIT, "nowhere"]),
        2 => by_key("direct", vec![WORK, WORK, AUDIT, "nowhere"]),
        3 => by_key("topic", vec!["order", "order.eu", "order.us.paid", "refund.eu", "paid", "stock.us"]),
        1 => by_key("fanout", vec![""]),
        2 => by_headers,
    ]
    .boxed()
}
