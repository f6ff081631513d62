//! The properties of try, confirm, cancel. Judged by the logs and stores of the participants, and by the answers to
//! clients, not by the state of the coordinator.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_models::transactions::TxId;
use seedbed_models::transactions::ledger::Effect;
use seedbed_models::transactions::store::Key;
use seedbed_models::transactions::tcc::business::{self, Request, given, reserved, used};
use seedbed_models::transactions::tcc::coordinator::Coordinator;
use seedbed_models::transactions::tcc::messages::{Act, Entry, Record};
use seedbed_models::transactions::tcc::participant::LOG;
use seedbed_models::transactions::tcc::{Bug, Outcome, Tcc};
use seedbed_sim::{
    Answered, AtEnd, Boundary, Broken, Invariant, NodeId, Property, Span, Suite, Swarm, Time, Verdict, World,
};

use crate::transactions::journals::{JournalRule, Journals, Rule};
use crate::transactions::open::overdue;

/// TCC with its properties.
pub fn suite() -> Suite<Tcc> {
    Suite::new(Tcc::default())
        .property(rule("tcc/at_most_once", at_most_once))
        .property(Invariant::new("tcc/conservation", conservation))
        .property(rule("tcc/all_confirm_or_all_cancel", all_confirm_or_all_cancel).at_end(all_did_what_was_answered))
        .property(AtEnd::new("tcc/stores_hold_what_was_answered", stores_hold_what_was_answered))
        .property(ReservationsEnd::default())
        .property(AtEnd::liveness("tcc/nothing_open", nothing_open))
        .property(Answered::within("tcc/every_transaction_ends", END_WITHIN))
        .boundary(Boundary {
            bug: Some(Bug::HangingTry.name()),
            name: "hanging-try",
            what: "where late tries are not refused, one that comes after its cancel reserves for ever",
            breaks: "tcc/no_reservation_outlives_its_timeout",
            model: Tcc::default(),
            swarm: Swarm::tolerated(),
        })
}

fn entries(record: &Record) -> &[Entry] {
    match record {
        Record::Entry(entry) => std::slice::from_ref(entry),
        Record::Decided { .. } | Record::Ended(_) => &[],
    }
}

fn rule(name: &'static str, rule: Rule<Tcc, Entry>) -> JournalRule<Tcc, Entry> {
    JournalRule::new(name, Journals::new(LOG, entries), rule)
}

/// S3: try, confirm and cancel each take effect at most once, and of confirm and cancel at most one does.
fn at_most_once(_: &Journals<Tcc, Entry>, journal: &[Entry], entry: &Entry) -> Option<String> {
    let same = journal.iter().filter(|other| other.tx == entry.tx && matches!(other.effect, Effect::Done(_)));
    let acts: Vec<Act> = same.map(|other| other.act).collect();
    let times = |act: Act| acts.iter().filter(|other| **other == act).count();
    let twice = [Act::Try, Act::Confirm, Act::Cancel].into_iter().any(|act| times(act) > 1);
    let both = times(Act::Confirm) > 0 && times(Act::Cancel) > 0;
    (twice || both).then(|| format!("{}: of its acts these took effect: {acts:?}", entry.tx))
}

/// S2: no participant confirms what another has cancelled or refused.
fn all_confirm_or_all_cancel(journals: &Journals<Tcc, Entry>, _: &[Entry], entry: &Entry) -> Option<String> {
    let tx = entry.tx;
    let who = |settles: fn(&Entry) -> bool| {
        let settled = |journal: &[Entry]| journal.iter().any(|other| other.tx == tx && settles(other));
        journals.all().find(|(_, journal)| settled(journal)).map(|(node, _)| node)
    };
    let confirmed = who(|other| other.act == Act::Confirm)?;
    let cancelled = who(|other| other.act == Act::Cancel || matches!(other.effect, Effect::Refused(_)))?;
    Some(format!("{tx} is confirmed at {confirmed} and cancelled at {cancelled}"))
}

/// S2 at the end: of a transaction that is over, all have confirmed what its client was told is confirmed, and none what it was
/// told is cancelled.
fn all_did_what_was_answered(journals: &Journals<Tcc, Entry>, world: &World<Tcc>) -> Verdict {
    let open: BTreeSet<TxId> = coordinator(world).into_iter().flat_map(Coordinator::unfinished).collect();
    for asked in world.history().invocations() {
        let tx = TxId::from(asked.id);
        let Some(told) = asked.returned().filter(|_| !open.contains(&tx)) else { continue };
        for node in asked.op.places().into_iter().map(Tcc::participant) {
            let confirmed = journals.of(node).iter().any(|entry| entry.tx == tx && entry.act == Act::Confirm);
            if confirmed != (*told == Outcome::Confirmed) && world.process(node).is_some() {
                let did = if confirmed { "has" } else { "has not" };
                let words = format!("{} was told {told:?} of {tx}, and {node} {did} confirmed it", asked.client);
                return Err(Broken::new([node, asked.client], words));
            }
        }
    }
    Ok(())
}

/// S1: at every instant free + reserved + used = the initial amount + deposits, nothing is negative, and the reserved
/// amount is that of the participant's known reservations.
fn conservation(world: &World<Tcc>) -> Verdict {
    world.changed().iter().try_for_each(|node| conserves(world, *node))
}

fn conserves(world: &World<Tcc>, node: NodeId) -> Verdict {
    let Some(participant) = world.process(node).and_then(|process| process.participant()) else { return Ok(()) };
    let holds = |key: Key| participant.store().get(key).expect("each participant keeps its own keys").value;
    for (key, initial) in business::initial(participant.place()) {
        let [free, reserved, used, given] = [key, reserved(key), used(key), given(key)].map(holds);
        if free + reserved + used != initial + given || free.min(reserved).min(used).min(given) < 0 {
            let words = format!(
                "of {key} there were {initial} and {given} were given, and now {free} are free, {reserved} reserved, {used} used"
            );
            return Err(Broken::new([node], words));
        }
        let legs = participant.reservations().flat_map(|(_, request)| request.legs());
        let taken: i64 = legs.filter(|leg| leg.key == key && leg.takes > 0).map(|leg| leg.takes).sum();
        if taken != reserved {
            return Err(Broken::new(
                [node],
                format!("of {key} {reserved} are reserved, but there are reservations for {taken}"),
            ));
        }
    }
    Ok(())
}

/// The coordinator, if it is up.
fn coordinator(world: &World<Tcc>) -> Option<&Coordinator> {
    world.processes().find_map(|(_, process)| process.coordinator())
}

/// The outcome of a transaction, from the answer to its client or, without one, from the coordinator.
fn outcome(world: &World<Tcc>, tx: TxId, answered: Option<&Outcome>) -> Option<Outcome> {
    let decided = || coordinator(world)?.outcome(tx);
    answered.copied().or_else(decided)
}

/// At the end, if nothing is reserved any more, every participant has its initial amounts, changed by exactly the
/// transactions that clients know to be confirmed.
fn stores_hold_what_was_answered(world: &World<Tcc>) -> Verdict {
    let participants = || world.processes().filter_map(|(node, process)| Some((node, process.participant()?)));
    let open = coordinator(world).is_none_or(|node| node.open() != (0, 0));
    if open || participants().any(|(_, participant)| participant.reservations().count() > 0) {
        return Ok(());
    }
    let mut expected: BTreeMap<Key, i64> = (0..business::PARTICIPANTS).flat_map(business::cells).collect();
    for asked in world.history().invocations() {
        if outcome(world, TxId::from(asked.id), asked.returned()) == Some(Outcome::Confirmed) {
            for (key, amount) in changes(asked.op) {
                *expected.entry(key).or_default() += amount;
            }
        }
    }
    for (node, participant) in participants() {
        let wrong = participant.store().cells().find(|(key, cell)| cell.value != expected[key]);
        if let Some((key, cell)) = wrong {
            let (holds, should) = (cell.value, expected[&key]);
            let words = format!("{node} holds {holds} in {key}, and by what clients were told it should be {should}");
            return Err(Broken::new([node], words));
        }
    }
    Ok(())
}

/// The net changes of a confirmed transaction.
fn changes(request: Request) -> Vec<(Key, i64)> {
    let change = |leg: business::Leg| {
        if leg.takes > 0 {
            [(leg.key, -leg.takes), (used(leg.key), leg.takes)]
        } else {
            [(leg.key, -leg.takes), (given(leg.key), -leg.takes)]
        }
    };
    request.legs().into_iter().flat_map(change).collect()
}

/// How long after its timeout a reservation may last without faults: an inquiry, a decision that is forced to disk, and
/// its answer, each with a few retries.
pub const RELEASED_WITHIN: Span = Span::ms(1_000);

/// L: no reservation outlives its timeout plus [`RELEASED_WITHIN`], counted from the end of the faults, because no
/// reservation may be released while the coordinator is down. A participant whose clock was ahead until then waits for the times
/// that it has set by that clock.
#[derive(Clone, Debug, Default)]
struct ReservationsEnd {
    since: BTreeMap<(NodeId, TxId), Time>,
    /// By how much each participant's clock was ahead at most, before the end of the faults, when it did something.
    ahead: BTreeMap<NodeId, Span>,
}

impl ReservationsEnd {
    fn look(&mut self, world: &World<Tcc>, node: NodeId) -> Verdict {
        let Some(participant) = world.process(node).and_then(|process| process.participant()) else { return Ok(()) };
        let held: Vec<TxId> = participant.reservations().map(|(tx, _)| tx).collect();
        self.since.retain(|(at, tx), _| *at != node || held.contains(tx));
        let (now, healed) = (world.now(), world.scenario().phases.heal_at());
        let ahead = self.ahead.entry(node).or_default();
        if !world.healed() {
            *ahead = world.clock(node).since(now).max(*ahead);
        }
        let most = world.config().settings.reservation + RELEASED_WITHIN + *ahead;
        for tx in held {
            let since = *self.since.entry((node, tx)).or_insert(now);
            if world.healed() && now.since(since.max(healed)) > most {
                return Err(Broken::new(
                    [node],
                    format!("what {node} has reserved for {tx} at {since} is reserved still"),
                ));
            }
        }
        Ok(())
    }
}

impl Property<Tcc> for ReservationsEnd {
    fn name(&self) -> String {
        "tcc/no_reservation_outlives_its_timeout".into()
    }

    fn is_liveness(&self) -> bool {
        true
    }

    fn after_event(&mut self, world: &World<Tcc>) -> Verdict {
        world.changed().iter().try_for_each(|node| self.look(world, *node))
    }

    fn at_end(&mut self, world: &World<Tcc>) -> Verdict {
        world.present().try_for_each(|node| self.look(world, node))
    }
}

/// At the end the coordinator has nothing left to do: it neither waits for reservations nor asks for a confirm or a cancel
/// that is not acknowledged.
fn nothing_open(world: &World<Tcc>) -> Verdict {
    let coordinators = world.processes().filter_map(|(node, process)| Some((node, process.coordinator()?)));
    for (node, coordinator) in coordinators {
        if let Some((tx, invoked)) = coordinator.unfinished().find_map(|tx| overdue(world, tx, END_WITHIN)) {
            let words = format!("{node} still has something to do for {tx}, which was asked for at {invoked}");
            return Err(Broken::new([node], words));
        }
    }
    Ok(())
}

/// The time within which a transaction is decided and its client knows, after the faults have ended or after its
/// invocation if that is later: a client retries, and all participants are asked to reserve, each with a few retries.
pub const END_WITHIN: Span = Span::ms(1_500);
