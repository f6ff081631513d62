//! The business: what clients ask for, what each participant has of it, and what try, confirm and cancel do to its
//! store.
//!
//! Of everything that can be reserved a participant counts four things: what is *free*, what is *reserved*, what is
//! *used*, and what was *given* to it since the beginning. At every instant free + reserved + used = what there was +
//! given.

use serde::{Deserialize, Serialize};

use crate::parts::bounds::{amount, exists};
use crate::transactions::store::{Key, Step};
use crate::transactions::transfer::{self, Transfer, shard_of};

/// How many participants there are, each with a place among them: flights 0, hotels 1, cars 2.
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
    /// The place of the participant that does it; below [`PARTICIPANTS`].
    pub place: u16,
    /// The key that is changed.
    pub key: Key,
    /// How much of it is taken; if below zero, given.
    pub takes: i64,
}

impl Request {
    /// Checks that it is about what there is.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(self) -> Result<(), String> {
        match self {
            Request::Trip(Trip { flight, hotel, car, persons }) => {
                exists("flight", flight, CHOICES)?;
                exists("hotel", hotel, CHOICES)?;
                exists("sort of car", car.unwrap_or(0), CHOICES)?;
                amount("persons", persons)
            }
            Request::Transfer(transfer) => transfer.validate(ACCOUNTS),
        }
    }

    /// All that it consists of.
    pub fn legs(self) -> Vec<Leg> {
        match self {
            Request::Trip(Trip { flight, hotel, car, persons }) => {
                let leg = |place, choice, takes| Leg { place, key: pool(place, choice), takes };
                let legs = [Some(leg(0, flight, persons)), Some(leg(1, hotel, persons)), car.map(|car| leg(2, car, 1))];
                legs.into_iter().flatten().collect()
            }
            Request::Transfer(Transfer { from, to, amount }) => {
                let leg = |key, takes| Leg { place: shard_of(key, PARTICIPANTS), key, takes };
                vec![leg(from, amount), leg(to, -amount)]
            }
        }
    }

    /// The places of those who take part, ascending.
    pub fn places(self) -> Vec<u16> {
        let mut places: Vec<u16> = self.legs().into_iter().map(|leg| leg.place).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    fn legs_at(self, place: u16) -> impl Iterator<Item = Leg> {
        self.legs().into_iter().filter(move |leg| leg.place == place)
    }

    /// *Try*: what is to be taken is reserved. What is to be given is only looked at, so that confirming it cannot
    /// fail.
    pub fn try_at(self, place: u16) -> Vec<Step> {
        let steps = self.legs_at(place).flat_map(|Leg { key, takes, .. }| {
            if takes > 0 { vec![add(key, -takes), add(reserved(key), takes)] } else { vec![Step::Read { key }] }
        });
        steps.collect()
    }

    /// *Confirm*: what was reserved is used, and what is to be given is.
    pub fn confirm_at(self, place: u16) -> Vec<Step> {
        let steps = self.legs_at(place).flat_map(|Leg { key, takes, .. }| {
            if takes > 0 {
                [add(reserved(key), -takes), add(used(key), takes)]
            } else {
                [add(key, -takes), add(given(key), -takes)]
            }
        });
        steps.collect()
    }

    /// *Cancel*: what was reserved is free again.
    pub fn cancel_at(self, place: u16) -> Vec<Step> {
        let taken = self.legs_at(place).filter(|leg| leg.takes > 0);
        taken.flat_map(|Leg { key, takes, .. }| [add(reserved(key), -takes), add(key, takes)]).collect()
    }
}

fn add(key: Key, amount: i64) -> Step {
    Step::Add { key, amount }
}

/// The flights, hotels or cars of a participant.
pub fn pool(place: u16, choice: u16) -> Key {
    Key(100 * (place + 1) + choice)
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
pub fn initial(place: u16) -> Vec<(Key, i64)> {
    let pools = (0..CHOICES).map(|choice| (pool(place, choice), CAPACITY));
    let accounts = transfer::keys_of(place, PARTICIPANTS, ACCOUNTS);
    pools.chain(accounts.map(|key| (key, transfer::INITIAL_BALANCE))).collect()
}

/// The cells of a participant's store at the beginning.
pub fn cells(place: u16) -> Vec<(Key, i64)> {
    let cells = |(key, amount)| [(key, amount), (reserved(key), 0), (used(key), 0), (given(key), 0)];
    initial(place).into_iter().flat_map(cells).collect()
}
