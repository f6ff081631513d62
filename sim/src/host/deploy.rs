//! Running ordinary tokio programs under a fault plan, on madsim's own network.
//!
//! The program uses `tokio`'s names, which the crate `seedbed-tokio` provides inside a simulation (or `madsim-tokio`, which
//! has fewer). It depends on this module only where it records operations and their answers.
//!
//! Faults are injected through madsim's `NetSim`, and a plan that needs more than it can do is refused
//! ([`Impossible`]). It has one latency range and one loss rate for all links: no `delay` of a link, no latency but
//! constant and uniform, no duplication, no bandwidth. A cut drops datagrams. A TCP stream keeps what was sent into a
//! cut, or lost, and resends it with a growing backoff, as real ones do, so messages cannot be held. There is one clock for
//! all nodes, so no skew; and no Byzantine faults. Every send also takes `NetSim`'s hidden millisecond. Disks are ours
//! ([`Files`](super::Files)).
//!
//! Programs have to allow for where madsim's network differs from tokio's: `connect` is refused, not slow, where the link is
//! cut or the packet lost; a stream to a host that has crashed ends instead of being reset. By `madsim-tokio` alone, a
//! `TcpStream` also sends only when it is flushed, and `UdpSocket::send_to` takes its arguments in the other order.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crate::fault::Fault;
use crate::fingerprint::StableHasher;
use crate::history::History;
use crate::host::current::Panic;
use crate::host::deployment::Deployment;
use crate::host::events::{Diverged, Event, Events};
use crate::host::execution::{Ended, execute};
use crate::host::faults::Idle;
use crate::host::program::Node;
use crate::process::NodeId;
use crate::property::{Verdict, Violation};
use crate::scenario::Impossible;
use crate::stats::Stats;

/// A property of histories: its name, and its check at the end of a run.
pub type Judge<'a, O, R> = (&'a str, &'a (dyn Fn(&History<O, R>) -> Verdict + Sync));

/// The outcome of a deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Deployed<O, R> {
    /// The first violation: a panic in the program, or a property of the history.
    pub violation: Option<Violation>,
    /// A hash of the history, of the faults that struck, and of how many messages were sent when it ended.
    pub fingerprint: u64,
    /// What clients asked and were answered.
    pub history: History<O, R>,
    /// The faults that struck, each with its place in the plan.
    pub struck: Vec<(usize, Fault<NodeId>)>,
    /// The faults that had no effect, each with its place in the plan and the reason.
    pub idle: Vec<Idle>,
    /// Panics in tasks that the program was told of, because it joined them. They are no violations.
    pub joined_panics: Vec<Panic>,
    /// Messages that `NetSim` let pass, and how often faults of each class struck. It does not say how many it lost.
    pub stats: Stats,
}

/// Why a deployment has no outcome. Both ways to print it are for people, since most callers unwrap it.
#[derive(Clone, PartialEq, Eq)]
pub enum Refused {
    /// It asks for what cannot be done to a program.
    Impossible(Impossible),
    /// Two runs of the seed differed: a verdict of either would not say anything that could be repeated.
    Diverged(Box<Diverged>),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Impossible(impossible) => impossible.fmt(f),
            Refused::Diverged(diverged) => diverged.fmt(f),
        }
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Refused {}

impl From<Impossible> for Refused {
    fn from(impossible: Impossible) -> Self {
        Refused::Impossible(impossible)
    }
}

/// Runs `program` on every node until the end of the phases, and judges the history. `program` is called with its node
/// at the beginning and after each crash; when the future it gives ends, the node has exited.
///
/// The seed decides latencies, losses, the order of ready tasks, random numbers and what a crash leaves of a disk: the same
/// seed, the same run. That this is so is not believed but tried: the seed is run twice, each time on a thread of its own,
/// and both runs are compared event by event, polls of tasks included.
///
/// A violation is, besides what the judges find: a panic in the program, but for those in tasks that it joins and so learns
/// of; and tasks that are polled again and again while none of them waits ([`Deployment::most_polls`]). A loop that never
/// awaits cannot be stopped.
///
/// Faults that had no effect are in [`Deployed::idle`], and are printed to the standard error when they are first seen.
///
/// # Errors
/// If `NetSim` cannot do what the deployment asks for, or the program is not determined.
pub fn deploy<O, R, F>(
    deployment: &Deployment,
    seed: u64,
    program: impl Fn(Node<O, R>) -> F + Clone + Send + Sync + 'static,
    judges: &[Judge<'_, O, R>],
) -> Result<Deployed<O, R>, Refused>
where
    O: Clone + fmt::Debug + Hash + Send + 'static,
    R: Clone + fmt::Debug + Hash + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    deployment.validate()?;
    let (mut first, history) = once(deployment, seed, program.clone(), Events::kept());
    let events = std::mem::replace(&mut first.events, Events::kept());
    let (mut second, again) = once(deployment, seed, program, events.compared());
    let fingerprint = fingerprint(&first, &history);
    let same = self::fingerprint(&second, &again) == fingerprint;
    let events = std::mem::replace(&mut second.events, Events::kept());
    let count = events.count();
    if let Some((same, first, second)) = events.divergence() {
        return Err(Refused::Diverged(Box::new(Diverged { seed, same, first, second })));
    }
    if !same {
        // What is printed is the same, and what is hashed is not.
        let end = |run: &Ended, what: String| Some(Event { at: run.at, node: None, what });
        let hash = |history: &History<O, R>| {
            format!("the history has the hash {:x}", crate::fingerprint::stable_hash(history))
        };
        let (first, second) = (end(&first, hash(&history)), end(&second, hash(&again)));
        return Err(Refused::Diverged(Box::new(Diverged { seed, same: count, first, second })));
    }
    first.idle.iter().for_each(|idle| say_once(seed, idle));
    Ok(judged(first, history, fingerprint, judges))
}

/// Prints that a fault had no effect, once for each fault and reason in a process: most plans are run with many seeds.
fn say_once(seed: u64, idle: &Idle) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let text = idle.to_string();
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone()) {
        eprintln!("seed {seed}: {text}");
    }
}

/// One run, on a fresh thread.
fn once<O, R, F>(
    deployment: &Deployment,
    seed: u64,
    program: impl Fn(Node<O, R>) -> F + Clone + Send + Sync + 'static,
    events: Events,
) -> (Ended, History<O, R>)
where
    O: Clone + fmt::Debug + Hash + Send + 'static,
    R: Clone + fmt::Debug + Hash + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    let history = Arc::new(Mutex::new(History::default()));
    let nodes = (0..deployment.nodes).map(|n| Node { id: NodeId(n), history: history.clone() }).collect();
    let ended = std::thread::scope(|scope| {
        let run = scope.spawn(|| execute(deployment, seed, nodes, program, events));
        run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let history = history.lock().expect("nobody panics while recording").clone();
    (ended, history)
}

fn fingerprint<O: Hash, R: Hash>(ended: &Ended, history: &History<O, R>) -> u64 {
    let mut hasher = StableHasher::default();
    (history, &ended.struck, ended.stats.sent, ended.at).hash(&mut hasher);
    hasher.finish()
}

fn judged<O, R>(ended: Ended, history: History<O, R>, fingerprint: u64, judges: &[Judge<'_, O, R>]) -> Deployed<O, R> {
    let Ended { broken, at, struck, idle, joined_panics, stats, events: _ } = ended;
    let broken = broken.or_else(|| {
        let broken = judges.iter().find_map(|(name, holds)| Some((name.to_string(), holds(&history).err()?)));
        broken.map(|(name, broken)| (name, at, None, broken.message))
    });
    let violation = broken.map(|(property, at, node, message)| Violation {
        property,
        at,
        event: stats.events,
        nodes: node.into_iter().collect(),
        message,
        liveness: false,
    });
    Deployed { violation, fingerprint, history, struck, idle, joined_panics, stats }
}
