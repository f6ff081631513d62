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

/// A workload: what clients ask, and when.
pub type Workload<M> = Vec<Operation<Op<M>>>;

/// What there is to know of a component without running it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Its name on the command line and in traces, in snake case.
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
    /// The roles that faults can be aimed at.
    pub roles: &'static [&'static str],
    /// The bugs one can plant.
    pub bugs: &'static [Bug],
    /// The marks that its processes make: of its own modules, and of the parts that it is made of.
    pub marks: &'static [&'static [Mark]],
}

impl Info {
    /// What a model starts from that tolerates what is usual and has neither roles nor bugs.
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
    /// Its name, in kebab case: `protocol` is `--protocol`.
    pub name: &'static str,
    /// What it is and can be, in one line.
    pub what: &'static str,
}

/// A component of the library: the configuration of a protocol, and everything the harness has to know to run it.
///
/// The value itself is the configuration, and is what a trace keeps of it.
pub trait Model: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What runs on every node.
    type Process: Process;

    /// What there is to know of it.
    const INFO: Info;

    /// How many nodes there are: `n0` to `n(size − 1)`.
    fn size(&self) -> usize;

    /// Makes the process of one node, at the beginning and after every crash. `nodes` are those of the scenario: when
    /// a trace was shrunk, some may be missing.
    fn spawn(&self, node: NodeId, nodes: &[NodeId]) -> Self::Process;

    /// What is wrong with this configuration, if anything.
    ///
    /// # Errors
    /// What to change.
    fn validate(&self) -> Result<(), String> {
        Ok(())
    }

    /// What of the configuration can be set by name, besides bugs and nodes: the command line has a flag for each.
    fn settings() -> &'static [Setting] {
        &[]
    }

    /// Sets one of [`Model::settings`].
    ///
    /// # Errors
    /// What the setting can be.
    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        Err(format!("{} has nothing to set called '{name}', such as to '{value}'", Self::INFO.name))
    }

    /// Changes how many nodes there are, for `--nodes`.
    ///
    /// # Errors
    /// Why this model cannot have that many.
    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        match nodes == self.size() {
            true => Ok(()),
            false => Err(format!("{} always has {} nodes", Self::INFO.name, self.size())),
        }
    }

    /// What this configuration tolerates; variants may differ in that.
    fn tolerance(&self) -> Tolerance {
        self.usual_tolerance()
    }

    /// What a model of this size tolerates that says no more than [`Info::tolerates`]: where [`Model::tolerance`] begins.
    fn usual_tolerance(&self) -> Tolerance {
        Tolerance::usual(Self::INFO.tolerates, self.size())
    }

    /// How long the protocol takes to notice that something is wrong: its shortest election timeout, lease or retry.
    /// Plans of faults are paced by it.
    fn reaction_time(&self) -> Span {
        Span::ms(150)
    }

    /// Whether a process holds one of [`Info::roles`], for faults to aim at; the answer is its rank. Where several nodes
    /// hold a role (an old leader and a new one), the highest rank is meant.
    fn holds(&self, _process: &Self::Process, _role: &str) -> Option<u64> {
        None
    }

    /// What logs and drawings call a process: the first of [`Info::roles`] that it holds, unless a model tells apart what
    /// no fault aims at.
    fn role(&self, process: &Self::Process) -> Option<&'static str> {
        Self::INFO.roles.iter().copied().find(|role| self.holds(process, role).is_some())
    }

    /// The marks of what a process has gone through that would cost too much to make one by one
    /// ([`Context::mark`](crate::Context::mark)), such as the entries of a large transition table. Asked when the run has
    /// ended; each counts once for each process.
    fn reached(&self, _process: &Self::Process, _mark: &mut dyn FnMut(&'static str)) {}

    /// Configurations with the same nodes and clients that sweeps go through as well, one a seed: optional parts on
    /// and off, tight and wide timeouts. What is true of a model should be true of all of them, and some bugs show in
    /// few.
    fn variants(&self) -> BoxedStrategy<Self> {
        Just(self.clone()).boxed()
    }

    /// The variants in which a planted bug can show, where they are not all of them: those that a sweep goes through which
    /// hunts it.
    fn variants_with(&self, _bug: &'static str) -> BoxedStrategy<Self> {
        self.variants()
    }

    /// Whether messages of this kind keep their order on each link, among themselves and the other kinds that do, whatever
    /// the network does to the rest.
    fn fifo(&self, _kind: &str) -> bool {
        false
    }

    /// The network without faults.
    fn network(&self) -> NetworkConfig {
        NetworkConfig::default()
    }

    /// How long runs are.
    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(2) }
    }

    /// The model's vocabulary: workloads, as a proptest strategy. Times lie in the chaos phase. [`crate::workload()`] makes one
    /// of what is asked.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        Just(Vec::new()).boxed()
    }

    /// What clients ask of this configuration when it comes up as a variant of another ([`Model::variants`]), if that is
    /// not what they ask of the other: what is asked of a set makes no sense to a counter. Nothing, if all variants are
    /// asked the same.
    fn own_workload(&self) -> Option<BoxedStrategy<Workload<Self>>> {
        None
    }
}
