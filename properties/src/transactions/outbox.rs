//! The properties of the outbox: a message is published if and only if its transaction committed, takes effect once,
//! and in the order of its aggregate. What must not come before a commit is judged when it comes, by the commits that are
//! durable at that instant; the rest at the end by the disks, because nothing was promised about state that a crash lost.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::outbox::broker::LOG;
use seedbed_models::transactions::outbox::messages::{BrokerRecord, Record, ServiceRecord};
use seedbed_models::transactions::outbox::model::BROKER;
use seedbed_models::transactions::outbox::service::WAL;
use seedbed_models::transactions::outbox::{Deposit, Outbox, Ret};
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::transfer::INITIAL_BALANCE;
use seedbed_sim::{Answered, AtEnd, Broken, Model, NodeId, PerLife, Property, Span, Suite, Time, Verdict, World};

use crate::checkers::delivery::{AtLeastOnce, AtMostOnce, Destination, Event, Fifo, NoCreation};
use crate::checkers::judge::{Judge, NewEntries};

/// The outbox with its properties.
pub fn suite() -> Suite<Outbox> {
    Suite::new(Outbox::default())
        .property(NothingPublishedUncommitted::default())
        .property(at_least_once())
        .property(exactly_once())
        .property(in_order())
        .property(takes_effect())
        .property(AnswersKept::default())
        .property(money_conserved())
        .property(nothing_open())
        .property(Answered::within("outbox/transactions_end", END_WITHIN))
}

/// An account at a service: a sender for its aggregate, and a receiver of one.
type Place = (NodeId, Key);

/// The commits of all services that are durable, read as they become so.
#[derive(Clone, Debug, Default)]
struct DurableCommits {
    new_entries: NewEntries,
}

impl DurableCommits {
    /// The transactions whose commit has become durable in the last event, each with its service. After a crash all that
    /// the service found on its disk are among them.
    fn new_ones(&mut self, world: &World<Outbox>) -> Result<Vec<(NodeId, Deposit)>, Broken> {
        let mut found = Vec::new();
        for node in world.changed() {
            match world.process(*node).map(|process| process.service()) {
                Some(None) => {}
                Some(Some(service)) => {
                    let new = self.new_entries.of(world, *node, service.commits())?;
                    found.extend(new.iter().map(|deposit| (*node, *deposit)));
                }
                // A write may become durable in the very event in which its node goes down: what is on the disk then, is.
                None => found.extend(withdrawals(world).filter(|(service, _)| service == node)),
            }
        }
        Ok(found)
    }
}

/// S1, first half: whenever the broker makes a message visible, its transaction is committed, and the commit is durable.
#[derive(Clone, Debug, Default)]
pub struct NothingPublishedUncommitted {
    commits: DurableCommits,
    /// How many records of the broker's log were read.
    read: PerLife<usize>,
    judge: NoCreation<Place, TxId>,
}

impl Property<Outbox> for NothingPublishedUncommitted {
    fn name(&self) -> String {
        "outbox/no_creation".into()
    }

    fn after_event(&mut self, world: &World<Outbox>) -> Verdict {
        for (node, deposit) in self.commits.new_ones(world)? {
            self.judge.observe(sent(world, node, &deposit))?;
        }
        if !world.changed().contains(&BROKER) {
            return Ok(());
        }
        let read = self.read.of(world, BROKER);
        let written = world.disk(BROKER, LOG).len();
        if std::mem::replace(read, written) == written {
            return Ok(());
        }
        published(world).try_for_each(|event| self.judge.observe(event))?;
        Ok(())
    }
}

/// For how long nothing has been written anywhere when a world is at rest: each step of a transaction and of a message writes
/// something, within a few messages of the greatest latency.
const AT_REST_AFTER: Span = Span::ms(2_000);
/// How long after the faults, or after it was asked, a transaction may take.
const END_WITHIN: Span = Span::ms(3_500);

/// What is so once the world is at rest. Asked at the end; where clients and services are still at work then, for there was much
/// to do or messages take long, nothing can be said.
#[derive(Clone)]
pub struct AtRest {
    name: &'static str,
    asked: fn(&World<Outbox>) -> Verdict,
    is_liveness: bool,
    /// How many records all disks have, and since when.
    records: usize,
    since: Time,
}

impl AtRest {
    /// What must have happened then.
    fn liveness(name: &'static str, asked: fn(&World<Outbox>) -> Verdict) -> Self {
        AtRest { name, asked, is_liveness: true, records: 0, since: Time::ZERO }
    }

    /// What must be so then, and need not be while messages are in flight.
    fn safety(name: &'static str, asked: fn(&World<Outbox>) -> Verdict) -> Self {
        AtRest { is_liveness: false, ..AtRest::liveness(name, asked) }
    }
}

impl Property<Outbox> for AtRest {
    fn name(&self) -> String {
        self.name.into()
    }

    fn is_liveness(&self) -> bool {
        self.is_liveness
    }

    fn after_event(&mut self, world: &World<Outbox>) -> Verdict {
        let of_services: usize = services(world).map(|node| world.disk(node, WAL).len()).sum();
        let of_broker: usize =
            world.present().filter(|node| *node == BROKER).map(|node| world.disk(node, LOG).len()).sum();
        let records = of_services + of_broker;
        if records != self.records {
            (self.records, self.since) = (records, world.now());
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Outbox>) -> Verdict {
        if world.now().since(self.since) >= AT_REST_AFTER { (self.asked)(world) } else { Ok(()) }
    }
}

/// S1, second half: the messages of committed transactions are published eventually.
pub fn at_least_once() -> AtRest {
    AtRest::liveness("outbox/at_least_once", |world| {
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
pub fn takes_effect() -> AtRest {
    AtRest::liveness("outbox/takes_effect", |world| {
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

/// The answers to clients are true: one that is told "committed" is told so when the commit is durable, and it stays; one
/// that is told "aborted" never commits.
#[derive(Clone, Debug, Default)]
pub struct AnswersKept {
    commits: DurableCommits,
    durable: BTreeSet<TxId>,
    told: BTreeSet<TxId>,
}

impl AnswersKept {
    /// What a client was told of a transaction, which is committed or not.
    fn judge(client: NodeId, tx: TxId, told: Ret, committed: bool) -> Verdict {
        if (told == Ret::Committed) == committed {
            return Ok(());
        }
        let not = if committed { "" } else { " not" };
        Err(Broken::new([client], format!("{client} was told {told:?} of {tx}, which is{not} committed")))
    }
}

impl Property<Outbox> for AnswersKept {
    fn name(&self) -> String {
        "outbox/answers_kept".into()
    }

    fn after_event(&mut self, world: &World<Outbox>) -> Verdict {
        let new_ones = self.commits.new_ones(world)?;
        self.durable.extend(new_ones.into_iter().map(|(_, deposit)| deposit.tx));
        if !world.changed().iter().any(|node| world.config().client_ids().contains(&node.0)) {
            return Ok(());
        }
        for asked in world.history().invocations() {
            let tx = TxId::from(asked.id);
            if let Some(told) = asked.returned()
                && self.told.insert(tx)
            {
                AnswersKept::judge(asked.client, tx, *told, self.durable.contains(&tx))?;
            }
        }
        Ok(())
    }

    fn at_end(&mut self, world: &World<Outbox>) -> Verdict {
        let committed: BTreeSet<TxId> = withdrawals(world).map(|(_, deposit)| deposit.tx).collect();
        for asked in world.history().invocations() {
            let tx = TxId::from(asked.id);
            if let Some(told) = asked.returned() {
                AnswersKept::judge(asked.client, tx, *told, committed.contains(&tx))?;
            }
        }
        Ok(())
    }
}

/// At the end nothing is open: no service has a transaction that has not begun or not ended, or a message that the broker is
/// not known to have, and the broker has no half message and nothing that is not consumed.
pub fn nothing_open() -> AtRest {
    AtRest::liveness("outbox/nothing_open", |world| {
        // A shrunk scenario may lack the nodes that would receive or answer.
        if world.present().count() < world.config().size() {
            return Ok(());
        }
        for (node, process) in world.processes() {
            let broker = process.broker().is_some_and(|broker| broker.busy());
            let service = process.service().is_some_and(|service| service.busy());
            if broker || service {
                return Err(Broken::new([node], format!("{node} still has messages or transactions to see to")));
            }
        }
        Ok(())
    })
}

/// When all messages are consumed, none is in flight, and the accounts have their initial sum.
pub fn money_conserved() -> AtRest {
    AtRest::safety("outbox/money_conserved", |world| {
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

fn sent(world: &World<Outbox>, by: NodeId, deposit: &Deposit) -> Event<Place, TxId> {
    let to = Destination::Only([receiver(world, deposit)].into());
    Event::Sent { by: (by, deposit.aggregate()), message: deposit.tx, to }
}

fn committed(world: &World<Outbox>) -> impl Iterator<Item = Event<Place, TxId>> {
    withdrawals(world).map(move |(node, deposit)| sent(world, node, &deposit))
}

/// The messages that must come, if there is a broker, and who receives them: a shrunk scenario may lack either.
fn owed(world: &World<Outbox>) -> impl Iterator<Item = Event<Place, TxId>> {
    let is_there = |node| world.present().any(|present| present == node);
    let owed = withdrawals(world).map(|(_, deposit)| (deposit.tx, receiver(world, &deposit)));
    let owed = owed.filter(move |(_, (node, _))| is_there(BROKER) && is_there(*node));
    owed.map(|(message, to)| Event::Owed { message, to })
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
