//! The history of a run as operations on keys: what a checker of linearizability reads.

use seedbed_models::consensus::raft::kv::{Command, Key, Output};
use seedbed_models::consensus::raft::{Kv, Raft, machine::StateMachine};
use seedbed_sim::{History, NodeId, Op, OpId, Outcome, Ret, Time};

/// An operation on one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvOperation {
    /// Which operation of the scenario it is.
    pub id: OpId,
    /// Who asked.
    pub client: NodeId,
    /// What was asked.
    pub command: Command,
    /// When.
    pub invoked: Time,
    /// What was answered, and when; nothing: it may take effect at any later time, or never.
    pub answer: Option<(Output, Time)>,
}

/// What was asked and answered of each key, keys ascending. Operations that certainly failed never happened. Keys are
/// independent, so each can be judged by itself (Herlihy and Wing 1990, locality).
pub fn by_key(history: &History<Op<Raft>, Ret<Raft>>) -> Vec<(Key, Vec<KvOperation>)> {
    let mut keys: Vec<(Key, Vec<KvOperation>)> = Vec::new();
    for invocation in history.invocations() {
        let answer = match &invocation.outcome {
            Outcome::Failed { .. } => continue,
            Outcome::Unknown => None,
            Outcome::Returned { ret, at } => Some((ret.clone(), *at)),
        };
        let (id, client, command, invoked) = (invocation.id, invocation.client, invocation.op, invocation.invoked);
        let operation = KvOperation {
            id,
            client,
            command,
            invoked,
            answer,
        };
        match keys.binary_search_by_key(&command.key(), |(key, _)| *key) {
            Ok(at) => keys[at].1.push(operation),
            Err(at) => keys.insert(at, (command.key(), vec![operation])),
        }
    }
    keys
}

/// What a command does to a map that nobody else uses: the sequential specification. Says whether the answer is right;
/// an answer that nobody knows is.
pub fn step(kv: &mut Kv, command: &Command, answer: Option<&Output>) -> bool {
    let given = kv.apply(command);
    answer.is_none_or(|answer| *answer == given)
}
