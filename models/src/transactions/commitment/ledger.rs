//! A participant's transactions: the store that they change, and the state of each. Volatile and pure: whoever uses it writes
//! the records that it returns into a log, and rebuilds it from there. So it can be a process of its own
//! ([`crate::transactions::commitment::ResourceManager`]) or a state machine that is replicated.

use std::collections::BTreeMap;

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::transactions::TxId;
use crate::transactions::commitment::journal::Decision;
use crate::transactions::store::{Cell, Key, Prepared, Step, Store};

/// What a transaction has read, as it was before its own writes.
pub type Reads = BTreeMap<Key, Cell>;

/// One record of a participant's log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// The participant votes yes: all that it needs to commit or to abort, and to find out which.
    Prepared {
        /// What it will write, and the locks that it holds.
        prepared: Prepared,
        /// Whom to ask.
        members: Members,
    },
    /// It votes no, which is to decide to abort.
    Refused(TxId),
    /// It has learnt the decision.
    Decided(TxId, Decision),
    /// It knows that all have voted yes; only in three-phase commit.
    PreCommitted(TxId),
}

/// The nodes of a transaction that a participant has voted yes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Members {
    /// The node that asked for the vote.
    pub coordinator: NodeId,
    /// The participants that have something to log, itself among them.
    pub peers: Vec<NodeId>,
}

/// The state of a transaction at a participant (the book, sections 7.4 and 7.5). What is marked volatile does not survive a
/// crash.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Volatile: the participant has done the work, holds the locks and has not voted.
    Working(Prepared),
    /// Volatile: it could not do the work, holds no locks and has not voted.
    Unable,
    /// Volatile: it has voted that it only reads, and has left.
    Left,
    /// It has voted yes and may not decide: its uncertainty period.
    Uncertain(Members),
    /// It has voted yes and knows that all did: committable.
    PreCommitted(Members),
    /// Its changes are installed.
    Committed,
    /// It has changed nothing and never will.
    Aborted,
}

impl State {
    /// The decision, if it is known.
    pub fn decision(&self) -> Option<Decision> {
        match self {
            State::Committed => Some(Decision::Commit),
            State::Aborted => Some(Decision::Abort),
            _ => None,
        }
    }

    /// Whether the participant has nothing left to do: the decision is known, or does not matter to it.
    pub fn is_settled(&self) -> bool {
        matches!(self, State::Left | State::Committed | State::Aborted)
    }

    /// Whom to ask, if the participant has voted yes and does not know the decision.
    pub fn in_doubt(&self) -> Option<&Members> {
        match self {
            State::Uncertain(members) | State::PreCommitted(members) => Some(members),
            _ => None,
        }
    }
}

/// A participant's store and the states of its transactions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    store: Store,
    states: BTreeMap<TxId, State>,
}

impl Ledger {
    /// The ledger of a participant that begins with this store.
    pub fn new(store: Store) -> Self {
        Ledger { store, states: BTreeMap::new() }
    }

    /// The ledger as the log has it: what is decided is decided, what is not holds its locks again.
    pub fn recover<'r>(store: Store, log: impl IntoIterator<Item = &'r Record>) -> Self {
        let mut ledger = Ledger::new(store);
        for record in log {
            match record {
                Record::Prepared { prepared, members } => {
                    ledger.states.insert(prepared.tx, State::Uncertain(members.clone()));
                    ledger.store.hold(prepared.clone());
                }
                Record::PreCommitted(tx) => drop(ledger.pre_commit(*tx)),
                Record::Refused(tx) => ledger.settle(*tx, Decision::Abort),
                Record::Decided(tx, decision) => ledger.settle(*tx, *decision),
            }
        }
        ledger
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The state of a transaction; `None` if nothing is known of it.
    pub fn state(&self, tx: TxId) -> Option<&State> {
        self.states.get(&tx)
    }

    /// The states of all transactions.
    pub fn states(&self) -> impl Iterator<Item = (TxId, &State)> {
        self.states.iter().map(|(tx, state)| (*tx, state))
    }

    /// The transactions that are in doubt: voted yes on, and not known to be decided.
    pub fn in_doubt(&self) -> impl Iterator<Item = (TxId, &Members)> {
        self.states().filter_map(|(tx, state)| Some((tx, state.in_doubt()?)))
    }

    /// The decisions that are known.
    pub fn decided(&self) -> impl Iterator<Item = (TxId, Decision)> {
        self.states().filter_map(|(tx, state)| Some((tx, state.decision()?)))
    }

    /// Does the work, if it can: takes the locks, and returns what was read. Work that is done is not done again. `None` if
    /// the transaction has been voted on.
    pub fn work(&mut self, tx: TxId, steps: &[Step]) -> Option<Reads> {
        if !self.states.contains_key(&tx) {
            let prepared = self.store.prepare(tx, steps);
            self.states.insert(tx, prepared.map_or(State::Unable, State::Working));
        }
        match &self.states[&tx] {
            State::Working(prepared) => Some(prepared.reads.clone()),
            State::Unable => Some(Reads::new()),
            _ => None,
        }
    }

    /// Forgets the work on a transaction that has not been voted on.
    pub fn abandon(&mut self, tx: TxId) {
        if matches!(self.state(tx), Some(State::Working(_) | State::Unable)) {
            self.states.remove(&tx);
            self.store.abort(tx);
        }
    }

    /// Votes yes. The vote is cast once the record is durable.
    ///
    /// # Panics
    /// If the work is not done.
    pub fn vote_yes(&mut self, tx: TxId, members: Members) -> Record {
        let Some(State::Working(prepared)) = self.states.insert(tx, State::Uncertain(members.clone())) else {
            panic!("who votes yes has done the work: {tx}");
        };
        assert!(self.store.is_prepared(tx), "who votes yes holds its locks: {tx}");
        Record::Prepared { prepared, members }
    }

    /// Votes read-only: it lets its locks go and has no part in what follows. There is nothing to log.
    ///
    /// # Panics
    /// If the work is not done, or writes.
    pub fn vote_read_only(&mut self, tx: TxId) {
        let before = self.states.insert(tx, State::Left);
        let only_read = matches!(&before, Some(State::Working(prepared)) if prepared.read_only());
        assert!(only_read, "who votes read-only has done the work and only read: {tx} was {before:?}");
        self.store.abort(tx);
    }

    /// Votes no, whether the work is done or not: the participant aborts.
    ///
    /// # Panics
    /// If it has voted yes.
    pub fn vote_no(&mut self, tx: TxId) -> Record {
        let in_doubt = self.state(tx).and_then(State::in_doubt).is_some();
        assert!(!in_doubt, "a vote is final: {tx} was voted yes on");
        self.settle(tx, Decision::Abort);
        Record::Refused(tx)
    }

    /// Learns that all have voted yes.
    ///
    /// # Panics
    /// If it is not uncertain.
    pub fn pre_commit(&mut self, tx: TxId) -> Record {
        let Some(State::Uncertain(members)) = self.states.remove(&tx) else {
            panic!("who pre-commits has voted yes: {tx}");
        };
        self.states.insert(tx, State::PreCommitted(members));
        Record::PreCommitted(tx)
    }

    /// Learns the decision, and carries it out.
    ///
    /// # Panics
    /// If it is to commit and has not voted yes, or knows of another decision.
    pub fn decide(&mut self, tx: TxId, decision: Decision) -> Record {
        let state = self.state(tx);
        let known = state.and_then(State::decision).unwrap_or(decision);
        assert!(known == decision, "a decision is final: {tx} was {known:?} and is now {decision:?}");
        let voted_yes = state.and_then(State::in_doubt).is_some();
        assert!(voted_yes || decision == Decision::Abort, "only who voted yes is told to commit: {tx} is {state:?}");
        self.settle(tx, decision);
        Record::Decided(tx, decision)
    }

    fn settle(&mut self, tx: TxId, decision: Decision) {
        let state = match decision {
            Decision::Commit => {
                self.store.commit(tx);
                State::Committed
            }
            Decision::Abort => {
                self.store.abort(tx);
                State::Aborted
            }
        };
        self.states.insert(tx, state);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::transactions::store::Key;

    /// Something that happens to a transaction.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Work { key: u16, amount: i64 },
        Abandon,
        Vote,
        PreCommit,
        Decide(Decision),
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            3 => (0u16..3, -60i64..60).prop_map(|(key, amount)| Event::Work { key, amount }),
            1 => Just(Event::Abandon),
            3 => Just(Event::Vote),
            1 => Just(Event::PreCommit),
            2 => prop::sample::select(vec![Decision::Commit, Decision::Abort]).prop_map(Event::Decide),
        ]
    }

    fn store() -> Store {
        Store::new((0..3).map(Key), 50)
    }

    /// Lets an event happen, if it may, and returns the record of it.
    fn happen(ledger: &mut Ledger, tx: TxId, event: Event) -> Option<Record> {
        let members = Members { coordinator: NodeId(0), peers: vec![NodeId(1)] };
        match (event, ledger.state(tx)) {
            (Event::Work { key, amount }, _) => {
                ledger.work(tx, &[Step::Add { key: Key(key), amount }]);
                None
            }
            (Event::Abandon, _) => {
                ledger.abandon(tx);
                None
            }
            (Event::Vote, Some(State::Working(_))) => Some(ledger.vote_yes(tx, members)),
            (Event::Vote, Some(State::Unable) | None) => Some(ledger.vote_no(tx)),
            (Event::PreCommit, Some(State::Uncertain(_))) => Some(ledger.pre_commit(tx)),
            (Event::Decide(decision), Some(State::Uncertain(_) | State::PreCommitted(_))) => {
                Some(ledger.decide(tx, decision))
            }
            _ => None,
        }
    }

    proptest! {
        /// A crash loses the work that was not voted on, and nothing else.
        #[test]
        fn the_log_is_enough_to_recover(events in prop::collection::vec((0u64..6, event()), 0..60)) {
            let (mut ledger, mut log) = (Ledger::new(store()), Vec::new());
            for (tx, event) in events {
                log.extend(happen(&mut ledger, TxId(tx), event));
            }
            for tx in (0..6).map(TxId) {
                ledger.abandon(tx);
            }
            prop_assert_eq!(Ledger::recover(store(), &log), ledger);
        }
    }

    #[test]
    #[should_panic(expected = "only who voted yes is told to commit")]
    fn who_has_not_voted_yes_is_not_told_to_commit() {
        Ledger::new(store()).decide(TxId(1), Decision::Commit);
    }

    #[test]
    #[should_panic(expected = "a vote is final")]
    fn who_has_voted_yes_does_not_vote_no() {
        let mut ledger = Ledger::new(store());
        happen(&mut ledger, TxId(1), Event::Work { key: 0, amount: 1 });
        happen(&mut ledger, TxId(1), Event::Vote);
        ledger.vote_no(TxId(1));
    }
}
