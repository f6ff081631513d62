//! Transfers between accounts: the workload that all models of the family are compared on.

use proptest::prelude::*;
use seedbed_sim::{Model, NodeId, Op, Operation, Ret, Time, Workload, workload};
use serde::{Deserialize, Serialize};

use crate::parts::bounds::{amount, exists};
use crate::transactions::store::{Key, Step};

/// The balance of every account at the beginning.
pub const INITIAL_BALANCE: i64 = 100;

/// Takes an amount from one account to another, if there is enough in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Transfer {
    /// The account that pays.
    pub from: Key,
    /// The account that is paid; not the same.
    pub to: Key,
    /// Above zero.
    pub amount: i64,
}

impl Transfer {
    /// Checks that it is between two of so many accounts.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn validate(self, accounts: u16) -> Result<(), String> {
        exists("account", self.from.0, accounts)?;
        exists("account", self.to.0, accounts)?;
        if self.from == self.to {
            return Err(format!("a transfer from {} to {} moves nothing", self.from, self.to));
        }
        amount("amount", self.amount)
    }

    /// The step on the account that pays.
    pub fn withdrawal(self) -> Step {
        Step::Add { key: self.from, amount: -self.amount }
    }

    /// The step on the account that is paid.
    pub fn deposit(self) -> Step {
        Step::Add { key: self.to, amount: self.amount }
    }
}

/// The place, among `shards` participants, of the one that holds a key.
pub fn shard_of(key: Key, shards: u16) -> u16 {
    key.0 % shards
}

/// The node that holds a key, of `nodes`, which are in the order of their places.
///
/// # Panics
/// If there are none.
pub fn home(nodes: &[NodeId], key: Key) -> NodeId {
    nodes[usize::from(shard_of(key, nodes.len() as u16))]
}

/// The keys that a participant holds, of all `keys`.
pub fn keys_of(shard: u16, shards: u16, keys: u16) -> impl Iterator<Item = Key> {
    (0..keys).map(Key).filter(move |key| shard_of(*key, shards) == shard)
}

/// A workload: `count` transfers, asked for by `clients` up to `until`, between `accounts` accounts. Most amounts are
/// small, some are more than an account may have.
///
/// # Panics
/// If there are fewer than two accounts, or no clients.
pub fn transfers(
    clients: std::ops::Range<u16>,
    accounts: u16,
    count: std::ops::Range<usize>,
    until: Time,
) -> BoxedStrategy<Vec<Operation<Transfer>>> {
    workload(clients, count, until, between(accounts))
}

/// A transfer between two of `accounts` accounts.
///
/// # Panics
/// If there are fewer than two accounts.
pub fn between(accounts: u16) -> impl Strategy<Value = Transfer> {
    assert!(accounts >= 2, "a transfer needs two accounts: there are {accounts}");
    let amount = prop_oneof![4 => 1i64..30, 1 => 60i64..150];
    (0..accounts, 1..accounts, amount).prop_map(move |(from, further, amount)| Transfer {
        from: Key(from),
        to: Key((from + further) % accounts),
        amount,
    })
}

/// The number of accounts on which the family is compared.
pub const COMPARED_ACCOUNTS: u16 = 6;
/// The number of transfers in a compared world.
const COMPARED: std::ops::Range<usize> = 10..20;

/// A model that transfers money, to be compared with the others of its family on the same workload.
pub trait Transfers: Model {
    /// The numbers of the nodes that are clients.
    fn clients(&self) -> std::ops::Range<u16>;

    /// The number of accounts: the keys below it. Each has [`INITIAL_BALANCE`] at the beginning.
    fn account_count(&self) -> u16;

    /// The operation of a transfer.
    fn request(transfer: Transfer) -> Op<Self>;

    /// Whether this return value says that the money was moved.
    fn moved(answer: &Ret<Self>) -> bool;

    /// The accounts that a node keeps: each with its balance, or without one where a lock keeps readers out.
    fn accounts(process: &Self::Process) -> Vec<(Key, Option<i64>)>;

    /// The workload: transfers between the accounts and nothing else, throughout the chaos.
    fn transfers(&self) -> BoxedStrategy<Workload<Self>> {
        let asked = |Operation { at, client, op }: Operation<Transfer>| Operation { at, client, op: Self::request(op) };
        transfers(self.clients(), self.account_count(), COMPARED, self.phases().heal_at())
            .prop_map(move |transfers| transfers.into_iter().map(asked).collect())
            .boxed()
    }
}
