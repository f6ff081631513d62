//! Sequential consistency (Lamport 1979): one order of all operations that respects the order of each process, whatever
//! the clock says. NP-complete even for registers with unique writes (Gibbons and Korach 1997), so this searches, with
//! a memory and a limit.

use std::collections::BTreeMap;

use seedbed_sim::fingerprint::stable_hash;

use crate::checkers::linearizability::{Operation, Specification, Step};

/// What the search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sequential {
    /// Sequentially consistent, in this order: places in the history. Pending operations without effect are left out.
    Consistent(Vec<usize>),
    /// There is no order.
    Violation {
        /// As far as an order gets: places in the history.
        furthest: Vec<usize>,
        /// The operations of which none can come next: one a process.
        stuck: Vec<usize>,
    },
    /// Undecided after so many steps.
    Unknown(u64),
}

/// Judges a history; the operations of one process are in its order where they stand in the list. A process may go on
/// after an operation that never returned, which then takes effect before its next one, or never.
pub fn sequential<S: Specification>(spec: &S, history: &[Operation<S::Op, S::Ret>], steps: u64) -> Sequential {
    let mut processes: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (n, operation) in history.iter().enumerate() {
        processes.entry(operation.process).or_default().push(n);
    }
    let mut search = Search {
        spec,
        history,
        done: vec![0; processes.len()],
        processes: processes.into_values().collect(),
        state: spec.initial(),
        order: Vec::new(),
        failed: BTreeMap::new(),
        steps,
        furthest: None,
    };
    match search.run() {
        Some(true) => Sequential::Consistent(search.order),
        Some(false) => {
            let (furthest, stuck) = search.furthest.unwrap_or_default();
            Sequential::Violation { furthest, stuck }
        }
        None => Sequential::Unknown(steps),
    }
}

struct Search<'a, S: Specification> {
    spec: &'a S,
    history: &'a [Operation<S::Op, S::Ret>],
    processes: Vec<Vec<usize>>,
    /// How many operations of each process are behind us.
    done: Vec<usize>,
    state: S::State,
    order: Vec<usize>,
    /// Configurations from which there is no way on, by a hash.
    failed: BTreeMap<u64, Vec<Configuration<S::State>>>,
    steps: u64,
    furthest: Option<(Vec<usize>, Vec<usize>)>,
}

/// How many operations of each process are behind us, and the state.
type Configuration<State> = (Vec<usize>, State);

/// A process moved on: by an operation, or past a pending one that never took effect.
struct Move<U> {
    process: usize,
    undo: Option<U>,
    placed: bool,
}

/// A configuration on the way: the moves that led here, and the next process to try; an odd number tries to leave its
/// next operation out.
struct Frame<U> {
    moves: Vec<Move<U>>,
    next: usize,
}

impl<S: Specification> Search<'_, S> {
    /// Nothing: the limit was reached.
    fn run(&mut self) -> Option<bool> {
        let mut frames: Vec<Frame<S::Undo>> = Vec::new();
        let mut entering = Some(Vec::new());
        loop {
            if let Some(mut moves) = entering.take() {
                self.take_readers(&mut moves);
                if (0..self.processes.len()).all(|p| self.head(p).is_none()) {
                    return Some(true);
                }
                let next = if self.has_failed() { usize::MAX } else { 0 };
                frames.push(Frame { moves, next });
            }
            let frame = frames.last_mut().expect("the first configuration is left only by returning");
            let choice = frame.next;
            frame.next = frame.next.saturating_add(1);
            if choice >= 2 * self.processes.len() {
                let frame = frames.pop().expect("just seen");
                if choice != usize::MAX {
                    self.note_failure();
                }
                frame.moves.into_iter().rev().for_each(|back| self.take_back(back));
                if frames.is_empty() {
                    return Some(false);
                }
                continue;
            }
            if self.steps == 0 {
                return None;
            }
            self.steps -= 1;
            entering = self.step(choice / 2, choice % 2 == 1).map(|step| vec![step]);
        }
    }

    fn head(&self, process: usize) -> Option<usize> {
        self.processes[process].get(self.done[process]).copied()
    }

    /// Lets a process take its next operation, or leave it out.
    fn step(&mut self, process: usize, leave_out: bool) -> Option<Move<S::Undo>> {
        let n = self.head(process)?;
        let Operation { op, ret, returned, .. } = &self.history[n];
        if leave_out {
            returned.is_none().then(|| self.done[process] += 1)?;
            return Some(Move { process, undo: None, placed: false });
        }
        let undo = match self.spec.apply(&mut self.state, op, ret.as_ref().filter(|_| returned.is_some())) {
            Step::Illegal => return None,
            Step::Same => None,
            Step::Changed(undo) => Some(undo),
        };
        self.done[process] += 1;
        self.order.push(n);
        Some(Move { process, undo, placed: true })
    }

    fn take_back(&mut self, back: Move<S::Undo>) {
        self.done[back.process] -= 1;
        if back.placed {
            let n = self.order.pop().expect("it was placed");
            if let Some(undo) = back.undo {
                self.spec.undo(&mut self.state, &self.history[n].op, undo);
            }
        }
    }

    /// Operations that change nothing whatever are taken as soon as they can be: later they are no better.
    fn take_readers(&mut self, moves: &mut Vec<Move<S::Undo>>) {
        for process in 0..self.processes.len() {
            while let Some(n) = self.head(process) {
                let Operation { op, ret, returned, .. } = &self.history[n];
                let ret = ret.as_ref().filter(|_| returned.is_some());
                let step = if self.spec.read_only(op, ret) { self.step(process, returned.is_none()) } else { None };
                let Some(step) = step else { break };
                moves.push(step);
            }
        }
    }

    fn hash(&self) -> u64 {
        stable_hash(&(&self.done, &self.state))
    }

    fn has_failed(&self) -> bool {
        let failed = self.failed.get(&self.hash());
        failed.is_some_and(|all| all.iter().any(|(done, state)| *done == self.done && *state == self.state))
    }

    fn note_failure(&mut self) {
        if self.furthest.as_ref().is_none_or(|(order, _)| order.len() < self.order.len()) {
            let stuck = (0..self.processes.len()).filter_map(|process| self.head(process)).collect();
            self.furthest = Some((self.order.clone(), stuck));
        }
        self.failed.entry(self.hash()).or_default().push((self.done.clone(), self.state.clone()));
    }
}
