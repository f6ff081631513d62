//! What clients are asked, drawn and checked.

use std::ops::Range;

use proptest::prelude::*;
use seedbed_sim::{NodeId, Operation, Span, Time};

use crate::communication::pub_sub::messages::{Draft, Leaving, Op};
use crate::communication::pub_sub::packet::{Options, Qos, RetainHandling, SessionExpiry};
use crate::communication::pub_sub::topic::{Filter, MOST_BYTES, Topic};

/// The topic to which nobody may publish.
pub const LOCKED: &str = "a/locked";
/// No time is longer, in an operation or a configuration: a minute.
pub const LONGEST: Span = Span::secs(60);
/// The most messages of an operation.
const MOST_MESSAGES: usize = 16;

/// Checks an operation.
pub(super) fn validate(op: &Op) -> Result<(), String> {
    match op {
        Op::Publish(drafts) if drafts.is_empty() || drafts.len() > MOST_MESSAGES => {
            Err(format!("there must be 1 to {MOST_MESSAGES} messages"))
        }
        Op::Publish(drafts) => drafts.iter().try_for_each(validate_draft),
        Op::Subscribe(filter, options) if filter.is_shared() && options.no_local => {
            Err("no_local cannot be asked of a shared subscription ([MQTT-3.8.3-4])".into())
        }
        Op::Subscribe(filter, _) | Op::Unsubscribe(filter) => match filter.as_str() {
            text if text.is_empty() || text.len() > MOST_BYTES || text.chars().any(char::is_control) => {
                Err(format!("a filter has 1 to {MOST_BYTES} bytes, and no control characters"))
            }
            _ => Ok(()),
        },
        Op::Leave { away, .. } if *away > LONGEST => Err(format!("away must be at most {LONGEST}")),
        Op::Leave { expiry: Some(SessionExpiry::After(span)), .. } if *span > LONGEST => {
            Err(format!("expiry must be at most {LONGEST}, or never"))
        }
        Op::Leave { .. } => Ok(()),
    }
}

fn validate_draft(draft: &Draft) -> Result<(), String> {
    match draft {
        Draft { topic, .. } if !topic.is_valid() => {
            Err(format!("a topic has 1 to {MOST_BYTES} bytes, no wildcards and no control characters: {topic:?}"))
        }
        Draft { expiry: Some(span), .. } if *span > LONGEST => Err(format!("expiry must be at most {LONGEST}")),
        _ => Ok(()),
    }
}

/// Operations: mostly publishers publish, and subscribers change their subscriptions or leave; now and then the other way round.
pub(super) fn operations(
    publishers: Range<u16>,
    subscribers: Range<u16>,
    until: Time,
) -> BoxedStrategy<Vec<Operation<Op>>> {
    let ms = until.0 / 1_000_000;
    let all = publishers.start..subscribers.end;
    let operation = prop_oneof![
        10 => (0..ms, publishers, publish()),
        2 => (0..ms, all.clone(), publish()),
        2 => (0..ms, subscribers.clone(), subscribe()),
        1 => (0..ms, all.clone(), subscribe()),
        1 => (0..ms, subscribers, filter().prop_map(Op::Unsubscribe)),
        3 => (0..ms, all, leave()),
    ];
    let operation = operation.prop_map(|(ms, client, op)| Operation { at: Time::ms(ms), client: NodeId(client), op });
    prop::collection::vec(operation, 4..14)
        .prop_map(|mut operations| {
            operations.sort_by_cached_key(|operation| operation.at);
            operations
        })
        .boxed()
}

fn qos() -> BoxedStrategy<Qos> {
    prop_oneof![2 => Just(Qos::AtMostOnce), 3 => Just(Qos::AtLeastOnce), 4 => Just(Qos::ExactlyOnce)].boxed()
}

fn publish() -> BoxedStrategy<Op> {
    let topic = prop::sample::select(vec!["a/b", "a/b", "a/b", "a", "a/b/c", "b", "c/b", "$data/b", LOCKED]);
    let expiry = prop::option::weighted(0.15, prop_oneof![Just(Span::ms(20)), (30u64..400).prop_map(Span::ms)]);
    let draft = (topic, qos(), prop::bool::weighted(0.3), prop::bool::weighted(0.12), expiry).prop_map(
        |(topic, qos, retain, empty, expiry)| Draft { topic: Topic::from(topic), qos, retain, empty, expiry },
    );
    prop::collection::vec(draft, 1..5).prop_map(Op::Publish).boxed()
}

fn filter() -> BoxedStrategy<Filter> {
    let filters = vec![
        "#",
        "+",
        "+/b",
        "a/#",
        "a/+",
        "a/b",
        "b",
        "+/b/#",
        "$data/#",
        "$share/g/a/+",
        "$share/h/#",
        "$share/g/a/b",
        "a/#/b",
    ];
    prop::sample::select(filters).prop_map(Filter::from).boxed()
}

fn subscribe() -> BoxedStrategy<Op> {
    let handling = prop_oneof![
        3 => Just(RetainHandling::Send),
        1 => Just(RetainHandling::SendIfNew),
        1 => Just(RetainHandling::DoNotSend),
    ];
    (filter(), qos(), prop::bool::weighted(0.25), prop::bool::weighted(0.3), handling)
        .prop_map(|(filter, qos, no_local, retain_as_published, retain_handling)| {
            let no_local = no_local && !filter.is_shared();
            Op::Subscribe(filter, Options { qos, no_local, retain_as_published, retain_handling })
        })
        .boxed()
}

fn leave() -> BoxedStrategy<Op> {
    let how = prop_oneof![
        3 => Just(Leaving::Disconnect),
        1 => Just(Leaving::WithWill),
        2 => Just(Leaving::Close),
    ];
    let expiry = prop::option::weighted(
        0.25,
        prop_oneof![
            Just(SessionExpiry::AT_ONCE),
            (20u64..300).prop_map(|ms| SessionExpiry::After(Span::ms(ms))),
            Just(SessionExpiry::Never),
        ],
    );
    let away = prop_oneof![2 => 0u64..60, 2 => 60u64..400].prop_map(Span::ms);
    (how, expiry, away, prop::bool::weighted(0.12))
        .prop_map(|(how, expiry, away, clean_start)| Op::Leave { how, expiry, away, clean_start })
        .boxed()
}
