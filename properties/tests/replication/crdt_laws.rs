//! The laws of replicated data types on arbitrary states and arbitrary executions, without a world.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use proptest::prelude::*;
use seedbed_models::replication::crdt::broadcast::{Broadcast, Message, Order};
use seedbed_models::replication::crdt::clock::{Clock, Dot, ReplicaId, Stamp, Timestamp};
use seedbed_models::replication::crdt::context::Context;
use seedbed_models::replication::crdt::dots::{Causal, CausalType, DotFun, DotMap, DotSet, DotStore};
use seedbed_models::replication::crdt::style::{Lattice, OperationBased as _};
use seedbed_models::replication::crdt::types::aw_set::AwSet;
use seedbed_models::replication::crdt::types::bounded_counter::BoundedCounter;
use seedbed_models::replication::crdt::types::g_counter::GCounter;
use seedbed_models::replication::crdt::types::g_set::GSet;
use seedbed_models::replication::crdt::types::lww::{Lww, Written};
use seedbed_models::replication::crdt::types::mv_register::MvRegister;
use seedbed_models::replication::crdt::types::or_map::OrMap;
use seedbed_models::replication::crdt::types::or_set::OrSet;
use seedbed_models::replication::crdt::types::pn_counter::PnCounter;
use seedbed_models::replication::crdt::types::rga::{Effect as ListEffect, List, Tree};
use seedbed_models::replication::crdt::types::rw_set::RwSet;
use seedbed_models::replication::crdt::types::two_phase_set::TwoPhaseSet;
use seedbed_models::replication::crdt::types::{Effect, Payload, State};
use seedbed_models::replication::crdt::vocabulary::{ElementId, ListOp};
use seedbed_models::replication::crdt::{Kind, Op};
use seedbed_properties::checkers::delivery::{self, Causal as CausalOrder, Destination};
use seedbed_properties::checkers::judge::Judge;
use seedbed_sim::{NodeId, Span, Time};

// ---------------------------------------------------------------------------------------------------------------------
// Arbitrary states

fn replica(n: u16) -> ReplicaId {
    ReplicaId { node: NodeId(n), born: Time::ZERO, nonce: 0 }
}

/// A dot of a small universe.
fn dot() -> impl Strategy<Value = Dot> {
    (0u16..3, 1u64..7).prop_map(|(n, counter)| Dot { replica: replica(n), counter })
}

fn replicas() -> impl Strategy<Value = ReplicaId> {
    (0u16..4).prop_map(replica)
}

fn joined<L: Lattice>(a: &L, b: &L) -> L {
    let mut a = a.clone();
    a.join(b);
    a
}

fn laws<L: Lattice>(a: &L, b: &L, c: &L) -> Result<(), TestCaseError> {
    prop_assert_eq!(joined(a, a), a.clone(), "idempotent");
    prop_assert_eq!(joined(a, b), joined(b, a), "commutative");
    prop_assert_eq!(joined(&joined(a, b), c), joined(a, &joined(b, c)), "associative");
    prop_assert_eq!(joined(a, &L::default()), a.clone(), "the default is the least");
    prop_assert_eq!(joined(a, &joined(a, b)), joined(a, b), "the join is above both");
    Ok(())
}

fn g_counter() -> impl Strategy<Value = GCounter> + Clone {
    prop::collection::btree_map(0u16..4, 1u64..9, 0..4)
        .prop_map(|counts| GCounter(counts.into_iter().map(|(n, count)| (replica(n), count)).collect()))
}

fn g_set() -> impl Strategy<Value = GSet> + Clone {
    prop::collection::btree_set(0u8..6, 0..6).prop_map(GSet)
}

/// What a dot stands for is a function of the dot, as in any execution.
fn content(dot: &Dot) -> u64 {
    dot.counter * 3 + u64::from(dot.replica.node.0)
}

/// A context, and some of its dots that are still in the store.
fn dots() -> impl Strategy<Value = (Context, BTreeSet<Dot>)> {
    (prop::collection::btree_set(dot(), 0..10), prop::collection::vec(any::<bool>(), 10)).prop_map(|(seen, stands)| {
        let still = seen.iter().zip(stands).filter(|(_, stands)| *stands).map(|(dot, _)| *dot).collect();
        (seen.into_iter().collect(), still)
    })
}

fn causal<T: CausalType>(store: impl Fn(BTreeSet<Dot>) -> T::Store) -> impl Strategy<Value = Causal<T>> {
    dots().prop_map(move |(context, still)| Causal::new(store(still), context))
}

/// Dots by a key that is a function of the dot.
fn keyed<K: Ord, S>(dots: BTreeSet<Dot>, key: impl Fn(&Dot) -> K, store: impl Fn(BTreeSet<Dot>) -> S) -> DotMap<K, S> {
    let mut by_key: BTreeMap<K, BTreeSet<Dot>> = BTreeMap::new();
    dots.into_iter().for_each(|dot| _ = by_key.entry(key(&dot)).or_default().insert(dot));
    DotMap(by_key.into_iter().map(|(key, dots)| (key, store(dots))).collect())
}

fn lww() -> impl Strategy<Value = Lww> {
    // A timestamp is given to one write only.
    let written = |dot: Dot| {
        let at = Timestamp { time: Time(content(&dot) / 2), by: Some(dot.replica) };
        let item = (!content(&dot).is_multiple_of(3)).then_some(content(&dot) as u8);
        Written { at: Timestamp { time: Time(at.time.0 * 8 + dot.counter), ..at }, dot, item }
    };
    prop::collection::btree_map(0u8..3, dot(), 0..3)
        .prop_map(move |entries| Lww(entries.into_iter().map(|(key, dot)| (key, written(dot))).collect()))
}

fn or_set() -> impl Strategy<Value = OrSet> {
    let removed = prop::collection::btree_map(dot(), dot(), 0..6);
    (prop::collection::btree_set(dot(), 0..8), removed).prop_map(|(added, removed)| OrSet {
        added: added.into_iter().map(|dot| (dot, content(&dot) as u8 % 4)).collect(),
        removed,
    })
}

/// Any part of one insertion tree, also without the elements that its own stand behind.
fn tree() -> impl Strategy<Value = Tree<ListOp>> {
    let id = |counter: u64| {
        let dot = Dot { replica: replica(counter as u16 % 3), counter };
        ElementId { time: Time(counter), dot, index: 0 }
    };
    let node = move |counter: u64| {
        let parent = (counter * 7 % 5 % counter.max(1)).checked_sub(1).map(|n| id(n + 1));
        (id(counter), (parent, char::from(b'a' + counter as u8)))
    };
    let some = || prop::collection::btree_set(1u64..12, 0..10);
    (some(), some()).prop_map(move |(nodes, removed)| {
        let mut tree = Tree::default();
        tree.nodes.extend(nodes.into_iter().map(node));
        tree.removed.extend(removed.into_iter().map(id));
        tree
    })
}

fn bounded() -> impl Strategy<Value = BoundedCounter> {
    let rights = prop::collection::btree_map((replicas(), replicas()), 1u64..9, 0..6);
    (rights, g_counter()).prop_map(|(rights, used)| BoundedCounter { rights, used })
}

/// Defines a test that the laws hold for any three of these states.
macro_rules! lattices {
    ($($name:ident: $states:expr;)+) => {
        proptest! {$(
            #[test]
            fn $name((a, b, c) in ($states, $states, $states)) {
                laws(&a, &b, &c)?;
            }
        )+}
    };
}
lattices! {
    g_counters_are_a_lattice: g_counter();
    pn_counters_are_a_lattice: (g_counter(), g_counter()).prop_map(|(up, down)| PnCounter { up, down });
    bounded_counters_are_a_lattice: bounded();
    g_sets_are_a_lattice: g_set();
    two_phase_sets_are_a_lattice: (g_set(), g_set()).prop_map(|(added, removed)| TwoPhaseSet { added, removed });
    last_writer_wins_types_are_a_lattice: lww();
    or_sets_are_a_lattice: or_set();
    aw_sets_are_a_lattice: causal::<AwSet>(|dots| keyed(dots, |dot| content(dot) as u8 % 4, DotSet));
    rw_sets_are_a_lattice: causal::<RwSet>(|dots| {
        let ballot = |dots: BTreeSet<Dot>| DotFun(dots.into_iter().map(|dot| (dot, dot.counter.is_multiple_of(2))).collect());
        keyed(dots, |dot| content(dot) as u8 % 4, ballot)
    });
    mv_registers_are_a_lattice: causal::<MvRegister>(|dots| {
        DotFun(dots.into_iter().map(|dot| (dot, content(&dot) as u8)).collect())
    });
    or_maps_are_a_lattice: causal::<OrMap>(|dots| {
        keyed(dots, |dot| content(dot) as u8 % 3, |dots| keyed(dots, |dot| content(dot) as u8 / 3 % 2, DotSet))
    });
    insertion_trees_are_a_lattice: tree();
}

/// Contexts are sets: compared with sets.
fn members(context: &Context) -> BTreeSet<Dot> {
    let all = (0..3).flat_map(|n| (1..8).map(move |counter| Dot { replica: replica(n), counter }));
    all.filter(|dot| context.contains(dot)).collect()
}

proptest! {
    #[test]
    fn contexts_are_sets_of_dots(a in prop::collection::vec(dot(), 0..12), b in prop::collection::vec(dot(), 0..12)) {
        let (one, two): (Context, Context) = (a.iter().copied().collect(), b.iter().copied().collect());
        let (a, b): (BTreeSet<Dot>, BTreeSet<Dot>) = (a.into_iter().collect(), b.into_iter().collect());
        prop_assert_eq!(members(&one), a.clone());
        prop_assert_eq!(one.includes(&two), a.is_superset(&b));
        let mut both = one.clone();
        both.join(&two);
        prop_assert_eq!(members(&both), a.union(&b).copied().collect::<BTreeSet<_>>());
        // However it came about, the same set is the same context.
        prop_assert_eq!(both, b.iter().rev().chain(&a).copied().collect::<Context>());
        let met = members(&one.meet(&two));
        prop_assert!(met.is_subset(&a) && met.is_subset(&b));
    }

    /// What one store has seen and no longer has is not in the join; what it has not seen is.
    #[test]
    fn joining_stores_keeps_what_is_not_known_to_be_removed((seen, mine) in dots(), (their_seen, theirs) in dots()) {
        let mut store = DotSet(mine.clone());
        store.join(&seen, &DotSet(theirs.clone()), &their_seen);
        let all: BTreeSet<Dot> = mine.union(&theirs).copied().collect();
        let stays = |dot: &&Dot| {
            let (removed_here, removed_there) = (seen.contains(dot) && !mine.contains(dot), their_seen.contains(dot) && !theirs.contains(dot));
            !removed_here && !removed_there
        };
        prop_assert_eq!(store.0, all.iter().filter(stays).copied().collect::<BTreeSet<_>>());
    }
}

// ---------------------------------------------------------------------------------------------------------------------
// Arbitrary executions

const REPLICAS: u16 = 3;

/// One step of an execution.
#[derive(Clone, Debug)]
enum Step {
    /// A replica makes an update.
    Make(usize, Op),
    /// A replica hears from another: all that it has, or, where the style has messages, the next one that it lacks.
    Hear(usize, usize),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

fn execution(steps: usize) -> impl Strategy<Value = (Kind, Vec<Step>)> {
    kind().prop_flat_map(move |kind| {
        let replica = || 0..usize::from(REPLICAS);
        let make = (replica(), kind.updates(REPLICAS)).prop_map(|(at, op)| Step::Make(at, op));
        let hear = (replica(), replica()).prop_map(|(at, of)| Step::Hear(at, of));
        (Just(kind), prop::collection::vec(prop_oneof![make, hear], 0..steps))
    })
}

/// The part of a replica that all styles share.
struct Author {
    me: ReplicaId,
    /// After how many steps of all replicas its clock shows more; clocks that count only their own are slower.
    pace: u64,
    made: u64,
    clock: Clock,
}

impl Author {
    fn new(n: u16) -> Self {
        Author { me: replica(n), pace: [4, 100, 7, 1][usize::from(n) % 4], made: 0, clock: Clock::new(Span(1)) }
    }

    fn stamp(&self, step: usize, op: &Op) -> Stamp {
        let time = Timestamp { time: self.clock.next(Time(step as u64 / self.pace)), by: Some(self.me) };
        Stamp {
            dot: Dot { replica: self.me, counter: self.made + 1 },
            time,
            addressee: op.addressee().map(|node| replica(node.0)),
        }
    }

    fn made(&mut self, stamp: &Stamp) {
        self.made += 1;
        self.clock.observe(stamp.time.time);
    }
}

/// Runs an execution in the state-based style; returns all states that were there, and all deltas.
fn by_states(kind: Kind, steps: &[Step]) -> (Vec<State>, Vec<State>, Vec<State>) {
    let mut replicas: Vec<_> = (0..REPLICAS).map(|n| (Author::new(n), State::new(kind))).collect();
    let (mut states, mut deltas) = (vec![State::new(kind)], Vec::new());
    for (n, step) in steps.iter().enumerate() {
        match step {
            Step::Make(at, op) => {
                let (author, state) = &mut replicas[*at];
                let stamp = author.stamp(n, op);
                let delta = state.delta(op, &stamp);
                assert_eq!(state.mutate(op, &stamp), delta.is_some());
                if let Some(delta) = delta {
                    author.made(&stamp);
                    deltas.push(delta);
                    states.push(state.clone());
                }
            }
            Step::Hear(at, of) => {
                let (latest, state) = (replicas[*of].0.clock.latest(), replicas[*of].1.clone());
                replicas[*at].0.clock.observe(latest);
                replicas[*at].1.join(&state);
                states.push(replicas[*at].1.clone());
            }
        }
    }
    let last = replicas.into_iter().map(|(_, state)| state).collect();
    (states, deltas, last)
}

fn all_joined<'a>(kind: Kind, states: impl IntoIterator<Item = &'a State>) -> State {
    states.into_iter().fold(State::new(kind), |mut all, state| {
        all.join(state);
        all
    })
}

type Sent = Message<(Effect, Time)>;

struct Operations {
    author: Author,
    payload: Payload,
    broadcast: Broadcast<(Effect, Time)>,
}

impl Operations {
    fn new(kind: Kind, n: u16) -> Self {
        Operations { author: Author::new(n), payload: Payload::new(kind), broadcast: Broadcast::new(Order::Causal) }
    }

    fn take(&mut self, message: Sent) -> Vec<Dot> {
        let ready = self.broadcast.receive(message);
        for Message { after, payload: (effect, time), .. } in &ready {
            self.author.clock.observe(*time);
            self.payload.effect(effect, after);
        }
        ready.into_iter().map(|message| message.dot).collect()
    }

    fn make(&mut self, step: usize, op: &Op) -> Option<Sent> {
        let stamp = self.author.stamp(step, op);
        let effect = self.payload.prepare(op, &stamp)?;
        self.author.made(&stamp);
        let message = self.broadcast.broadcast(stamp.dot, (effect, stamp.time.time));
        self.payload.effect(&message.payload.0, &message.after);
        Some(message)
    }
}

/// Runs an execution in the operation-based style; `forgets` is who forgets what is stable, whenever it hears
/// something.
fn by_operations(kind: Kind, steps: &[Step], forgets: [bool; REPLICAS as usize]) -> (Vec<Operations>, Vec<Sent>) {
    let mut replicas: Vec<_> = (0..REPLICAS).map(|n| Operations::new(kind, n)).collect();
    let mut sent = Vec::new();
    for (n, step) in steps.iter().enumerate() {
        match step {
            Step::Make(at, op) => sent.extend(replicas[*at].make(n, op)),
            Step::Hear(at, of) if at == of => {}
            Step::Hear(at, of) => {
                let lacks: Vec<Sent> = {
                    let has = replicas[*at].broadcast.delivered();
                    replicas[*of]
                        .broadcast
                        .log()
                        .iter()
                        .filter(|message| !has.contains(&message.dot))
                        .cloned()
                        .collect()
                };
                lacks.into_iter().for_each(|message| _ = replicas[*at].take(message));
                let theirs = replicas[*of].broadcast.delivered().clone();
                let me = &mut replicas[*at];
                me.broadcast.report(NodeId(*of as u16), &theirs);
                if forgets[*at] {
                    let others: Vec<NodeId> = (0..REPLICAS).filter(|n| usize::from(*n) != *at).map(NodeId).collect();
                    let stable = me.broadcast.stable(&others);
                    let before = me.payload.value();
                    me.payload.forget(&stable);
                    assert_eq!(before, me.payload.value(), "what is forgotten was not to be seen");
                }
            }
        }
    }
    (replicas, sent)
}

fn shuffled<T: Clone + Debug>(items: &[T], keys: &[u64]) -> Vec<T> {
    let mut keyed: Vec<(u64, T)> =
        items.iter().enumerate().map(|(n, item)| (keys[n % keys.len()].rotate_left(n as u32), item.clone())).collect();
    keyed.sort_by_key(|(key, _)| *key);
    keyed.into_iter().map(|(_, item)| item).collect()
}

fn keys() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 7)
}

proptest! {
    // There are many types and styles.
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Of every type: states that executions reach, and deltas, which may lack what they are about.
    #[test]
    fn states_and_deltas_of_all_types_are_a_lattice((kind, steps) in execution(24), picks in prop::collection::vec(any::<prop::sample::Index>(), 3)) {
        let (states, deltas, _) = by_states(kind, &steps);
        let all: Vec<State> = states.into_iter().chain(deltas).collect();
        let [a, b, c] = [0, 1, 2].map(|n| &all[picks[n].index(all.len())]);
        let join = |a: &State, b: &State| all_joined(kind, [a, b]);
        prop_assert_eq!(&join(a, a), a);
        prop_assert_eq!(join(a, b), join(b, a));
        prop_assert_eq!(join(&join(a, b), c), join(a, &join(b, c)));
        prop_assert_eq!(&join(a, &State::new(kind)), a);
    }

    /// All deltas, in any order and some twice, are all states: what an update does is in its delta.
    #[test]
    fn all_deltas_in_any_order_are_the_state((kind, steps) in execution(24), keys in keys()) {
        let (_, deltas, last) = by_states(kind, &steps);
        let twice: Vec<State> = deltas.iter().chain(&deltas).cloned().collect();
        prop_assert_eq!(all_joined(kind, &shuffled(&twice, &keys)), all_joined(kind, &last));
    }

    /// The operation-based form, whose messages come late, twice and out of order, shows what the state-based one does.
    #[test]
    fn operations_in_any_order_show_what_states_do((kind, steps) in execution(24), keys in keys()) {
        let (_, _, last) = by_states(kind, &steps);
        let (_, sent) = by_operations(kind, &steps, [false; 3]);
        let must = all_joined(kind, &last).value();
        for keys in [keys.clone(), keys.iter().rev().copied().collect()] {
            let twice: Vec<Sent> = sent.iter().chain(&sent).cloned().collect();
            let mut observer = Operations::new(kind, REPLICAS);
            shuffled(&twice, &keys).into_iter().for_each(|message| _ = observer.take(message));
            prop_assert_eq!(observer.broadcast.waiting(), 0);
            prop_assert_eq!(observer.payload.value(), must.clone());
        }
    }

    /// Those who forget what is stable show what those show who keep everything, and stay so.
    #[test]
    fn forgetting_what_is_stable_changes_nothing((kind, steps) in execution(60)) {
        let values = |forgets| {
            let (replicas, _) = by_operations(kind, &steps, forgets);
            replicas.into_iter().map(|replica| replica.payload.value()).collect::<Vec<_>>()
        };
        prop_assert_eq!(values([true, false, true]), values([false; 3]));
    }

    /// The causal broadcast, judged by somebody who does not believe its vectors.
    #[test]
    fn broadcasts_are_delivered_in_causal_order_and_all((kind, steps) in execution(30), keys in keys()) {
        let mut judge: CausalOrder<u16, Dot> = CausalOrder::new();
        let mut replicas: Vec<_> = (0..REPLICAS).map(|n| Operations::new(kind, n)).collect();
        let mut sent: Vec<Sent> = Vec::new();
        for (n, step) in steps.iter().enumerate() {
            match step {
                Step::Make(at, op) => {
                    let Some(message) = replicas[*at].make(n, op) else { continue };
                    judge.observe(delivery::Event::Sent { by: *at as u16, message: message.dot, to: Destination::Everyone }).expect("a broadcast");
                    sent.push(message);
                }
                // Any message at all comes.
                Step::Hear(at, _) if !sent.is_empty() => {
                    let message = sent[keys[n % keys.len()] as usize % sent.len()].clone();
                    for dot in replicas[*at].take(message) {
                        let judged = judge.observe(delivery::Event::Delivered { at: *at as u16, message: dot });
                        prop_assert!(judged.is_ok(), "{:?}", judged);
                    }
                }
                Step::Hear(..) => {}
            }
        }
        for replica in &mut replicas {
            shuffled(&sent, &keys).into_iter().for_each(|message| _ = replica.take(message));
            prop_assert_eq!(replica.broadcast.log().len(), sent.len());
        }
    }
}

/// The story of [`seedbed_models::replication::crdt::types::rga`]: X is removed and everybody knows; Z, which stands behind it, is
/// not known to the author of Y, which goes before X. X must stay for as long as that can happen.
#[test]
fn a_tombstone_stays_while_what_stands_behind_it_is_not_stable() {
    let stamp = |n: u16, counter: u64, time: u64| Stamp {
        dot: Dot { replica: replica(n), counter },
        time: Timestamp { time: Time(time), by: Some(replica(n)) },
        addressee: None,
    };
    let all = Context::default();
    let edit = |at: &List<ListOp>, op: ListOp, stamp: Stamp| at.prepare(&op, &stamp).expect("it can be done");
    let with = |effects: &[&ListEffect]| {
        let mut list: List<ListOp> = List::default();
        effects.iter().for_each(|effect| list.effect(effect, &all));
        list
    };
    let p = edit(&with(&[]), ListOp::Insert(0, 'P'), stamp(0, 1, 1));
    let x = edit(&with(&[&p]), ListOp::Insert(1, 'X'), stamp(0, 2, 2));
    let z = edit(&with(&[&p, &x]), ListOp::Insert(2, 'Z'), stamp(2, 1, 10));
    let gone = edit(&with(&[&p, &x]), ListOp::Delete(1), stamp(0, 3, 3));
    let y = edit(&with(&[&p, &x, &gone]), ListOp::Insert(1, 'Y'), stamp(1, 1, 4));

    let mut forgets = with(&[&p, &x, &gone, &z]);
    let stable: Context = (1..=3).map(|counter| Dot { replica: replica(0), counter }).collect();
    assert_eq!(forgets.forget(&stable), []);
    forgets.effect(&y, &all);
    assert_eq!(forgets.value(), with(&[&p, &x, &gone, &y, &z]).value());
    assert_eq!(forgets.value().text(), "PYZ");
    let stable: Context = (1..=3)
        .map(|counter| Dot { replica: replica(0), counter })
        .chain([stamp(1, 1, 4).dot, stamp(2, 1, 10).dot])
        .collect();
    assert_eq!(forgets.forget(&stable), [stamp(0, 3, 3).dot]);
    assert_eq!(forgets.weight().tombstones, 0);
}
