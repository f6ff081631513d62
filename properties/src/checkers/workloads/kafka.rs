//! Logs with offsets, one for each key (Jepsen's and Maelstrom's workload kafka; Kingsbury, "Redpanda 21.10.1", 2022,
//! section 2): each offset holds one message, each message has one offset, acknowledged messages are not skipped, and a
//! client's polls go forward.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use crate::checkers::consistency::{Anomaly, Outcome};

/// Something that a client did with a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<K, V> {
    /// It sent a message. The offset is known if that was acknowledged; `failed` if the message was certainly not written.
    Sent {
        /// The log.
        key: K,
        /// The message, unique in its log.
        value: V,
        /// Where it was written.
        offset: Option<u64>,
        /// Whether it was refused.
        failed: bool,
    },
    /// It was given these messages of a log, in this order, with their offsets.
    Polled {
        /// The log.
        key: K,
        /// Offsets and messages.
        messages: Vec<(u64, V)>,
    },
    /// It was assigned logs anew, so that its next poll may begin anywhere.
    Assigned,
}

/// What was recorded: the number of the event, the client, what it did.
pub type Recorded<K, V> = (usize, u64, Event<K, V>);

/// Whether all this is as the logs of one system give it. Clients' events are in the order of time.
pub fn kafka<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Recorded<K, V>]) -> Outcome {
    let checks = [offsets, never_sent, order, skipped];
    checks.iter().find_map(|check| check(history).err()).map_or(Outcome::Holds, Outcome::Violation)
}

type Checked = Result<(), Anomaly>;

fn anomaly(pattern: &'static str, events: Vec<usize>, words: String) -> Anomaly {
    Anomaly { pattern, events, words }
}

/// All messages whose offset is known: log, offset, message, event.
fn known<K, V>(history: &[Recorded<K, V>]) -> impl Iterator<Item = (&K, u64, &V, usize)> {
    history.iter().flat_map(|(event, _, what)| {
        let all: Vec<(&K, u64, &V, usize)> = match what {
            Event::Sent { key, value, offset: Some(offset), .. } => vec![(key, *offset, value, *event)],
            Event::Polled { key, messages } => messages.iter().map(|(at, value)| (key, *at, value, *event)).collect(),
            Event::Sent { .. } | Event::Assigned => Vec::new(),
        };
        all
    })
}

/// One message for each offset, and one offset for each message.
fn offsets<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Recorded<K, V>]) -> Checked {
    let mut values: BTreeMap<(&K, u64), (&V, usize)> = BTreeMap::new();
    let mut places: BTreeMap<(&K, &V), (u64, usize)> = BTreeMap::new();
    for (key, offset, value, event) in known(history) {
        let (there, first) = *values.entry((key, offset)).or_insert((value, event));
        if there != value {
            let words = format!("offset {offset} of {key:?} holds {there:?} and {value:?}");
            return Err(anomaly("InconsistentOffset", vec![first, event], words));
        }
        let (place, first) = *places.entry((key, value)).or_insert((offset, event));
        if place != offset {
            let words = format!("{value:?} is in {key:?} twice, at {place} and at {offset}");
            return Err(anomaly("Duplicate", vec![first, event], words));
        }
    }
    Ok(())
}

/// What is polled was sent, and not refused.
fn never_sent<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Recorded<K, V>]) -> Checked {
    let mut sent: BTreeMap<(&K, &V), (bool, usize)> = BTreeMap::new();
    for (event, _, what) in history {
        if let Event::Sent { key, value, failed, .. } = what {
            sent.insert((key, value), (*failed, *event));
        }
    }
    for (event, _, what) in history {
        let Event::Polled { key, messages } = what else { continue };
        for (_, value) in messages {
            match sent.get(&(key, value)) {
                Some((false, _)) => {}
                Some((true, send)) => {
                    let words = format!("{value:?} was polled from {key:?}, and sending it had failed");
                    return Err(anomaly("AbortedRead", vec![*send, *event], words));
                }
                None => {
                    let words = format!("{value:?} was polled from {key:?}, and nobody sent it");
                    return Err(anomaly("NeverSent", vec![*event], words));
                }
            }
        }
    }
    Ok(())
}

/// The offsets that a client polls of a log ascend, in each poll and from poll to poll until it is assigned anew.
fn order<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Recorded<K, V>]) -> Checked {
    let mut last: BTreeMap<(u64, &K), (u64, usize)> = BTreeMap::new();
    for (event, client, what) in history {
        match what {
            Event::Assigned => last.retain(|(other, _), _| other != client),
            Event::Sent { .. } => {}
            Event::Polled { key, messages } => {
                for (offset, _) in messages {
                    if let Some((before, first)) = last.insert((*client, key), (*offset, *event))
                        && before >= *offset
                    {
                        let words = format!("client {client} polled {offset} of {key:?} after {before}");
                        return Err(anomaly("NonmonotonicPoll", vec![first, *event], words));
                    }
                }
            }
        }
    }
    Ok(())
}

/// A client does not go over a message that is known to be there; and a message that was acknowledged, and that others
/// have gone past, was polled by somebody.
fn skipped<K: Ord + Clone + Debug, V: Ord + Clone + Debug>(history: &[Recorded<K, V>]) -> Checked {
    let mut there: BTreeMap<&K, BTreeMap<u64, (&V, usize)>> = BTreeMap::new();
    for (key, offset, value, event) in known(history) {
        there.entry(key).or_default().entry(offset).or_insert((value, event));
    }
    let mut polled: BTreeMap<&K, BTreeSet<u64>> = BTreeMap::new();
    let mut last: BTreeMap<(u64, &K), (u64, usize)> = BTreeMap::new();
    for (event, client, what) in history {
        match what {
            Event::Assigned => last.retain(|(other, _), _| other != client),
            Event::Sent { .. } => {}
            Event::Polled { key, messages } => {
                for (offset, _) in messages {
                    polled.entry(key).or_default().insert(*offset);
                    let Some((before, first)) = last.insert((*client, key), (*offset, *event)) else { continue };
                    if let Some((at, (value, other))) = there[key].range(before + 1..*offset).next() {
                        let words = format!(
                            "client {client} polled {offset} of {key:?} after {before}, over {value:?} at {at}"
                        );
                        return Err(anomaly("SkippedPoll", vec![first, *other, *event], words));
                    }
                }
            }
        }
    }
    for (event, _, what) in history {
        let Event::Sent { key, value, offset: Some(offset), .. } = what else { continue };
        let Some(seen) = polled.get(key) else { continue };
        if !seen.contains(offset) && seen.last().is_some_and(|last| last > offset) {
            let words =
                format!("{value:?} was written to {key:?} at {offset}, later ones were polled, and it never was");
            return Err(anomaly("LostWrite", vec![*event], words));
        }
    }
    Ok(())
}
