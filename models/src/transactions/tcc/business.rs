//! The business: what clients ask for, what each participant has of it, and what try, confirm and cancel do to its
//! store.
//!
//! Of everything that can be reserved a participant counts four things: what is *free*, what is *reserved*, what is
//! *used*, and what was *given* to it since the beginning. At every instant free + reserved + used = what there was +
//! given.

use seedbed_sim::NodeId;
use serde::{Deserialize, Serialize};

use crate::transactions::store::{Key, Step};
use crate::transactions::transfer::{self, Transfer, shard_of};

/// The coordinator.
pub const COORDINATOR: NodeId = NodeId(0);
/// How many participants there are: flights `n1`, hotels `n2`, cars `n3`.
pub const PARTICIPANTS: u16 = 3;
/// How many flights there are, and hotels, and sorts of cars.
pub const CHOICES: u16 = 2;
/// How many accounts there are; each is at the participant that [`shard_of`] says.
pub const ACCOUNTS: u16 = transfer::COMPARED_ACCOUNTS;
/// How many seats, rooms and cars of each there are.
pub const CAPACITY: i64 = 10;

/// Seats on a flight, beds in a hotel, and perhaps a car.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trip {
    /// Which flight; below [`CHOICES`].
    pub flight: u16,
    /// Which hotel; below [`CHOICES`].
    pub hotel: u16,
    /// Which sort of car, if any; below [`CHOICES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub car: Option<u16>,
    /// For how many persons; above zero. A car is for all.
    pub persons: i64,
}

/// What a client asks for: all of it or nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Books a trip.
    Trip(Trip),
    /// Takes money from one account to another.
    Transfer(Transfer),
}

/// What is done to one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Leg {
    /// By which participant.
    pub at: NodeId,
    /// What.
    pub key: Key,
    /// How much of it is taken; if less than nothing, given.
    pub takes: i64,
}

impl Request {
    /// All that it consists of.
    pub fn legs(self) -> Vec<Leg> {
        match self {
            Request::Trip(Trip { flight, hotel, car, persons }) => {
                let leg = |at, choice, takes| Leg { at: NodeId(at), key: pool(NodeId(at), choice), takes };
                let legs = [Some(leg(1, flight, persons)), Some(leg(2, hotel, persons)), car.map(|car| leg(3, car, 1))];
                legs.into_iter().flatten().collect()
            }
            Request::Transfer(Transfer { from, to, amount }) => {
                let at = |key| NodeId(1 + shard_of(key, PARTICIPANTS));
                vec![Leg { at: at(from), key: from, takes: amount }, Leg { at: at(to), key: to, takes: -amount }]
            }
        }
    }

    /// Who takes part, ascending.
    pub fn participants(self) -> Vec<NodeId> {
        let mut participants: Vec<NodeId> = self.legs().into_iter().map(|leg| leg.at).collect();
        participants.sort_unstable();
        participants.dedup();
        participants
    }

    fn legs_at(self, participant: NodeId) -> impl Iterator<Item = Leg> {
        self.legs().into_iter().filter(move |leg| leg.at == participant)
    }

    /// *Try*: what is to be taken is reserved. What is to be given is only looked at, so that confirming it cannot
    /// fail.
    pub fn try_at(self, participant: NodeId) -> Vec<Step> {
        let steps = self.legs_at(participant).flat_map(|Leg { key, takes, .. }| match takes > 0 {
            true => vec![add(key, -takes), add(reserved(key), takes)],
            false => vec![Step::Read { key }],
        });
        steps.collect()
    }

    /// *Confirm*: what was reserved is used, and what is to be given is.
    pub fn confirm_at(self, participant: NodeId) -> Vec<Step> {
        let steps = self.legs_at(participant).flat_map(|Leg { key, takes, .. }| match takes > 0 {
            true => [add(reserved(key), -takes), add(used(key), takes)],
            false => [add(key, -takes), add(given(key), -takes)],
        });
        steps.collect()
    }

    /// *Cancel*: what was reserved is free again.
    pub fn cancel_at(self, participant: NodeId) -> Vec<Step> {
        let taken = self.legs_at(participant).filter(|leg| leg.takes > 0);
        taken.flat_map(|Leg { key, takes, .. }| [add(reserved(key), -takes), add(key, takes)]).collect()
    }
}

fn add(key: Key, amount: i64) -> Step {
    Step::Add { key, amount }
}

/// The flights, hotels or cars of a participant.
pub fn pool(participant: NodeId, choice: u16) -> Key {
    Key(100 * participant.0 + choice)
}

/// What of a key is reserved.
pub fn reserved(key: Key) -> Key {
    Key(1000 + key.0)
}

/// What of a key is used.
pub fn used(key: Key) -> Key {
    Key(2000 + key.0)
}

/// What of a key was given since the beginning.
pub fn given(key: Key) -> Key {
    Key(3000 + key.0)
}

/// What a participant has, and how much of it, at the beginning.
pub fn initial(participant: NodeId) -> Vec<(Key, i64)> {
    let pools = (0..CHOICES).map(|choice| (pool(participant, choice), CAPACITY));
    let accounts = transfer::keys_of(participant.0 - 1, PARTICIPANTS, ACCOUNTS);
    pools.chain(accounts.map(|key| (key, transfer::INITIAL_BALANCE))).collect()
}

/// The cells of a participant's store at the beginning.
pub fn cells(participant: NodeId) -> Vec<(Key, i64)> {
    let cells = |(key, amount)| [(key, amount), (reserved(key), 0), (used(key), 0), (given(key), 0)];
    initial(participant).into_iter().flat_map(cells).collect()
}
