//! The properties of the outbox: a message is published if and only if its transaction committed, takes effect once,
//! and in the order of its aggregate. Judged at the end by the disks, because nothing was promised about state that a
//! crash lost.

use std::collections::BTreeMap;

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::outbox::broker::LOG;
use seedbed_models::transactions::outbox::messages::{BrokerRecord, Record, ServiceRecord};
use seedbed_models::transactions::outbox::model::BROKER;
use seedbed_models::transactions::outbox::service::WAL;
use seedbed_models::transactions::outbox::{Deposit, Outbox, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::INITIAL_BALANCE;
use seedbed_sim::{Answered, AtEnd, Broken, NodeId, Property, Suite, Verdict, World};

use crate::checkers::delivery::{AtLeastOnce, AtMostOnce, Destination, Event, Fifo, NoCreation};
use crate::checkers::judge::Judge;

/// The outbox with its properties.
pub fn suite() -> Suite<Outbox> {
    Suite::new(Outbox::default())
        .property(no_creation())
        .property(at_least_once())
        .property(exactly_once())
        .property(in_order())
        .property(takes_effect())
        .property(answers_kept())
        .property(money_conserved())
        .property(Answered::at_end("outbox/transactions_end"))
}

/// An account at a service: a sender for its aggregate, and a receiver of one.
type Place = (NodeId, Key);

/// S1, first half: the broker has no message of a transaction that is not committed.
pub fn no_creation() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::new("outbox/no_creation", |world: &World<Outbox>| {
        judge(world, NoCreation::default(), |world| committed(world).chain(published(world)).collect())
    })
}

/// S1, second half: the messages of committed transactions are published eventually.
pub fn at_least_once() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::liveness("outbox/at_least_once", |world: &World<Outbox>| {
        judge(world, AtLeastOnce::default(), |world| published(world).chain(owed(world)).collect())
    })
}

/// S2: no message takes effect twice.
pub fn exactly_once() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::new("outbox/exactly_once", |world: &World<Outbox>| {
        judge(world, AtMostOnce::default(), |world| applied(world).collect())
    })
}

/// S2, second half: the message of every committed transaction takes effect eventually.
pub fn takes_effect() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::liveness("outbox/takes_effect", |world: &World<Outbox>| {
        judge(world, AtLeastOnce::default(), |world| applied(world).chain(owed(world)).collect())
    })
}

/// S3: messages of one aggregate take effect in the order of their transactions.
pub fn in_order() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::new("outbox/in_order", |world: &World<Outbox>| {
        judge(world, Fifo::gapless(), |world| committed(world).chain(applied(world)).collect())
    })
}

fn judge<J>(world: &World<Outbox>, mut judge: J, events: fn(&World<Outbox>) -> Vec<J::Event>) -> Verdict
where
    J: Judge<Event = Event<Place, TxId>, Node = Place>,
{
    events(world).into_iter().try_for_each(|event| judge.observe(event))?;
    Ok(judge.finish(&|_| true)?)
}

/// The answers "committed" and "aborted" to clients are true.
pub fn answers_kept() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::new("outbox/answers_kept", |world: &World<Outbox>| {
        let committed: Vec<TxId> = withdrawals(world).map(|(_, deposit)| deposit.tx).collect();
        for invocation in world.history().invocations() {
            let is = committed.contains(&invocation.id.into());
            let told = invocation.returned();
            if told.is_some_and(|ret| (*ret == Ret::Committed) != is) {
                let (id, client) = (TxId::from(invocation.id), invocation.client);
                let words =
                    format!("{client} was told {told:?} of {id}, which is{} committed", if is { "" } else { " not" });
                return Err(Broken::new([client], words));
            }
        }
        Ok(())
    })
}

/// When all messages are consumed, none is in flight, and the accounts have their initial sum.
pub fn money_conserved() -> impl Property<Outbox> + Clone + Send + Sync {
    AtEnd::new("outbox/money_conserved", |world: &World<Outbox>| {
        let services = world.processes().filter_map(|(_, process)| Some(process.service()?.store()));
        let (total, accounts) =
            services.fold((0, 0), |(total, accounts), store| (total + store.total(), accounts + store.cells().count()));
        let should = accounts as i64 * INITIAL_BALANCE;
        if total == should || accounts < usize::from(world.config().accounts) {
            return Ok(());
        }
        Err(format!("the accounts should have {should} together, they have {total}").into())
    })
}

// -------------------------------------------------------------------------------------------------------------------
// The contents of disks

/// The local transactions of a service.
fn database(world: &World<Outbox>, node: NodeId) -> impl Iterator<Item = &ServiceRecord> {
    world.log(node, WAL).filter_map(|record| match record {
        Record::Service(record) => Some(record),
        _ => None,
    })
}

fn services(world: &World<Outbox>) -> impl Iterator<Item = NodeId> {
    world.config().service_ids().filter(|node| world.present().any(|present| present == *node))
}

/// The committed transactions of all services, for each in the order of commits.
fn withdrawals(world: &World<Outbox>) -> impl Iterator<Item = (NodeId, Deposit)> {
    services(world).flat_map(move |node| {
        database(world, node).filter_map(move |record| match record {
            ServiceRecord::Committed(deposit) => Some((node, *deposit)),
            _ => None,
        })
    })
}

/// The account that a message is for.
fn receiver(world: &World<Outbox>, deposit: &Deposit) -> Place {
    (world.config().home(deposit.transfer.to), deposit.aggregate())
}

fn committed(world: &World<Outbox>) -> impl Iterator<Item = Event<Place, TxId>> {
    withdrawals(world).map(move |(node, deposit)| Event::Sent {
        by: (node, deposit.aggregate()),
        message: deposit.tx,
        to: Destination::Only([receiver(world, &deposit)].into()),
    })
}

fn owed(world: &World<Outbox>) -> impl Iterator<Item = Event<Place, TxId>> {
    withdrawals(world).map(move |(_, deposit)| Event::Owed { message: deposit.tx, to: receiver(world, &deposit) })
}

/// Messages that the broker makes visible to a consumer count as delivered there.
fn published(world: &World<Outbox>) -> impl Iterator<Item = Event<Place, TxId>> {
    let here = world.present().find(|node| *node == BROKER);
    let mut halves = BTreeMap::new();
    let shown = here.into_iter().flat_map(|broker| world.log(broker, LOG)).filter_map(move |record| match record {
        Record::Broker(BrokerRecord::Stored(deposit)) => Some(*deposit),
        Record::Broker(BrokerRecord::Half(deposit)) => {
            halves.insert(deposit.tx, *deposit);
            None
        }
        Record::Broker(BrokerRecord::Ended(tx, true)) => halves.remove(tx),
        _ => None,
    });
    shown.map(move |deposit| Event::Delivered { at: receiver(world, &deposit), message: deposit.tx })
}

fn applied(world: &World<Outbox>) -> impl Iterator<Item = Event<Place, TxId>> {
    services(world).flat_map(move |node| {
        database(world, node).filter_map(move |record| match record {
            ServiceRecord::Applied(deposit) => {
                Some(Event::Delivered { at: (node, deposit.aggregate()), message: deposit.tx })
            }
            _ => None,
        })
    })
}
