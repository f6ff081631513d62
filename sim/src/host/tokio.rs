//! Running ordinary tokio programs under a fault plan, on madsim's own network.
//!
//! The program uses `tokio`'s names, which the crate `madsim-tokio` provides inside a simulation. It depends on this
//! module only where it records operations and their answers.
//!
//! Faults are injected through madsim's `NetSim`, and a plan that needs more than it can do is refused
//! ([`Impossible`]). It has one latency range and one loss rate for all links: no `delay` of a link, no latency but
//! constant and uniform, no duplication, no bandwidth. A cut drops datagrams. A TCP stream keeps what was sent into a
//! cut, or lost, and resends it with a growing backoff, as real ones do, so messages cannot be held. There are no
//! disks, so no wipe and no disk faults (a crash loses all state of a program); one clock for all nodes, so no skew;
//! and no Byzantine faults. Every send also takes `NetSim`'s hidden millisecond.
//!
//! Programs have to allow for where madsim's network differs from tokio's: a `TcpStream` sends only when it is flushed;
//! `connect` is refused, not slow, where the link is cut or the packet lost; a stream to a host that has crashed ends
//! instead of being reset; `UdpSocket::send_to` takes its arguments in the other order.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use madsim::net::NetSim;
use madsim::runtime::{NodeHandle, Runtime};
use madsim::time::TimeHandle;

use crate::fault::{Direction, Fault, Target, What};
use crate::fingerprint::StableHasher;
use crate::history::{History, Outcome};
use crate::host::clock;
use crate::network::{CutMode, Latency, NetworkConfig};
use crate::phases::Phases;
use crate::process::{NodeId, OpId};
use crate::property::{Verdict, Violation};
use crate::run::{caught, property_and_message};
use crate::scenario::Impossible;
use crate::stats::Stats;
use crate::time::{Span, Time};

/// The nodes, network and faults of a program's run: the counterpart of a [`Case`](crate::Case).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The nodes are `n0` to `n(nodes − 1)`.
    pub nodes: u16,
    /// Constant or uniform latency, and loss. Streams keep their order and datagrams do not, whatever `fifo` says.
    pub network: NetworkConfig,
    /// Crashes, pauses, cuts, partitions and isolations, of named nodes.
    pub faults: Vec<Fault>,
    /// All faults end, and messages are no longer lost, at the end of chaos. A core cannot be named.
    pub phases: Phases,
}

impl Deployment {
    /// A deployment without faults: one to ten milliseconds, two seconds of chaos and two to settle.
    pub fn of(nodes: u16) -> Self {
        let phases = Phases { chaos: Span::secs(2), settle: Span::secs(2) };
        Deployment { nodes, network: NetworkConfig::default(), faults: Vec::new(), phases }
    }

    /// Checks that `NetSim` can do all of it.
    ///
    /// # Errors
    /// The first impossible thing, with its place.
    pub fn validate(&self) -> Result<(), Impossible> {
        let impossible = |place: String, problem: &str| Err(Impossible { place, problem: problem.into() });
        if self.nodes == 0 || self.nodes > 250 {
            return impossible("nodes".into(), "a deployment has 1 to 250 nodes");
        }
        if let Some(problem) = self.network.latency.problem() {
            return impossible("network.latency".into(), &problem);
        }
        if !matches!(self.network.latency, Latency::Constant { .. } | Latency::Uniform { .. }) {
            return impossible("network.latency".into(), "NetSim knows constant and uniform latencies only");
        }
        if self.network.dup_ppm > 0 {
            return impossible("network.dup_ppm".into(), "NetSim doubles nothing");
        }
        if self.network.bandwidth.is_some() {
            return impossible("network.bandwidth".into(), "NetSim has no bandwidth");
        }
        for (i, fault) in self.faults.iter().enumerate() {
            if let Some(problem) = problem(&fault.what) {
                return impossible(format!("faults[{i}]"), problem);
            }
            if let Some(node) = fault.what.nodes().into_iter().find(|node| node.0 >= self.nodes) {
                return impossible(format!("faults[{i}]"), &format!("{node} is not in the deployment"));
            }
        }
        Ok(())
    }
}

/// Why `NetSim` cannot inject a fault; `None` if it can.
fn problem(what: &What) -> Option<&'static str> {
    if let Some(Target::Role(_)) = what.target() {
        return Some("programs have no roles: name a node");
    }
    match what {
        What::Crash { .. } | What::Pause { .. } => None,
        What::Cut { mode, .. } | What::Partition { mode, .. } | What::Isolate { mode, .. } => {
            (*mode == CutMode::Hold).then_some("NetSim holds nothing by command: datagrams drop, streams try again")
        }
        What::Wipe { .. } | What::SlowDisk { .. } | What::FullDisk { .. } | What::Corrupt { .. } => {
            Some("NetSim has no disks; a crash loses all")
        }
        What::Delay { .. } => Some("NetSim has one latency for all links"),
        What::PowerLoss { .. } => Some("a loss of power is one crash for each node here"),
        What::Skew { .. } => Some("madsim has one clock for all nodes"),
        What::Byzantine { .. } => Some("programs know no way to lie"),
    }
}

/// A program's view of its node: its identity, the addresses of others, and where it records operations.
pub struct Node<O, R> {
    id: NodeId,
    history: Arc<Mutex<History<O, R>>>,
}

impl<O, R> Clone for Node<O, R> {
    fn clone(&self) -> Self {
        Node { id: self.id, history: self.history.clone() }
    }
}

impl<O, R> fmt::Debug for Node<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<O, R> Node<O, R> {
    /// This node.
    pub fn id(&self) -> NodeId {
        self.id
    }

    /// The address of a node: `10.0.0.1` is `n0`.
    pub fn address(&self, node: NodeId, port: u16) -> SocketAddr {
        (ip(node), port).into()
    }

    /// A client on this node invokes an operation. It stays unknown until the client learns how it ended.
    pub fn invoke(&self, op: O) -> Open<O, R> {
        let mut history = self.history.lock().expect("nobody panics while recording");
        let id = OpId(history.invocations().len() as u64);
        history.invoke(id, self.id, op, clock::read(&TimeHandle::current()));
        Open { id, history: self.history.clone() }
    }
}

/// An operation that was invoked. Dropped, as at a crash or a broken connection, it stays unknown.
#[must_use = "say how the operation ended, if it did"]
pub struct Open<O, R> {
    id: OpId,
    history: Arc<Mutex<History<O, R>>>,
}

impl<O, R> fmt::Debug for Open<O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open").field("id", &self.id).finish_non_exhaustive()
    }
}

impl<O, R> Open<O, R> {
    /// It returned this.
    pub fn returned(self, ret: R) {
        self.end(|at| Outcome::Returned { ret, at });
    }

    /// It certainly had no effect and never will.
    pub fn failed(self, reason: impl Into<String>) {
        self.end(|at| Outcome::Failed { reason: reason.into(), at });
    }

    fn end(self, outcome: impl FnOnce(Time) -> Outcome<R>) {
        let now = clock::read(&TimeHandle::current());
        self.history.lock().expect("nobody panics while recording").end(self.id, outcome(now));
    }
}

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
    /// Messages that `NetSim` let pass, and how often faults of each class struck. It does not say how many it lost.
    pub stats: Stats,
}

/// Runs `program` on every node until the end of the phases, and judges the history. `program` is called with its node
/// at the beginning and after each crash; when the future it gives ends, the node has exited.
///
/// The seed decides latencies, losses and the order of ready tasks: the same seed, the same run. Each run has a thread
/// of its own, because the standard library's hash maps take their seed once a thread.
///
/// # Errors
/// If `NetSim` cannot do what the deployment asks for.
pub fn deploy<O, R, F>(
    deployment: &Deployment,
    seed: u64,
    program: impl Fn(Node<O, R>) -> F + Clone + Send + Sync + 'static,
    judges: &[Judge<'_, O, R>],
) -> Result<Deployed<O, R>, Impossible>
where
    O: Clone + Hash + Send + 'static,
    R: Clone + Hash + Send + 'static,
    F: Future<Output = ()> + 'static,
{
    deployment.validate()?;
    let history = Arc::new(Mutex::new(History::default()));
    let begin = |id: NodeId| Node { id, history: history.clone() };
    let nodes: Vec<Node<O, R>> = (0..deployment.nodes).map(|n| begin(NodeId(n))).collect();
    let (panic, ended_at, struck, stats) = std::thread::scope(|scope| {
        let run = scope.spawn(|| Execution::new(deployment, seed, nodes, program).run());
        run.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    });
    let history = history.lock().expect("nobody panics while recording").clone();
    let violated = panic.or_else(|| {
        let broken = judges.iter().find_map(|(name, holds)| Some((name.to_string(), holds(&history).err()?)));
        broken.map(|(name, broken)| (name, broken.message))
    });
    let mut hasher = StableHasher::default();
    (&history, &struck, stats.sent, ended_at).hash(&mut hasher);
    let violation = violated.map(|(property, message)| Violation {
        property,
        at: ended_at,
        event: stats.events,
        nodes: Vec::new(),
        message,
        liveness: false,
    });
    Ok(Deployed { violation, fingerprint: hasher.finish(), history, struck, stats })
}

fn ip(node: NodeId) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(10, 0, 0, node.0 as u8 + 1))
}

/// A change of the deployment at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Ends(usize),
    Heal,
    Begins(usize),
}

struct Execution<'a> {
    deployment: &'a Deployment,
    faults: Vec<Fault<NodeId>>,
    runtime: Runtime,
    nodes: Vec<NodeHandle>,
    /// How many faults keep a node down, keep it paused, keep a link cut.
    downs: Vec<u32>,
    pauses: Vec<u32>,
    cuts: BTreeMap<(NodeId, NodeId), u32>,
    struck: Vec<(usize, Fault<NodeId>)>,
    active: Vec<bool>,
    stats: Stats,
}

type Ended = (Option<(String, String)>, Time, Vec<(usize, Fault<NodeId>)>, Stats);

impl<'a> Execution<'a> {
    fn new<O: Send + 'static, R: Send + 'static, F: Future<Output = ()> + 'static>(
        deployment: &'a Deployment,
        seed: u64,
        nodes: Vec<Node<O, R>>,
        program: impl Fn(Node<O, R>) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let mut config = madsim::Config::default();
        config.net.packet_loss_rate = f64::from(deployment.network.loss_ppm.min(1_000_000)) / 1e6;
        config.net.send_latency = match deployment.network.latency {
            Latency::Uniform { min, max } => Duration::from_nanos(min.0)..Duration::from_nanos(max.0 + 1),
            ref other => Duration::from_nanos(other.base().0)..Duration::from_nanos(other.base().0 + 1),
        };
        let runtime = Runtime::with_seed_and_config(seed, config);
        let make = |node: Node<O, R>| {
            let (id, program) = (node.id, program.clone());
            runtime.create_node().name(id.to_string()).ip(ip(id)).init(move || program(node.clone())).build()
        };
        let nodes: Vec<NodeHandle> = nodes.into_iter().map(make).collect();
        let strikes = |fault: &Fault| fault.strikes(|_| None).expect("validated: programs have no roles");
        let faults: Vec<_> = deployment.faults.iter().map(strikes).collect();
        Execution {
            downs: vec![0; nodes.len()],
            pauses: vec![0; nodes.len()],
            cuts: BTreeMap::new(),
            struck: Vec::new(),
            active: vec![false; faults.len()],
            faults,
            stats: Stats::default(),
            deployment,
            runtime,
            nodes,
        }
    }

    fn run(mut self) -> Ended {
        let heal_at = self.deployment.phases.heal_at();
        let mut plan = vec![(heal_at, Change::Heal)];
        for (index, fault) in self.faults.iter().enumerate().filter(|(_, fault)| fault.at < heal_at) {
            plan.push((fault.at, Change::Begins(index)));
            plan.extend(fault.until().filter(|until| *until < heal_at).map(|until| (until, Change::Ends(index))));
        }
        plan.sort();
        let (clock, net) = self.runtime.block_on(async { (TimeHandle::current(), NetSim::current()) });
        let panic = caught(|| {
            for (at, change) in plan {
                self.runtime.block_on(clock::reaches(&clock, at));
                self.stats.events += 1;
                match change {
                    Change::Begins(index) => self.change(index, true, &net),
                    Change::Ends(index) => self.change(index, false, &net),
                    Change::Heal => {
                        net.update_config(|config| config.packet_loss_rate = 0.0);
                        (0..self.active.len()).for_each(|index| self.change(index, false, &net));
                    }
                }
            }
            self.runtime.block_on(clock::reaches(&clock, self.deployment.phases.end_at()));
        });
        let ended_at = clock::read(&clock);
        self.stats.sent = net.stat().msg_count;
        // Pending tasks would keep the runtime, and all it holds, alive.
        self.nodes.iter().for_each(|node| self.runtime.handle().kill(node.id()));
        let _ = caught(|| self.runtime.block_on(async {}));
        (panic.err().map(property_and_message), ended_at, self.struck, self.stats)
    }

    /// Begins or ends a fault. A node or link that several faults affect recovers when the last of them ends.
    fn change(&mut self, index: usize, begins: bool, net: &NetSim) {
        if self.active[index] == begins {
            return;
        }
        self.active[index] = begins;
        let fault = &self.faults[index];
        if begins {
            self.struck.push((index, fault.clone()));
            self.stats.faults[fault.what.class() as usize] += 1;
        }
        let madsim = self.runtime.handle();
        match &fault.what {
            What::Crash { node } => {
                let id = self.nodes[node.index()].id();
                if counted(&mut self.downs[node.index()], begins) {
                    if begins {
                        madsim.kill(id);
                    } else {
                        madsim.restart(id);
                    }
                    if !begins && self.pauses[node.index()] > 0 {
                        madsim.pause(id);
                    }
                }
            }
            What::Pause { node } => {
                let id = self.nodes[node.index()].id();
                if counted(&mut self.pauses[node.index()], begins) {
                    if begins {
                        madsim.pause(id);
                    } else {
                        madsim.resume(id);
                    }
                }
            }
            what => {
                for (from, to) in links(what, self.deployment.nodes) {
                    let (source, sink) = (self.nodes[from.index()].id(), self.nodes[to.index()].id());
                    if counted(self.cuts.entry((from, to)).or_insert(0), begins) {
                        if begins {
                            net.clog_link(source, sink);
                        } else {
                            net.unclog_link(source, sink);
                        }
                    }
                }
            }
        }
    }
}

/// Counts a fault that begins or ends; `true` if it was the first to begin or the last to end.
fn counted(count: &mut u32, begins: bool) -> bool {
    if begins {
        *count += 1;
    } else {
        *count -= 1;
    }
    *count == u32::from(begins)
}

/// The links that a fault cuts.
fn links(what: &What<NodeId>, nodes: u16) -> Vec<(NodeId, NodeId)> {
    let all = || (0..nodes).map(NodeId);
    let stops = |from: NodeId, to: NodeId| match what {
        What::Cut { from: senders, to: receivers, .. } => senders.contains(&from) && receivers.contains(&to),
        What::Partition { side, .. } => side.contains(&from) != side.contains(&to),
        What::Isolate { node, direction, .. } => {
            from != to
                && ((from == *node && *direction != Direction::In) || (to == *node && *direction != Direction::Out))
        }
        _ => false,
    };
    all().flat_map(|from| all().map(move |to| (from, to))).filter(|(from, to)| stops(*from, *to)).collect()
}
