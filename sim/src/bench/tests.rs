//! The bench itself, and that it does what a world does.

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::disk::DiskConfig;
use crate::history::Outcome;
use crate::model::{Info, Model};
use crate::scenario::Case;
use crate::timeline::Happening;
use crate::workload::Operation;
use crate::{Record, Source, run};

const LOG: File = File(0);
const OTHER: NodeId = NodeId(1);

/// Performs the scripted effects, one operation at a time.
#[derive(Clone, Debug, Hash, Default)]
struct Puppet {
    started_with: Vec<Stored<u32>>,
    syncs: u32,
}

#[derive(Clone, Debug, Hash, PartialEq, Serialize, Deserialize)]
enum Act {
    Send(u32),
    SendEarly(u32),
    Append(u32),
    AppendLazily(u32),
    Replace(u32),
    Arm(u64),
    Cancel,
    Draw,
    Complete,
    CompleteEarly,
    Fail,
    Halt,
}

#[derive(Clone, Debug, Hash, PartialEq, crate::Kinded)]
struct Said(u64);

impl Process for Puppet {
    type Message = Said;
    type Timer = ();
    type Record = u32;
    type Op = Vec<Act>;
    type Ret = u32;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.started_with = ctx.read(LOG);
    }

    fn message(&mut self, _: &mut Context<'_, Self>, _: NodeId, _: Said) {}

    fn timer(&mut self, ctx: &mut Context<'_, Self>, (): ()) {
        ctx.send(OTHER, Said(ctx.now().0));
    }

    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        self.syncs += 1;
        ctx.send(OTHER, Said(1_000_000 + ctx.durable_to()));
        // Every third sync writes itself, so that one sync follows another.
        if self.syncs.is_multiple_of(3) {
            ctx.append(LOG, self.syncs);
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Send(n) => ctx.send(OTHER, Said(n.into())),
                Act::SendEarly(n) => ctx.send_early(OTHER, Said(n.into())),
                Act::Append(n) => {
                    ctx.append(LOG, n);
                }
                Act::AppendLazily(n) => {
                    ctx.append_lazily(LOG, n);
                }
                Act::Replace(n) => {
                    ctx.replace(LOG, vec![n]);
                }
                Act::Arm(after) => ctx.arm((), Span(after)),
                Act::Cancel => ctx.cancel(&()),
                Act::Draw => {
                    let drawn = ctx.draw("word", 100..=200);
                    ctx.send(OTHER, Said(drawn));
                }
                Act::Complete => ctx.complete(op, 1),
                Act::CompleteEarly => ctx.complete_early(op, 2),
                Act::Fail => ctx.fail(op, "told to"),
                Act::Halt => ctx.halt("told to"),
            }
        }
    }
}

fn puppet() -> Bench<Puppet> {
    let mut bench = Bench::new(Puppet::default());
    bench.start();
    bench
}

fn does(bench: &mut Bench<Puppet>, acts: impl IntoIterator<Item = Act>) -> Handled<Puppet> {
    bench.invoke(OpId(0), acts.into_iter().collect())
}

fn said(numbers: impl IntoIterator<Item = u64>) -> Vec<(NodeId, Said)> {
    numbers.into_iter().map(|n| (OTHER, Said(n))).collect()
}

#[test]
fn effects_come_in_the_order_in_which_the_handler_had_them() {
    let handled = does(&mut puppet(), [Act::Append(1), Act::Send(2), Act::Arm(3), Act::Cancel, Act::Complete]);
    let expect: [Effect<Puppet>; 5] = [
        Effect::Append(LOG, 1),
        Effect::Send { to: OTHER, message: Said(2), early: false },
        Effect::Arm((), Span(3)),
        Effect::Cancel(()),
        Effect::Complete { op: OpId(0), ret: 1, early: false },
    ];
    assert_eq!(*handled, expect);
}

#[test]
fn what_is_said_before_a_write_of_the_same_handler_waits_for_it_too() {
    let mut bench = puppet();
    let handled = does(&mut bench, [Act::Send(1), Act::Append(9), Act::SendEarly(2)]);
    assert_eq!(handled.sent(), said([1, 2]));
    assert_eq!(handled.messages_released(), said([2]));
    assert_eq!(bench.held(), [Effect::Send { to: OTHER, message: Said(1), early: false }]);
    assert_eq!(bench.synced().messages_released(), said([1, 1_000_001]));
    assert!(bench.held().is_empty() && bench.durable());
}

#[test]
fn a_later_handler_that_writes_nothing_waits_behind_an_earlier_write() {
    let mut bench = puppet();
    does(&mut bench, [Act::Append(9)]);
    let handled = does(&mut bench, [Act::Send(1), Act::Fail]);
    assert!(handled.released().is_empty());
    assert_eq!(bench.synced().released().len(), 3);
}

#[test]
fn nothing_waits_for_a_lazy_write() {
    let mut bench = puppet();
    let handled = does(&mut bench, [Act::AppendLazily(9), Act::Send(1)]);
    assert_eq!((handled.appended_lazily(), handled.messages_released()), (vec![9], said([1])));
    assert!(bench.durable());
    assert_eq!((bench.written(), bench.durable_to()), (1, 0));
    bench.restart(Puppet::default());
    assert!(bench.read(LOG).is_empty());
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let mut bench = puppet();
    does(&mut bench, [Act::Append(1), Act::Send(1)]);
    bench.sync_begins();
    does(&mut bench, [Act::Append(2), Act::Send(2)]);
    // The output of `synced` waits for the second write as well.
    assert_eq!(bench.synced().messages_released(), said([1]));
    assert_eq!(bench.synced().messages_released(), said([2, 1_000_001, 1_000_002]));
}

#[test]
fn a_crash_keeps_what_was_synced_and_releases_nothing() {
    let mut bench = puppet();
    does(&mut bench, [Act::Append(1), Act::Arm(5)]);
    bench.synced();
    does(&mut bench, [Act::Append(2), Act::Send(7)]);
    let mut lucky = bench.clone();
    bench.restart(Puppet::default());
    assert_eq!(bench.process().started_with, [Stored::Good(1)]);
    assert_eq!((bench.held().len(), bench.due(&())), (0, None));
    lucky.restart_with(Puppet::default(), |_| WriteFate::Torn);
    assert_eq!(lucky.process().started_with, [Stored::Good(1), Stored::Torn]);
}

#[test]
fn a_disk_can_hold_what_an_earlier_life_left_and_rot() {
    let mut bench = Bench::new(Puppet::default()).with_file(LOG, [4, 5]);
    bench.corrupt(LOG, 1);
    bench.start();
    assert_eq!(bench.process().started_with, [Stored::Corrupt, Stored::Good(5)]);
    assert_eq!(bench.read(LOG), [5]);
}

#[test]
fn a_timer_moves_the_clock_to_when_it_is_due() {
    let mut bench = puppet();
    bench.at(Time(100));
    does(&mut bench, [Act::Arm(50)]);
    assert_eq!(bench.due(&()), Some(Time(150)));
    assert_eq!(bench.clone().timer(()).sent(), said([150]));
    assert_eq!(bench.pass(Span(80)).timer(()).sent(), said([180]), "it may be late");
    assert_eq!(bench.due(&()), None);
}

#[test]
#[should_panic(expected = "the timer is not armed")]
fn a_timer_that_is_not_armed_is_never_due() {
    puppet().timer(());
}

#[test]
#[should_panic(expected = "nothing waits for the disk")]
fn no_sync_ends_where_none_begins() {
    puppet().synced();
}

#[test]
fn draws_follow_their_script_then_their_fixed_value_then_the_default() {
    let mut bench = puppet();
    let default = does(&mut bench, [Act::Draw]).sent();
    bench.draws_in_turn("word", [100, 200]).draws("word", 150);
    assert_eq!(does(&mut bench, [Act::Draw, Act::Draw, Act::Draw]).sent(), said([100, 200, 150]));
    let mut elsewhere = Bench::new(Puppet::default()).on(NodeId(3));
    assert_ne!(does(&mut elsewhere, [Act::Draw]).sent(), default, "defaults differ from node to node");
}

#[test]
#[should_panic(expected = "outside of its range")]
fn a_draw_is_inside_its_range() {
    does(puppet().draws("word", 7), [Act::Draw]);
}

#[test]
fn who_halts_says_nothing_more_and_handles_nothing() {
    let mut bench = puppet();
    does(&mut bench, [Act::Append(1), Act::Send(1)]);
    let handled = does(&mut bench, [Act::SendEarly(2), Act::Send(3), Act::Halt]);
    assert_eq!((handled.halted(), handled.messages_released()), (Some("told to"), said([2])));
    assert!(bench.held().is_empty());
    assert_eq!(bench.halted(), Some("told to"));
    bench.restart(Puppet::default());
    assert_eq!(bench.halted(), None);
}

#[test]
fn who_writes_to_a_full_disk_halts() {
    let mut bench = puppet();
    bench.disk_full(true);
    let handled = does(&mut bench, [Act::Append(1)]);
    assert_eq!(handled.halted(), Some("its disk is full"));
    assert!(!handled.wrote() && bench.read(LOG).is_empty());
}

// -------------------------------------------------------------------------------------------------------------------
// The same process in a world

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct TwoNodes;

impl Model for TwoNodes {
    type Process = Puppet;
    const INFO: Info = Info::named("stage", "", "example", "One node does what it is told, another listens.");

    fn size(&self) -> usize {
        2
    }

    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Puppet {
        Puppet::default()
    }
}

/// Syncs take this long in the world; operations come further apart, or all but at once.
const SYNC: Span = Span::ms(3);

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        any::<u32>().prop_map(Act::Send),
        any::<u32>().prop_map(Act::SendEarly),
        any::<u32>().prop_map(Act::Append),
        any::<u32>().prop_map(Act::AppendLazily),
        any::<u32>().prop_map(Act::Replace),
        Just(Act::Draw),
    ];
    let end = prop_oneof![Just(Act::Complete), Just(Act::CompleteEarly)];
    (prop::collection::vec(act, 0..5), end).prop_map(|(mut acts, end)| {
        acts.push(end);
        acts
    })
}

/// What left the puppet's node, in order.
fn in_a_world(script: &[Vec<Act>], instant: bool) -> (Vec<String>, Vec<Option<u32>>) {
    let mut case = Case::quiet(TwoNodes);
    case.scenario.disk = DiskConfig { sync: if instant { Span::ZERO } else { SYNC }, ..DiskConfig::default() };
    let operation = |(n, acts): (usize, &Vec<Act>)| Operation {
        at: Time::ms(1 + 20 * n as u64),
        client: NodeId(0),
        op: acts.clone(),
    };
    case.operations = script.iter().enumerate().map(operation).collect();
    let finished = run(&case, &Source::Fixed(Vec::new()), &[], Record::Yes).unwrap();
    let sent = finished.timeline.into_iter().filter_map(|entry| match entry.what {
        Happening::Sent { text, .. } => Some(text),
        _ => None,
    });
    let answers = finished.history.invocations().iter().map(|invocation| match invocation.outcome {
        Outcome::Returned { ref ret, .. } => Some(*ret),
        _ => None,
    });
    (sent.collect(), answers.collect())
}

fn on_a_bench(script: &[Vec<Act>], instant: bool) -> (Vec<String>, Vec<Option<u32>>) {
    let mut bench = Bench::new(Puppet::default());
    if instant {
        bench = bench.instant_disk();
    }
    bench.start();
    let mut sent = Vec::new();
    let mut answers = vec![None; script.len()];
    for (n, acts) in script.iter().enumerate() {
        let mut released = bench.invoke(OpId(n as u64), acts.clone()).released().to_vec();
        while !bench.durable() {
            released.extend(bench.synced().released().to_vec());
        }
        for effect in released {
            match effect {
                Effect::Send { message, .. } => sent.push(format!("{message:?}")),
                Effect::Complete { op, ret, .. } => answers[op.0 as usize] = Some(ret),
                other => panic!("nothing else leaves: {other:?}"),
            }
        }
    }
    (sent, answers)
}

proptest! {
    /// Whatever a process does, the same leaves it on a bench and in a world, in the same order.
    #[test]
    fn a_bench_does_what_a_world_does(script in prop::collection::vec(acts(), 1..12), instant: bool) {
        prop_assert_eq!(on_a_bench(&script, instant), in_a_world(&script, instant));
    }
}
