//! Recorded sessions of people who write one text at the same time end in what the record says, at every replica and in
//! every order of delivery that causality allows. Skipped where `SEEDBED_ORACLES` is unset.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;

use flate2::read::GzDecoder;
use proptest::test_runner::{RngAlgorithm, TestRng};
use seedbed_models::crdt::clock::{Clock, Dot, ReplicaId, Stamp, Timestamp};
use seedbed_models::crdt::context::Context;
use seedbed_models::crdt::style::OperationBased;
use seedbed_models::crdt::types::rga::{Effect, List};
use seedbed_models::crdt::vocabulary::TextOp;
use seedbed_sim::{NodeId, Span, Time};
use serde::Deserialize;

/// A recorded session: transactions, each made where its parents, and what came before those, were known.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    end_content: String,
    num_agents: usize,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    parents: Vec<usize>,
    agent: usize,
    /// Place, how many characters go, what comes.
    patches: Vec<(u32, u32, String)>,
}

impl Session {
    fn read(file: &Path) -> Session {
        let file = File::open(file).expect("a recorded session");
        serde_json::from_reader(GzDecoder::new(file)).expect("a session of the documented format")
    }
}

/// Somebody who writes or reads.
struct Writer {
    text: List<TextOp>,
    /// Which transactions are in the text.
    has: Vec<bool>,
    clock: Clock,
    made: u64,
    me: ReplicaId,
}

impl Writer {
    fn new(n: usize, transactions: usize) -> Self {
        let me = ReplicaId { node: NodeId(n as u16), born: Time::ZERO };
        Writer { text: List::default(), has: vec![false; transactions], clock: Clock::new(Span(1)), made: 0, me }
    }

    fn take(&mut self, n: usize, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Insert { first, .. } = effect {
                self.clock.observe(first.time);
            }
            self.text.effect(effect, &Context::default());
        }
        self.has[n] = true;
    }

    /// Takes what it lacks of a transaction's past, earliest first.
    fn catch_up(&mut self, parents: &[usize], session: &Session, effects: &[Vec<Effect>]) {
        let mut lacks = BTreeSet::new();
        let mut open: Vec<usize> = parents.to_vec();
        while let Some(n) = open.pop() {
            if !self.has[n] && lacks.insert(n) {
                open.extend(&session.txns[n].parents);
            }
        }
        lacks.into_iter().for_each(|n| self.take(n, &effects[n]));
    }

    fn make(&mut self, op: TextOp) -> Effect {
        let time = Timestamp { time: self.clock.next(Time::ZERO), by: Some(self.me) };
        let stamp = Stamp { dot: Dot { replica: self.me, counter: self.made + 1 }, time, addressee: None };
        let effect = self.text.prepare(&op, &stamp).expect("what was recorded can be done");
        self.made += 1;
        self.clock.observe(time.time);
        self.text.effect(&effect, &Context::default());
        effect
    }

    /// Makes the edits of a transaction.
    fn write(&mut self, n: usize, patches: &[(u32, u32, String)]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for (at, deleted, inserted) in patches {
            let (at, deleted) = (*at as u16, *deleted as u16);
            if deleted > 0 {
                effects.push(self.make(TextOp::Delete(at, deleted)));
            }
            if !inserted.is_empty() {
                effects.push(self.make(TextOp::Insert(at, inserted.clone())));
            }
        }
        self.has[n] = true;
        effects
    }

    fn reads(&self) -> String {
        self.text.value().text()
    }
}

/// Some order of all transactions in which none comes before its parents.
fn causal_order(session: &Session, random: &mut impl FnMut(usize) -> usize) -> Vec<usize> {
    let mut children = vec![Vec::new(); session.txns.len()];
    let mut waits: Vec<usize> = session.txns.iter().map(|txn| txn.parents.len()).collect();
    for (n, txn) in session.txns.iter().enumerate() {
        txn.parents.iter().for_each(|parent| children[*parent].push(n));
    }
    let mut ready: Vec<usize> = (0..waits.len()).filter(|n| waits[*n] == 0).collect();
    let mut order = Vec::new();
    while !ready.is_empty() {
        let n = ready.swap_remove(random(ready.len()));
        order.push(n);
        for child in &children[n] {
            waits[*child] -= 1;
            ready.extend((waits[*child] == 0).then_some(*child));
        }
    }
    order
}

/// A source of small random numbers, the same in every run.
fn random(seed: u8) -> impl FnMut(usize) -> usize {
    use proptest::prelude::RngCore;
    let mut words = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    move |below| (words.next_u64() % below as u64) as usize
}

fn session_ends_as_recorded(file: &Path) {
    let session = Session::read(file);
    let count = session.txns.len();
    // Each agent writes where it was: it knows its own edits, and what was known of the others'.
    let mut agents: Vec<Writer> = (0..session.num_agents).map(|n| Writer::new(n, count)).collect();
    let mut effects: Vec<Vec<Effect>> = Vec::with_capacity(count);
    for (n, txn) in session.txns.iter().enumerate() {
        let writer = &mut agents[txn.agent];
        writer.catch_up(&txn.parents, &session, &effects);
        effects.push(writer.write(n, &txn.patches));
    }
    let all: Vec<usize> = (0..count).collect();
    for writer in &mut agents {
        writer.catch_up(&all, &session, &effects);
        assert!(writer.reads() == session.end_content, "{:?} ends in another text than recorded", writer.me);
    }
    // Readers who hear of it in other orders.
    let (mut switches, readers) = (Vec::new(), 3);
    for seed in 0..readers {
        let order = causal_order(&session, &mut random(seed));
        assert_eq!(order.len(), count);
        switches.push(order.windows(2).filter(|pair| pair[1] != pair[0] + 1).count());
        let mut reader = Writer::new(100 + usize::from(seed), count);
        order.into_iter().for_each(|n| reader.take(n, &effects[n]));
        assert!(reader.reads() == session.end_content, "order {seed} ends in another text than recorded");
    }
    assert!(switches.iter().all(|switches| *switches > 0), "the orders differ from the recorded one");
    let edits: usize = effects.iter().map(Vec::len).sum();
    eprintln!("{}: {edits} edits, at {} writers and {readers} readers", file.display(), session.num_agents);
}

#[test]
fn recorded_sessions_end_as_recorded() {
    let Some(oracles) = std::env::var_os("SEEDBED_ORACLES") else {
        eprintln!("skipped: SEEDBED_ORACLES is unset");
        return;
    };
    for session in ["friendsforever.json.gz", "clownschool.json.gz"] {
        session_ends_as_recorded(&Path::new(&oracles).join("crdt-traces").join(session));
    }
}
