//! The state machine of a group: a participant that is told by the log what to do.
//!
//! Commands come again, for messages do: each does what it says once, and answers the same each time.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::replication::raft::StateMachine;
use crate::transactions::TxId;
use crate::transactions::commitment::{Decision, Ledger, Members, Reads, State};
use crate::transactions::store::{Key, Step, Store};

/// A participant, as every server of its group has it. Its [`Ledger`] asserts each transition: a vote and a decision are final,
/// and only who voted yes is told to commit.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Participant {
    ledger: Ledger,
}

/// What a participant is told.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// A proxy has started: the participant keeps these accounts, if it has none yet, and tells of what the proxy has to wait
    /// for.
    Open(Vec<(Key, i64)>),
    /// It does the work, under locks.
    Work(TxId, Vec<Step>),
    /// It forgets the work, if it has not voted: it was called off, or nobody has asked for the vote.
    Abandon(TxId),
    /// It votes.
    Prepare(TxId, Members),
    /// It carries out the decision.
    Decide(TxId, Decision),
}

/// What it answers.
#[derive(Clone, Debug, PartialEq, Hash, Serialize, Deserialize)]
pub enum Output {
    /// The transactions that it knows and knows no decision of.
    Opened {
        /// Those that it has not voted on.
        working: Vec<TxId>,
        /// Those that it has voted yes on, each with the coordinator.
        in_doubt: BTreeMap<TxId, NodeId>,
    },
    /// What it read.
    Worked(TxId, Reads),
    /// It votes yes.
    Yes(TxId),
    /// It votes no.
    No(TxId),
    /// It knows the decision.
    Decided(TxId, Decision),
    /// Nothing that anybody waits for.
    Nothing,
}

impl Participant {
    /// Its store and the states of its transactions.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn open(&mut self, accounts: &[(Key, i64)]) -> Output {
        if self.ledger == Ledger::default() {
            self.ledger = Ledger::new(Store::holding(accounts.iter().copied()));
        }
        let unvoted = |state: &State| matches!(state, State::Working(_) | State::Unable);
        Output::Opened {
            working: self.ledger.states().filter(|(_, state)| unvoted(state)).map(|(tx, _)| tx).collect(),
            in_doubt: self.ledger.in_doubt().map(|(tx, members)| (tx, members.coordinator)).collect(),
        }
    }

    /// Votes: yes, if the work is done. It may have been forgotten.
    fn prepare(&mut self, tx: TxId, members: &Members) -> Output {
        match self.ledger.state(tx) {
            Some(State::Working(_)) => {
                self.ledger.vote_yes(tx, members.clone());
                Output::Yes(tx)
            }
            Some(State::Unable) | None => {
                self.ledger.vote_no(tx);
                Output::No(tx)
            }
            // It is asked again, and votes the same.
            Some(State::Uncertain(_)) => Output::Yes(tx),
            Some(State::Aborted) => Output::No(tx),
            // The coordinator has all votes, so this is a late copy.
            Some(State::Committed) => Output::Nothing,
            Some(state @ (State::Left | State::PreCommitted(_))) => panic!("no state of a replica: {tx} is {state:?}"),
        }
    }

    /// Ignored by who knows a decision already: the answer to an old question may be a presumption about what is long forgotten.
    fn decide(&mut self, tx: TxId, decision: Decision) -> Output {
        if self.ledger.state(tx).and_then(State::decision).is_none() {
            self.ledger.decide(tx, decision);
        }
        Output::Decided(tx, decision)
    }
}

impl StateMachine for Participant {
    type Command = Command;
    type Output = Output;

    fn apply(&mut self, command: &Command) -> Output {
        match command {
            Command::Open(accounts) => self.open(accounts),
            Command::Work(tx, steps) => match self.ledger.work(*tx, steps) {
                Some(reads) => Output::Worked(*tx, reads),
                None => Output::Nothing,
            },
            Command::Abandon(tx) => {
                self.ledger.abandon(*tx);
                Output::Nothing
            }
            Command::Prepare(tx, members) => self.prepare(*tx, members),
            Command::Decide(tx, decision) => self.decide(*tx, *decision),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ACCOUNTS: [(Key, i64); 2] = [(Key(0), 20), (Key(1), 20)];

    /// A command for one of three transactions, before any is decided.
    fn command() -> impl Strategy<Value = Command> {
        let tx = || (0u64..3).prop_map(TxId);
        let members = || Members { coordinator: NodeId(9), peers: vec![NodeId(1)] };
        prop_oneof![
            1 => Just(Command::Open(ACCOUNTS.to_vec())),
            3 => tx().prop_map(|tx| Command::Work(tx, vec![Step::Add { key: Key(tx.0 as u16 % 2), amount: -7 }])),
            1 => tx().prop_map(Command::Abandon),
            3 => tx().prop_map(move |tx| Command::Prepare(tx, members())),
        ]
    }

    /// A participant that was told this.
    fn told(commands: &[Command]) -> Participant {
        let mut participant = Participant::default();
        participant.apply(&Command::Open(ACCOUNTS.to_vec()));
        for command in commands {
            participant.apply(command);
        }
        participant
    }

    proptest! {
        /// Whatever came before: a command that comes twice changes what it changes once, and answers the same.
        #[test]
        fn what_is_asked_again_is_answered_the_same(commands in prop::collection::vec(command(), 0..20), again in command()) {
            let mut participant = told(&commands);
            let output = participant.apply(&again);
            let once = participant.clone();
            prop_assert_eq!(participant.apply(&again), output);
            prop_assert_eq!(participant, once);
        }

        /// A proxy that starts is told of each transaction that is not decided, and of no other.
        #[test]
        fn who_opens_learns_what_there_is_to_wait_for(commands in prop::collection::vec(command(), 0..20)) {
            let mut participant = told(&commands);
            let Output::Opened { working, in_doubt } = participant.apply(&Command::Open(Vec::new())) else {
                panic!("it is opened")
            };
            for tx in (0..3).map(TxId) {
                let waits = [working.contains(&tx), in_doubt.contains_key(&tx)];
                let state = participant.ledger().state(tx);
                prop_assert_eq!(waits[0], matches!(state, Some(State::Working(_) | State::Unable)));
                prop_assert_eq!(waits[1], matches!(state, Some(State::Uncertain(_))));
            }
            prop_assert_eq!(participant, told(&commands), "accounts are created once");
        }
    }

    #[test]
    fn a_decision_is_carried_out_once() {
        let mut participant = told(&[
            Command::Work(TxId(1), vec![Step::Add { key: Key(0), amount: -7 }]),
            Command::Prepare(TxId(1), Members { coordinator: NodeId(9), peers: vec![NodeId(1)] }),
        ]);
        for _ in 0..2 {
            let output = participant.apply(&Command::Decide(TxId(1), Decision::Commit));
            assert_eq!(output, Output::Decided(TxId(1), Decision::Commit));
            assert_eq!(participant.ledger().store().total(), 33);
        }
        // A presumption about what the coordinator has long forgotten.
        participant.apply(&Command::Decide(TxId(1), Decision::Abort));
        assert_eq!(participant.ledger().store().total(), 33);
    }
}
