//! One run: a world, its properties after each event and at the end, and the outcome.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use crate::assertion::{self, Place};
use crate::choice::Deviation;
use crate::choice::Source;
use crate::fault::Fault;
use crate::history::History;
use crate::model::{Model, Op, Ret};
use crate::process::NodeId;
use crate::property::{Broken, Maker, Property, Verdict, Violation};
use crate::scenario::{Case, Impossible};
use crate::stats::Stats;
use crate::time::{Span, Time};
use crate::timeline::Entry;
use crate::undecided::Undecided;
use crate::world::World;

/// The outcome of a run of a model.
pub type Finished<M> = FinishedOf<History<Op<M>, Ret<M>>>;

/// [`Finished`] by the type of its history.
#[derive(Clone, Debug)]
pub struct FinishedOf<H> {
    /// The first violation; the run stops exactly at its event.
    pub violation: Option<Violation>,
    /// Why nothing is known although nothing was violated, if that is so.
    pub undecided: Option<Undecided>,
    /// The rolling fingerprint at the end or at the violation.
    pub fingerprint: u64,
    /// On the world's clock.
    pub ended_at: Time,
    /// Counts of events, messages, writes and faults.
    pub stats: Stats,
    /// How often each mark was made.
    pub marks: Vec<(&'static str, u64)>,
    /// What clients asked and were answered.
    pub history: H,
    /// Faults that began, with roles resolved to nodes.
    pub struck: Vec<(usize, Fault<NodeId>)>,
    /// For each deviation of a fixed source, whether the run asked for it.
    pub used: Vec<bool>,
    /// The timeline, if the run was recorded.
    pub timeline: Vec<Entry>,
    /// Every choice that was not the default, if the run was recorded.
    pub recorded: Vec<Deviation>,
}

impl<H> FinishedOf<H> {
    /// The same with another history.
    pub(crate) fn with_history<G>(self, history: G) -> FinishedOf<G> {
        FinishedOf {
            violation: self.violation,
            undecided: self.undecided,
            fingerprint: self.fingerprint,
            ended_at: self.ended_at,
            stats: self.stats,
            marks: self.marks,
            history,
            struck: self.struck,
            used: self.used,
            timeline: self.timeline,
            recorded: self.recorded,
        }
    }
}

/// Why a run stops: the property that is violated, or that is the first without a verdict.
pub(crate) enum Stopped {
    Violated(Violation),
    Undecided(Undecided),
}

/// Whether a run keeps its timeline and its choices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Record {
    /// Only counts, history and verdict.
    #[default]
    No,
    /// Everything.
    Yes,
}

/// Runs a case to its end, or to the first violation.
///
/// # Errors
/// If no world can run the case.
pub fn run<M: Model>(
    case: &Case<M>,
    source: &Source,
    properties: &[Maker<M>],
    record: Record,
) -> Result<Finished<M>, Impossible> {
    case.validate()?;
    Ok(run_valid(case, source, properties, record))
}

/// [`run`] for a case that was validated.
pub(crate) fn run_valid<M: Model>(
    case: &Case<M>,
    source: &Source,
    properties: &[Maker<M>],
    record: Record,
) -> Finished<M> {
    in_runtime_of::<M, _>(|| {
        let mut world = World::begin(case, source, record == Record::Yes);
        let mut properties: Vec<_> = properties.iter().map(|make| make()).collect();
        let stopped = drive(&mut world, &mut properties);
        finish(world, stopped)
    })
}

/// How many events a run continues for after the first violation, at most: a broken protocol may send more and more
/// messages without end.
const EVENTS_AFTER_VIOLATION: u64 = 50_000;

/// Runs a case to its end and collects the first violation of each property, in the order in which they came. A failed
/// assertion, in a protocol or in a property, ends the run early, because the states that it leaves are not defined; so
/// do 50,000 events after the first violation, and the bound on events. Properties of whole runs are not checked then.
///
/// # Errors
/// If no world can run the case.
pub fn all_violations<M: Model>(
    case: &Case<M>,
    source: &Source,
    properties: &[Maker<M>],
) -> Result<Vec<Violation>, Impossible> {
    case.validate()?;
    Ok(in_runtime_of::<M, _>(|| {
        let mut world = World::begin(case, source, false);
        let mut unviolated: Vec<_> = properties.iter().map(|make| make()).collect();
        let mut violations = Vec::new();
        let run = caught(|| {
            while world.step() {
                check_each(&world, &mut unviolated, &mut violations, |property, world| property.after_event(world));
                if violations.first().is_some_and(|first| world.stats().events > first.event + EVENTS_AFTER_VIOLATION) {
                    return;
                }
            }
            if world.broken_off().is_some() {
                return;
            }
            world.advance_to_end();
            let end = world.now();
            while waits(&world, &mut unviolated, end) {
                let limit = world.now() + ASKED_EVERY;
                while world.step_until(limit) {
                    check_each(&world, &mut unviolated, &mut violations, |property, world| property.after_event(world));
                }
                world.advance_quietly(limit);
            }
            check_each(&world, &mut unviolated, &mut violations, |property, world| property.at_end(world));
        });
        if let Err(panic) = run {
            violations.push(assertion(&world, panic));
        }
        violations
    }))
}

/// Checks the properties that have not been violated yet.
fn check_each<M: Model>(
    world: &World<M>,
    unviolated: &mut Vec<Box<dyn Property<M>>>,
    violations: &mut Vec<Violation>,
    judge: impl Fn(&mut dyn Property<M>, &World<M>) -> Verdict,
) {
    unviolated.retain_mut(|property| match judge(&mut **property, world) {
        Ok(()) => true,
        Err(broken) => {
            if let Stopped::Violated(violation) = stopped(world, &**property, broken) {
                violations.push(violation);
            }
            false
        }
    });
}

/// Runs `f`, which runs a world of this model: in a madsim runtime of its own, whose clock is at zero, if the model
/// [reads it](Model::READS_MADSIM_TIME).
pub(crate) fn in_runtime_of<M: Model, T>(f: impl FnOnce() -> T) -> T {
    if !M::READS_MADSIM_TIME {
        return f();
    }
    let (mut f, mut result) = (Some(f), None);
    enter(&mut || result = f.take().map(|f| f()));
    result.expect("it was run once")
}

/// Compiled once, because madsim's runtime is generic over what it runs.
#[cfg(madsim)]
fn enter(f: &mut dyn FnMut()) {
    // The seed is fixed: nothing in a world draws from the runtime, and a replay must not need one.
    let runtime = madsim::runtime::Runtime::with_seed_and_config(0, madsim::Config::default());
    runtime.block_on(async move { f() });
}

/// Without madsim there is no other clock.
#[cfg(not(madsim))]
fn enter(f: &mut dyn FnMut()) {
    f();
}

/// Steps a world to its end, to its first violation, or to its bound on events.
pub(crate) fn drive<M: Model>(world: &mut World<M>, properties: &mut [Box<dyn Property<M>>]) -> Option<Stopped> {
    let stepped = caught(|| {
        while world.step() {
            if let Some(stopped) = judge(world, properties) {
                return Some(stopped);
            }
        }
        if let Some(undecided) = world.broken_off() {
            return Some(Stopped::Undecided(undecided));
        }
        world.advance_to_end();
        go_on(world, properties).or_else(|| judge_end(world, properties))
    });
    stepped.unwrap_or_else(|panic| Some(Stopped::Violated(assertion(world, panic))))
}

/// How long a run goes on until the properties that have [patience](Property::patience) are asked again.
const ASKED_EVERY: Span = Span::ms(500);

/// Runs a world that has come to its end for longer, while a property that has patience does not hold.
fn go_on<M: Model>(world: &mut World<M>, properties: &mut [Box<dyn Property<M>>]) -> Option<Stopped> {
    let end = world.now();
    while waits(world, properties, end) {
        let limit = world.now() + ASKED_EVERY;
        while world.step_until(limit) {
            if let Some(stopped) = judge(world, properties) {
                return Some(stopped);
            }
        }
        if let Some(undecided) = world.limit_reached() {
            return Some(Stopped::Undecided(undecided));
        }
        world.advance_quietly(limit);
    }
    None
}

/// Whether a property does not hold in a run that was to end at `end`, and has patience left.
fn waits<M: Model>(world: &World<M>, properties: &mut [Box<dyn Property<M>>], end: Time) -> bool {
    let late = world.now().since(end);
    properties.iter_mut().any(|property| property.patience() > late && property.at_end(world).is_err())
}

/// Runs a part of a world and catches the panic of a failed assertion. The world is only read after that, so the
/// unwinding does no harm.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> std::thread::Result<T> {
    quiet_panics();
    IN_WORLD.set(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    IN_WORLD.set(false);
    result
}

#[inline]
pub(crate) fn judge<M: Model>(world: &World<M>, properties: &mut [Box<dyn Property<M>>]) -> Option<Stopped> {
    for property in properties {
        if let Err(broken) = property.after_event(world) {
            return Some(stopped(world, &**property, broken));
        }
    }
    None
}

/// A property without a verdict does not hide that another one is violated.
pub(crate) fn judge_end<M: Model>(world: &World<M>, properties: &mut [Box<dyn Property<M>>]) -> Option<Stopped> {
    let mut undecided = None;
    for property in properties {
        let Err(broken) = property.at_end(world) else { continue };
        match stopped(world, &**property, broken) {
            Stopped::Undecided(why) => undecided = undecided.or(Some(Stopped::Undecided(why))),
            violated => return Some(violated),
        }
    }
    undecided
}

#[cold]
fn stopped<M: Model>(world: &World<M>, property: &dyn Property<M>, broken: Broken) -> Stopped {
    if broken.undecided {
        return Stopped::Undecided(Undecided::Property { name: property.name(), why: broken.message });
    }
    Stopped::Violated(violation(world, property.name(), property.is_liveness(), broken))
}

fn violation<M: Model>(world: &World<M>, property: String, liveness: bool, broken: Broken) -> Violation {
    let Broken { nodes, message, .. } = broken;
    Violation { property, at: world.now(), event: world.stats().events, nodes, message, liveness }
}

pub(crate) fn finish<M: Model>(mut world: World<M>, stopped: Option<Stopped>) -> Finished<M> {
    let (violation, undecided) = match stopped {
        None => (None, None),
        Some(Stopped::Violated(violation)) => (Some(violation), None),
        Some(Stopped::Undecided(undecided)) => (None, Some(undecided)),
    };
    let (timeline, recorded) = world.take_recording();
    FinishedOf {
        violation,
        undecided,
        fingerprint: world.fingerprint(),
        ended_at: world.now(),
        stats: world.stats().clone(),
        marks: world.marks_in_all(),
        struck: world.struck().to_vec(),
        used: world.used_choices().to_vec(),
        history: world.into_history(),
        timeline,
        recorded,
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Assertions inside protocols: a failed one is a violation, not a crash of the tool.

thread_local! {
    static IN_WORLD: Cell<bool> = const { Cell::new(false) };
    static LAST_PANIC: RefCell<Option<Place>> = const { RefCell::new(None) };
}

/// Does not print panics inside worlds, which are reported as violations. Others are printed as usual.
fn quiet_panics() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if IN_WORLD.get() {
                LAST_PANIC.set(info.location().map(Place::from));
            } else {
                usual(info);
            }
        }));
    });
}

/// The violation of a failed assertion.
pub(crate) fn assertion<M: Model>(world: &World<M>, panic: Box<dyn Any + Send>) -> Violation {
    let (property, message) = property_and_message(&*panic);
    // The failed handler ran on the node that the event changed last.
    violation(world, property, false, Broken::new(world.changed().last().copied(), message))
}

/// The name of the property that a panic violates, and the message of the violation.
pub(crate) fn property_and_message(panic: &(dyn Any + Send)) -> (String, String) {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string));
    let text = text.unwrap_or_else(|| "a panic without words".into());
    let place = LAST_PANIC.take();
    let property = assertion::name(place.as_ref(), &text);
    let message = match place {
        Some(Place { file, line, column }) => format!("{text} (asserted at {file}:{line}:{column})"),
        None => text,
    };
    (property, message)
}
