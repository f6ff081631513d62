//! The data types beside those of the crate `crdts`, for the types that both have: the same updates and the same merges
//! give the same values.

use std::collections::{BTreeMap, BTreeSet};

use crdts::ctx::AddCtx;
use crdts::lwwreg::LWWReg;
use crdts::{CmRDT, CvRDT, GCounter, GSet, MVReg, Map, Orswot, PNCounter};
use proptest::prelude::*;
use seedbed_models::replication::crdt::clock::{Clock, Dot, ReplicaId, Stamp, Timestamp};
use seedbed_models::replication::crdt::types::State;
use seedbed_models::replication::crdt::vocabulary::{CounterOp, FlagOp, MapOp, RegisterOp, SetOp};
use seedbed_models::replication::crdt::{Kind, Op, Value};
use seedbed_sim::{NodeId, Span, Time};

type Actor = u16;
const REPLICAS: u16 = 3;

/// A replica as the other crate has it.
trait Theirs: Clone + Default {
    fn update(&mut self, me: Actor, op: &Op, stamp: &Stamp);
    fn join(&mut self, other: Self);
    fn value(&self) -> Value;
}

impl Theirs for GCounter<Actor> {
    fn update(&mut self, me: Actor, op: &Op, _: &Stamp) {
        let Op::Counter(CounterOp::Increment(by)) = op else { panic!("not for a G-Counter: {op:?}") };
        self.apply(self.inc_many(me, u64::from(*by)));
    }
    fn join(&mut self, other: Self) {
        self.merge(other);
    }
    fn value(&self) -> Value {
        number(&self.read().to_string())
    }
}

impl Theirs for PNCounter<Actor> {
    fn update(&mut self, me: Actor, op: &Op, _: &Stamp) {
        let change = match op {
            Op::Counter(CounterOp::Increment(by)) => self.inc_many(me, u64::from(*by)),
            Op::Counter(CounterOp::Decrement(by)) => self.dec_many(me, u64::from(*by)),
            _ => panic!("not for a PN-Counter: {op:?}"),
        };
        self.apply(change);
    }
    fn join(&mut self, other: Self) {
        self.merge(other);
    }
    fn value(&self) -> Value {
        number(&self.read().to_string())
    }
}

fn number(text: &str) -> Value {
    Value::Number(text.parse().expect("a small number"))
}

impl Theirs for GSet<u8> {
    fn update(&mut self, _: Actor, op: &Op, _: &Stamp) {
        let Op::Set(SetOp::Add(item)) = op else { panic!("not for a G-Set: {op:?}") };
        self.insert(*item);
    }
    fn join(&mut self, other: Self) {
        self.merge(other);
    }
    fn value(&self) -> Value {
        Value::Items(self.read())
    }
}

/// Their register has a value from the beginning; ours has none.
#[derive(Clone, Default)]
struct Register(Option<LWWReg<u8, Timestamp>>);

impl Theirs for Register {
    fn update(&mut self, _: Actor, op: &Op, stamp: &Stamp) {
        let Op::Register(RegisterOp::Assign(item)) = op else { panic!("not for a register: {op:?}") };
        self.join(Register(Some(LWWReg { val: *item, marker: stamp.time })));
    }
    fn join(&mut self, other: Self) {
        match (&mut self.0, other.0) {
            (Some(mine), Some(theirs)) => mine.merge(theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
    }
    fn value(&self) -> Value {
        Value::Items(self.0.iter().map(|register| register.val).collect())
    }
}

impl Theirs for MVReg<u8, Actor> {
    fn update(&mut self, me: Actor, op: &Op, _: &Stamp) {
        let Op::Register(RegisterOp::Assign(item)) = op else { panic!("not for a register: {op:?}") };
        let context = self.read_ctx().derive_add_ctx(me);
        self.apply(self.write(*item, context));
    }
    fn join(&mut self, other: Self) {
        self.merge(other);
    }
    fn value(&self) -> Value {
        Value::Items(self.read().val.into_iter().collect())
    }
}

impl Theirs for Orswot<u8, Actor> {
    fn update(&mut self, me: Actor, op: &Op, _: &Stamp) {
        let change = match op {
            Op::Set(SetOp::Add(item)) => self.add(*item, self.read_ctx().derive_add_ctx(me)),
            Op::Set(SetOp::Remove(item)) => self.rm(*item, self.contains(item).derive_rm_ctx()),
            _ => panic!("not for a set: {op:?}"),
        };
        self.apply(change);
    }
    fn join(&mut self, other: Self) {
        self.merge(other);
    }
    fn value(&self) -> Value {
        Value::Items(self.read().val.into_iter().collect())
    }
}

/// An enable-wins flag is an add-wins set of one item.
#[derive(Clone, Default)]
struct Flag(Orswot<(), Actor>);

impl Theirs for Flag {
    fn update(&mut self, me: Actor, op: &Op, _: &Stamp) {
        let change = match op {
            Op::Flag(FlagOp::Enable) => self.0.add((), self.0.read_ctx().derive_add_ctx(me)),
            Op::Flag(FlagOp::Disable) => self.0.rm((), self.0.contains(&()).derive_rm_ctx()),
            _ => panic!("not for a flag: {op:?}"),
        };
        self.0.apply(change);
    }
    fn join(&mut self, other: Self) {
        self.0.merge(other.0);
    }
    fn value(&self) -> Value {
        Value::Flag(!self.0.read().val.is_empty())
    }
}

type Sets = Map<u8, Orswot<u8, Actor>, Actor>;

/// Their map, by operations. (Its merge keeps one number an actor for each key: what an actor put under a key is back
/// when another has removed the key and then hears that the actor has put something else there.)
#[derive(Clone, Default)]
struct Logged {
    map: Sets,
    /// What was applied, in order: whose, and which of theirs.
    log: Vec<((Actor, usize), <Sets as CmRDT>::Op)>,
}

impl Theirs for Logged {
    fn update(&mut self, me: Actor, op: &Op, _: &Stamp) {
        let map = &self.map;
        let context = || -> AddCtx<Actor> { map.read_ctx().derive_add_ctx(me) };
        let change = match op {
            Op::Map(MapOp::Add(key, item)) => map.update(*key, context(), |set, context| set.add(*item, context)),
            // To take an item out is an update of the key there; without the item it is none here.
            Op::Map(MapOp::Drop(key, item)) if map.get(key).val.is_some_and(|set| set.contains(item).val) => {
                map.update(*key, context(), |set, _| set.rm(*item, set.contains(item).derive_rm_ctx()))
            }
            Op::Map(MapOp::Drop(..)) => return,
            Op::Map(MapOp::Remove(key)) => map.rm(*key, map.get(key).derive_rm_ctx()),
            _ => panic!("not for a map: {op:?}"),
        };
        let made = self.log.iter().filter(|((by, _), _)| *by == me).count();
        self.map.apply(change.clone());
        self.log.push(((me, made), change));
    }
    fn join(&mut self, other: Self) {
        for (name, change) in other.log {
            if !self.log.iter().any(|(known, _)| *known == name) {
                self.map.apply(change.clone());
                self.log.push((name, change));
            }
        }
    }
    fn value(&self) -> Value {
        // A key with an empty set is no key to us.
        let entries = self.map.iter();
        let sets = entries.map(|entry| (*entry.val.0, entry.val.1.read().val.into_iter().collect::<BTreeSet<_>>()));
        Value::Keyed(sets.filter(|(_, set)| !set.is_empty()).collect::<BTreeMap<_, _>>())
    }
}

#[derive(Clone, Debug)]
enum Step {
    Make(usize, Op),
    Merge(usize, usize),
}

fn steps(kind: Kind) -> impl Strategy<Value = Vec<Step>> {
    let replica = || 0..usize::from(REPLICAS);
    let make = (replica(), kind.updates(REPLICAS)).prop_map(|(at, op)| Step::Make(at, op));
    let merge = (replica(), replica()).prop_map(|(at, of)| Step::Merge(at, of));
    prop::collection::vec(prop_oneof![make, merge], 0..40)
}

/// Both, step by step.
fn side_by_side<T: Theirs>(kind: Kind, steps: &[Step]) -> Result<(), TestCaseError> {
    let me = |n: usize| ReplicaId { node: NodeId(n as u16), born: Time::ZERO, nonce: 0 };
    let mut replicas: Vec<_> = (0..REPLICAS).map(|_| (State::new(kind), T::default(), Clock::new(Span(1)))).collect();
    for (n, step) in steps.iter().enumerate() {
        let at = match step {
            Step::Make(at, op) => {
                let (ours, theirs, clock) = &mut replicas[*at];
                let time = Timestamp { time: clock.next(Time(n as u64 / 4)), by: Some(me(*at)) };
                clock.observe(time.time);
                let stamp = Stamp { dot: Dot { replica: me(*at), counter: n as u64 + 1 }, time, addressee: None };
                ours.mutate(op, &stamp);
                theirs.update(*at as Actor, op, &stamp);
                *at
            }
            Step::Merge(at, of) => {
                let (ours, theirs, clock) = replicas[*of].clone();
                let (mine, my_theirs, my_clock) = &mut replicas[*at];
                mine.join(&ours);
                my_theirs.join(theirs);
                my_clock.observe(clock.latest());
                *at
            }
        };
        let (ours, theirs, _) = &replicas[at];
        prop_assert_eq!(ours.value(), theirs.value(), "after step {} of {:?}", n, steps);
    }
    Ok(())
}

proptest! {
    #[test]
    fn g_counters_agree(steps in steps(Kind::GCounter)) {
        side_by_side::<GCounter<Actor>>(Kind::GCounter, &steps)?;
    }

    #[test]
    fn pn_counters_agree(steps in steps(Kind::PnCounter)) {
        side_by_side::<PNCounter<Actor>>(Kind::PnCounter, &steps)?;
    }

    #[test]
    fn g_sets_agree(steps in steps(Kind::GSet)) {
        side_by_side::<GSet<u8>>(Kind::GSet, &steps)?;
    }

    #[test]
    fn last_writer_wins_registers_agree(steps in steps(Kind::LwwRegister)) {
        side_by_side::<Register>(Kind::LwwRegister, &steps)?;
    }

    #[test]
    fn multi_value_registers_agree(steps in steps(Kind::MvRegister)) {
        side_by_side::<MVReg<u8, Actor>>(Kind::MvRegister, &steps)?;
    }

    #[test]
    fn add_wins_sets_agree(steps in steps(Kind::AwSet)) {
        side_by_side::<Orswot<u8, Actor>>(Kind::AwSet, &steps)?;
    }

    #[test]
    fn add_wins_sets_with_tombstones_agree(steps in steps(Kind::OrSet)) {
        side_by_side::<Orswot<u8, Actor>>(Kind::OrSet, &steps)?;
    }

    #[test]
    fn enable_wins_flags_agree(steps in steps(Kind::EwFlag)) {
        side_by_side::<Flag>(Kind::EwFlag, &steps)?;
    }

    #[test]
    fn maps_of_sets_agree(steps in steps(Kind::OrMap)) {
        side_by_side::<Logged>(Kind::OrMap, &steps)?;
    }
}
