//! The search for a version order, if the reads do not determine it: for registers, and for appends that were not read.
//!
//! After Cobra (Tan et al., OSDI 2020) and PolySI (Huang et al., VLDB 2023): the order of two versions is a choice, and
//! each forbidden cycle is a clause over the choices that it depends on. Unlike these, clauses are generated lazily: a
//! SAT solver proposes an order, the level's condition is evaluated on it, and the cycles found are forbidden, until an
//! order has none or no order is left. So one search serves all levels, and a refusal is a set of cycles of which every
//! version order has one.

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use batsat::{Callbacks, Lit, Solver, SolverInterface, SolverOpts, Var, lbool};

use super::{
    Stop, anomalies,
    budget::Budget,
    conditions::violations,
    construct::construct,
    facts::{Facts, Member},
    graph::{Edge, Graph, PROCESS, REALTIME, RW, WR, WW},
    levels::Level,
    model::{Choices, Literal, Model, Step},
    saturate::Saturated,
    schedule::schedule,
};

/// Unsatisfiable cores of up to this many cycles are minimised.
const MINIMISED: usize = 60;
const ALL: u8 = WW | WR | RW | PROCESS | REALTIME;
/// How many edges the search visits in the time of a decision of the solver.
const EDGES_A_DECISION: u64 = 100;

/// The decision on a level.
pub(super) enum Decision {
    /// Some version order satisfies it.
    Holds,
    /// No version order satisfies it: each has one of these cycles.
    Violated(Vec<Vec<Step>>),
    /// The limit was reached.
    Unknown,
}

/// A forbidden cycle; without a cycle, a transitivity constraint of the order.
struct Clause {
    level: Option<Level>,
    choices: Vec<Literal>,
    cycle: Vec<Step>,
}

/// The edges of time with which the serial order of a level agrees; `None` if it asks for no serial order.
fn serial(level: Level, sessions: bool) -> Option<u8> {
    match level {
        Level::RepeatableRead | Level::Serializable => Some(if sessions { PROCESS } else { 0 }),
        Level::StrongSessionSerializable => Some(PROCESS),
        Level::StrictSerializable => Some(PROCESS | REALTIME),
        _ => None,
    }
}

/// The search, which reuses clauses from level to level.
pub(super) struct Search<'f> {
    facts: &'f Facts,
    choices: &'f Choices,
    reads_of: &'f [u32],
    more: &'f [Edge],
    nodes: u32,
    sessions: bool,
    clauses: Vec<Clause>,
    /// By member: its position in the initial order.
    rank: Vec<u32>,
    model: Model<'f>,
    graph: Graph,
    budget: Budget,
}

impl<'f> Search<'f> {
    pub fn new(
        facts: &'f Facts,
        choices: &'f Choices,
        reads_of: &'f [u32],
        (more, nodes): (&'f [Edge], u32),
        (sessions, budget): (bool, Budget),
    ) -> Search<'f> {
        let by_history: Vec<Vec<Member>> = facts.versions.iter().map(|versions| versions.loose.clone()).collect();
        let model = Model::new(facts, choices, reads_of, &by_history);
        let graph = model.graph(more, nodes);
        let rank = (0..facts.members.len() as u32).collect();
        let mut search =
            Search { facts, choices, reads_of, more, nodes, sessions, clauses: Vec::new(), rank, model, graph, budget };
        if choices.count > 0 {
            search.guess();
        }
        search
    }

    /// The initial order of all transactions: along certain dependencies, and serial if a schedule finds such an order.
    fn guess(&mut self) {
        let graph = anomalies::certain(self.facts, self.more, self.nodes);
        let masks = [ALL, WW | WR | RW | PROCESS, WW | WR | RW, WW | WR];
        if let Some(rank) = masks.into_iter().find_map(|mask| schedule(self.facts, self.reads_of, &graph, mask)) {
            self.rank = rank;
        }
        self.adopt(&BTreeMap::new());
    }

    /// Whether the first version of a choice precedes the second in the present order of the transactions.
    fn is_ranked(&self, choice: u32) -> bool {
        let (key, low, high) = self.choices.of_number(choice);
        let loose = &self.facts.versions[key as usize].loose;
        self.rank[loose[low] as usize] < self.rank[loose[high] as usize]
    }

    /// Whether the present order satisfies the level.
    pub fn holds_now(&mut self, level: Level) -> bool {
        violations(level, &self.model, &self.graph, self.sessions).is_empty()
    }

    /// Decides a level.
    pub fn decide(&mut self, level: Level) -> Decision {
        let mut known: Option<Known<'f>> = None;
        let mut round = Round::default();
        let mut used = 0;
        loop {
            if !self.budget.spend(self.graph.edges.len() as u64) {
                return Decision::Unknown;
            }
            let found = violations(level, &self.model, &self.graph, self.sessions);
            if found.is_empty() {
                return Decision::Holds;
            }
            if let Some(certain) = found.iter().find(|cycle| cycle.iter().all(|step| step.choice.is_none())) {
                return Decision::Violated(vec![certain.clone()]);
            }
            if let (None, Some(time)) = (&known, serial(level, self.sessions)) {
                match self.saturate(level, time) {
                    Ok(found) => known = Some(found),
                    Err(cycles) => return Decision::Violated(cycles),
                }
                continue;
            }
            if let Some(Known { saturated, is_tried, .. }) = &mut known
                && !std::mem::replace(is_tried, true)
                && let Some(rank) = construct(saturated, &mut self.budget)
            {
                self.rank = rank;
                self.adopt(&BTreeMap::new());
                continue;
            }
            for cycle in found {
                let choices = cycle.iter().filter_map(|step| step.choice).collect();
                self.clauses.push(Clause { level: Some(level), choices, cycle });
            }
            // Solve until the choices form an order.
            loop {
                for (number, clause) in self.clauses.iter().enumerate().skip(used) {
                    if clause.level.is_none_or(|weaker| level.implies(weaker)) {
                        round.forbid(number, &clause.choices, |choice| self.is_ranked(choice));
                    }
                }
                used = self.clauses.len();
                let taken = match round.solve(self.budget) {
                    Solved::Order(taken) => taken,
                    Solved::Nothing => return Decision::Violated(self.explain(level, known.as_ref(), &round.core())),
                    Solved::GaveUp => return Decision::Unknown,
                };
                if let Some(Known { saturated, .. }) = &known {
                    // The transactions are ordered anew along what is chosen, as far as that has no cycle.
                    let graph = saturated.along(&taken);
                    self.rank =
                        schedule(self.facts, self.reads_of, &graph, ALL).unwrap_or(std::mem::take(&mut self.rank));
                }
                let circles = self.adopt(&taken);
                if circles.is_empty() {
                    break;
                }
                // Each round of the solver goes through all choices that were made.
                if !self.budget.spend(EDGES_A_DECISION * round.decisions() + taken.len() as u64) {
                    return Decision::Unknown;
                }
                self.clauses.extend(circles.into_iter().map(|choices| Clause {
                    level: None,
                    choices,
                    cycle: Vec::new(),
                }));
            }
        }
    }

    /// Finds the orders that a level forces which wants a serial order that agrees with the edges in `time`, and adopts a
    /// serial order that agrees with them as far as there is one. The error are cycles of which every order has one.
    fn saturate(&mut self, level: Level, time: u8) -> Result<Known<'f>, Vec<Vec<Step>>> {
        let is_of_time = |edge: &&Edge| edge.why.bit() & (PROCESS | REALTIME) & !time == 0;
        let more: Vec<Edge> = self.more.iter().filter(is_of_time).copied().collect();
        let saturated = Saturated::of(self.facts, self.choices, (&more, self.nodes), &mut self.budget);
        if let Some(cycle) = saturated.cycle() {
            let cycles = saturated.unfold(vec![cycle]);
            return Err(self.shortest(level, cycles));
        }
        if let Some(rank) = schedule(self.facts, self.reads_of, &saturated.graph, ALL) {
            self.rank = rank;
        }
        let first = self.clauses.len();
        let orders =
            saturated.literals().map(|choice| Clause { level: Some(level), choices: vec![-choice], cycle: Vec::new() });
        self.clauses.extend(orders);
        self.adopt(&saturated.literals().map(|choice| (choice.unsigned_abs(), choice > 0)).collect());
        Ok(Known { first, saturated, is_tried: false })
    }

    /// The cycles of which every order has one, given an unsatisfiable core.
    fn explain(&mut self, level: Level, known: Option<&Known<'f>>, core: &[usize]) -> Vec<Vec<Step>> {
        let Some(Known { first, saturated, .. }) = known else {
            return self.core(core);
        };
        let cycles = core.iter().flat_map(|&number| match number.checked_sub(*first) {
            Some(order) if order < saturated.len() => Some(saturated.reason(order)),
            _ => Some(self.clauses[number].cycle.clone()).filter(|cycle| !cycle.is_empty()),
        });
        let cycles = saturated.unfold(cycles.collect());
        let orders: Vec<usize> = core.iter().copied().filter(|&number| self.clauses[number].level.is_none()).collect();
        let begin = self.clauses.len();
        self.add(level, cycles);
        let numbers: Vec<usize> = orders.into_iter().chain(begin..self.clauses.len()).collect();
        self.core(&numbers)
    }

    fn shortest(&mut self, level: Level, cycles: Vec<Vec<Step>>) -> Vec<Vec<Step>> {
        let begin = self.clauses.len();
        self.add(level, cycles);
        self.core(&(begin..self.clauses.len()).collect::<Vec<_>>())
    }

    fn add(&mut self, level: Level, cycles: Vec<Vec<Step>>) {
        self.clauses.extend(cycles.into_iter().map(|cycle| Clause {
            level: Some(level),
            choices: cycle.iter().filter_map(|step| step.choice).collect(),
            cycle,
        }));
    }

    /// Adopts the order that the choices form, with the initial order for open choices. If they form none, returns
    /// cycles of choices.
    fn adopt(&mut self, taken: &BTreeMap<u32, bool>) -> Vec<Vec<Literal>> {
        let mut circles = Vec::new();
        let mut orders = Vec::new();
        for (key, versions) in self.facts.versions.iter().enumerate() {
            let loose = &versions.loose;
            let n = loose.len();
            let range = if n < 2 {
                0..0
            } else {
                let first = self.choices.between(key as u32, 0, 1).unsigned_abs();
                first..first + (n * (n - 1) / 2) as u32
            };
            let mut after: Vec<Vec<u32>> = vec![Vec::new(); n];
            let mut incoming = vec![0u32; n];
            for (&variable, &yes) in taken.range(range.clone()) {
                let (_, low, high) = self.choices.of_number(variable);
                let (from, to) = if yes { (low as u32, high as u32) } else { (high as u32, low as u32) };
                after[from as usize].push(to);
                incoming[to as usize] += 1;
            }
            let rank = |i: u32| Reverse((self.rank[loose[i as usize] as usize], i));
            let mut ready: BinaryHeap<_> = (0..n as u32).filter(|&i| incoming[i as usize] == 0).map(rank).collect();
            let mut order = Vec::new();
            while let Some(Reverse((_, i))) = ready.pop() {
                order.push(loose[i as usize]);
                for &next in &after[i as usize] {
                    incoming[next as usize] -= 1;
                    if incoming[next as usize] == 0 {
                        ready.push(rank(next));
                    }
                }
            }
            if order.len() < n {
                circles.push(
                    circle(&after, &incoming)
                        .iter()
                        .map(|&(a, b)| self.choices.between(key as u32, a as usize, b as usize))
                        .collect(),
                );
            }
            orders.push(order);
        }
        if circles.is_empty() {
            self.model = Model::new(self.facts, self.choices, self.reads_of, &orders);
            self.graph = self.model.graph(self.more, self.nodes);
        }
        circles
    }

    /// The cycles of an unsatisfiable core, minimised if it is small.
    fn core(&self, numbers: &[usize]) -> Vec<Vec<Step>> {
        let mut kept = numbers.to_vec();
        if kept.len() <= MINIMISED {
            let mut i = 0;
            while i < kept.len() {
                let without: Vec<usize> = kept.iter().copied().filter(|&number| number != kept[i]).collect();
                let mut round = Round::default();
                without.iter().for_each(|&number| round.forbid(number, &self.clauses[number].choices, |_| true));
                if let Solved::Nothing = round.solve(self.budget) { kept = without } else { i += 1 }
            }
        }
        kept.iter().map(|&number| self.clauses[number].cycle.clone()).filter(|cycle| !cycle.is_empty()).collect()
    }
}

/// A cycle among the versions that could not be ordered: `left` counts the remaining predecessors of each.
fn circle(after: &[Vec<u32>], left: &[u32]) -> Vec<(u32, u32)> {
    // Each remaining version has a remaining predecessor, so walking backwards closes a cycle.
    let mut before = vec![u32::MAX; after.len()];
    for (from, after) in after.iter().enumerate().filter(|(from, _)| left[*from] > 0) {
        after.iter().for_each(|&to| before[to as usize] = from as u32);
    }
    let mut at = left.iter().position(|&left| left > 0).expect("something is left") as u32;
    for _ in 0..after.len() {
        at = before[at as usize];
    }
    let begin = at;
    let mut steps = Vec::new();
    loop {
        let from = before[at as usize];
        steps.push((from, at));
        at = from;
        if at == begin {
            return steps;
        }
    }
}

/// The orders that a level forces.
struct Known<'f> {
    /// The clause of the first of them.
    first: usize,
    saturated: Saturated<'f>,
    /// Whether a serial order was constructed, as far as that is possible without a search.
    is_tried: bool,
}

/// The SAT problem of one level. Each clause has a selector, assumed true, so that a refusal names its clauses.
struct Round {
    solver: Solver<Limited>,
    variables: BTreeMap<u32, Var>,
    selectors: Vec<Lit>,
    clause_of: BTreeMap<Var, usize>,
    spent: u64,
}

/// What the solver found.
enum Solved {
    /// An assignment of the choices.
    Order(BTreeMap<u32, bool>),
    /// There is none.
    Nothing,
    /// The limit was reached.
    GaveUp,
}

/// Stops the solver after so many decisions, or when that is asked for.
#[derive(Default)]
struct Limited {
    left: Cell<u64>,
    stop: Option<Stop>,
}

/// After how many decisions it is asked whether to give up.
const PATIENCE: u64 = 100;

impl Callbacks for Limited {
    fn stop(&self) -> bool {
        let left = self.left.get();
        self.left.set(left.saturating_sub(1));
        left == 0 || (left.is_multiple_of(PATIENCE) && self.stop.is_some_and(|stop| stop()))
    }
}

impl Default for Round {
    fn default() -> Self {
        Round {
            solver: Solver::new(SolverOpts::default(), Limited::default()),
            variables: BTreeMap::new(),
            selectors: Vec::new(),
            clause_of: BTreeMap::new(),
            spent: 0,
        }
    }
}

impl Round {
    /// Adds a clause: not all of these choices. New choices are first tried as `likely` says.
    fn forbid(&mut self, number: usize, choices: &[Literal], likely: impl Fn(u32) -> bool) {
        let selector = self.solver.new_var_default();
        self.clause_of.insert(selector, number);
        let mut literals = vec![Lit::new(selector, false)];
        for choice in choices {
            let variable = choice.unsigned_abs();
            let solver = &mut self.solver;
            let first = || if likely(variable) { lbool::TRUE } else { lbool::FALSE };
            let variable = *self.variables.entry(variable).or_insert_with(|| solver.new_var(first(), true));
            literals.push(Lit::new(variable, *choice < 0));
        }
        self.selectors.push(Lit::new(selector, true));
        self.solver.add_clause_reuse(&mut literals);
    }

    /// A satisfying assignment of the choices.
    fn solve(&mut self, budget: Budget) -> Solved {
        let decisions = budget.edges / EDGES_A_DECISION;
        let callbacks = self.solver.cb_mut();
        callbacks.left.set(decisions);
        callbacks.stop = budget.stop;
        let solved = self.solver.solve_limited(&self.selectors);
        self.spent = decisions - self.solver.cb().left.get();
        if solved == lbool::FALSE {
            return Solved::Nothing;
        }
        if solved != lbool::TRUE {
            return Solved::GaveUp;
        }
        let is_true = |v: &Var| self.solver.value_var(*v) == lbool::TRUE;
        Solved::Order(self.variables.iter().map(|(&choice, v)| (choice, is_true(v))).collect())
    }

    /// The number of decisions of the last solution.
    fn decisions(&self) -> u64 {
        self.spent
    }

    /// An unsatisfiable core.
    fn core(&mut self) -> Vec<usize> {
        let core: Vec<Lit> = self.solver.unsat_core().to_vec();
        core.iter().filter_map(|literal| self.clause_of.get(&literal.var()).copied()).collect()
    }
}
