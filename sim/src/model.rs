//! A model: a protocol together with how it is set up, what it tolerates, and the bugs one can plant in it.

use std::fmt::Debug;

use proptest::strategy::{BoxedStrategy, Just, Strategy};
use serde::{Serialize, de::DeserializeOwned};

use crate::bug::Bug;
use crate::fault::FaultClass;
use crate::mark::Mark;
use crate::network::NetworkConfig;
use crate::phases::Phases;
use crate::process::{NodeId, Process};
use crate::time::Span;
use crate::tolerance::Tolerance;
use crate::workload::Operation;

/// The operations of a model.
pub type Op<M> = <<M as Model>::Process as Process>::Op;
/// The answers of a model.
pub type Ret<M> = <<M as Model>::Process as Process>::Ret;

/// The operations of clients with their times.
pub type Workload<M> = Vec<Operation<Op<M>>>;

/// The description of a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// In snake case, as on the command line and in traces.
    pub name: &'static str,
    /// Its row in the catalogue: `C11`.
    pub row: &'static str,
    /// The family it belongs to: `consensus`.
    pub family: &'static str,
    /// One line: what it is and where it is described.
    pub summary: &'static str,
    /// The papers and books that describe it.
    pub sources: &'static [&'static str],
    /// The fault classes under which every safety property holds.
    pub tolerates: &'static [FaultClass],
    /// The roles that faults can be aimed at, the most important first.
    pub roles: &'static [&'static str],
    /// The bugs that can be planted.
    pub bugs: &'static [Bug],
    /// The lists of marks ([`marks!`](crate::marks)) of its modules and of the parts that it uses.
    pub marks: &'static [&'static [Mark]],
}

impl Info {
    /// A description with [`FaultClass::USUAL`] tolerated, and neither roles nor bugs.
    pub const fn named(name: &'static str, row: &'static str, family: &'static str, summary: &'static str) -> Self {
        Info {
            name,
            row,
            family,
            summary,
            sources: &[],
            tolerates: &FaultClass::USUAL,
            roles: &[],
            bugs: &[],
            marks: &[],
        }
    }
}

/// A part of a configuration that can be set by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// In kebab case: `protocol` is set by `--protocol`.
    pub name: &'static str,
    /// Its meaning and its values, in one line.
    pub what: &'static str,
}

/// A component of the library: the configuration of a protocol, and everything the harness has to know to run it.
///
/// The value itself is the configuration, and is what a trace keeps of it.
pub trait Model: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The state machine of every node.
    type Process: Process;

    /// See [`Info`].
    const INFO: Info;

    /// Whether processes or properties look at madsim's clock (`madsim::time`, and the clocks of the standard library,
    /// which madsim answers). Worlds of such a model run in a madsim runtime, whose clock is the world's; that costs a
    /// fifth of the messages a second, and half of the small worlds. In other worlds the time is only what
    /// [`Context::now`](crate::Context::now) and [`World::now`](crate::World::now) say, and `madsim::time` panics.
    /// Async nodes and hosted programs always have madsim's clock.
    const READS_MADSIM_TIME: bool = false;

    /// The number of nodes, which are `n0` to `n(size − 1)`.
    fn size(&self) -> usize;

    /// Creates the process of one node, at the beginning and after every crash. `nodes` are those of the scenario; a
    /// shrunk trace may lack some of the model's nodes.
    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Self::Process;

    /// Checks the configuration. Nothing else is asked of a configuration before this; what it returns an error for is never
    /// run. It bounds the sizes that nodes, tables and loops have.
    ///
    /// # Errors
    /// What is wrong, and what to change.
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    /// Checks an operation of a trace: that it is about what this configuration has, in amounts that can be counted.
    ///
    /// # Errors
    /// What is wrong with it.
    fn validate_op(&self, _op: &Op<Self>) -> Result<(), String> {
        Ok(())
    }

    /// Whether a node takes operations ([`Process::invoke`]): all do, unless the model has clients of their own.
    fn is_client(&self, _node: NodeId) -> bool {
        true
    }

    /// Parts of the configuration that can be set by name, besides bugs and nodes; each becomes a command line flag.
    fn settings() -> &'static [Setting] {
        &[]
    }

    /// Sets one of [`Model::settings`].
    ///
    /// # Errors
    /// The possible values of the setting.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        Err(format!("{} has nothing to set called '{name}', such as to '{value}'", Self::INFO.name))
    }

    /// Changes the number of nodes, for `--nodes`.
    ///
    /// # Errors
    /// Why this model cannot have that many.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        if nodes == self.size() { Ok(()) } else { Err(format!("{} always has {} nodes", Self::INFO.name, self.size())) }
    }

    /// The tolerance of this configuration; variants may differ.
    fn tolerance(&self) -> Tolerance {
        self.usual_tolerance()
    }

    /// The tolerance of a model of this size that declares no more than [`Info::tolerates`].
    fn usual_tolerance(&self) -> Tolerance {
        Tolerance::usual(Self::INFO.tolerates, self.size())
    }

    /// The time within which the protocol notices a failure: its shortest election timeout, lease or retry interval.
    /// Fault plans are scaled by it.
    fn reaction_time(&self) -> Span {
        Span::ms(150)
    }

    /// Whether a process holds one of [`Info::roles`], for faults to aim at; the value is its rank. If several nodes
    /// hold a role (an old leader and a new one), faults strike the one of the highest rank.
    fn holds(&self, _process: &Self::Process, _role: &str) -> Option<u64> {
        None
    }

    /// The role of a process in logs and drawings: by default the first of [`Info::roles`] that it holds. A model may
    /// distinguish more roles here than faults aim at.
    fn role(&self, process: &Self::Process) -> Option<&'static str> {
        Self::INFO.roles.iter().copied().find(|role| self.holds(process, role).is_some())
    }

    /// Marks that are too frequent to report one by one ([`Context::mark`](crate::Context::mark)), such as the entries
    /// of a large transition table. Called when the run has ended; each mark counts once for each process.
    fn reached(&self, _process: &Self::Process, _mark: &mut dyn FnMut(&'static str)) {}

    /// The same protocol in other sizes: fewer and more nodes, clients, keys. Sweeps draw one of them for a third of the seeds,
    /// and then a variant of it. Those that are not [valid](Model::validate) are a mistake.
    fn sizes(&self) -> Vec<Self> {
        Vec::new()
    }

    /// Configurations with the same nodes and clients that sweeps draw as well, one for each seed: optional parts on
    /// and off, tight and wide timeouts. Properties hold for all of them, and some bugs show in few.
    fn variants(&self) -> BoxedStrategy<Self> {
        Just(self.clone()).boxed()
    }

    /// The variants in which a planted bug can show, by default all of them: a sweep that hunts the bug draws these.
    fn variants_with(&self, _bug: &'static str) -> BoxedStrategy<Self> {
        self.variants()
    }

    /// Whether messages of this kind keep their order on each link, among themselves and the other kinds that do,
    /// whatever the network does to the rest.
    fn fifo(&self, _kind: &str) -> bool {
        false
    }

    /// The fault-free network.
    fn network(&self) -> NetworkConfig {
        NetworkConfig::default()
    }

    /// The lengths of the phases of a run.
    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(2) }
    }

    /// The model's vocabulary: workloads, as a proptest strategy. Times lie in the chaos phase. [`crate::workload()`] makes one
    /// of what is asked.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        Just(Vec::new()).boxed()
    }

    /// The workload of this configuration when it is drawn as a variant of another one ([`Model::variants`]), if its
    /// clients need other operations: a counter has no use for the operations of a set. `None` if all variants share
    /// one workload.
    fn own_workload(&self) -> Option<BoxedStrategy<Workload<Self>>> {
        None
    }
}
