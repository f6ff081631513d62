//! One world with faults, and its fault-free twin.

use std::collections::BTreeSet;
use std::ops::Range;

use seedbed_sim::choice::Source;
use seedbed_sim::disk::DiskConfig;
use seedbed_sim::fault::{FaultClass, What};
use seedbed_sim::system::{AnyCase, AnyFinished};
use seedbed_sim::{AnyCampaign, Fault, History, Impossible, NodeId, Outcome, Record, Span, Time};

/// The measurements of one seed. The twin has the same operations, latencies and late timers, because choices have
/// names, and removing faults changes no other choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The seed.
    pub seed: u64,
    /// Whether the configuration of this seed declares to tolerate all of the classes.
    pub inside: bool,
    /// The violated property, and whether it is a liveness property.
    pub violation: Option<(String, bool)>,
    /// Whether faults of every class had an effect.
    pub struck: bool,
    /// Whether answers, messages or writes differ from the twin.
    pub differs: bool,
    /// Whether some node wrote to its disk.
    pub wrote: bool,
    /// The outcomes of operations; `None` if the world stopped at a violation before its end.
    pub served: Option<Served>,
    /// The same for the twin.
    pub calm: Option<Served>,
    /// The latencies in nanoseconds, with faults and in the twin, of the operations that returned in both.
    pub latencies: Vec<[u64; 2]>,
}

/// The outcomes of operations in one world.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Operations in the workload.
    pub asked: u64,
    /// Operations that returned.
    pub returned: u64,
    /// Operations that failed without effect.
    pub failed: u64,
    /// Operations of unknown outcome. The rest was never invoked, because its client was down or still waited for an
    /// earlier one.
    pub open: u64,
    /// The longest time in which a client waited and none was answered.
    pub stood_still: Span,
    /// The longest such time that a fault caused, if any.
    pub blocked: Option<Blocked>,
}

/// A time in which a client waited and none was answered until a fault was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Blocked {
    /// Its length.
    pub lasted: Span,
    /// The time from the end of the fault to the first answer; `None` if there was none.
    pub went_on: Option<Span>,
}

/// A protocol blocks if clients wait for the end of a fault for longer than this many reaction times
/// ([`seedbed_sim::Model::reaction_time`]).
pub const BLOCKING_REACTIONS: u64 = 4;

/// Runs every seed and its twin, on the current rayon pool; results are in the order of the seeds. `go_on` is called
/// before each; when it returns `false`, the rest is left out.
///
/// # Errors
/// If no world can run the model's own scenario.
pub fn samples(
    campaign: &AnyCampaign,
    seeds: Range<u64>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Sample>, Impossible> {
    let classes = campaign.classes();
    campaign.map(seeds, |seed, run| {
        if !go_on() {
            return Ok(None);
        }
        let (case, faulty) = run()?;
        let twin = without_faults(&case);
        let calm = campaign.system.run(&twin, &Source::Seed(seed), Record::No)?;
        // A world without a verdict is none that held.
        if let Some(why) = faulty.undecided.as_ref().or(calm.undecided.as_ref()) {
            let place = format!("seed {seed} of {}", campaign.system.info().name);
            return Err(Impossible { place, problem: why.to_string() });
        }
        Ok(Some(sample(&classes, seed, (&case, &faulty), (&twin, &calm))))
    })
}

/// The same case without faults.
fn without_faults(case: &AnyCase) -> AnyCase {
    let mut twin = case.clone();
    twin.faults.clear();
    let scenario = &mut twin.scenario;
    (scenario.network.loss_ppm, scenario.network.dup_ppm, scenario.network.fifo) = (0, 0, true);
    scenario.disk = DiskConfig::default();
    twin
}

fn sample(
    classes: &BTreeSet<FaultClass>,
    seed: u64,
    (case, faulty): (&AnyCase, &AnyFinished),
    (twin, calm): (&AnyCase, &AnyFinished),
) -> Sample {
    let tolerated = case.scenario.config.tolerance().classes;
    // Liveness properties are checked at the end, so the run is complete.
    let whole = |run: &AnyFinished| run.violation.as_ref().is_none_or(|violation| violation.liveness);
    Sample {
        seed,
        inside: classes.iter().all(|class| tolerated.contains(class)),
        violation: faulty.violation.as_ref().map(|violation| (violation.property.clone(), violation.liveness)),
        struck: classes.iter().all(|class| faulty.stats.fault(*class) > 0),
        differs: differ(faulty, calm),
        wrote: faulty.stats.forced + faulty.stats.lazy > 0,
        served: whole(faulty).then(|| served(case, faulty)),
        calm: whole(calm).then(|| served(twin, calm)),
        latencies: both(&faulty.history, &calm.history),
    }
}

/// Whether two runs differ in answers, messages or writes.
fn differ(a: &AnyFinished, b: &AnyFinished) -> bool {
    let did = |run: &AnyFinished| [run.stats.sent, run.stats.delivered, run.stats.forced, run.stats.lazy];
    did(a) != did(b) || a.history != b.history || a.violation != b.violation
}

/// The latencies of the operations that returned in both worlds.
fn both<O, R>(faulty: &History<O, R>, calm: &History<O, R>) -> Vec<[u64; 2]> {
    let latency = |history: &History<O, R>, id| {
        let invocation = history.invocations().iter().find(|invocation| invocation.id == id)?;
        match &invocation.outcome {
            Outcome::Returned { at, .. } => Some(at.since(invocation.invoked).0),
            _ => None,
        }
    };
    let ids = faulty.invocations().iter().map(|invocation| invocation.id);
    ids.filter_map(|id| Some([latency(faulty, id)?, latency(calm, id)?])).collect()
}

fn served(case: &AnyCase, run: &AnyFinished) -> Served {
    let mut served = Served { asked: case.operations.len() as u64, ..Served::default() };
    for invocation in run.history.invocations() {
        match invocation.outcome {
            Outcome::Returned { .. } => served.returned += 1,
            Outcome::Failed { .. } => served.failed += 1,
            Outcome::Unknown => served.open += 1,
        }
    }
    let heal = case.scenario.phases.heal_at();
    let struck: Vec<Window> = run.struck.iter().map(|(_, fault)| Window::of(fault, heal)).collect();
    let standstills = standstills(&waits(&run.history, &struck, run.ended_at), run.ended_at);
    let least = case.scenario.config.reaction_time() * BLOCKING_REACTIONS;
    served.stood_still = standstills.iter().map(Standstill::lasted).max().unwrap_or_default();
    served.blocked = standstills.iter().filter_map(|standstill| standstill.blocked(&struck, least)).max();
    served
}

/// The time span of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    from: Time,
    to: Time,
    /// The node that is unavailable meanwhile, for faults that make one so.
    away: Option<NodeId>,
}

impl Window {
    fn of(fault: &Fault<NodeId>, heal: Time) -> Self {
        let takes_away =
            matches!(fault.what, What::Crash { .. } | What::Wipe { .. } | What::Pause { .. } | What::FullDisk { .. });
        let away = fault.what.target().copied().filter(|_| takes_away);
        Window { from: fault.at, to: fault.until().unwrap_or(heal).min(heal), away }
    }
}

/// The wait of a client for an answer: from, to, and whether it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    from: Time,
    to: Time,
    answered: bool,
}

/// The waits of clients that were available all the time: a client that crashed or was paused delays itself.
fn waits<O, R>(history: &History<O, R>, struck: &[Window], end: Time) -> Vec<Wait> {
    let waits = history.invocations().iter().filter_map(|invocation| {
        let ended = invocation.ended();
        let wait = Wait { from: invocation.invoked, to: ended.unwrap_or(end), answered: ended.is_some() };
        let during = |window: &&Window| window.from <= wait.to && window.to >= wait.from;
        let fell = struck.iter().filter(during).any(|window| window.away == Some(invocation.client));
        (!fell).then_some(wait)
    });
    waits.collect()
}

/// A time in which a client waited and none was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standstill {
    from: Time,
    to: Time,
    /// Whether it ended with an answer.
    answered: bool,
}

/// The times in which a client waits and none is answered, in order.
fn standstills(waits: &[Wait], end: Time) -> Vec<Standstill> {
    let mut answers: Vec<(Time, bool)> =
        waits.iter().filter(|wait| wait.answered).map(|wait| (wait.to, true)).collect();
    answers.push((end, false));
    answers.sort_unstable();
    let mut last = Time::ZERO;
    let mut standstills = Vec::new();
    for (to, answered) in answers {
        let waiting = waits.iter().filter(|wait| wait.from < to && wait.to >= to);
        if let Some(from) = waiting.map(|wait| wait.from.max(last)).min().filter(|from| *from < to) {
            standstills.push(Standstill { from, to, answered });
        }
        last = to;
    }
    standstills
}

impl Standstill {
    fn lasted(&self) -> Span {
        self.to.since(self.from)
    }

    /// The standstill as one caused by a fault, if it lasted until the end of a fault that covered at least `least` of
    /// it.
    fn blocked(&self, struck: &[Window], least: Span) -> Option<Blocked> {
        let reason = |window: &&Window| window.to <= self.to && window.to.since(self.from.max(window.from)) > least;
        let over = struck.iter().filter(reason).map(|window| window.to).max()?;
        Some(Blocked { lasted: self.lasted(), went_on: self.answered.then(|| self.to.since(over)) })
    }
}

/// The classes of faults with an effect in a run.
pub fn struck_classes(faults: &[u64; FaultClass::ALL.len()]) -> Vec<FaultClass> {
    FaultClass::ALL.into_iter().zip(faults).filter(|(_, count)| **count > 0).map(|(class, _)| class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(from: u64, to: u64) -> Wait {
        Wait { from: Time::ms(from), to: Time::ms(to), answered: true }
    }

    fn still(from: u64, to: u64) -> Standstill {
        Standstill { from: Time::ms(from), to: Time::ms(to), answered: true }
    }

    #[test]
    fn a_standstill_is_a_time_in_which_somebody_waits_and_nobody_is_answered() {
        let end = Time::ms(1_000);
        assert_eq!(standstills(&[], end), []);
        // No client waits from 20 to 500.
        assert_eq!(standstills(&[wait(0, 20), wait(500, 530)], end), [still(0, 20), still(500, 530)]);
        // One client waits from 10 to 400, but others are answered meanwhile.
        let overlapping = [wait(10, 400), wait(50, 100), wait(150, 300)];
        assert_eq!(standstills(&overlapping, end), [still(10, 100), still(100, 300), still(300, 400)]);
        let never = Wait { answered: false, ..wait(900, 1_000) };
        let for_good = Standstill { answered: false, ..still(900, 1_000) };
        assert_eq!(standstills(&[wait(0, 20), never], end), [still(0, 20), for_good]);
    }

    #[test]
    fn a_fault_blocks_if_nobody_is_answered_until_it_is_over() {
        let window = |from, to| Window { from: Time::ms(from), to: Time::ms(to), away: None };
        let blocked = |standstill: Standstill, windows: &[Window]| standstill.blocked(windows, Span::ms(100));
        let after = |lasted, on| Some(Blocked { lasted: Span::ms(lasted), went_on: Some(Span::ms(on)) });
        assert_eq!(blocked(still(200, 500), &[window(100, 450)]), after(300, 50));
        assert_eq!(blocked(still(200, 500), &[window(100, 501)]), None, "somebody was answered while it lasted");
        assert_eq!(blocked(still(200, 500), &[window(100, 300)]), None, "it was not there for long enough");
        assert_eq!(blocked(still(200, 500), &[window(400, 480), window(210, 311)]), after(300, 189));
        let for_good = Standstill { answered: false, ..still(200, 500) };
        assert_eq!(blocked(for_good, &[window(100, 450)]), Some(Blocked { lasted: Span::ms(300), went_on: None }));
    }

    #[test]
    fn who_is_away_waits_for_itself() {
        let client = NodeId(1);
        let away = Window { from: Time::ms(5), to: Time::ms(9), away: Some(client) };
        let history: History<u8, u8> = serde_json::from_value(serde_json::json!({"invocations": [
            {"id": 0, "client": "n1", "op": 0, "invoked": "1ms", "outcome": {"returned": {"ret": 0, "at": "20ms"}}},
            {"id": 1, "client": "n2", "op": 0, "invoked": "1ms", "outcome": "unknown"},
        ]}))
        .expect("a history");
        let never = Wait { answered: false, ..wait(1, 30) };
        assert_eq!(waits(&history, &[away], Time::ms(30)), [never]);
        assert_eq!(waits(&history, &[], Time::ms(30)), [wait(1, 20), never]);
    }
}
