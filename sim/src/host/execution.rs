//! One run of a program: its nodes, its faults in their time, and what ended it.

use std::any::Any;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use madsim::net::NetSim;
use madsim::runtime::{NodeHandle, Runtime};
use madsim::time::TimeHandle;

use crate::fault::Fault;
use crate::host::clock;
use crate::host::current::{Current, NoProgress, Panic};
use crate::host::deployment::{Deployment, ip};
use crate::host::events::Events;
use crate::host::faults::{Faults, Idle, Place};
use crate::host::program::{FirstTask, Node};
use crate::host::{entropy, schedule, told};
use crate::network::Latency;
use crate::process::NodeId;
use crate::run::{caught, property_and_message};
use crate::stats::Stats;
use crate::time::Time;

/// What a run leaves behind, without its history.
pub(super) struct Ended {
    /// The name of what was violated, when, on which node, and the message.
    pub(super) broken: Option<(String, Time, Option<NodeId>, String)>,
    pub(super) at: Time,
    pub(super) struck: Vec<(usize, Fault<NodeId>)>,
    pub(super) idle: Vec<Idle>,
    pub(super) joined_panics: Vec<Panic>,
    pub(super) stats: Stats,
    pub(super) events: Events,
}

/// Runs a program on this thread, which has to be fresh.
pub(super) fn execute<O, R, F>(
    deployment: &Deployment,
    seed: u64,
    nodes: Vec<Node<O, R>>,
    program: impl Fn(Node<O, R>) -> F + Clone + Send + Sync + 'static,
    events: Events,
) -> Ended
where
    O: Send + 'static,
    R: Send + 'static,
    F: Future<Output = ()> + 'static,
{
    schedule::watched(|| {
        // madsim first: it seeds the hash maps of the thread, and whoever makes the first one would do it otherwise.
        let mut execution = Execution::new(deployment, seed, events);
        entropy::seeded(seed, || {
            for node in nodes {
                execution.add(node, program.clone());
            }
            execution.run()
        })
    })
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
    runtime: Runtime,
    clock: TimeHandle,
    net: std::sync::Arc<NetSim>,
    current: Rc<Current>,
    nodes: Vec<NodeHandle>,
    plan: Vec<Planned>,
    faults: Faults,
    struck: Vec<(usize, Fault<NodeId>)>,
    stats: Stats,
}

/// A fault of the plan.
struct Planned {
    fault: Fault<NodeId>,
    lasts: bool,
    struck: bool,
}

impl<'a> Execution<'a> {
    fn new(deployment: &'a Deployment, seed: u64, events: Events) -> Self {
        let mut config = madsim::Config::default();
        config.net.packet_loss_rate = f64::from(deployment.network.loss_ppm.min(1_000_000)) / 1e6;
        config.net.send_latency = match deployment.network.latency {
            Latency::Uniform { min, max } => Duration::from_nanos(min.0)..Duration::from_nanos(max.0 + 1),
            ref other => Duration::from_nanos(other.base().0)..Duration::from_nanos(other.base().0 + 1),
        };
        let runtime = Runtime::with_seed_and_config(seed, config);
        let (clock, net) = runtime.block_on(async { (TimeHandle::current(), NetSim::current()) });
        for n in (0..deployment.nodes).map(NodeId) {
            net.add_dns_record(&n.to_string(), ip(n));
        }
        for (n, name) in deployment.names.iter().enumerate() {
            net.add_dns_record(name, ip(NodeId(n as u16)));
        }
        let strikes = |fault: &Fault| fault.strikes(|_| None).expect("validated: programs have no roles");
        let planned = |fault| Planned { fault: strikes(fault), lasts: false, struck: false };
        Execution {
            current: Current::begin(deployment, seed, clock.clone(), events),
            plan: deployment.faults.iter().map(planned).collect(),
            faults: Faults::none(deployment.nodes),
            nodes: Vec::new(),
            struck: Vec::new(),
            stats: Stats::default(),
            deployment,
            runtime,
            clock,
            net,
        }
    }

    /// Adds a node. Its program begins with the first event of the run, and again whenever the node is restarted.
    fn add<O: Send + 'static, R: Send + 'static, F: Future<Output = ()> + 'static>(
        &mut self,
        node: Node<O, R>,
        program: impl Fn(Node<O, R>) -> F + Clone + Send + Sync + 'static,
    ) {
        let id = node.id;
        let name = self.deployment.names.get(id.index()).cloned().unwrap_or_else(|| id.to_string());
        // `program` is called in the task, so that a panic in it is one of the task.
        let first_task = move || {
            let (node, program) = (node.clone(), program.clone());
            FirstTask::new(id, async move { program(node).await })
        };
        let handle = self.runtime.create_node().name(name).ip(ip(id)).init(first_task).build();
        self.current.nodes.borrow_mut().push(handle.id());
        self.nodes.push(handle);
    }

    fn run(mut self) -> Ended {
        let panic = self.drive().err();
        let at = clock::read(&self.clock);
        self.stats.sent = self.net.stat().msg_count;
        self.current.say(None, format!("the run ends; {} messages were sent", self.stats.sent));
        self.current.end();
        // Pending tasks would keep the runtime, and all it holds, alive.
        self.nodes.iter().for_each(|node| self.runtime.handle().kill(node.id()));
        let _ = caught(|| self.runtime.block_on(async {}));
        let panics = self.current.panics.take();
        let unjoined = panics.unjoined.into_values().min_by_key(|panic| panic.at);
        let unjoined = unjoined.map(|panic| (panic.property, panic.at, Some(panic.node), panic.message));
        let broken = unjoined.or_else(|| {
            let panic = panic?;
            let (property, message) = match panic.downcast_ref::<NoProgress>() {
                Some(stuck) => (NoProgress::PROPERTY.to_string(), stuck.message()),
                None => property_and_message(&*panic),
            };
            Some((property, at, None, with_hint(message)))
        });
        Ended {
            broken,
            at,
            idle: self.idle(),
            struck: self.struck,
            joined_panics: panics.joined,
            stats: self.stats,
            events: self.current.events.replace(Events::kept()),
        }
    }

    /// Lets the plan happen, to the end or to the first panic that nobody is told of.
    fn drive(&mut self) -> Result<(), Box<dyn Any + Send>> {
        let deployment = self.deployment;
        let mut changes = vec![(deployment.phases.heal_at(), Change::Heal)];
        for (index, planned) in self.plan.iter().enumerate() {
            if deployment.idle(&planned.fault).is_none() {
                changes.push((planned.fault.at, Change::Begins(index)));
                changes.extend(deployment.end_of(&planned.fault).map(|until| (until, Change::Ends(index))));
            }
        }
        changes.sort();
        for (at, change) in changes {
            self.wait_until(at)?;
            self.stats.events += 1;
            match change {
                Change::Begins(index) => self.change(index, true),
                Change::Ends(index) => self.change(index, false),
                Change::Heal => {
                    self.net.update_config(|config| config.packet_loss_rate = 0.0);
                    self.current.say(None, "all faults end".into());
                    (0..self.plan.len()).for_each(|index| self.change(index, false));
                }
            }
        }
        self.wait_until(deployment.phases.end_at())
    }

    fn wait_until(&self, at: Time) -> Result<(), Box<dyn Any + Send>> {
        loop {
            match caught(|| self.runtime.block_on(clock::reaches(&self.clock, at))) {
                Ok(()) => return Ok(()),
                Err(panic) => match told::who_was_told() {
                    Some(node) if !panic.is::<NoProgress>() => self.current.joined(node, &*panic),
                    _ => return Err(panic),
                },
            }
        }
    }

    /// Begins or ends a fault.
    fn change(&mut self, index: usize, begins: bool) {
        let Planned { fault, lasts, struck } = &mut self.plan[index];
        if *lasts == begins {
            return;
        }
        *lasts = begins;
        self.current.say(None, format!("{} {}", if begins { "begins:" } else { "ends:" }, fault.what));
        let place = Place { madsim: self.runtime.handle(), nodes: &self.nodes, net: &self.net, current: &self.current };
        let has_effect = self.faults.change(&fault.what, begins, &place);
        if has_effect && !*struck {
            *struck = true;
            self.struck.push((index, fault.clone()));
            self.stats.faults[fault.what.class() as usize] += 1;
        }
    }

    /// The faults that had no effect, and why.
    fn idle(&self) -> Vec<Idle> {
        let idle = self.plan.iter().enumerate().filter(|(_, planned)| !planned.struck);
        let why = |planned: &Planned| {
            self.deployment.idle(&planned.fault).unwrap_or("nothing changed: it was so already, or nobody ran into it")
        };
        idle.map(|(place, planned)| Idle { place, fault: planned.fault.clone(), why: why(planned).into() }).collect()
    }
}

/// Says what to do about parts of tokio that madsim does not simulate.
fn with_hint(message: String) -> String {
    let real = ["there is no reactor running", "sys/thread/unix.rs", "failed to spawn thread", "A Tokio 1.x context"];
    if !real.iter().any(|sign| message.contains(sign)) {
        return message;
    }
    format!(
        "{message}\nthe program uses a thread, or a part of tokio that is not simulated (files, processes, standard input): with \
         `tokio = {{ package = \"seedbed-tokio\", … }}` files are, and the guide's page on services of your own has a table of the rest"
    )
}
