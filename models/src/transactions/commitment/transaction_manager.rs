//! The coordinator's bookkeeping, the same in all protocols: requests and replies, the work before the vote, and which phase
//! each transaction is in. (*Transaction manager* is the name in X/Open XA and in Gray & Lamport, *Consensus on Transaction
//! Commit*, 2006.)

use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;

use seedbed_sim::{Context, NodeId, Process};

use crate::transactions::TxId;
use crate::transactions::commitment::journal::{Decision, Entry, Journal};
use crate::transactions::commitment::ledger::Reads;
use crate::transactions::commitment::marks;
use crate::transactions::commitment::protocol::{Phase, Protocol};
use crate::transactions::commitment::request_log::RequestLog;
use crate::transactions::commitment::requests::{Incarnation, Reply, Request};
use crate::transactions::commitment::work::Ret;
use crate::transactions::store::Step;

/// The transactions of one coordinator, each with what the protocol keeps of it: its phase `S`.
#[derive(Clone, Debug, Hash)]
pub struct TransactionManager<P, S> {
    /// All participants: accounts are spread over them.
    participants: Vec<NodeId>,
    requests: RequestLog,
    transactions: BTreeMap<TxId, Transaction<S>>,
    journal: Journal,
    protocol: PhantomData<P>,
}

#[derive(Clone, Debug, Hash)]
struct Transaction<S> {
    /// `None` once the coordinator has recovered from a crash: then the client has to ask again.
    client: Option<NodeId>,
    /// The participants of the transaction, each with its part of the work. Empty after a recovery.
    work: BTreeMap<NodeId, Vec<Step>>,
    reads: Reads,
    state: State<S>,
}

#[derive(Clone, Debug, Hash)]
enum State<S> {
    /// These participants have not done their work yet.
    Working(BTreeSet<NodeId>),
    /// The work is done, and the protocol is in this phase.
    In(S),
}

impl<P: Protocol, S: Phase> TransactionManager<P, S> {
    /// The bookkeeping of a coordinator of these participants, before it has read its log.
    pub fn new(participants: Vec<NodeId>) -> Self {
        TransactionManager {
            participants,
            requests: RequestLog::new(Incarnation(0), BTreeSet::new()),
            transactions: BTreeMap::new(),
            journal: Journal::default(),
            protocol: PhantomData,
        }
    }

    /// A new incarnation begins, after `earlier` ones that have committed these transactions.
    ///
    /// # Panics
    /// If one has begun already.
    pub fn begin_incarnation(&mut self, earlier: u64, committed: BTreeSet<TxId>) {
        assert!(self.incarnation() == Incarnation(0), "an incarnation begins once: {:?} had begun", self.incarnation());
        self.requests = RequestLog::new(Incarnation(earlier + 1), committed);
    }

    /// The coordinator's incarnation.
    pub fn incarnation(&self) -> Incarnation {
        self.requests.incarnation()
    }

    /// How many participants there are, those that have no part in a transaction among them.
    pub fn participants(&self) -> usize {
        self.participants.len()
    }

    /// What was decided in this incarnation.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// To write into the journal.
    pub fn journal_mut(&mut self) -> &mut Journal {
        &mut self.journal
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Requests and the work before the protocol

    /// A client's request. Returns whether a transaction has begun with it: its participants are then at work.
    pub fn request<C>(&mut self, ctx: &mut Context<'_, C>, client: NodeId, request: Request) -> bool
    where
        C: Process<Message = P::Message>,
    {
        let tx = request.tx;
        let open = |transaction: &Transaction<S>| transaction.decision().is_none();
        if self.transactions.get(&tx).is_some_and(open) {
            // The client is answered when it ends.
            return false;
        }
        if let Some(ret) = self.requests.ret(&request) {
            ctx.send(client, P::REPLY(Reply { tx, ret, incarnation: self.incarnation() }));
            return false;
        }
        assert!(!self.transactions.contains_key(&tx), "what is decided is answered: {tx}");
        if self.participants.is_empty() {
            return false;
        }
        let work = request.op.at(&self.participants);
        for (participant, steps) in &work {
            ctx.send(*participant, P::WORK(tx, steps.clone()));
        }
        let state = State::Working(work.keys().copied().collect());
        self.transactions.insert(tx, Transaction { client: Some(client), work, reads: Reads::new(), state });
        true
    }

    /// A participant has done its part of the work. Returns whether all have: the protocol can begin.
    pub fn worked(&mut self, from: NodeId, tx: TxId, reads: Reads) -> bool {
        let Some(transaction) = self.transactions.get_mut(&tx) else { return false };
        let State::Working(waiting) = &mut transaction.state else { return false };
        if waiting.remove(&from) {
            transaction.reads.extend(reads);
        }
        waiting.is_empty()
    }

    /// Calls off a transaction whose work takes too long, and answers its client. Returns whether its work was not done;
    /// otherwise nothing is changed.
    pub fn call_off<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId) -> bool
    where
        C: Process<Message = P::Message>,
    {
        let Some(Transaction { state: State::Working(_), work, .. }) = self.transactions.get(&tx) else { return false };
        ctx.mark(marks::WORK_TIMED_OUT);
        ctx.broadcast(work.keys().copied(), P::RELEASE(tx));
        self.answer(ctx, tx, Ret::Aborted);
        self.transactions.remove(&tx);
        true
    }

    /// Answers the client of a transaction that has ended, and remembers the answer.
    fn answer<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId, ret: Ret)
    where
        C: Process<Message = P::Message>,
    {
        self.requests.answered(tx, ret.clone());
        if let Some(client) = self.transactions[&tx].client {
            ctx.send(client, P::REPLY(Reply { tx, ret, incarnation: self.incarnation() }));
        }
    }

    // ---------------------------------------------------------------------------------------------------------------
    // Phases

    /// The phase of a transaction; `None` while its work is being done, and if it is not known.
    pub fn phase(&self, tx: TxId) -> Option<&S> {
        self.transactions.get(&tx)?.phase()
    }

    /// The phase of a transaction, to be changed.
    pub fn phase_mut(&mut self, tx: TxId) -> Option<&mut S> {
        match &mut self.transactions.get_mut(&tx)?.state {
            State::In(phase) => Some(phase),
            State::Working(_) => None,
        }
    }

    /// The phases of all transactions whose work is done.
    pub fn phases(&self) -> impl Iterator<Item = (TxId, &S)> {
        self.transactions.iter().filter_map(|(tx, transaction)| Some((*tx, transaction.phase()?)))
    }

    /// The transactions for which there is something left to do: the work, a phase of the protocol, or to send the decision.
    pub fn open(&self) -> impl Iterator<Item = TxId> {
        let is_over = |transaction: &Transaction<S>| transaction.phase().is_some_and(Phase::is_over);
        self.transactions.iter().filter(move |(_, transaction)| !is_over(transaction)).map(|(tx, _)| *tx)
    }

    /// Whether a transaction is known.
    pub fn knows(&self, tx: TxId) -> bool {
        self.transactions.contains_key(&tx)
    }

    /// The participants of a transaction, ascending, each with its part of the work.
    ///
    /// # Panics
    /// If the transaction is not known.
    pub fn work(&self, tx: TxId) -> &BTreeMap<NodeId, Vec<Step>> {
        &self.transactions.get(&tx).expect("the transaction is in the table").work
    }

    /// A transaction whose work is done enters a phase.
    ///
    /// # Panics
    /// If its work is not done, or it is decided already.
    pub fn enter(&mut self, tx: TxId, phase: S) {
        let transaction = self.transactions.get_mut(&tx).expect("the transaction is in the table");
        let worked = !matches!(&transaction.state, State::Working(waiting) if !waiting.is_empty());
        assert!(worked, "votes come after the work: {tx} enters {phase:?}");
        assert!(transaction.decision().is_none(), "a decision is final: {tx} enters {phase:?}");
        transaction.state = State::In(phase);
    }

    /// A transaction is decided: it enters its last phase, and its client is answered.
    ///
    /// # Panics
    /// As [`TransactionManager::enter`], or if the phase knows no decision.
    pub fn decide<C>(&mut self, ctx: &mut Context<'_, C>, tx: TxId, phase: S)
    where
        C: Process<Message = P::Message>,
    {
        let decision = phase.decision().expect("the last phase knows the decision");
        self.enter(tx, phase);
        let transaction = &self.transactions[&tx];
        // What was read is forgotten in a crash.
        let reads = transaction.client.map(|_| transaction.reads.clone());
        let ret = match decision {
            Decision::Commit => Ret::Committed { reads },
            Decision::Abort => Ret::Aborted,
        };
        self.answer(ctx, tx, ret);
    }

    /// A transaction is found in the log, in this phase.
    pub fn recovered(&mut self, tx: TxId, phase: S) {
        let state = State::In(phase);
        self.transactions.insert(tx, Transaction { client: None, work: BTreeMap::new(), reads: Reads::new(), state });
    }

    /// Forgets a transaction. Returns the phase that it was in.
    pub fn forget(&mut self, tx: TxId) -> Option<S> {
        match self.transactions.remove(&tx)?.state {
            State::In(phase) => Some(phase),
            State::Working(_) => None,
        }
    }

    /// The votes of these participants are asked for.
    pub fn began(&mut self, tx: TxId, participants: Vec<NodeId>) {
        self.journal.push(Entry::Began(tx, participants));
    }
}

impl<S: Phase> Transaction<S> {
    fn phase(&self) -> Option<&S> {
        match &self.state {
            State::In(phase) => Some(phase),
            State::Working(_) => None,
        }
    }

    fn decision(&self) -> Option<Decision> {
        self.phase().and_then(Phase::decision)
    }
}
