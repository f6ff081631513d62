//! One world with faults, and beside it the same world without.

use std::ops::Range;

use rayon::prelude::*;
use seedbed_sim::choice::Source;
use seedbed_sim::disk::DiskConfig;
use seedbed_sim::fault::{FaultClass, Target, What};
use seedbed_sim::{Campaign, Case, Fault, Finished, History, Impossible, Model, Outcome, Record, Span, Time};

/// What one seed came to. The twin has the same operations, the same latencies and the same late timers: choices have
/// names, so that taking the faults out of a world changes no other choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The seed.
    pub seed: u64,
    /// Whether the configuration of this seed declares to tolerate all of the classes.
    pub inside: bool,
    /// The property that was violated, and whether it is one of liveness.
    pub violation: Option<(String, bool)>,
    /// Whether faults of every class had an effect.
    pub struck: bool,
    /// Whether anything differs from the twin: what clients were answered, what was sent or written.
    pub differs: bool,
    /// Whether anything was written to a disk.
    pub wrote: bool,
    /// How clients fared; nothing if the world stopped at a violation before its end.
    pub served: Option<Served>,
    /// How clients of the twin fared, under the same condition.
    pub calm: Option<Served>,
    /// How long operations of both worlds took, in nanoseconds: of those that returned in both.
    pub latencies: Vec<[u64; 2]>,
    /// How long the protocol takes to notice that something is wrong.
    pub tempo: Span,
}

/// How the clients of one world fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Served {
    /// Operations that they meant to invoke.
    pub asked: u64,
    /// Returned.
    pub returned: u64,
    /// Failed for certain.
    pub failed: u64,
    /// Never ended. The rest was never invoked: the client was down, or still waiting for an earlier one.
    pub open: u64,
    /// The longest time in which somebody waited and nobody was answered.
    pub stood_still: Span,
    /// How long after the last fault had ended the first of those who then waited was answered; [`Span`]'s maximum if
    /// none ever was, nothing if nobody waited.
    pub went_on: Option<Span>,
}

/// Nobody was answered any more.
pub const NEVER: Span = Span(u64::MAX);

/// Runs every seed and its twin, on the current rayon pool; in the order of the seeds. `go_on` is asked before each; when
/// it says no, the rest is left out.
///
/// # Errors
/// If no world can run the model's own scenario.
pub fn samples<M: Model>(
    campaign: &Campaign<M>,
    seeds: Range<u64>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Sample>, Impossible> {
    let samples = seeds.into_par_iter().map_init(
        || campaign.cases(),
        |cases, seed| match go_on() {
            true => {
                let (case, faulty) = campaign.run(cases, seed, Record::No)?;
                let twin = without_faults(&case);
                let properties = &campaign.suite.properties;
                let calm = seedbed_sim::run::run(&twin, &Source::Seed(seed), properties, Record::No)?;
                Ok(Some(sample(campaign, seed, (&case, &faulty), (&twin, &calm))))
            }
            false => Ok(None),
        },
    );
    samples.filter_map(Result::transpose).collect()
}

/// The same case, with nothing in it that breaks.
fn without_faults<M: Model>(case: &Case<M>) -> Case<M> {
    let mut twin = case.clone();
    twin.faults.clear();
    let scenario = &mut twin.scenario;
    (scenario.network.loss_ppm, scenario.network.dup_ppm, scenario.network.fifo) = (0, 0, true);
    scenario.disk = DiskConfig::default();
    twin
}

fn sample<M: Model>(
    campaign: &Campaign<M>,
    seed: u64,
    (case, faulty): (&Case<M>, &Finished<M>),
    (twin, calm): (&Case<M>, &Finished<M>),
) -> Sample {
    let classes = campaign.swarm.classes::<M>();
    let tolerated = case.scenario.config.tolerates();
    // A property of whole runs is judged when the run is over.
    let whole = |run: &Finished<M>| run.violation.as_ref().is_none_or(|violation| violation.liveness);
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
        tempo: case.scenario.config.tempo(),
    }
}

/// Whether two runs differ in anything that the component did.
fn differ<M: Model>(a: &Finished<M>, b: &Finished<M>) -> bool {
    let did = |run: &Finished<M>| [run.stats.sent, run.stats.delivered, run.stats.forced, run.stats.lazy];
    did(a) != did(b) || a.history != b.history || a.violation != b.violation
}

/// How long the operations took that returned in both worlds.
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

fn served<M: Model>(case: &Case<M>, run: &Finished<M>) -> Served {
    let mut served = Served { asked: case.operations.len() as u64, ..Served::default() };
    for invocation in run.history.invocations() {
        match invocation.outcome {
            Outcome::Returned { .. } => served.returned += 1,
            Outcome::Failed { .. } => served.failed += 1,
            Outcome::Unknown => served.open += 1,
        }
    }
    let struck: Vec<Fault> = run.struck.iter().map(|(_, fault)| fault.clone()).collect();
    let waits = waits(&run.history, &struck, run.ended_at);
    served.stood_still = standstill(&waits, run.ended_at);
    let heal = case.scenario.phases.heal_at();
    let over = struck.iter().map(|fault| fault.until().unwrap_or(heal).min(heal)).max();
    served.went_on = over.and_then(|over| went_on(&waits, over));
    served
}

/// How long somebody waited for an answer: from, to, and whether it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Wait {
    from: Time,
    to: Time,
    answered: bool,
}

/// The waits of clients that stood on their feet all the while: one that crashed or was paused waits for itself.
fn waits<O, R>(history: &History<O, R>, struck: &[Fault], end: Time) -> Vec<Wait> {
    let waits = history.invocations().iter().filter_map(|invocation| {
        let ended = invocation.ended();
        let wait = Wait { from: invocation.invoked, to: ended.unwrap_or(end), answered: ended.is_some() };
        let fell = struck.iter().any(|fault| {
            let down = matches!(fault.what, What::Crash { .. } | What::Wipe { .. } | What::Pause { .. });
            let itself = fault.what.target() == Some(&Target::Node(invocation.client));
            down && itself && fault.at <= wait.to && fault.until().is_none_or(|until| until >= wait.from)
        });
        (!fell).then_some(wait)
    });
    waits.collect()
}

/// The longest time in which somebody waited and nobody was answered.
fn standstill(waits: &[Wait], end: Time) -> Span {
    let mut answers: Vec<Time> = waits.iter().filter(|wait| wait.answered).map(|wait| wait.to).collect();
    answers.push(end);
    answers.sort_unstable();
    let mut longest = Span::ZERO;
    let mut last = Time::ZERO;
    for answer in answers {
        let waited =
            waits.iter().filter(|wait| wait.from < answer && wait.to >= answer).map(|wait| wait.from.max(last));
        longest = longest.max(waited.min().map_or(Span::ZERO, |since| answer.since(since)));
        last = answer;
    }
    longest
}

/// How long after an instant the first of those who then waited was answered.
fn went_on(waits: &[Wait], over: Time) -> Option<Span> {
    let waiting = waits.iter().filter(|wait| wait.from <= over && wait.to > over);
    waiting.map(|wait| if wait.answered { wait.to.since(over) } else { NEVER }).min()
}

/// The classes of faults that had an effect in a run.
pub fn struck_classes(faults: &[u64; FaultClass::ALL.len()]) -> Vec<FaultClass> {
    FaultClass::ALL.into_iter().zip(faults).filter(|(_, count)| **count > 0).map(|(class, _)| class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(from: u64, to: u64) -> Wait {
        Wait { from: Time::ms(from), to: Time::ms(to), answered: true }
    }

    #[test]
    fn a_standstill_is_a_time_in_which_somebody_waits_and_nobody_is_answered() {
        let end = Time::ms(1_000);
        assert_eq!(standstill(&[], end), Span::ZERO);
        // Nobody waits from 20 to 500.
        assert_eq!(standstill(&[wait(0, 20), wait(500, 530)], end), Span::ms(30));
        // One waits from 10 to 400, but others are answered meanwhile.
        assert_eq!(standstill(&[wait(10, 400), wait(50, 100), wait(150, 300)], end), Span::ms(200));
        let never = Wait { answered: false, ..wait(900, 1_000) };
        assert_eq!(standstill(&[wait(0, 20), never], end), Span::ms(100));
    }

    #[test]
    fn the_first_answer_after_the_faults() {
        assert_eq!(went_on(&[wait(0, 20), wait(500, 530)], Time::ms(100)), None);
        assert_eq!(went_on(&[wait(0, 150), wait(10, 130), wait(110, 120)], Time::ms(100)), Some(Span::ms(30)));
        let never = Wait { answered: false, ..wait(0, 1_000) };
        assert_eq!(went_on(&[never], Time::ms(100)), Some(NEVER));
    }
}
