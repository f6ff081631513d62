//! Configurations and operations with their types erased, and cases made of them.

use std::any::Any;
use std::fmt::{self, Debug};
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::fingerprint::stable_hash;
use crate::history::{History, Invocation, Outcome};
use crate::model::{Model, Op};
use crate::network::NetworkConfig;
use crate::process::NodeId;
use crate::run::FinishedOf;
use crate::scenario::{CaseOf, size_of_world};
use crate::story::StoryOf;
use crate::time::Span;
use crate::tolerance::Tolerance;
use crate::trace::TraceOf;
use crate::workload::Operation;

/// The configuration of some model.
#[derive(Clone)]
pub struct AnyConfig(Arc<dyn Config>);

/// A client operation of some model.
pub struct AnyOp(Box<dyn ErasedOp>);

/// A case of some model.
pub type AnyCase = CaseOf<AnyConfig, AnyOp>;
/// A story of some model.
pub type AnyStory = StoryOf<AnyConfig, AnyOp>;
/// A trace of some model.
pub type AnyTrace = TraceOf<AnyConfig, AnyOp>;
/// The outcome of a run of some model. Its history has stable hashes in place of operations and answers, which is
/// enough to compare runs.
pub type AnyFinished = FinishedOf<History<u64, u64>>;

/// The methods of a configuration, whatever its type.
trait Config: Any + Send + Sync {
    fn json(&self) -> Value;
    fn equals(&self, other: &AnyConfig) -> bool;
    fn size(&self) -> usize;
    fn size_of_world(&self) -> Result<usize, String>;
    fn is_client(&self, node: NodeId) -> bool;
    fn validate_op(&self, op: &AnyOp) -> Result<(), String>;
    fn with_nodes(&self, nodes: usize) -> Result<AnyConfig, String>;
    fn with_setting(&self, name: &str, value: &str) -> Result<AnyConfig, String>;
    fn tolerance(&self) -> Tolerance;
    fn reaction_time(&self) -> Span;
    fn network(&self) -> NetworkConfig;
    fn has_own_workload(&self) -> bool;
}

impl<M: Model> Config for M {
    fn json(&self) -> Value {
        serde_json::to_value(self).expect("configurations have string keys and finite numbers")
    }
    fn equals(&self, other: &AnyConfig) -> bool {
        other.get::<M>() == Some(self)
    }
    fn size(&self) -> usize {
        Model::size(self)
    }
    fn size_of_world(&self) -> Result<usize, String> {
        size_of_world(self)
    }
    fn is_client(&self, node: NodeId) -> bool {
        Model::is_client(self, node)
    }
    fn validate_op(&self, op: &AnyOp) -> Result<(), String> {
        Model::validate_op(self, op.of::<M>())
    }
    fn with_nodes(&self, nodes: usize) -> Result<AnyConfig, String> {
        let mut config = self.clone();
        config.set_nodes(nodes)?;
        Ok(AnyConfig::new(config))
    }
    fn with_setting(&self, name: &str, value: &str) -> Result<AnyConfig, String> {
        let mut config = self.clone();
        config.set(name, value)?;
        Ok(AnyConfig::new(config))
    }
    fn tolerance(&self) -> Tolerance {
        Model::tolerance(self)
    }
    fn reaction_time(&self) -> Span {
        Model::reaction_time(self)
    }
    fn network(&self) -> NetworkConfig {
        Model::network(self)
    }
    fn has_own_workload(&self) -> bool {
        self.own_workload().is_some()
    }
}

impl AnyConfig {
    /// The configuration of a model.
    pub fn new<M: Model>(config: M) -> Self {
        AnyConfig(Arc::new(config))
    }

    /// The configuration; `None` if it is of another model.
    pub fn get<M: Model>(&self) -> Option<&M> {
        let config: &dyn Any = &*self.0;
        config.downcast_ref()
    }

    /// The configuration of this model.
    ///
    /// # Panics
    /// If it is of another model: cases are only passed to the system that they belong to.
    pub(crate) fn of<M: Model>(&self) -> &M {
        self.get().expect("a case is run by the model that it is of")
    }

    /// See [`Model::size`].
    pub fn size(&self) -> usize {
        self.0.size()
    }

    /// Whether there can be a world of it: see [`Model::validate`].
    ///
    /// # Errors
    /// What is wrong, and what to change.
    pub fn validate(&self) -> Result<(), String> {
        self.size_of_world().map(|_| ())
    }

    /// How many nodes its worlds have, if there can be any.
    pub(crate) fn size_of_world(&self) -> Result<usize, String> {
        self.0.size_of_world()
    }

    /// See [`Model::is_client`].
    pub(crate) fn is_client(&self, node: NodeId) -> bool {
        self.0.is_client(node)
    }

    /// See [`Model::validate_op`].
    pub(crate) fn validate_op(&self, op: &AnyOp) -> Result<(), String> {
        self.0.validate_op(op)
    }

    /// The same with another number of nodes.
    ///
    /// # Errors
    /// Why the model cannot have that many.
    pub fn with_nodes(&self, nodes: usize) -> Result<Self, String> {
        self.0.with_nodes(nodes)
    }

    /// The same with a setting changed ([`Model::set`]).
    ///
    /// # Errors
    /// The possible values of the setting.
    pub fn with_setting(&self, name: &str, value: &str) -> Result<Self, String> {
        self.0.with_setting(name, value)
    }

    /// See [`Model::tolerance`].
    pub fn tolerance(&self) -> Tolerance {
        self.0.tolerance()
    }

    /// See [`Model::reaction_time`].
    pub fn reaction_time(&self) -> Span {
        self.0.reaction_time()
    }

    /// The fault-free network; see [`Model::network`].
    pub fn network(&self) -> NetworkConfig {
        self.0.network()
    }

    /// Whether it has a workload of its own ([`Model::own_workload`]).
    pub(crate) fn has_own_workload(&self) -> bool {
        self.0.has_own_workload()
    }

    /// As JSON, in the form of a trace.
    pub fn json(&self) -> Value {
        self.0.json()
    }
}

impl PartialEq for AnyConfig {
    fn eq(&self, other: &Self) -> bool {
        self.0.equals(other)
    }
}

impl Debug for AnyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.json())
    }
}

impl Serialize for AnyConfig {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.json().serialize(to)
    }
}

/// The methods of an operation, whatever its type.
trait ErasedOp: Any + Send {
    fn cloned(&self) -> AnyOp;
    fn json(&self) -> Value;
}

impl<O: Clone + Serialize + Send + 'static> ErasedOp for O {
    fn cloned(&self) -> AnyOp {
        AnyOp(Box::new(self.clone()))
    }
    fn json(&self) -> Value {
        serde_json::to_value(self).expect("operations have string keys and finite numbers")
    }
}

impl AnyOp {
    /// An operation of a model.
    pub(crate) fn new<M: Model>(op: Op<M>) -> Self {
        AnyOp(Box::new(op))
    }

    /// The operation of this model.
    fn of<M: Model>(&self) -> &Op<M> {
        let op: &dyn Any = &*self.0;
        op.downcast_ref().expect("a case is run by the model that it is of")
    }
}

impl Clone for AnyOp {
    fn clone(&self) -> Self {
        (*self.0).cloned()
    }
}

impl Debug for AnyOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.json())
    }
}

impl Serialize for AnyOp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.json().serialize(to)
    }
}

/// The same list of operations, each with its argument converted.
fn operations<A, B>(operations: &[Operation<A>], translated: impl Fn(&A) -> B) -> Vec<Operation<B>> {
    let one = |operation: &Operation<A>| Operation {
        at: operation.at,
        client: operation.client,
        op: translated(&operation.op),
    };
    operations.iter().map(one).collect()
}

impl<M: Model> CaseOf<M, Op<M>> {
    /// The same, its types erased.
    pub fn erased(&self) -> AnyCase {
        CaseOf {
            scenario: self.scenario.configured(AnyConfig::new(self.scenario.config.clone())),
            operations: operations(&self.operations, |op| AnyOp::new::<M>(op.clone())),
            faults: self.faults.clone(),
        }
    }
}

impl AnyCase {
    /// The same, as a case of this model.
    ///
    /// # Panics
    /// If it is one of another model.
    pub fn of_model<M: Model>(&self) -> CaseOf<M, Op<M>> {
        CaseOf {
            scenario: self.scenario.configured(self.scenario.config.of::<M>().clone()),
            operations: operations(&self.operations, |op| op.of::<M>().clone()),
            faults: self.faults.clone(),
        }
    }
}

impl<O: std::hash::Hash, R: std::hash::Hash> FinishedOf<History<O, R>> {
    /// The same with hashes in place of operations and answers.
    pub(crate) fn erased(self) -> AnyFinished {
        let invocation = |invocation: &Invocation<O, R>| Invocation {
            id: invocation.id,
            client: invocation.client,
            op: stable_hash(&invocation.op),
            invoked: invocation.invoked,
            outcome: match &invocation.outcome {
                Outcome::Returned { ret, at } => Outcome::Returned { ret: stable_hash(ret), at: *at },
                Outcome::Failed { reason, at } => Outcome::Failed { reason: reason.clone(), at: *at },
                Outcome::Unknown => Outcome::Unknown,
            },
            given_up: invocation.given_up,
        };
        let history = self.history.invocations().iter().map(invocation).collect();
        self.with_history(history)
    }
}

impl<M: Model> TraceOf<M, Op<M>> {
    /// The same, its types erased.
    pub fn erased(&self) -> AnyTrace {
        TraceOf {
            version: self.version,
            model: self.model.clone(),
            scenario: self.scenario.configured(AnyConfig::new(self.scenario.config.clone())),
            operations: operations(&self.operations, |op| AnyOp::new::<M>(op.clone())),
            faults: self.faults.clone(),
            deviations: self.deviations.clone(),
            violation: self.violation.clone(),
            fingerprint: self.fingerprint,
            origin: self.origin.clone(),
        }
    }
}

impl<M: Model> StoryOf<M, Op<M>> {
    /// The same, its types erased.
    pub fn erased(&self) -> AnyStory {
        StoryOf { case: self.case.erased(), deviations: self.deviations.clone() }
    }
}

impl AnyStory {
    /// The same, as a story of this model.
    ///
    /// # Panics
    /// If it is one of another model.
    pub fn of_model<M: Model>(&self) -> StoryOf<M, Op<M>> {
        StoryOf { case: self.case.of_model(), deviations: self.deviations.clone() }
    }
}
