//! Consistent cuts (Chandy and Lamport, "Distributed snapshots", 1985): whether recorded states of processes and
//! channels are a possible global state. A cut is consistent if every message received in it was also sent in it; and
//! its channels hold the messages that were sent in it and not received in it.
//!
//! [`Snapshots`] judges the snapshots of an algorithm against its execution. For cuts without an execution,
//! [`by_clocks`] and [`by_counts`] judge vector clocks and counters.
//!
//! Not checked: that the recorded state of a process is its true one, which the model must compare; and that a snapshot
//! ever completes. A message that the network lost stays in its channel.
//!
//! ```
//! use seedbed_properties::checkers::cuts::{Event, Snapshots};
//! use seedbed_properties::checkers::judge::Judge;
//!
//! // The marker is overtaken: before b records its state, it receives a message that a sent after recording its own.
//! let overtaken = [
//!     Event::Recorded { snapshot: 1, at: 'a' },
//!     Event::Sent { by: 'a', to: 'b', message: "hello" },
//!     Event::Received { at: 'b', message: "hello" },
//!     Event::Recorded { snapshot: 1, at: 'b' },
//! ];
//! let refusal = Snapshots::default().judge(overtaken).unwrap_err();
//! assert_eq!(
//!     refusal.to_string(),
//!     r#"consistent cut: in snapshot 1 'b' has received "hello", which 'a' has not sent in it"#
//! );
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// The events of an execution, and what a snapshot records. Each is reported once, in an order that respects causality.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<S, N, I> {
    /// A process sends a message.
    Sent {
        /// The sender.
        by: N,
        /// The receiver.
        to: N,
        /// Unique: it is never sent again.
        message: I,
    },
    /// A process receives a message.
    Received {
        /// The receiver.
        at: N,
        /// A message that was sent to it.
        message: I,
    },
    /// A process records its state: its earlier events are in the snapshot, its later ones are not.
    Recorded {
        /// The snapshot that gets the state.
        snapshot: S,
        /// The process.
        at: N,
    },
    /// The state of a channel.
    Channel {
        /// The snapshot that gets the state.
        snapshot: S,
        /// The sender of the channel.
        from: N,
        /// The receiver of the channel.
        to: N,
        /// The messages in flight, in any order.
        messages: Vec<I>,
    },
    /// A snapshot is complete: it has the state of every process that ever sent or received. Channels that were not
    /// reported count as recorded and empty.
    Completed {
        /// The snapshot that is complete.
        snapshot: S,
    },
}

/// Judges the snapshots of a run: consistency as soon as the processes concerned have recorded their states, channels
/// when both ends have and the channel is reported, and everything at completion.
#[derive(Clone, Debug)]
pub struct Snapshots<S, N, I> {
    /// The judge's own vector clocks, which count the messages that each process has sent or received.
    clocks: BTreeMap<N, Clock<N>>,
    messages: BTreeMap<I, Flight<N>>,
    snapshots: BTreeMap<S, Cut<N, I>>,
}

type Clock<N> = BTreeMap<N, usize>;

#[derive(Clone, Debug)]
struct Flight<N> {
    from: N,
    to: N,
    /// The step of its sender at which it was sent.
    sent: usize,
    /// The sender's clock at that step.
    clock: Clock<N>,
    /// The step of its receiver at which it was received, if it was.
    received: Option<usize>,
}

#[derive(Clone, Debug)]
struct Cut<N, I> {
    /// By process: the number of its steps in the cut.
    recorded: BTreeMap<N, usize>,
    channels: BTreeMap<(N, N), BTreeSet<I>>,
}

const RULE: &str = "consistent cut";
const CHANNELS: &str = "channel state";

impl<S: Name, N: Id, I: Name> Judge for Snapshots<S, N, I> {
    type Event = Event<S, N, I>;
    type Node = N;

    fn observe(&mut self, event: Event<S, N, I>) -> Ruling<N> {
        match event {
            Event::Sent { by, to, message } => {
                let sent = self.step(&by);
                let clock = self.clocks[&by].clone();
                self.messages.entry(message).or_insert(Flight { from: by, to, sent, clock, received: None });
            }
            Event::Received { at, message } => {
                let step = self.step(&at);
                match self.messages.get_mut(&message) {
                    Some(flight) if flight.to == at => {
                        flight.received.get_or_insert(step);
                        let mine = self.clocks.entry(at).or_default();
                        for (other, count) in &flight.clock {
                            let known = mine.entry(other.clone()).or_default();
                            *known = *count.max(known);
                        }
                    }
                    _ => {
                        let words = format!("{at:?} receives {message:?}, which nobody has sent to it");
                        return Err(Refusal::new("no creation", [at], words));
                    }
                }
            }
            Event::Recorded { snapshot, at } => {
                let steps = self.clocks.get(&at).and_then(|clock| clock.get(&at)).copied().unwrap_or(0);
                let cut = self.snapshots.entry(snapshot.clone()).or_default();
                if cut.recorded.insert(at.clone(), steps).is_some() {
                    let words = format!("{at:?} records its state twice in snapshot {snapshot:?}");
                    return Err(Refusal::new("recorded once", [at], words));
                }
                self.consistent(&snapshot, &at)?;
                let told: Vec<(N, N)> = self.snapshots[&snapshot].channels.keys().cloned().collect();
                for (from, to) in told.into_iter().filter(|(from, to)| *from == at || *to == at) {
                    self.channel(&snapshot, &from, &to)?;
                }
            }
            Event::Channel { snapshot, from, to, messages } => {
                let cut = self.snapshots.entry(snapshot.clone()).or_default();
                let (count, set) = (messages.len(), messages.into_iter().collect::<BTreeSet<I>>());
                if set.len() != count || cut.channels.insert((from.clone(), to.clone()), set).is_some() {
                    let words = format!("the channel from {from:?} to {to:?} is recorded twice in {snapshot:?}");
                    return Err(Refusal::new("recorded once", [from, to], words));
                }
                self.channel(&snapshot, &from, &to)?;
            }
            Event::Completed { snapshot } => {
                self.snapshots.entry(snapshot.clone()).or_default();
                self.complete(&snapshot)?;
            }
        }
        Ok(())
    }
}

impl<S: Name, N: Id, I: Name> Snapshots<S, N, I> {
    /// The number of a new step of a process.
    fn step(&mut self, node: &N) -> usize {
        let own = self.clocks.entry(node.clone()).or_default().entry(node.clone()).or_default();
        *own += 1;
        *own - 1
    }

    /// Whether `at` knows of no step that another process took after recording. A process that has not recorded may
    /// still do so after all its steps.
    fn consistent(&self, snapshot: &S, at: &N) -> Ruling<N> {
        let (cut, Some(clock)) = (&self.snapshots[snapshot], self.clocks.get(at)) else {
            return Ok(());
        };
        let late = clock.iter().find(|(of, count)| cut.recorded.get(of).is_some_and(|recorded| recorded < count));
        let Some((from, count)) = late else {
            return Ok(());
        };
        let direct = |flight: &Flight<N>| {
            flight.from == *from && flight.to == *at && flight.received.is_some() && flight.sent >= cut.recorded[from]
        };
        let words = match self.messages.iter().find(|(_, flight)| direct(flight)) {
            Some((message, _)) => {
                format!("in snapshot {snapshot:?} {at:?} has received {message:?}, which {from:?} has not sent in it")
            }
            None => {
                let own = cut.recorded[from];
                format!(
                    "in snapshot {snapshot:?} {at:?} knows of step {count} of {from:?}, whose own last one is {own}"
                )
            }
        };
        Err(Refusal::new(RULE, [from.clone(), at.clone()], words))
    }

    /// The contents of a channel, once both ends have recorded.
    fn in_channel(&self, cut: &Cut<N, I>, from: &N, to: &N) -> Option<BTreeSet<I>> {
        let (sent, received) = (cut.recorded.get(from)?, cut.recorded.get(to)?);
        let in_it = |flight: &Flight<N>| {
            flight.from == *from
                && flight.to == *to
                && flight.sent < *sent
                && flight.received.is_none_or(|step| step >= *received)
        };
        Some(self.messages.iter().filter(|(_, flight)| in_it(flight)).map(|(message, _)| message.clone()).collect())
    }

    fn channel(&self, snapshot: &S, from: &N, to: &N) -> Ruling<N> {
        let cut = &self.snapshots[snapshot];
        let (Some(is), Some(told)) = (self.in_channel(cut, from, to), cut.channels.get(&(from.clone(), to.clone())))
        else {
            return Ok(());
        };
        if is == *told {
            return Ok(());
        }
        let words = format!(
            "in snapshot {snapshot:?} the channel from {from:?} to {to:?} holds {is:?}, and {told:?} is recorded"
        );
        Err(Refusal::new(CHANNELS, [from.clone(), to.clone()], words))
    }

    fn complete(&self, snapshot: &S) -> Ruling<N> {
        let cut = &self.snapshots[snapshot];
        let concerned: BTreeSet<(&N, &N)> = self.messages.values().map(|flight| (&flight.from, &flight.to)).collect();
        for (from, to) in concerned {
            let Some(is) = self.in_channel(cut, from, to) else {
                let missing = if cut.recorded.contains_key(from) { to } else { from };
                let words = format!("snapshot {snapshot:?} is called complete without the state of {missing:?}");
                return Err(Refusal::new("complete", [missing.clone()], words));
            };
            if !is.is_empty() && !cut.channels.contains_key(&(from.clone(), to.clone())) {
                let words = format!(
                    "snapshot {snapshot:?} is called complete without the channel from {from:?} to {to:?}, which holds {is:?}"
                );
                return Err(Refusal::new(CHANNELS, [from.clone(), to.clone()], words));
            }
        }
        Ok(())
    }
}

impl<S, N, I> Default for Snapshots<S, N, I> {
    fn default() -> Self {
        Snapshots { clocks: BTreeMap::new(), messages: BTreeMap::new(), snapshots: BTreeMap::new() }
    }
}

impl<N, I> Default for Cut<N, I> {
    fn default() -> Self {
        Cut { recorded: BTreeMap::new(), channels: BTreeMap::new() }
    }
}

/// Whether the last events of processes are a consistent cut, by their vector clocks: no process knows more of another
/// than that one does itself (Mattern, "Virtual time and global states", 1989, section 5). Missing entries of a clock
/// are zero.
///
/// # Errors
/// The process that knows of a later event of another.
pub fn by_clocks<N: Id>(cut: &BTreeMap<N, BTreeMap<N, u64>>) -> Ruling<N> {
    let knows = |who: &N, of: &N| cut[who].get(of).copied().unwrap_or(0);
    for who in cut.keys() {
        if let Some(of) = cut.keys().find(|of| knows(who, of) > knows(of, of)) {
            let (here, there) = (knows(who, of), knows(of, of));
            let words = format!("{who:?} knows of event {here} of {of:?}, whose own last one in the cut is {there}");
            return Err(Refusal::new(RULE, [of.clone(), who.clone()], words));
        }
    }
    Ok(())
}

/// The message counters of one channel in a cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Messages sent before the cut.
    pub sent: u64,
    /// Messages received before the cut.
    pub received: u64,
    /// Messages recorded as in flight.
    pub in_channel: u64,
}

/// Whether a cut is consistent and accounts for all messages, by the counters of loss-free FIFO channels: sent =
/// received + in the channel.
///
/// # Errors
/// The channel for which this does not hold.
pub fn by_counts<N: Id>(channels: &BTreeMap<(N, N), Counts>) -> Ruling<N> {
    for ((from, to), Counts { sent, received, in_channel }) in channels {
        let both = [from.clone(), to.clone()];
        if received > sent {
            let words = format!("{to:?} has received {received} messages of {from:?}, which has sent {sent}");
            return Err(Refusal::new(RULE, both, words));
        }
        if sent - received != *in_channel {
            let words = format!(
                "{from:?} has sent {sent} messages, {to:?} has received {received}, the channel holds {in_channel}"
            );
            return Err(Refusal::new(CHANNELS, both, words));
        }
    }
    Ok(())
}
