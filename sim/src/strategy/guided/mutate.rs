//! Mutations of candidates: small, random, and always inside the tolerance.

use rand_chacha::ChaCha8Rng;
use rand_core::Rng;

use crate::choice::Deviation;
use crate::disk::WriteFate;
use crate::fault::{Fault, Target};
use crate::generator::generator;
use crate::process::NodeId;
use crate::strategy::guided::candidate::Candidate;
use crate::swarm::Rules;
use crate::system::{AnyCase, Worlds};
use crate::time::{Span, Time};

/// The most changes of one mutation.
const AT_ONCE: u64 = 4;

/// The most faults of a plan; the longest that swarms draw are shorter.
const FAULTS: usize = 96;

/// Mutates candidates, with random numbers of one seed.
pub(crate) struct Mutator<'a> {
    worlds: &'a dyn Worlds,
    /// The names of all kinds of messages.
    kinds: &'a [String],
    words: ChaCha8Rng,
}

/// The candidate that is mutated, and choices of its run.
pub(crate) struct Parent<'a> {
    pub(crate) candidate: &'a Candidate,
    pub(crate) asked: &'a [Deviation],
}

/// The ways of changing a candidate.
#[derive(Clone, Copy, Debug)]
enum Change {
    AddFault,
    DropFault,
    MoveFault,
    StretchFault,
    RetargetFault,
    FixChoice,
    UnfixChoice,
    OtherChoices,
    Splice,
    MoveOperation,
    OtherOperations,
    Physics,
}

/// The weights with which changes are drawn.
const CHANGES: [(Change, u64); 12] = [
    (Change::AddFault, 4),
    (Change::DropFault, 2),
    (Change::MoveFault, 5),
    (Change::StretchFault, 3),
    (Change::RetargetFault, 2),
    (Change::FixChoice, 5),
    (Change::UnfixChoice, 1),
    (Change::OtherChoices, 3),
    (Change::Splice, 2),
    (Change::MoveOperation, 3),
    (Change::OtherOperations, 2),
    (Change::Physics, 1),
];

impl<'a> Mutator<'a> {
    /// The mutator of a seed.
    pub(crate) fn new(worlds: &'a dyn Worlds, kinds: &'a [String], seed: u64) -> Self {
        Mutator { worlds, kinds, words: generator(seed, "guided") }
    }

    /// A number below `n`; zero if `n` is zero.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        ((u128::from(self.words.next_u64()) * u128::from(n)) >> 64) as u64
    }

    fn place(&mut self, length: usize) -> Option<usize> {
        (length > 0).then(|| self.below(length as u64) as usize)
    }

    fn up_to(&mut self, most: Span) -> Span {
        Span(self.below(most.0.saturating_add(1)))
    }

    /// A mutated copy of a candidate; `other` is another member of the population, for splicing.
    pub(crate) fn child(&mut self, parent: &Parent<'_>, other: &Candidate) -> Candidate {
        let mut child = parent.candidate.clone();
        let rules = self.worlds.rules(&child.case.scenario.config);
        for _ in 0..=self.below(AT_ONCE) {
            let change = self.change();
            self.make(change, &mut child, parent, other, &rules);
        }
        rules.keep(&mut child.case, &mut child.changes);
        child.case.faults.truncate(FAULTS);
        child
    }

    fn change(&mut self) -> Change {
        let all: u64 = CHANGES.iter().map(|(_, weight)| weight).sum();
        let mut at = self.below(all);
        let drawn = CHANGES.iter().find(|(_, weight)| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        drawn.expect("the place is below the sum of all weights").0
    }

    fn make(&mut self, change: Change, child: &mut Candidate, parent: &Parent<'_>, other: &Candidate, rules: &Rules) {
        match change {
            Change::AddFault => self.add_fault(child, rules),
            Change::DropFault => {
                if let Some(place) = self.place(child.case.faults.len()) {
                    child.case.faults.remove(place);
                }
            }
            Change::MoveFault => {
                self.with_fault(child, |mutator, fault| fault.at = mutator.moved(fault.at, rules.chaos))
            }
            Change::StretchFault => self.with_fault(child, Self::stretch),
            Change::RetargetFault => self.with_fault(child, |mutator, fault| mutator.retarget(fault, rules)),
            Change::FixChoice => self.fix_choice(child, parent.asked, rules),
            Change::UnfixChoice => {
                if let Some(place) = self.place(child.changes.len()) {
                    child.changes.remove(place);
                }
            }
            Change::OtherChoices => child.seed = self.words.next_u64(),
            Change::Splice => self.splice(child, other),
            Change::MoveOperation => self.move_operation(child),
            Change::OtherOperations => self.other_operations(child),
            Change::Physics => {
                let drawn = self.donor().scenario;
                let scenario = &mut child.case.scenario;
                (scenario.network, scenario.disk, scenario.timer_jitter) =
                    (drawn.network, drawn.disk, drawn.timer_jitter);
            }
        }
    }

    /// A case that a swarm draws, from which new faults, physics and operations are taken.
    fn donor(&mut self) -> AnyCase {
        let seed = self.words.next_u64();
        self.worlds.case(seed)
    }

    fn with_fault(&mut self, child: &mut Candidate, change: impl FnOnce(&mut Self, &mut Fault)) {
        if let Some(place) = self.place(child.case.faults.len()) {
            change(self, &mut child.case.faults[place]);
        }
    }

    /// Adds a fault of another plan, at its own time or near a fault of this one.
    fn add_fault(&mut self, child: &mut Candidate, rules: &Rules) {
        let mut drawn = self.donor().faults;
        let Some(place) = self.place(drawn.len()) else { return };
        let mut fault = drawn.swap_remove(place);
        if let Some(beside) = self.place(child.case.faults.len()).filter(|_| self.below(2) == 0) {
            fault.at = self.moved(child.case.faults[beside].at, rules.chaos);
        }
        child.case.faults.push(fault);
    }

    /// Another instant of chaos: anywhere, or near `at`.
    fn moved(&mut self, at: Time, chaos: Span) -> Time {
        match self.below(4) {
            0 => Time::ZERO + self.up_to(chaos),
            _ => {
                let far = Span(chaos.0 >> (2 + self.below(8)));
                let earlier = at - far;
                (earlier + self.up_to(far * 2)).min(Time::ZERO + chaos)
            }
        }
    }

    /// Changes the length of a fault, by a factor from a half to two.
    fn stretch(&mut self, fault: &mut Fault) {
        let usual = fault.lasts.unwrap_or(Span::ms(500));
        let half = Span((usual.0 / 2).max(1));
        fault.lasts = Some(half + self.up_to(half * 3));
    }

    /// Aims a fault at another node.
    fn retarget(&mut self, fault: &mut Fault, rules: &Rules) {
        let place = self.place(rules.crashable.len());
        if let (Some(_), Some(place)) = (fault.what.target(), place) {
            let node = Target::Node(rules.crashable[place]);
            let what = fault.what.aim(|_| Some(node)).expect("it is aimed at a node");
            *fault = Fault::new(fault.at, fault.lasts, what);
        }
    }

    /// Fixes one of the choices of the parent's run to another value.
    fn fix_choice(&mut self, child: &mut Candidate, asked: &[Deviation], rules: &Rules) {
        let mut choice = match self.place(asked.len()).filter(|_| self.below(4) > 0) {
            Some(place) => asked[place].clone(),
            None => self.some_message(rules),
        };
        let (least, most) = rules.latency;
        match &mut choice {
            Deviation::Send { lost, latency, copy, .. } => {
                // Late messages have the most influence; their lateness is drawn from all orders of magnitude.
                let late = |mutator: &mut Self| least + Span(mutator.up_to(most - least).0 >> mutator.below(8));
                match self.below(4) {
                    0 => *lost = !*lost,
                    1 => *copy = Some(late(self)),
                    _ => *latency = Some(late(self)),
                }
            }
            Deviation::Draw { billionths, .. } => *billionths = self.below(1_000_000_000) as u32,
            Deviation::Timer { late, .. } => *late = self.up_to(rules.late),
            Deviation::Sync { longer, .. } => *longer = self.up_to(*longer * 2),
            Deviation::Crash { fate, .. } => {
                *fate = [WriteFate::Kept, WriteFate::Lost, WriteFate::Torn][self.below(3) as usize];
            }
        }
        // Of two changes of one name the last one counts.
        child.changes.push(choice);
    }

    /// A message that may have been sent: those with the default fate are not among the recorded choices.
    fn some_message(&mut self, rules: &Rules) -> Deviation {
        let kinds = self.kinds;
        let mut node = || NodeId(self.below(rules.nodes as u64) as u16);
        let (from, to) = (node(), node());
        let kind = self.place(kinds.len()).map(|place| kinds[place].clone()).unwrap_or_default();
        let most = 1 << self.below(10);
        Deviation::Send { from, to, kind, n: self.below(most) as u32, lost: false, latency: None, copy: None }
    }

    /// Replaces the faults from a random instant on by those of another plan.
    fn splice(&mut self, child: &mut Candidate, other: &Candidate) {
        let at = Time::ZERO + self.up_to(child.case.scenario.phases.chaos);
        child.case.faults.retain(|fault| fault.at < at);
        child.case.faults.extend(other.case.faults.iter().filter(|fault| fault.at >= at).cloned());
        if child.case.scenario.config == other.case.scenario.config {
            child.changes.extend(other.changes.iter().cloned());
        }
    }

    /// Moves an operation within the gap between the operations of its client before and after it.
    fn move_operation(&mut self, child: &mut Candidate) {
        let operations = &mut child.case.operations;
        let Some(place) = self.place(operations.len()) else { return };
        let client = operations[place].client;
        let last = operations.iter().map(|operation| operation.at).max().unwrap_or_default();
        let mut others = operations.iter().enumerate().filter(|(i, op)| *i != place && op.client == client);
        let (mut from, mut to) = (Time::ZERO, last);
        others.by_ref().for_each(|(i, operation)| {
            let before = (operation.at, i) < (operations[place].at, place);
            if before {
                from = from.max(operation.at);
            } else {
                to = to.min(operation.at);
            }
        });
        operations[place].at = from + self.up_to(to.since(from));
    }

    /// Takes the operations of another case, if both have the same workload.
    fn other_operations(&mut self, child: &mut Candidate) {
        let donor = self.donor();
        let (ours, theirs) = (&child.case.scenario.config, &donor.scenario.config);
        if ours == theirs || (!ours.has_own_workload() && !theirs.has_own_workload()) {
            child.case.operations = donor.operations;
        }
    }
}
