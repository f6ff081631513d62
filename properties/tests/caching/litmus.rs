//! The oracle of litmus outcomes against the published table, and against the axiomatic definitions on all small programs.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use seedbed_models::caching::litmus::{Instruction, Litmus, Location, Outcome, Program, Register, classical};
use seedbed_properties::caching::litmus::{Memory, allows, compare, outcomes};

fn shown(litmus: &Litmus, memory: Memory) -> bool {
    outcomes(&litmus.program, memory).iter().any(|outcome| litmus.shows(outcome))
}

/// What TSO allows of the classical programs (Alglave, Maranget and Tautschnig, "Herding cats", 2014;
/// Sewell 2010, section 2): SB, R and RWC (only a store followed by a load is reordered), and what is forwarded from
/// buffers; everything else is forbidden, and everything with fences. Sequential consistency allows none.
#[test]
fn the_published_table() {
    let allowed = ["SB", "R", "RWC", "SB+rfis", "n6", "SB+fence+po"];
    let tests = classical();
    let names: BTreeSet<&str> = tests.iter().map(|litmus| litmus.program.name.as_str()).collect();
    assert_eq!(names.len(), tests.len(), "names are unique");
    for name in ["MP", "SB", "LB", "IRIW", "CoRR", "CoWW", "CoRW1", "CoRW2", "CoWR", "WRC", "RWC", "2+2W", "S", "R"] {
        assert!(names.contains(name) && names.contains(format!("{name}+fences").as_str()), "{name}");
    }
    assert!(allowed.iter().all(|name| names.contains(name)));
    for litmus in &tests {
        assert!(!shown(litmus, Memory::Sc), "SC: {}", litmus.program.name);
        assert_eq!(shown(litmus, Memory::Tso), allowed.contains(&&*litmus.program.name), "{}", litmus.program.name);
    }
}

/// Published counts: of SB, sequential consistency allows three outcomes and TSO four.
#[test]
fn all_outcomes_of_store_buffering() {
    let sb = &classical()[1];
    let of = |memory| outcomes(&sb.program, memory).iter().map(ToString::to_string).collect::<Vec<_>>();
    let sc = ["0:r0=0 1:r0=1 x=1 y=1", "0:r0=1 1:r0=0 x=1 y=1", "0:r0=1 1:r0=1 x=1 y=1"];
    assert_eq!(of(Memory::Sc), sc);
    assert_eq!(of(Memory::Tso), [&["0:r0=0 1:r0=0 x=1 y=1"], &sc[..]].concat());
}

#[test]
fn differences_are_told_in_words() {
    let sb = &classical()[1].program;
    let (sc, tso) = (outcomes(sb, Memory::Sc), outcomes(sb, Memory::Tso));
    assert!(compare(&sc, &sc).is_exact());
    assert_eq!(compare(&tso, &sc).to_string(), "observed and not allowed: [0:r0=0 1:r0=0 x=1 y=1]");
    assert_eq!(compare(&sc, &tso).to_string(), "allowed and never observed: [0:r0=0 1:r0=0 x=1 y=1]");
    let beyond = tso.difference(&sc).next().unwrap();
    assert_eq!(
        allows(Memory::Sc, sb, beyond).unwrap_err(),
        "sequential consistency does not allow SB [x = 1; r0 = y ‖ y = 1; r0 = x] to end with [0:r0=0 1:r0=0 x=1 y=1]"
    );
    assert!(allows(Memory::Tso, sb, beyond).is_ok());
}

// The axiomatic definitions: events, reads-from and coherence, and which relations have no cycle.

#[derive(Clone, Copy, Debug)]
struct Event {
    thread: usize,
    /// Place in the thread; a swap's read and write share it.
    place: usize,
    location: Location,
    /// What is written, or into which register is read.
    what: What,
    /// Of a swap.
    locked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Write(u8),
    Read(Register),
}

fn events(program: &Program) -> Vec<Event> {
    let mut events = Vec::new();
    for (thread, instructions) in program.threads.iter().enumerate() {
        for (place, instruction) in instructions.iter().enumerate() {
            let mut add = |location, what, locked| events.push(Event { thread, place, location, what, locked });
            match *instruction {
                Instruction::Load { into, from } => add(from, What::Read(into), false),
                Instruction::Store { to, value } => add(to, What::Write(value), false),
                Instruction::Swap { into, at, value } => {
                    add(at, What::Read(into), true);
                    add(at, What::Write(value), true);
                }
                Instruction::Fence => {}
            }
        }
    }
    events
}

fn permutations(items: &[usize]) -> Vec<Vec<usize>> {
    if items.is_empty() {
        return vec![vec![]];
    }
    let with = |n: usize| {
        let rest: Vec<usize> = items.iter().copied().filter(|item| *item != items[n]).collect();
        permutations(&rest).into_iter().map(move |mut tail| {
            tail.insert(0, items[n]);
            tail
        })
    };
    (0..items.len()).flat_map(with).collect()
}

fn acyclic(count: usize, edges: &[(usize, usize)]) -> bool {
    let mut left: Vec<usize> = (0..count).collect();
    loop {
        let before = left.len();
        left = left.iter().copied().filter(|n| edges.iter().any(|(a, b)| b == n && left.contains(a))).collect();
        if left.len() == before {
            return left.is_empty();
        }
    }
}

/// All outcomes of candidate executions that the axioms of SC and TSO in "Herding cats" let pass: each location is
/// coherent, and no cycle in preserved program order, fences, (external) reads-from, coherence and from-reads.
fn by_axioms(program: &Program, memory: Memory) -> BTreeSet<Outcome> {
    let events = events(program);
    let count = events.len();
    let is_write = |n: usize| matches!(events[n].what, What::Write(_));
    let reads: Vec<usize> = (0..count).filter(|n| !is_write(*n)).collect();
    let po: Vec<(usize, usize)> = (0..count)
        .flat_map(|a| (a + 1..count).map(move |b| (a, b)))
        .filter(|(a, b)| events[*a].thread == events[*b].thread)
        .collect();
    let fenced = |a: usize, b: usize| {
        let between = &program.threads[events[a].thread][events[a].place..events[b].place];
        between.contains(&Instruction::Fence) || events[a].locked || events[b].locked
    };
    // Candidates: where each read reads from (nothing: the start), and in which order each location is written.
    let sources = |read: usize| -> Vec<Option<usize>> {
        let writes = (0..count).filter(|w| is_write(*w) && events[*w].location == events[read].location);
        writes.map(Some).chain([None]).collect()
    };
    let mut reads_from: Vec<BTreeMap<usize, Option<usize>>> = vec![BTreeMap::new()];
    for read in &reads {
        let extend = |rf: &BTreeMap<usize, Option<usize>>| {
            let rf = rf.clone();
            sources(*read).into_iter().map(move |source| {
                let mut rf = rf.clone();
                rf.insert(*read, source);
                rf
            })
        };
        reads_from = reads_from.iter().flat_map(extend).collect();
    }
    let mut coherence: Vec<Vec<Vec<usize>>> = vec![vec![]];
    for location in (0..program.locations()).map(|at| Location(at as u8)) {
        let writes: Vec<usize> = (0..count).filter(|w| is_write(*w) && events[*w].location == location).collect();
        let orders = permutations(&writes);
        coherence = coherence
            .iter()
            .flat_map(|co| {
                orders.iter().map(move |order| co.iter().cloned().chain([order.clone()]).collect::<Vec<_>>())
            })
            .collect();
    }
    let mut found = BTreeSet::new();
    for rf in &reads_from {
        for orders in &coherence {
            let mut co = Vec::new();
            for order in orders {
                for (n, a) in order.iter().enumerate() {
                    co.extend(order[n + 1..].iter().map(|b| (*a, *b)));
                }
            }
            let after = |write: Option<usize>, location: Location| -> Vec<usize> {
                let order = &orders[usize::from(location.0)];
                let from = write.map_or(0, |write| order.iter().position(|w| *w == write).unwrap() + 1);
                order[from..].to_vec()
            };
            let fr: Vec<(usize, usize)> = rf
                .iter()
                .flat_map(|(read, source)| {
                    let location = events[*read].location;
                    let own_swap = events[*read].locked.then_some(read + 1);
                    after(*source, location).into_iter().filter(move |w| Some(*w) != own_swap).map(|w| (*read, w))
                })
                .collect();
            // Nothing comes between the two halves of a swap.
            let atomic = rf
                .iter()
                .filter(|(read, _)| events[**read].locked)
                .all(|(read, source)| after(*source, events[*read].location).first() == Some(&(read + 1)));
            let all_rf: Vec<(usize, usize)> =
                rf.iter().filter_map(|(read, source)| Some(((*source)?, *read))).collect();
            let same = |(a, b): &&(usize, usize)| events[*a].location == events[*b].location;
            let uniproc: Vec<_> = po.iter().filter(same).chain(&all_rf).chain(&co).chain(&fr).copied().collect();
            let global: Vec<_> = match memory {
                Memory::Sc => po.iter().chain(&all_rf).chain(&co).chain(&fr).copied().collect(),
                Memory::Tso => {
                    let kept = |(a, b): &&(usize, usize)| !is_write(*a) || is_write(*b) || fenced(*a, *b);
                    let external = |(a, b): &&(usize, usize)| events[*a].thread != events[*b].thread;
                    po.iter()
                        .filter(kept)
                        .chain(all_rf.iter().filter(external))
                        .chain(&co)
                        .chain(&fr)
                        .copied()
                        .collect()
                }
            };
            if !atomic || !acyclic(count, &uniproc) || !acyclic(count, &global) {
                continue;
            }
            let value = |write: usize| match events[write].what {
                What::Write(value) => value,
                What::Read(_) => unreachable!("a write writes"),
            };
            let mut outcome = program.start();
            for read in &reads {
                if let What::Read(register) = events[*read].what {
                    outcome.registers[events[*read].thread][usize::from(register.0)] = rf[read].map_or(0, value);
                }
            }
            for (at, order) in orders.iter().enumerate() {
                outcome.memory[at] = order.last().map_or(0, |write| value(*write));
            }
            found.insert(outcome);
        }
    }
    found
}

/// Makes registers and values unique, so that outcomes tell as much as they can.
fn program(shapes: &[Vec<Shape>]) -> Program {
    let mut value = 0;
    let threads = shapes.iter().map(|thread| {
        let instructions = (0u8..).zip(thread).map(|(place, (kind, at))| {
            let (into, location) = (Register(place), Location(*at));
            value += 1;
            match kind {
                0 => Instruction::Load { into, from: location },
                1 => Instruction::Store { to: location, value },
                2 => Instruction::Swap { into, at: location, value },
                _ => Instruction::Fence,
            }
        });
        instructions.collect()
    });
    Program::new("shape", threads.collect())
}

/// What an instruction is, and where.
type Shape = (u8, u8);

const SHAPES: [Shape; 7] = [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1), (3, 0)];

/// All programs of two threads with up to two instructions, on two locations.
#[test]
fn all_small_programs() {
    let mut threads: Vec<Vec<Shape>> = vec![vec![]];
    threads.extend(SHAPES.map(|one| vec![one]));
    threads.extend(SHAPES.iter().flat_map(|one| SHAPES.map(|two| vec![*one, two])));
    let mut differ = 0;
    for a in &threads {
        for b in &threads {
            let program = program(&[a.clone(), b.clone()]);
            let [sc, tso] = [Memory::Sc, Memory::Tso].map(|memory| {
                let operational = outcomes(&program, memory);
                assert_eq!(operational, by_axioms(&program, memory), "{memory}: {program}");
                operational
            });
            assert!(sc.is_subset(&tso));
            differ += u32::from(sc != tso);
        }
    }
    assert!(differ > 0, "some small programs tell SC from TSO");
}

#[test]
fn the_classical_programs_by_axioms() {
    for litmus in classical() {
        for memory in [Memory::Sc, Memory::Tso] {
            let program = &litmus.program;
            assert_eq!(outcomes(program, memory), by_axioms(program, memory), "{memory}: {program}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// Three threads, three instructions, three locations; and the names of threads do not matter.
    #[test]
    fn larger_programs(
        shapes in prop::collection::vec(prop::collection::vec((0u8..4, 0u8..3), 0..=3), 2..=3)
            .prop_filter("few candidates", |shapes| shapes.iter().flatten().filter(|(kind, _)| *kind < 3).count() <= 6),
    ) {
        let forwards = program(&shapes);
        let mut turned = forwards.clone();
        turned.threads.reverse();
        for memory in [Memory::Sc, Memory::Tso] {
            let found = outcomes(&forwards, memory);
            prop_assert_eq!(&found, &by_axioms(&forwards, memory), "{}: {}", memory, forwards);
            let back = outcomes(&turned, memory).into_iter().map(|mut outcome| {
                outcome.registers.reverse();
                outcome
            });
            prop_assert_eq!(found, back.collect());
        }
    }
}
