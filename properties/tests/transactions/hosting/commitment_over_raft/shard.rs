//! A participant as its group replicates it: a ledger that is told what to do by the log.

use seedbed_models::replication::raft::machine::StateMachine;
use seedbed_models::transactions::TxId;
use seedbed_models::transactions::commitment::{Decision, Ledger, Members, State};
use seedbed_models::transactions::store::{Cell, Key, Step, Store};
use seedbed_models::transactions::two_phase_commit::messages::Message as Commit;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Hash)]
pub struct Shard(Ledger);

/// What the coordinator says to a participant.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Command {
    Work(TxId, Vec<Step>),
    Prepare(TxId, Members),
    Decide(TxId, bool),
    Release(TxId),
}

/// What the participant replies, if anything.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub struct Output(pub Option<Reply>);

#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Reply {
    Worked(TxId, Vec<(Key, Cell)>),
    Voted(TxId, bool),
    Decided(TxId),
}

impl Reply {
    pub fn message(self) -> Commit {
        match self {
            Reply::Worked(tx, reads) => Commit::Worked(tx, reads.into_iter().collect()),
            Reply::Voted(tx, true) => Commit::Yes(tx),
            Reply::Voted(tx, false) => Commit::No(tx),
            Reply::Decided(tx) => Commit::Ack(tx),
        }
    }
}

impl Shard {
    pub fn store(&self) -> &Store {
        self.0.store()
    }
}

impl Default for Shard {
    fn default() -> Self {
        Shard(Ledger::new(Store::new([Key(0), Key(1)], 100)))
    }
}

impl StateMachine for Shard {
    type Command = Command;
    type Output = Output;

    fn apply(&mut self, command: &Command) -> Output {
        let Shard(ledger) = self;
        Output(match command {
            Command::Work(tx, steps) => {
                ledger.work(*tx, steps).map(|reads| Reply::Worked(*tx, reads.into_iter().collect()))
            }
            Command::Prepare(tx, members) => {
                let able = matches!(ledger.state(*tx), Some(State::Working(_)));
                let _ = if able { ledger.vote_yes(*tx, members.clone()) } else { ledger.vote_no(*tx) };
                Some(Reply::Voted(*tx, able))
            }
            Command::Decide(tx, commit) => {
                // The coordinator repeats a decision until it is acknowledged.
                if ledger.state(*tx).and_then(State::decision).is_none() {
                    ledger.decide(*tx, if *commit { Decision::Commit } else { Decision::Abort });
                }
                Some(Reply::Decided(*tx))
            }
            Command::Release(tx) => {
                ledger.abandon(*tx);
                None
            }
        })
    }
}
