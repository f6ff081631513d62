//! The explicit input of a run: the case.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::disk::DiskConfig;
use crate::fault::{self, Fault, Target, What};
use crate::model::{Info, Model, Op};
use crate::network::NetworkConfig;
use crate::phases::Phases;
use crate::process::{MAX_NODES, NodeId};
use crate::time::Span;
use crate::workload::Operation;

/// A limit on concurrent failures, kept by the world while it runs: a fault over the limit does not strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// The nodes that count.
    pub among: Vec<NodeId>,
    /// How many of them may be down, or Byzantine, at once.
    pub down: usize,
}

/// The initial world: its nodes, their configuration, and the physics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(serialize = "M: Serialize", deserialize = "M: Deserialize<'de>"))]
pub struct Scenario<M> {
    /// The model's own configuration.
    pub config: M,
    /// The planted bug, by the name that [`crate::Info::bugs`] lists it with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bug: Option<String>,
    /// The nodes, ascending. A shrunk scenario may lack some of the model's nodes.
    pub nodes: Vec<NodeId>,
    /// Latency, loss, duplication, order.
    pub network: NetworkConfig,
    /// Syncs, and what crashes leave of unsynced writes.
    #[serde(default)]
    pub disk: DiskConfig,
    /// The greatest lateness of a timer, by the choice `(timer, node, kind, n)`.
    #[serde(default)]
    pub timer_jitter: Span,
    /// The time that a node takes to handle one event, for nodes that take any.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub service: BTreeMap<NodeId, Span>,
    /// The lengths of the phases of the run.
    pub phases: Phases,
    /// Heal only these nodes and the links between them, and leave the rest as it is. All, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<Vec<NodeId>>,
    /// The limit on concurrent failures; none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
    /// The most events that a run may have; [`Scenario::most_events`] says what it is if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_events: Option<NonZeroU64>,
}

impl<M: Model> Scenario<M> {
    /// The model's own scenario, without faults: all its nodes, its physics, its phases.
    pub fn new(config: M) -> Self {
        Scenario {
            nodes: (0..config.size()).map(|n| NodeId(n as u16)).collect(),
            network: config.network(),
            disk: DiskConfig::default(),
            timer_jitter: Span::ZERO,
            service: BTreeMap::new(),
            phases: config.phases(),
            core: None,
            budget: None,
            most_events: None,
            bug: None,
            config,
        }
    }

    /// The planted bug, as the model lists it; `None` if it lists none of this name.
    pub fn planted(&self) -> Option<&'static str> {
        let bug = self.bug.as_deref()?;
        M::INFO.bugs.iter().find(|listed| listed.name == bug).map(|listed| listed.name)
    }
}

impl<C> Scenario<C> {
    /// The most events that a run may have. A run that has more ends without a verdict ([`crate::Undecided`]): a protocol
    /// that sends itself messages without end, or a timer that is due again at once, must cost neither memory nor time without
    /// end.
    ///
    /// Where the scenario says nothing, it is [`EVENTS_OF_A_NODE`] for every node and every second of the run, and no less than
    /// [`FEWEST_EVENTS`].
    pub fn most_events(&self) -> u64 {
        self.most_events.map_or_else(|| usual_events(self.nodes.len(), &self.phases), NonZeroU64::get)
    }

    /// The same scenario with another configuration of another type.
    pub(crate) fn configured<D>(&self, config: D) -> Scenario<D> {
        Scenario {
            config,
            nodes: self.nodes.clone(),
            network: self.network.clone(),
            disk: self.disk.clone(),
            timer_jitter: self.timer_jitter,
            service: self.service.clone(),
            phases: self.phases.clone(),
            core: self.core.clone(),
            budget: self.budget.clone(),
            most_events: self.most_events,
            bug: self.bug.clone(),
        }
    }
}

/// The events that a run may have at least, unless its scenario says another number.
pub const FEWEST_EVENTS: u64 = 200_000;
/// The events that a node may have a second of virtual time, on average. Components of the library have a few hundred.
pub const EVENTS_OF_A_NODE: u64 = 2_000;
/// The most events that a scenario may ask for.
pub const MOST_EVENTS: u64 = 1_000_000_000;
/// The most events that are allowed without being asked for: what a machine handles in seconds.
const MOST_USUAL_EVENTS: u64 = 5_000_000;

fn usual_events(nodes: usize, phases: &Phases) -> u64 {
    let seconds = (phases.chaos + phases.settle).0 / 1_000_000_000;
    let events = EVENTS_OF_A_NODE.saturating_mul(nodes as u64).saturating_mul(seconds);
    events.clamp(FEWEST_EVENTS, MOST_USUAL_EVENTS)
}

/// The explicit input of a run of a model. Together with a source of choices it determines the run.
pub type Case<M> = CaseOf<M, Op<M>>;

/// A [`Case`] by the types of its configuration and of its operations: those of a model, or erased ones
/// ([`crate::system`]).
#[derive(Clone, Debug)]
pub struct CaseOf<C, O> {
    /// The world before anything happens.
    pub scenario: Scenario<C>,
    /// The operations of clients, by [`OpId`](crate::OpId).
    pub operations: Vec<Operation<O>>,
    /// The fault plan, in any order.
    pub faults: Vec<Fault>,
}

/// Why no world can run a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impossible {
    /// The path in the case: `faults[2].node`.
    pub place: String,
    /// What is wrong there, and what to do.
    pub problem: String,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for Impossible {}

impl<M: Model> CaseOf<M, Op<M>> {
    /// A case with no operations and no faults.
    pub fn quiet(config: M) -> Self {
        Case { scenario: Scenario::new(config), operations: Vec::new(), faults: Vec::new() }
    }

    /// Checks that a world can run the case.
    ///
    /// # Errors
    /// The first impossible thing, with its place.
    pub fn validate(&self) -> Result<(), Impossible> {
        let config = &self.scenario.config;
        // A configuration that is not valid may have no size.
        let is_client = |node| config.is_client(node);
        self.validate_as(&M::INFO, size_of_world(config), &is_client, &|op| config.validate_op(op))
    }
}

impl<C, O> CaseOf<C, O> {
    /// Checks a case of a model: `size` is how many nodes its configuration has, or why that is invalid.
    pub(crate) fn validate_as(
        &self,
        info: &Info,
        size: Result<usize, String>,
        is_client: &dyn Fn(NodeId) -> bool,
        validate_op: &dyn Fn(&O) -> Result<(), String>,
    ) -> Result<(), Impossible> {
        if let Some(bug) = &self.scenario.bug
            && !info.bugs.iter().any(|listed| listed.name == bug)
        {
            let known: Vec<_> = info.bugs.iter().map(|bug| bug.name).collect();
            let known = if known.is_empty() { "none".to_string() } else { known.join(", ") };
            let problem = format!("{} has no bug '{bug}'; it has: {known}", info.name);
            return Err(Impossible { place: "scenario.bug".into(), problem });
        }
        let size = size.map_err(|problem| Impossible { place: "scenario.config".into(), problem })?;
        if self.scenario.most_events() > MOST_EVENTS {
            return impossible("scenario.most_events", format!("must be at most {MOST_EVENTS}"));
        }
        let Scenario { nodes, network, .. } = &self.scenario;
        possible_world(size, nodes, network)?;
        // Nodes are ascending.
        let is_present = |node: &NodeId| nodes.binary_search(node).is_ok();
        possible_operations(self.operations.iter().map(|operation| operation.client), &is_present, is_client)?;
        for (i, operation) in self.operations.iter().enumerate() {
            let problem = validate_op(&operation.op);
            problem.map_err(|problem| Impossible { place: format!("operations[{i}].op"), problem })?;
        }
        self.faults.iter().enumerate().try_for_each(|(i, fault)| possible_fault(i, fault, info, &is_present))
    }
}

/// How many nodes the worlds of a configuration have. Its size is asked for when it is known to be valid, and not before.
///
/// # Errors
/// Why there can be no world of it.
pub(crate) fn size_of_world<M: Model>(config: &M) -> Result<usize, String> {
    config.validate()?;
    match config.size() {
        size if size > MAX_NODES => Err(format!("{size} nodes; a world has at most {MAX_NODES}")),
        size => Ok(size),
    }
}

fn impossible<T>(place: impl Into<String>, problem: String) -> Result<T, Impossible> {
    Err(Impossible { place: place.into(), problem })
}

/// Checks the nodes and the network of a scenario whose configuration has `size` nodes.
fn possible_world(size: usize, nodes: &[NodeId], network: &NetworkConfig) -> Result<(), Impossible> {
    if nodes.is_empty() {
        return impossible("scenario.nodes", "a world needs at least one node".into());
    }
    if let Some(pair) = nodes.windows(2).find(|pair| pair[0] >= pair[1]) {
        return impossible("scenario.nodes", format!("must ascend, but {} stands before {}", pair[0], pair[1]));
    }
    if let Some(node) = nodes.iter().find(|node| node.index() >= size) {
        return impossible("scenario.nodes", format!("{node} is beyond the {size} nodes of the configuration"));
    }
    if let Some(problem) = network.latency.problem() {
        return impossible("scenario.network", problem);
    }
    if network.bandwidth == Some(0) {
        return impossible("scenario.network.bandwidth", "must be above 0; leave it out for no limit".into());
    }
    Ok(())
}

fn possible_operations(
    clients: impl Iterator<Item = NodeId>,
    is_present: &dyn Fn(&NodeId) -> bool,
    is_client: &dyn Fn(NodeId) -> bool,
) -> Result<(), Impossible> {
    for (i, client) in clients.enumerate() {
        if !is_present(&client) {
            return impossible(format!("operations[{i}].client"), format!("{client} is not in the scenario"));
        }
        if !is_client(client) {
            let problem = format!("{client} is no client: it takes no operations");
            return impossible(format!("operations[{i}].client"), problem);
        }
    }
    Ok(())
}

fn possible_fault(
    i: usize,
    fault: &Fault,
    info: &Info,
    is_present: &dyn Fn(&NodeId) -> bool,
) -> Result<(), Impossible> {
    if let Some(node) = fault.what.nodes().into_iter().find(|node| !is_present(node)) {
        return impossible(format!("faults[{i}]"), format!("{node} is not in the scenario"));
    }
    if let What::Skew { offset_ns, drift_ppm, .. } = fault.what {
        if !(-900_000..=10_000_000).contains(&drift_ppm) {
            return impossible(format!("faults[{i}].drift_ppm"), format!("{drift_ppm} is outside -900000..=10000000"));
        }
        if offset_ns.unsigned_abs() > Span::LONGEST.0 {
            return impossible(format!("faults[{i}].offset_ns"), format!("{offset_ns} is more than a year"));
        }
    }
    if let Some(Target::Role(role)) = fault.what.target()
        && ![info.roles, &[fault::UNSYNCED, fault::REPLIED]].concat().contains(&role.as_str())
    {
        let known = [info.roles, &[fault::UNSYNCED, fault::REPLIED]].concat().join(", ");
        return impossible(format!("faults[{i}].node"), format!("no role '{role}' in {}; it has: {known}", info.name));
    }
    Ok(())
}
