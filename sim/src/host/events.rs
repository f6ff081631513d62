//! What happens in a run of a program, event by event: two runs of one seed are compared by it.

use std::fmt;

use crate::process::NodeId;
use crate::time::Time;

/// How many polls of tasks are kept for the comparison; of the later ones, only what they lead to is compared.
const MOST_POLLS_KEPT: usize = 1 << 20;

/// One event of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When it happened.
    pub at: Time,
    /// Where; `None` for what happens to the whole deployment.
    pub node: Option<NodeId>,
    /// In words.
    pub what: String,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} ms  ", self.at.0 as f64 / 1e6)?;
        match self.node {
            Some(node) => write!(f, "{node} {}", self.what),
            None => f.write_str(&self.what),
        }
    }
}

/// An event, as small as it can be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kept {
    /// A task was polled: a node's, by its number among the tasks of that node.
    Polled {
        at: Time,
        node: Option<NodeId>,
        task: u32,
    },
    Said(Box<Event>),
}

impl Kept {
    fn event(self) -> Event {
        match self {
            Kept::Polled { at, node, task } => Event { at, node, what: format!("runs its task {task}") },
            Kept::Said(event) => *event,
        }
    }
}

/// The events of a run: kept in the first, compared in the second.
#[derive(Debug)]
pub(super) struct Events {
    /// Those of the first run, as far as they are known.
    first: Vec<Kept>,
    comparing: bool,
    /// How many events there were so far, of those that are kept.
    count: usize,
    polls: usize,
    diverged: Option<(usize, Option<Event>, Option<Event>)>,
}

impl Events {
    pub(super) fn kept() -> Self {
        Events { first: Vec::new(), comparing: false, count: 0, polls: 0, diverged: None }
    }

    /// Compares the next run with this one.
    pub(super) fn compared(self) -> Self {
        Events { comparing: true, count: 0, polls: 0, ..self }
    }

    pub(super) fn polled(&mut self, at: Time, node: Option<NodeId>, task: u32) {
        self.polls += 1;
        if self.polls <= MOST_POLLS_KEPT {
            self.push(Kept::Polled { at, node, task });
        }
    }

    pub(super) fn say(&mut self, at: Time, node: Option<NodeId>, what: String) {
        self.push(Kept::Said(Box::new(Event { at, node, what })));
    }

    fn push(&mut self, event: Kept) {
        if !self.comparing {
            self.first.push(event);
        } else if self.diverged.is_none() {
            let first = self.first.get(self.count);
            if first != Some(&event) {
                self.diverged = Some((self.count, first.cloned().map(Kept::event), Some(event.event())));
            }
        }
        self.count += 1;
    }

    /// How many there were.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Where the second run left the first.
    pub(super) fn divergence(self) -> Option<(usize, Option<Event>, Option<Event>)> {
        let missing = self.first.get(self.count).cloned().map(Kept::event);
        self.diverged.or_else(|| missing.map(|missing| (self.count, Some(missing), None)))
    }
}

/// Two runs of one seed differed, so the seed says nothing: the program is not determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverged {
    /// Of both runs.
    pub seed: u64,
    /// How many events were the same before.
    pub same: usize,
    /// The first event that differs, in the first run; `None` if that had ended.
    pub first: Option<Event>,
    /// What the second run has in its place.
    pub second: Option<Event>,
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the program is not determined: two runs of seed {} differ after {} events", self.seed, self.same)?;
        for (run, event) in [("first run", &self.first), ("second run", &self.second)] {
            match event {
                Some(event) => writeln!(f, "  {run:<11} {event}")?,
                None => writeln!(f, "  {run:<11} no more events")?,
            }
        }
        f.write_str("what usually causes it, just before that event:\n")?;
        if !cfg!(tokio_unstable) {
            f.write_str(
                "  tokio::select! and tokio::sync::watch choose at random: with rustflags = [\"--cfg\", \"madsim\", \"--cfg\", \
                 \"tokio_unstable\"] the seed makes these choices\n",
            )?;
        }
        f.write_str(
            "  state that outlives a run: statics, counters of the process, files and sockets of the machine (std::fs)\n  \
             addresses of memory and identifiers of threads or tasks that are printed, hashed or sorted\n  \
             random numbers that a library draws from a counter of its own (StreamMap, fastrand), and /dev/urandom",
        )
    }
}

impl std::error::Error for Diverged {}
