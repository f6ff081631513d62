//! What becomes of orders, by each way to bring them from shops to a group of consumers, under the same faults.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use seedbed_models::communication::orders::{CLOSES, CarriesOrders, GROUP, OPENS, SHOPS, customers};
use seedbed_sim::{
    Case, CutMode, Direction, DiskConfig, Fault, Impossible, NetworkConfig, NodeId, OpId, Outcome, PerLife, Phases,
    Property, Record, Source, Span, Swarm, Target, Time, Verdict, What, World, maker, run,
};

/// What happens while orders are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    /// Nothing.
    Calm,
    /// One message in fifty is lost.
    Loss,
    /// The node that serves crashes, and is back after 250 ms.
    ServerCrash,
    /// A consumer crashes, and is back after 250 ms.
    ConsumerCrash,
    /// A consumer stands still for 400 ms, longer than others wait for it.
    ConsumerPause,
    /// The node that serves is cut off from all others for 400 ms.
    Partition,
}

/// How many messages in a million are lost by [`Plan::Loss`].
const LOSS_PPM: u32 = 20_000;
/// A sync takes 1 to 2 ms, and a crash is a loss of power: what is not synced is lost.
const DISK: DiskConfig = DiskConfig { sync: Span::ms(1), sync_jitter: Span::ms(1), lost_ppm: 1_000_000, torn_ppm: 0 };
const DOWN: Span = Span::ms(250);
const SILENT: Span = Span::ms(400);
/// How long a fault waits for somebody to serve.
const PATIENCE: Span = Span::ms(500);

impl Plan {
    /// All plans.
    pub const ALL: [Plan; 6] =
        [Plan::Calm, Plan::Loss, Plan::ServerCrash, Plan::ConsumerCrash, Plan::ConsumerPause, Plan::Partition];

    /// In the words of the tables.
    pub fn name(self) -> &'static str {
        match self {
            Plan::Calm => "calm",
            Plan::Loss => "loss",
            Plan::ServerCrash => "server crashes",
            Plan::ConsumerCrash => "consumer crashes",
            Plan::ConsumerPause => "consumer pauses",
            Plan::Partition => "server cut off",
        }
    }

    /// The fault, if it is one: seeds spread its beginning evenly over the middle of the time in which orders are published.
    fn fault<M: CarriesOrders>(self, model: &M, seed: u64) -> Option<Fault> {
        let consumer = || Target::Node(NodeId(model.group().start + (seed % u64::from(GROUP)) as u16));
        let server = || Target::Role(M::SERVER.into());
        let (what, lasts) = match self {
            Plan::Calm | Plan::Loss => return None,
            Plan::ServerCrash => (What::Crash { node: server() }, DOWN),
            Plan::ConsumerCrash => (What::Crash { node: consumer() }, DOWN),
            Plan::ConsumerPause => (What::Pause { node: consumer() }, SILENT),
            Plan::Partition => {
                (What::Isolate { node: server(), direction: Direction::Both, mode: CutMode::Drop }, SILENT)
            }
        };
        let third = CLOSES.since(OPENS).0 / 3;
        let at = OPENS + Span(third + seed.wrapping_mul(37_000_003) % third);
        Some(Fault { at, lasts: Some(lasts), within: Some(PATIENCE), after: None, what })
    }
}

/// The totals of many worlds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Worlds.
    pub worlds: u64,
    /// Orders that were published, as far as their shops could.
    pub asked: u64,
    /// Orders that shops were told are published.
    pub published: u64,
    /// Of these, those that nobody has processed.
    pub lost: u64,
    /// Orders that were processed.
    pub processed: u64,
    /// How often an order was processed that had been before.
    pub doubled: u64,
    /// Orders that were processed first after a later one of their customer.
    pub reordered: u64,
    /// From when a shop wants to publish an order until it is processed first.
    pub latencies: Vec<Span>,
    /// Of each world, the longest time in which there were orders to process and none was.
    pub unavailable: Vec<Span>,
    /// Messages that were sent while orders were published, and shortly after.
    pub messages: u64,
    /// Writes that were forced, in the same time.
    pub forced: u64,
}

/// Runs a model on orders, in one world for each seed.
///
/// # Errors
/// If no world can run the model.
///
/// # Panics
/// If the model has other numbers of shops or consumers than are compared.
pub fn measure<M: CarriesOrders>(model: &M, plan: Plan, seeds: Range<u64>) -> Result<Totals, Impossible> {
    assert_eq!(
        (model.shops().len(), model.group().len()),
        (usize::from(SHOPS), usize::from(GROUP)),
        "they are compared alike"
    );
    let drawn = Swarm::calm().as_configured().cases_with(model, model.orders());
    let mut totals = Totals::default();
    for seed in seeds {
        // Nothing but the orders is drawn: networks and disks are the same for all.
        let mut case = Case { operations: drawn.case(seed).operations, ..Case::quiet(model.clone()) };
        let loss_ppm = if plan == Plan::Loss { LOSS_PPM } else { 0 };
        case.scenario.network = NetworkConfig { loss_ppm, ..NetworkConfig::default() };
        case.scenario.disk = DISK;
        case.scenario.phases = Phases { chaos: CLOSES.since(Time::ZERO), settle: Span::secs(6) };
        case.faults.extend(plan.fault(model, seed));
        totals.add(&case, seed)?;
    }
    Ok(totals)
}

impl Totals {
    fn add<M: CarriesOrders>(&mut self, case: &Case<M>, seed: u64) -> Result<(), Impossible> {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let watch = maker(Watch { seen: seen.clone(), places: PerLife::default() });
        let history = run(case, &Source::Seed(seed), &[watch], Record::No)?.history;
        let seen = std::mem::take(&mut *seen.lock().expect("nobody panics with it"));
        let first = seen.first();
        let times: BTreeMap<OpId, Time> = first.iter().copied().collect();
        let customers = customers(case.operations.iter().map(|operation| operation.client));
        let mut waits = Vec::new();
        for invocation in history.invocations() {
            self.asked += 1;
            let published = matches!(&invocation.outcome, Outcome::Returned { ret, .. } if M::published(ret));
            self.published += u64::from(published);
            match times.get(&invocation.id) {
                Some(at) => {
                    self.processed += 1;
                    self.latencies.push(at.since(invocation.invoked));
                    waits.push((invocation.invoked, *at));
                }
                None => self.lost += u64::from(published),
            }
        }
        self.doubled += (seen.processed.len() - first.len()) as u64;
        self.reordered += reordered(first.iter().map(|(order, _)| *order), &customers);
        self.unavailable.push(longest_standstill(&waits));
        self.messages += seen.until.0 - seen.before.0;
        self.forced += seen.until.1 - seen.before.1;
        self.worlds += 1;
        Ok(())
    }
}

/// How many orders were processed first after a later one of their customer. A shop publishes in the order of its operations.
fn reordered(order: impl IntoIterator<Item = OpId>, customers: &[u16]) -> u64 {
    let mut last: BTreeMap<u16, OpId> = BTreeMap::new();
    let is_late = |id: &OpId| {
        let last = last.entry(customers[id.0 as usize]).or_insert(*id);
        let is_late = *id < *last;
        *last = (*last).max(*id);
        is_late
    };
    order.into_iter().filter(is_late).count() as u64
}

/// The longest time without a first processing while an order waited that was processed in the end; each order waits from the first
/// time to the second.
fn longest_standstill(waits: &[(Time, Time)]) -> Span {
    let mut instants: BTreeSet<(Time, bool)> = BTreeSet::new();
    let mut waiting: BTreeMap<Time, i64> = BTreeMap::new();
    for (from, to) in waits {
        instants.extend([(*from, false), (*to, true)]);
        *waiting.entry(*from).or_default() += 1;
        *waiting.entry(*to).or_default() -= 1;
    }
    let (mut longest, mut since, mut count) = (Span::ZERO, None, 0);
    let mut counted = waiting.into_iter().peekable();
    for (at, processed) in instants {
        let stood = since.filter(|_| count > 0).map_or(Span::ZERO, |since: Time| at.since(since));
        longest = longest.max(stood);
        let before = count;
        if let Some((_, change)) = counted.next_if(|(instant, _)| *instant == at) {
            count += change;
        }
        if processed || before == 0 {
            since = Some(at);
        }
    }
    longest
}

/// An order that a node has processed.
#[derive(Clone, Copy, Debug)]
struct Processed {
    node: NodeId,
    /// How much the node had done before.
    place: usize,
    order: OpId,
    at: Time,
}

/// What was seen of one world.
#[derive(Debug, Default)]
struct Seen {
    processed: Vec<Processed>,
    /// Messages and forced writes before orders were published.
    before: (u64, u64),
    /// The same until shortly after.
    until: (u64, u64),
}

impl Seen {
    /// The orders, as they were processed first, and when.
    fn first(&self) -> Vec<(OpId, Time)> {
        let mut known = BTreeSet::new();
        let first = self.processed.iter().filter(|processed| known.insert(processed.order));
        first.map(|processed| (processed.order, processed.at)).collect()
    }
}

/// Observes consumers after each event, as a property that always holds.
#[derive(Clone)]
struct Watch {
    seen: Arc<Mutex<Seen>>,
    /// How much of what a node has done in this life was looked at.
    places: PerLife<Option<usize>>,
}

impl<M: CarriesOrders> Property<M> for Watch {
    fn name(&self) -> String {
        "compare/watch".into()
    }

    fn after_event(&mut self, world: &World<M>) -> Verdict {
        let mut seen = self.seen.lock().expect("nobody panics with it");
        for &node in world.changed() {
            let Some(process) = world.process(node) else { continue };
            let done = M::done(process);
            let place = self.places.of(world, node).replace(done).unwrap_or_else(|| {
                // A life begins with what the disk has: it was seen before, and what the disk has lost was not done.
                seen.processed.retain(|was| was.node != node || was.place < done || !world.config().done_is_kept());
                done
            });
            let at = world.now();
            let processed = M::processed(process, place).into_iter();
            seen.processed.extend(processed.map(|order| Processed { node, place, order, at }));
        }
        // Half a second after the last order there is nothing but what goes on for ever.
        let stats = world.stats();
        if world.now() < OPENS {
            (seen.before, seen.until) = ((stats.sent, stats.forced), (stats.sent, stats.forced));
        } else if world.now() <= CLOSES + Span::ms(500) {
            seen.until = (stats.sent, stats.forced);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(id: u64) -> OpId {
        OpId(id)
    }

    #[test]
    fn an_order_is_late_behind_a_later_one_of_its_customer_alone() {
        let customers = [1, 2, 1, 2, 1];
        assert_eq!(reordered([op(0), op(1), op(2), op(3), op(4)], &customers), 0);
        assert_eq!(reordered([op(1), op(0), op(3), op(2), op(4)], &customers), 0, "of two customers");
        assert_eq!(reordered([op(4), op(0), op(2), op(3), op(1)], &customers), 3, "0 and 2 after 4, 1 after 3");
    }

    #[test]
    fn who_stands_still_has_orders_waiting_and_processes_none() {
        let ms = Time::ms;
        assert_eq!(longest_standstill(&[]), Span::ZERO);
        assert_eq!(longest_standstill(&[(ms(10), ms(30)), (ms(500), ms(510))]), Span::ms(20), "nothing waits between");
        assert_eq!(
            longest_standstill(&[(ms(10), ms(30)), (ms(20), ms(90))]),
            Span::ms(60),
            "from the last processing on"
        );
        assert_eq!(longest_standstill(&[(ms(0), ms(50)), (ms(50), ms(60))]), Span::ms(50));
    }
}
