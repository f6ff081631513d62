//! The data types. Each has a file, with its state, its δ-mutators and what it broadcasts; and one line below, which is
//! all that has to be written here to add one.

pub mod aw_set;
pub mod bounded_counter;
mod broken;
pub mod flags;
pub mod g_counter;
pub mod g_set;
pub mod json;
pub mod lww;
pub mod mv_register;
pub mod or_map;
pub mod or_set;
pub mod pn_counter;
pub mod rga;
pub mod rw_set;
pub mod two_phase_set;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use crate::replication::crdt::bugs::Bug;
use crate::replication::crdt::clock::{Dot, Stamp};
use crate::replication::crdt::context::Context;
use crate::replication::crdt::style::{DeltaBased, Lattice as _, OperationBased, StateBased, Weight};
use crate::replication::crdt::vocabulary::{Op, Value, Vocabulary};

/// A replicated data type in all styles.
pub trait DataType {
    /// What clients ask.
    type Update: Vocabulary;
    /// What is joined: the state of the state-based and of the delta style.
    type State: DeltaBased<Update = Self::Update>;
    /// What operations are applied to.
    type Payload: OperationBased<Update = Self::Update>;

    /// Updates for a workload, by so many replicas.
    fn updates(replicas: u16) -> BoxedStrategy<Self::Update> {
        Self::Update::any(replicas)
    }
}

/// Makes enums of all data types, and hands what is asked of them to the type that it concerns.
macro_rules! data_types {
    ($($(#[$doc:meta])* $Kind:ident = $Type:ty),+ $(,)?; planted $($Planted:ident = $Broken:ty),+ $(,)?) => {
        /// Which data type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])* $Kind,)+
            $(
                #[doc(hidden)]
                $Planted,
            )+
        }

        impl Kind {
            /// All of them, but for those with a planted bug.
            pub const ALL: &'static [Kind] = &[$(Kind::$Kind),+];

            /// The type that runs where a bug is planted which is another type: that one instead of the one it is taken for.
            pub fn as_planted(self, bug: Option<&str>) -> Kind {
                match (bug.and_then(Bug::named), self) {
                    (Some(Bug::MergeBySum), Kind::GCounter) => Kind::SummingCounter,
                    (Some(Bug::RemoveByValue), Kind::AwSet) => Kind::RemoveByValue,
                    _ => self,
                }
            }

            /// Whether of two concurrent writes the one that was made later is to stay.
            pub fn is_last_writer_wins(self) -> bool {
                matches!(self, Kind::LwwRegister | Kind::LwwSet | Kind::LwwMap)
            }

            /// Updates for a workload, by so many replicas.
            pub fn updates(self, replicas: u16) -> BoxedStrategy<Op> {
                match self {
                    $(Kind::$Kind => <$Type>::updates(replicas).prop_map(Vocabulary::op).boxed(),)+
                    $(Kind::$Planted => <$Broken>::updates(replicas).prop_map(Vocabulary::op).boxed(),)+
                }
            }
        }

        /// A state of some type, for the state-based and the delta style.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum State {
            $($Kind(<$Type as DataType>::State),)+
            $($Planted(<$Broken as DataType>::State),)+
        }

        impl State {
            /// The least state.
            pub fn new(kind: Kind) -> Self {
                match kind {
                    $(Kind::$Kind => State::$Kind(Default::default()),)+
                    $(Kind::$Planted => State::$Planted(Default::default()),)+
                }
            }

            /// The least upper bound of both.
            ///
            /// # Panics
            /// If they are of two types.
            pub fn join(&mut self, other: &State) {
                match (self, other) {
                    $((State::$Kind(mine), State::$Kind(theirs)) => mine.join(theirs),)+
                    $((State::$Planted(mine), State::$Planted(theirs)) => mine.join(theirs),)+
                    (mine, theirs) => panic!("states of two types are joined: {mine:?} and {theirs:?}"),
                }
            }

            /// The δ-mutator of an update, and nothing if it is refused.
            pub fn delta(&self, op: &Op, stamp: &Stamp) -> Option<State> {
                match self {
                    $(State::$Kind(state) => state.delta(asked(op), stamp).map(State::$Kind),)+
                    $(State::$Planted(state) => state.delta(asked(op), stamp).map(State::$Planted),)+
                }
            }

            /// The mutator of an update; `false` if it is refused.
            pub fn mutate(&mut self, op: &Op, stamp: &Stamp) -> bool {
                match self {
                    $(State::$Kind(state) => state.mutate(asked(op), stamp),)+
                    $(State::$Planted(state) => state.mutate(asked(op), stamp),)+
                }
            }

            /// What a client reads.
            pub fn value(&self) -> Value {
                match self {
                    $(State::$Kind(state) => DeltaBased::value(state),)+
                    $(State::$Planted(state) => DeltaBased::value(state),)+
                }
            }

            /// What it takes to write it down.
            pub fn weight(&self) -> Weight {
                match self {
                    $(State::$Kind(state) => DeltaBased::weight(state),)+
                    $(State::$Planted(state) => DeltaBased::weight(state),)+
                }
            }
        }

        /// What is broadcast of an update of some type.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Effect {
            $($Kind(<<$Type as DataType>::Payload as OperationBased>::Effect),)+
            $($Planted(<<$Broken as DataType>::Payload as OperationBased>::Effect),)+
        }

        /// What operations of some type are applied to.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Payload {
            $($Kind(<$Type as DataType>::Payload),)+
            $($Planted(<$Broken as DataType>::Payload),)+
        }

        impl Payload {
            /// Before any operation.
            pub fn new(kind: Kind) -> Self {
                match kind {
                    $(Kind::$Kind => Payload::$Kind(Default::default()),)+
                    $(Kind::$Planted => Payload::$Planted(Default::default()),)+
                }
            }

            /// What to broadcast of an update, and nothing if it is refused.
            pub fn prepare(&self, op: &Op, stamp: &Stamp) -> Option<Effect> {
                match self {
                    $(Payload::$Kind(payload) => payload.prepare(asked(op), stamp).map(Effect::$Kind),)+
                    $(Payload::$Planted(payload) => payload.prepare(asked(op), stamp).map(Effect::$Planted),)+
                }
            }

            /// Applies an operation that was made after these.
            ///
            /// # Panics
            /// If it is of another type.
            pub fn effect(&mut self, effect: &Effect, after: &Context) {
                match (self, effect) {
                    $((Payload::$Kind(payload), Effect::$Kind(effect)) => payload.effect(effect, after),)+
                    $((Payload::$Planted(payload), Effect::$Planted(effect)) => payload.effect(effect, after),)+
                    (mine, theirs) => panic!("an operation of another type: {theirs:?} for {mine:?}"),
                }
            }

            /// What a client reads.
            pub fn value(&self) -> Value {
                match self {
                    $(Payload::$Kind(payload) => OperationBased::value(payload),)+
                    $(Payload::$Planted(payload) => OperationBased::value(payload),)+
                }
            }

            /// What it takes to write it down.
            pub fn weight(&self) -> Weight {
                match self {
                    $(Payload::$Kind(payload) => OperationBased::weight(payload),)+
                    $(Payload::$Planted(payload) => OperationBased::weight(payload),)+
                }
            }

            /// Forgets tombstones of what is causally stable; returns the updates that it forgets to have removed
            /// something.
            pub fn forget(&mut self, stable: &Context) -> Vec<Dot> {
                match self {
                    $(Payload::$Kind(payload) => payload.forget(stable),)+
                    $(Payload::$Planted(payload) => payload.forget(stable),)+
                }
            }
        }
    };
}

data_types! {
    /// Counts up.
    GCounter = g_counter::GCounter,
    /// Counts up and down.
    PnCounter = pn_counter::PnCounter,
    /// Counts up and down, never below zero.
    BoundedCounter = bounded_counter::BoundedCounter,
    /// A set that only grows.
    GSet = g_set::GSet,
    /// A set to which nothing comes back.
    TwoPhaseSet = two_phase_set::TwoPhaseSet,
    /// A set in which the last writer wins.
    LwwSet = lww::LwwSet,
    /// A set in which additions win, with tombstones.
    OrSet = or_set::OrSet,
    /// A set in which additions win, without tombstones.
    AwSet = aw_set::AwSet,
    /// A set in which removals win.
    RwSet = rw_set::RwSet,
    /// A register in which the last writer wins.
    LwwRegister = lww::LwwRegister,
    /// A register that keeps what was written at once.
    MvRegister = mv_register::MvRegister,
    /// A flag in which enabling wins.
    EwFlag = flags::EwFlag,
    /// A flag in which disabling wins.
    DwFlag = flags::DwFlag,
    /// A map of add-wins sets.
    OrMap = or_map::OrMap,
    /// A map in which the last writer wins.
    LwwMap = lww::LwwMap,
    /// A sequence.
    Rga = rga::Rga,
    /// A text.
    Text = rga::Text,
    /// A tree of maps and registers.
    Json = json::Json;
    planted
    SummingCounter = broken::SummingCounter,
    RemoveByValue = broken::RemoveByValue,
}

/// The operation as one of a type's own.
fn asked<V: Vocabulary>(op: &Op) -> &V {
    V::of(op).unwrap_or_else(|| panic!("a replica was asked for what its type does not have: {op:?}"))
}
