//! The physics of a world, one law a test: network, clocks, disks, crashes, pauses, faults, choices.

use std::collections::BTreeMap;

use seedbed_sim::Finished as Run;
use seedbed_sim::timeline::{Happening, Undelivered};
use seedbed_sim::{
    Budget, Case, Context, CutMode, Deviation, Direction, DiskConfig, Fault, FaultClass, File, Info, Kinded, Latency,
    Model, NetworkConfig, NoDisk, NoOp, NodeId, OpId, Operation, Outcome, PerLife, Process, Record, Source, Span,
    Stored, Target, Time, What, World, WriteFate, run,
};
use serde::{Deserialize, Serialize};

// -------------------------------------------------------------------------------------------------------------------
// A process that does what operations tell it, and notes what happens to it.

#[derive(Clone, Debug, Default, Hash)]
struct Puppet {
    leads: bool,
}

#[derive(Clone, Debug, Hash, Kinded)]
enum Say {
    Word(u32),
    Other(u32),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded)]
enum Bell {
    Low(u8),
    High(u8),
}

/// One string of the puppet.
#[derive(Clone, Debug, Hash, PartialEq, Serialize, Deserialize)]
enum Pull {
    Send(u16, u32),
    SendOther(u16, u32),
    SendEarly(u16, u32),
    Append(u32),
    Replace(Vec<u32>),
    Low(u8, Span),
    High(u8, Span),
    Cancel(u8),
    Halt,
    Lead,
    Answer,
    AnswerEarly,
}

const LOG: File = File(0);

impl Puppet {
    fn pull(&mut self, ctx: &mut Context<'_, Self>, op: OpId, pull: Pull) {
        match pull {
            Pull::Send(to, n) => ctx.send(NodeId(to), Say::Word(n)),
            Pull::SendOther(to, n) => ctx.send(NodeId(to), Say::Other(n)),
            Pull::SendEarly(to, n) => ctx.send_early(NodeId(to), Say::Word(n)),
            Pull::Append(n) => {
                ctx.append(LOG, n);
            }
            Pull::Replace(all) => {
                ctx.replace(LOG, all);
            }
            Pull::Low(n, after) => ctx.arm(Bell::Low(n), after),
            Pull::High(n, after) => ctx.arm(Bell::High(n), after),
            Pull::Cancel(n) => ctx.cancel(&Bell::Low(n)),
            Pull::Halt => ctx.halt("it was told to"),
            Pull::Lead => self.leads = true,
            Pull::Answer => ctx.complete(op, ()),
            Pull::AnswerEarly => ctx.complete_early(op, ()),
        }
    }
}

impl Process for Puppet {
    type Message = Say;
    type Timer = Bell;
    type Record = u32;
    type Op = Vec<Pull>;
    type Ret = ();

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        let read = ctx.read(LOG);
        ctx.note(|| {
            let show = |record: &Stored<u32>| match record {
                Stored::Good(n) => n.to_string(),
                other => format!("{other:?}").to_lowercase(),
            };
            format!("start [{}]", read.iter().map(show).collect::<Vec<_>>().join(" "))
        });
    }
    fn message(&mut self, ctx: &mut Context<'_, Self>, _: NodeId, (Say::Word(n) | Say::Other(n)): Say) {
        look_at_clock();
        ctx.note(|| format!("got {n}"));
    }
    fn timer(&mut self, ctx: &mut Context<'_, Self>, bell: Bell) {
        look_at_clock();
        let now = ctx.now();
        ctx.note(|| format!("{bell:?} at {}", now.0 / 1000));
    }
    fn synced(&mut self, ctx: &mut Context<'_, Self>) {
        let (written, durable) = (ctx.written(), ctx.durable_to());
        ctx.note(|| format!("synced {durable} of {written}"));
    }
    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, pulls: Vec<Pull>) {
        // Without an answer the next operation of this client would wait.
        if !pulls.contains(&Pull::Answer) {
            ctx.complete_early(op, ());
        }
        pulls.into_iter().for_each(|pull| self.pull(ctx, op, pull));
    }
    fn size(_: &Say) -> u64 {
        1000
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Stage {
    nodes: usize,
    fifo_other: bool,
}

impl Model for Stage {
    type Process = Puppet;
    const INFO: Info = Info { roles: &["leader"], ..Info::named("stage", "", "tests", "Puppets.") };
    const READS_MADSIM_TIME: bool = true;

    fn size(&self) -> usize {
        self.nodes
    }
    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Puppet {
        Puppet::default()
    }
    fn holds(&self, process: &Puppet, role: &str) -> Option<u64> {
        (process.leads && role == "leader").then_some(0)
    }
    fn fifo(&self, kind: &str) -> bool {
        self.fifo_other && kind == "other"
    }
    /// One millisecond, always.
    fn network(&self) -> NetworkConfig {
        NetworkConfig { fifo: false, ..NetworkConfig::reliable(Latency::Constant { base: Span::ms(1) }) }
    }
}

const A: NodeId = NodeId(0);
const B: NodeId = NodeId(1);
const C: NodeId = NodeId(2);

/// Three puppets that are pulled at these milliseconds; a second of chaos, a second to settle.
fn stage(pulls: impl IntoIterator<Item = (u64, NodeId, Vec<Pull>)>) -> Case<Stage> {
    let mut case = Case::quiet(Stage { nodes: 3, fifo_other: false });
    case.scenario.phases.chaos = Span::secs(1);
    case.scenario.phases.settle = Span::secs(1);
    case.operations = pulls.into_iter().map(|(ms, client, op)| Operation { at: Time::ms(ms), client, op }).collect();
    case
}

fn fault(at: u64, lasts: u64, what: What) -> Fault {
    Fault { at: Time::ms(at), lasts: Some(Span::ms(lasts)), within: None, after: None, what }
}

fn play_from(case: &Case<Stage>, source: Source) -> Run<Stage> {
    let outcome = run(case, &source, &[], Record::Yes).unwrap();
    assert_eq!(outcome.violation, None);
    outcome
}

/// Plays with every choice at its default.
fn play(case: &Case<Stage>) -> Run<Stage> {
    play_from(case, Source::Fixed(Vec::new()))
}

/// What a node noted, with the microsecond, without its starts and syncs unless asked for.
fn notes(outcome: &Run<Stage>, of: NodeId) -> Vec<(u64, String)> {
    let noted = outcome.timeline.iter().filter_map(|entry| match &entry.what {
        Happening::Noted { node, text } if *node == of => Some((entry.at.0 / 1000, text.clone())),
        _ => None,
    });
    noted.filter(|(_, text)| !text.starts_with("synced") && text != "start []").collect()
}

fn texts(outcome: &Run<Stage>, of: NodeId) -> Vec<String> {
    notes(outcome, of).into_iter().map(|(_, text)| text).collect()
}

/// The same, written shorter.
fn told(notes: &[(u64, &str)]) -> Vec<(u64, String)> {
    notes.iter().map(|(at, text)| (*at, text.to_string())).collect()
}

fn words(to: u16, numbers: impl IntoIterator<Item = u32>) -> Vec<Pull> {
    numbers.into_iter().map(|n| Pull::Send(to, n)).collect()
}

fn undelivered(outcome: &Run<Stage>, why: Undelivered) -> usize {
    outcome
        .timeline
        .iter()
        .filter(|entry| matches!(entry.what, Happening::Undelivered { why: w, .. } if w == why))
        .count()
}

// -------------------------------------------------------------------------------------------------------------------
// Network

#[test]
fn messages_are_lost_and_doubled_at_the_rates_of_the_scenario_and_not_after_it_heals() {
    let mut case = stage([(1, A, words(1, 0..10_000)), (1500, A, words(1, 0..10_000))]);
    (case.scenario.network.loss_ppm, case.scenario.network.dup_ppm) = (100_000, 50_000);
    let outcome = play_from(&case, Source::Seed(1));
    let stats = &outcome.stats;
    assert!((900..1100).contains(&stats.lost) && (380..520).contains(&stats.doubled), "{stats:?}");
    assert_eq!(stats.delivered, 20_000 - stats.lost + stats.doubled);
    assert_eq!((stats.fault(FaultClass::Loss), stats.fault(FaultClass::Dup)), (stats.lost, stats.doubled));
    assert_eq!(undelivered(&outcome, Undelivered::Lost) as u64, stats.lost);
    let late = notes(&outcome, B).into_iter().filter(|(at, _)| *at > 1_000_000).count();
    assert_eq!(late, 10_000);
}

#[test]
fn messages_overtake_each_other_unless_the_link_or_their_kind_is_fifo() {
    let both = (0..50).flat_map(|n| [Pull::Send(1, n), Pull::SendOther(1, 100 + n)]).collect::<Vec<_>>();
    let mut case = stage([(1, A, both)]);
    case.scenario.network.latency = Latency::Uniform { min: Span::ms(1), max: Span::ms(10) };
    let order = |case: &Case<Stage>| {
        let outcome = play_from(case, Source::Seed(5));
        let got = |text: String| text.strip_prefix("got ").unwrap().parse::<u32>().unwrap();
        let all: Vec<u32> = texts(&outcome, B).into_iter().map(got).collect();
        assert_eq!(all.len(), 100);
        let (others, words): (Vec<u32>, Vec<u32>) = all.into_iter().partition(|n| *n >= 100);
        (words.is_sorted(), others.is_sorted(), outcome.stats.fault(FaultClass::Reorder) > 0)
    };
    assert_eq!(order(&case), (false, false, true));
    case.scenario.config.fifo_other = true;
    assert_eq!(order(&case), (false, true, true));
    case.scenario.network.fifo = true;
    assert_eq!(order(&case), (true, true, false));
}

#[test]
fn a_bandwidth_makes_messages_queue() {
    let mut case = stage([(1, A, [words(1, [1, 2, 3]), words(2, [4])].concat())]);
    // A message counts a thousand bytes: two milliseconds.
    case.scenario.network.bandwidth = Some(500_000);
    let outcome = play(&case);
    assert_eq!(notes(&outcome, B), told(&[(4_000, "got 1"), (6_000, "got 2"), (8_000, "got 3")]));
    assert_eq!(notes(&outcome, C), told(&[(4_000, "got 4")]), "another link is free");
}

#[test]
fn a_partition_drops_what_is_sent_into_it_and_what_is_in_flight() {
    let mut case = stage([
        (9, A, words(1, [1])),
        (12, A, words(1, [2])),
        (14, B, words(0, [3])),
        (15, A, words(2, [4])),
        (20, A, words(1, [5])),
    ]);
    case.scenario.network.latency = Latency::Constant { base: Span::ms(2) };
    case.faults = vec![fault(10, 10, What::Partition { side: vec![B], mode: CutMode::Drop })];
    let outcome = play(&case);
    assert_eq!((texts(&outcome, A), texts(&outcome, B)), (vec![], vec!["got 5".into()]));
    assert_eq!(texts(&outcome, C), ["got 4"], "one side is connected in itself");
    assert_eq!((outcome.stats.cut, undelivered(&outcome, Undelivered::Cut)), (3, 3));
}

#[test]
fn a_holding_cut_delivers_when_it_ends_in_the_order_of_sending() {
    let mut case = stage([(9, A, words(1, [1])), (11, A, words(1, [2, 3])), (12, B, words(0, [4]))]);
    case.faults = vec![fault(10, 20, What::Cut { from: vec![A], to: vec![B], mode: CutMode::Hold })];
    let outcome = play(&case);
    assert_eq!(notes(&outcome, B), told(&[(30_000, "got 1"), (30_000, "got 2"), (30_000, "got 3")]));
    assert_eq!(notes(&outcome, A), told(&[(13_000, "got 4")]), "a cut has one direction");
    assert_eq!((outcome.stats.cut, outcome.stats.fault(FaultClass::Partition)), (0, 3));
    let held = outcome.timeline.iter().filter(|entry| matches!(entry.what, Happening::Held { from: A, to: B, .. }));
    assert_eq!(held.count(), 3, "the timeline says what is held");
}

#[test]
fn an_isolation_has_directions() {
    let both = |direction| {
        let mut case = stage([(11, A, words(1, [1])), (11, B, words(0, [2])), (11, C, words(1, [3]))]);
        case.faults = vec![fault(10, 10, What::Isolate { node: A.into(), direction, mode: CutMode::Drop })];
        let outcome = play(&case);
        assert!(texts(&outcome, B).contains(&"got 3".to_string()), "others are not cut");
        (texts(&outcome, B).contains(&"got 1".to_string()), texts(&outcome, A) == ["got 2"])
    };
    assert_eq!(both(Direction::Both), (false, false));
    assert_eq!(both(Direction::In), (true, false));
    assert_eq!(both(Direction::Out), (false, true));
}

#[test]
fn a_delay_lets_later_messages_overtake() {
    let mut case = stage([(10, A, words(1, [1])), (14, A, words(1, [2])), (20, A, words(1, [3]))]);
    case.faults = vec![fault(9, 3, What::Delay { from: vec![A], to: vec![B], by: Span::ms(20) })];
    let outcome = play(&case);
    assert_eq!(notes(&outcome, B), told(&[(15_000, "got 2"), (21_000, "got 3"), (31_000, "got 1")]));
}

// -------------------------------------------------------------------------------------------------------------------
// Pause, crash, service time

#[test]
fn a_paused_node_handles_what_queued_up_when_it_goes_on() {
    let pulls = vec![Pull::Low(1, Span::ms(7)), Pull::Low(2, Span::ms(40))];
    let mut case =
        stage([(1, B, pulls), (11, A, words(1, [1])), (6, A, words(1, [2])), (15, B, vec![Pull::Send(0, 9)])]);
    case.faults = vec![fault(5, 25, What::Pause { node: B.into() })];
    let outcome = play(&case);
    let expect = [(30_000, "got 2"), (30_000, "Low(1) at 30000"), (30_000, "got 1"), (41_000, "Low(2) at 41000")];
    assert_eq!(notes(&outcome, B), told(&expect));
    assert_eq!(notes(&outcome, A), told(&[(31_000, "got 9")]), "operations wait too");
    assert_eq!(outcome.stats.fault(FaultClass::Pause), 1);
}

#[test]
fn a_timer_that_came_due_in_a_pause_can_still_be_cancelled() {
    let mut case =
        stage([(1, B, vec![Pull::Low(1, Span::ms(9)), Pull::Low(2, Span::ms(9))]), (6, B, vec![Pull::Cancel(1)])]);
    case.faults = vec![fault(5, 25, What::Pause { node: B.into() })];
    assert_eq!(notes(&play(&case), B), told(&[(30_000, "Low(2) at 30000")]));
}

#[test]
fn a_crash_drops_timers_outputs_and_volatile_state() {
    let pulls =
        vec![Pull::Lead, Pull::Low(1, Span::ms(30)), Pull::Low(2, Span::ms(90)), Pull::Append(7), Pull::Send(0, 8)];
    let mut case = stage([
        (10, B, pulls),
        (20, A, words(1, [1])),
        (45, A, words(1, [2])),
        (60, B, vec![Pull::Low(3, Span::ms(1))]),
    ]);
    case.scenario.disk.sync = Span::ms(5);
    case.faults = vec![fault(12, 30, What::Crash { node: B.into() })];
    let outcome = play(&case);
    assert_eq!(notes(&outcome, A), [], "the message waited for the disk");
    assert_eq!(notes(&outcome, B), told(&[(42_000, "start [7]"), (46_000, "got 2"), (61_000, "Low(3) at 61000")]));
    assert_eq!((outcome.stats.to_down, undelivered(&outcome, Undelivered::Down)), (1, 1));
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    while world.step() {}
    assert!(!world.process(B).unwrap().leads);
    assert_eq!((world.life(A), world.life(B)), (0, 1));
}

#[test]
fn an_event_names_all_nodes_that_it_changed() {
    let mut case = stage([(10, A, vec![Pull::Send(1, 1)])]);
    let forever = 1_000_000;
    case.faults = [A, B, C].map(|node| fault(20, forever, What::Crash { node: node.into() })).to_vec();
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    let mut changed: Vec<Vec<NodeId>> = Vec::new();
    while world.step() {
        assert!(world.present().all(|node| world.process(node).is_none()
            || changed.concat().contains(&node)
            || world.changed().contains(&node)));
        changed.push(world.changed().to_vec());
    }
    // Each start is an event, then the operation and its message, then the crashes, and at last the heal.
    let each = [A, B, C].map(|node| vec![node]);
    assert_eq!(changed, [&each[..], &[vec![A], vec![B]], &each[..], &[vec![A, B, C]]].concat());
}

/// Code that looks at a clock where it should not sees virtual time: that of the event, and from zero in each world,
/// whatever ran on this thread before.
#[cfg(madsim)]
#[test]
fn handlers_and_properties_see_the_time_of_their_event_on_madsims_clock() {
    use seedbed_sim::{Invariant, maker};

    let mut case = stage([(10, A, vec![Pull::Send(1, 1), Pull::Low(1, Span::us(17))]), (20, B, vec![Pull::Append(1)])]);
    case.scenario.disk.sync = Span::us(3);
    case.faults = vec![fault(30, 5, What::Crash { node: C.into() })];
    let property = Invariant::new("shown", |world: &World<Stage>| {
        assert_eq!(madsims_time(), world.now());
        if let Some(seen) = SEEN_BY_HANDLER.take() {
            assert_eq!(seen, world.now());
        }
        Ok(())
    });
    for _ in 0..2 {
        let outcome = run(&case, &Source::Seed(3), &[maker(property.clone())], Record::No).unwrap();
        assert_eq!(outcome.violation, None);
        // Starts, operations, a message, a timer, a sync, the crash and its end, the heal.
        assert_eq!(outcome.stats.events, 11);
    }
}

/// A model that does not say that it reads madsim's clock pays for none, and whoever looks at it finds out.
#[cfg(madsim)]
#[test]
fn worlds_of_other_models_have_no_madsim_clock() {
    use seedbed_sim::{Invariant, doc::PingPong, maker};

    let property = Invariant::new("reads madsim's clock", |_: &World<PingPong>| {
        let _ = madsims_time();
        Ok(())
    });
    let outcome = run(&Case::quiet(PingPong), &Source::Seed(3), &[maker(property)], Record::No).unwrap();
    assert!(outcome.violation.is_some_and(|violation| violation.message.contains("madsim")));
}

#[cfg(madsim)]
fn madsims_time() -> Time {
    Time(madsim::time::TimeHandle::current().elapsed().as_nanos() as u64)
}

#[cfg(madsim)]
thread_local! {
    static SEEN_BY_HANDLER: std::cell::Cell<Option<Time>> = const { std::cell::Cell::new(None) };
}

/// Looks at madsim's clock as a handler could, if there is one.
fn look_at_clock() {
    #[cfg(madsim)]
    if madsim::time::TimeHandle::try_current().is_some() {
        SEEN_BY_HANDLER.set(Some(madsims_time()));
    }
}

#[test]
fn what_is_remembered_per_life_is_forgotten_at_a_crash() {
    let mut case = stage([(10, A, vec![Pull::Send(1, 1)])]);
    case.faults = vec![fault(20, 30, What::Crash { node: B.into() })];
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    let mut starts: PerLife<u32> = PerLife::default();
    let mut outlived = Vec::new();
    assert_eq!(starts.last(B), None);
    while world.step() {
        for node in world.changed() {
            if starts.is_outlived(&world, *node) {
                outlived.push((*node, *starts.last(*node).unwrap()));
            }
            *starts.of(&world, *node) += 1;
        }
    }
    // B started and got a message; the crash and the start after it are of its second life.
    assert_eq!(outlived, [(B, 2)]);
    assert_eq!(starts.all().map(|(node, count)| (node, *count)).collect::<Vec<_>>(), [(A, 2), (B, 2), (C, 1)]);
}

#[test]
fn operations_of_a_node_that_is_down_are_never_invoked_and_open_ones_stay_unknown() {
    let ask = |ms| (ms, B, vec![Pull::Append(1), Pull::Answer]);
    let mut case = stage([ask(10), ask(20), ask(60)]);
    case.scenario.disk.sync = Span::ms(5);
    case.faults = vec![fault(12, 30, What::Crash { node: B.into() })];
    let outcome = play(&case);
    let outcomes: Vec<_> =
        outcome.history.invocations().iter().map(|i| (i.id.0, i.ended().map(|at| at.0 / 1_000))).collect();
    assert_eq!((outcomes, outcome.stats.skipped), (vec![(0, None), (2, Some(65_000))], 1));
}

#[test]
fn a_service_time_makes_a_node_handle_one_thing_after_the_other() {
    let mut case = stage([(10, A, words(1, [1, 2, 3])), (10, A, words(2, [4, 5]))]);
    case.scenario.service.insert(B, Span::ms(4));
    let outcome = play(&case);
    assert_eq!(notes(&outcome, B), told(&[(15_000, "got 1"), (19_000, "got 2"), (23_000, "got 3")]));
    assert_eq!(notes(&outcome, C), told(&[(11_000, "got 4"), (11_000, "got 5")]));
}

#[test]
fn a_node_that_halts_stays_down_until_the_world_heals() {
    let outcome = play(&stage([
        (10, B, vec![Pull::Send(0, 1), Pull::Append(4), Pull::Halt]),
        (20, A, words(1, [2])),
        (1100, A, words(1, [3])),
    ]));
    assert_eq!(notes(&outcome, A), [], "what the handler said is gone");
    assert_eq!(texts(&outcome, B), ["start [4]", "got 3"]);
    let started = outcome
        .timeline
        .iter()
        .filter(|entry| matches!(entry.what, Happening::Started { node: B }))
        .map(|entry| entry.at);
    assert_eq!(started.collect::<Vec<_>>(), [Time::ZERO, Time::ms(1000)]);
}

// -------------------------------------------------------------------------------------------------------------------
// Disks

#[test]
fn outputs_wait_for_the_writes_before_them_unless_they_are_early() {
    let pulls = vec![
        Pull::SendEarly(1, 1),
        Pull::Send(1, 2),
        Pull::Append(7),
        Pull::SendEarly(1, 3),
        Pull::Send(1, 4),
        Pull::Answer,
    ];
    let mut case = stage([
        (10, A, pulls),
        (11, A, words(1, [5])),
        (11, B, vec![Pull::Append(1), Pull::Answer, Pull::AnswerEarly]),
    ]);
    case.scenario.disk.sync = Span::ms(5);
    let outcome = play(&case);
    let expect = [(11_000, "got 1"), (11_000, "got 3"), (16_000, "got 2"), (16_000, "got 4"), (16_000, "got 5")];
    assert_eq!(notes(&outcome, B), told(&expect));
    let ended: Vec<_> = outcome.history.invocations().iter().map(|i| (i.id.0, i.ended().unwrap().0 / 1000)).collect();
    assert_eq!(ended, [(0, 15_000), (2, 11_000), (1, 15_000)], "the second operation of a client waits for its first");
}

#[test]
fn a_sync_covers_what_was_written_before_it_began() {
    let mut case =
        stage([(10, A, vec![Pull::Append(1), Pull::Send(1, 1)]), (12, A, vec![Pull::Append(2), Pull::Send(1, 2)])]);
    case.scenario.disk.sync = Span::ms(5);
    assert_eq!(notes(&play(&case), B), told(&[(16_000, "got 1"), (21_000, "got 2")]));
    let synced = play(&case).timeline.into_iter().filter_map(|entry| match entry.what {
        Happening::Noted { text, .. } if text.starts_with("synced") => Some(text),
        _ => None,
    });
    assert_eq!(synced.collect::<Vec<_>>(), ["synced 1 of 2", "synced 2 of 2"]);
    let outcome = play_from(&case, Source::Fixed(vec![Deviation::Sync { node: A, n: 1, longer: Span::ms(100) }]));
    assert_eq!(notes(&outcome, B), told(&[(16_000, "got 1"), (121_000, "got 2")]));
    case.faults = vec![fault(9, 2, What::SlowDisk { node: A.into(), by: Span::ms(30) })];
    let outcome = play(&case);
    assert_eq!(notes(&outcome, B), told(&[(46_000, "got 1"), (51_000, "got 2")]));
    assert_eq!(outcome.stats.fault(FaultClass::Disk), 1);
}

#[test]
fn a_crash_keeps_loses_and_tears_unsynced_writes_by_named_choice() {
    let mut case =
        stage([(10, B, vec![Pull::Append(1)]), (20, B, vec![Pull::Append(2), Pull::Append(3), Pull::Append(4)])]);
    case.scenario.disk.sync = Span::ms(5);
    case.faults = vec![fault(22, 10, What::Crash { node: B.into() })];
    let after = |fates: &[(u32, WriteFate)]| {
        let crash = |(write, fate): &(u32, WriteFate)| Deviation::Crash { node: B, n: 0, write: *write, fate: *fate };
        let outcome = play_from(&case, Source::Fixed(fates.iter().map(crash).collect()));
        assert!(outcome.used.iter().all(|used| *used));
        assert_eq!(outcome.stats.fault(FaultClass::Disk), fates.len() as u64);
        texts(&outcome, B).remove(0)
    };
    assert_eq!(after(&[]), "start [1 2 3 4]");
    assert_eq!(after(&[(2, WriteFate::Lost)]), "start [1 2 3]");
    assert_eq!(after(&[(1, WriteFate::Lost)]), "start [1 2 torn 4]");
    assert_eq!(after(&[(2, WriteFate::Torn)]), "start [1 2 3 torn]");
    assert_eq!(after(&[(0, WriteFate::Lost), (1, WriteFate::Lost), (2, WriteFate::Lost)]), "start [1]");
    case.operations[1].op = vec![Pull::Replace(vec![8, 9])];
    let replaced = |fate| {
        let choice = Deviation::Crash { node: B, n: 0, write: 0, fate };
        texts(&play_from(&case, Source::Fixed(vec![choice])), B).remove(0)
    };
    assert_eq!(replaced(WriteFate::Kept), "start [8 9]");
    assert_eq!(replaced(WriteFate::Torn), "start [1]");
}

#[test]
fn a_wipe_empties_the_disk() {
    let mut case = stage([(10, B, vec![Pull::Append(1)]), (60, B, vec![Pull::Append(2)])]);
    case.faults = vec![fault(22, 10, What::Wipe { node: B.into() }), fault(70, 10, What::Crash { node: B.into() })];
    let outcome = play(&case);
    assert_eq!(texts(&outcome, B), ["start [2]"], "the first start after the wipe found nothing");
    assert_eq!((outcome.stats.fault(FaultClass::Wipe), outcome.stats.fault(FaultClass::Crash)), (1, 1));
}

#[test]
fn a_full_disk_stops_whoever_writes() {
    let mut case = stage([
        (10, B, vec![Pull::Append(1)]),
        (30, B, words(0, [1])),
        (40, B, vec![Pull::Append(2), Pull::Send(0, 2)]),
        (50, A, words(1, [3])),
        (110, A, words(1, [4])),
    ]);
    case.faults = vec![fault(20, 80, What::FullDisk { node: B.into() })];
    let outcome = play(&case);
    assert_eq!(texts(&outcome, A), ["got 1"], "it may speak while it writes nothing");
    assert_eq!(notes(&outcome, B), told(&[(100_000, "start [1]"), (111_000, "got 4")]));
    assert_eq!(outcome.stats.fault(FaultClass::Disk), 1);
}

#[test]
fn a_record_rots() {
    let mut case = stage([(10, B, vec![Pull::Append(1), Pull::Append(2), Pull::Append(3)])]);
    let rot = |back| fault(20, 1, What::Corrupt { node: B.into(), file: LOG, back });
    case.faults = vec![rot(1), rot(5), fault(30, 10, What::Crash { node: B.into() })];
    let outcome = play(&case);
    assert_eq!(texts(&outcome, B), ["start [1 corrupt 3]"]);
    assert_eq!(outcome.stats.fault(FaultClass::Disk), 1, "there is no record five places back");
}

// -------------------------------------------------------------------------------------------------------------------
// Clocks

#[test]
fn timers_run_on_the_nodes_own_clock() {
    let skewed = |offset_ns, drift_ppm| {
        let mut case = stage([(5, B, vec![Pull::Low(1, Span::ms(20))]), (11, B, vec![Pull::Low(2, Span::ms(20))])]);
        case.faults = vec![Fault { lasts: None, ..fault(10, 0, What::Skew { node: B.into(), offset_ns, drift_ppm }) }];
        let outcome = play(&case);
        assert_eq!(outcome.stats.fault(FaultClass::Skew), 1);
        notes(&outcome, B)
    };
    // A jump forward makes an armed timer due, one back puts it off; neither changes a length that begins after it.
    assert_eq!(skewed(100_000_000, 0), told(&[(10_000, "Low(1) at 110000"), (31_000, "Low(2) at 131000")]));
    assert_eq!(skewed(-5_000_000, 0), told(&[(30_000, "Low(1) at 25000"), (31_000, "Low(2) at 26000")]));
    // Twice as fast; half as fast.
    assert_eq!(skewed(0, 1_000_000), told(&[(17_500, "Low(1) at 25000"), (21_000, "Low(2) at 32000")]));
    assert_eq!(skewed(0, -500_000), told(&[(40_000, "Low(1) at 25000"), (51_000, "Low(2) at 30500")]));
}

#[test]
fn a_clock_goes_back_to_the_truth_when_the_skew_ends() {
    let mut case = stage([(5, B, vec![Pull::Low(1, Span::ms(50))]), (5, C, vec![Pull::Low(1, Span::ms(50))])]);
    case.faults = vec![fault(10, 20, What::Skew { node: B.into(), offset_ns: -8_000_000, drift_ppm: 0 })];
    let outcome = play(&case);
    assert_eq!(
        (notes(&outcome, B), notes(&outcome, C)),
        (told(&[(55_000, "Low(1) at 55000")]), told(&[(55_000, "Low(1) at 55000")]))
    );
}

#[test]
fn a_timer_is_late_by_a_named_choice_and_fires_once() {
    let mut case =
        stage([(10, B, vec![Pull::Low(1, Span::ms(5)), Pull::Low(2, Span::ms(5)), Pull::High(1, Span::ms(5))])]);
    let late = Deviation::Timer { node: B, kind: "low".into(), n: 1, late: Span::ms(3) };
    let expect = told(&[(15_000, "Low(1) at 15000"), (15_000, "High(1) at 15000"), (18_000, "Low(2) at 18000")]);
    assert_eq!(notes(&play_from(&case, Source::Fixed(vec![late])), B), expect);
    case.scenario.timer_jitter = Span::ms(4);
    for seed in 0..20 {
        let noted = notes(&play_from(&case, Source::Seed(seed)), B);
        assert_eq!(noted.len(), 3, "seed {seed}: {noted:?}");
        assert!(noted.iter().all(|(at, _)| (15_000..=19_000).contains(at)), "seed {seed}: {noted:?}");
    }
}

#[test]
fn arming_an_armed_timer_moves_it() {
    let low = |ms, after| (ms, B, vec![Pull::Low(1, Span::ms(after))]);
    assert_eq!(notes(&play(&stage([low(10, 20), low(20, 30)])), B), told(&[(50_000, "Low(1) at 50000")]), "later");
    assert_eq!(notes(&play(&stage([low(10, 40), low(20, 5)])), B), told(&[(25_000, "Low(1) at 25000")]), "earlier");
    let cancelled = stage([low(10, 40), (20, B, vec![Pull::Cancel(1)]), low(30, 40)]);
    assert_eq!(notes(&play(&cancelled), B), told(&[(70_000, "Low(1) at 70000")]));
}

// -------------------------------------------------------------------------------------------------------------------
// Order, faults, phases

#[test]
fn one_instant_runs_in_the_order_of_names() {
    // Everything at 20 ms: a fault ends, one begins, an operation, timers of two kinds, messages of two senders.
    let mut case = stage([
        (19, C, words(1, [3])),
        (19, A, words(1, [1, 2])),
        (10, B, vec![Pull::High(0, Span::ms(10))]),
        (12, B, vec![Pull::Low(0, Span::ms(8))]),
        (20, B, vec![Pull::Send(2, 9)]),
    ]);
    case.faults = vec![
        fault(20, 5, What::Pause { node: C.into() }),
        fault(15, 5, What::SlowDisk { node: C.into(), by: Span::ms(1) }),
    ];
    let outcome = play(&case);
    let at_20 =
        outcome.timeline.iter().filter(|entry| entry.at == Time::ms(20)).filter_map(|entry| match &entry.what {
            Happening::FaultEnded { .. } => Some("fault ends".to_string()),
            Happening::FaultBegan { .. } => Some("fault begins".into()),
            Happening::Invoked { .. } => Some("operation".into()),
            Happening::Noted { text, .. } => Some(text.clone()),
            _ => None,
        });
    let expect =
        ["fault ends", "fault begins", "operation", "Low(0) at 20000", "High(0) at 20000", "got 1", "got 2", "got 3"];
    assert_eq!(at_20.collect::<Vec<_>>(), expect);
}

#[test]
fn all_faults_end_when_the_world_heals() {
    let endless = |what| Fault { lasts: None, ..fault(10, 0, what) };
    let mut case = stage([(900, A, words(1, [1])), (1100, A, words(1, [2])), (1100, B, words(0, [3]))]);
    case.faults = vec![
        endless(What::Crash { node: B.into() }),
        endless(What::Pause { node: A.into() }),
        endless(What::Partition { side: vec![A], mode: CutMode::Drop }),
        endless(What::Skew { node: A.into(), offset_ns: 5, drift_ppm: 5 }),
    ];
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    while world.next_at().is_some_and(|at| at < Time::ms(1000)) {
        world.step();
    }
    assert!(world.process(B).is_none() && world.paused(A) && world.is_cut(A, C) && world.clock(A) != world.now());
    world.step();
    assert!(world.healed() && world.process(B).is_some() && !world.paused(A) && !world.is_cut(A, C));
    assert_eq!(world.clock(A), world.now());
    let outcome = play(&case);
    assert_eq!((texts(&outcome, B), texts(&outcome, A)), (vec!["got 1".into(), "got 2".into()], vec!["got 3".into()]));
}

#[test]
fn a_core_heals_and_the_rest_stays_as_it_is() {
    let endless = |what| Fault { lasts: None, ..fault(10, 0, what) };
    let mut case = stage([(1100, A, [words(1, [1]), words(2, [2])].concat())]);
    case.scenario.core = Some(vec![A, B]);
    case.faults = vec![
        endless(What::Crash { node: C.into() }),
        endless(What::Cut { from: vec![A], to: vec![B], mode: CutMode::Drop }),
        endless(What::Cut { from: vec![A], to: vec![C], mode: CutMode::Drop }),
    ];
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    while world.step() {}
    assert!(!world.is_cut(A, B) && world.is_cut(A, C) && world.process(C).is_none());
    assert_eq!(texts(&play(&case), B), ["got 1"]);
}

#[test]
fn a_fault_over_the_budget_does_not_strike() {
    let mut case = stage([]);
    let crash = |at, node: NodeId| fault(at, 20, What::Crash { node: node.into() });
    case.faults = vec![crash(10, A), crash(20, B), crash(31, B), crash(35, A), crash(35, C)];
    case.scenario.budget = Some(Budget { among: vec![A, B], down: 1 });
    let struck: Vec<usize> = play(&case).struck.iter().map(|(index, _)| *index).collect();
    assert_eq!(struck, [0, 2, 4], "at most one of the two at once; the third does not count");
}

#[test]
fn an_aimed_fault_strikes_whoever_holds_the_role() {
    let aimed = |at| fault(at, 10, What::Crash { node: Target::Role("leader".into()) });
    let mut case = stage([(15, B, vec![Pull::Lead]), (40, C, vec![Pull::Lead])]);
    case.faults = vec![aimed(10), aimed(20), aimed(50)];
    let outcome = play(&case);
    let concrete = |index, at, node: NodeId| (index, Fault::new(Time::ms(at), Span::ms(10), What::Crash { node }));
    assert_eq!(outcome.struck, [concrete(1, 20, B), concrete(2, 50, C)], "nobody led at ten");
    case.faults = outcome.struck.iter().map(|(_, fault)| fault.clone().into()).collect();
    assert_eq!(play(&case).stats.fault(FaultClass::Crash), 2);
}

#[test]
fn a_waiting_fault_does_not_strike_a_healed_world() {
    // The world heals after 100 ms.
    let crash = What::Crash { node: Target::Role("leader".into()) };
    let waiting = |within, after| Fault {
        within: Some(Span::ms(within)),
        after: Some(Span::ms(after)),
        ..fault(50, 10, crash.clone())
    };
    for (leads, within, after, struck) in [(80, 100, 10, 1), (80, 100, 30, 0), (120, 100, 1, 0)] {
        let mut case = stage([(leads, B, vec![Pull::Lead])]);
        case.scenario.phases.chaos = Span::ms(100);
        case.faults = vec![waiting(within, after)];
        assert_eq!(play(&case).struck.len(), struck, "leads at {leads} ms, struck {after} ms later");
    }
}

#[test]
fn a_byzantine_fault_is_told_to_the_process_while_it_lasts() {
    let mut case = stage([(11, B, words(0, [1]))]);
    case.faults = vec![fault(10, 10, What::Byzantine { node: B.into() })];
    let mut world = World::new(&case, &Source::Fixed(Vec::new())).unwrap();
    let mut lied = Vec::new();
    while world.step() {
        lied.push((world.now().0 / 1_000_000, world.byzantine(B)));
    }
    assert!(
        lied.contains(&(11, true)) && lied.contains(&(20, false)) && world.stats().fault(FaultClass::Byzantine) == 1
    );
}

// -------------------------------------------------------------------------------------------------------------------
// Choices and replay

/// Everything at once, by chance.
fn turmoil() -> Case<Stage> {
    let pulls = (0..120u64).map(|n| {
        let node = NodeId((n % 3) as u16);
        let mut op = vec![Pull::Send((n % 2) as u16, n as u32), Pull::SendOther(2, n as u32), Pull::Append(n as u32)];
        op.extend([
            Pull::Low((n % 4) as u8, Span::ms(n)),
            Pull::High(0, Span::ms(13)),
            Pull::Send(1, 1000),
            Pull::Answer,
        ]);
        (n * 7, node, op)
    });
    let mut case = stage(pulls);
    let latency = Latency::LogNormal { min: Span::us(500), median: Span::ms(3), sigma_milli: 800, max: Span::ms(50) };
    case.scenario.network =
        NetworkConfig { fifo: false, loss_ppm: 50_000, dup_ppm: 50_000, ..NetworkConfig::reliable(latency) };
    case.scenario.disk =
        DiskConfig { sync: Span::ms(1), sync_jitter: Span::ms(6), lost_ppm: 300_000, torn_ppm: 300_000 };
    case.scenario.timer_jitter = Span::ms(2);
    case.faults = vec![
        fault(100, 50, What::Crash { node: A.into() }),
        fault(120, 90, What::Partition { side: vec![B], mode: CutMode::Hold }),
        fault(300, 40, What::Pause { node: C.into() }),
        fault(350, 100, What::Skew { node: B.into(), offset_ns: 20_000_000, drift_ppm: 300_000 }),
        fault(500, 30, What::Crash { node: C.into() }),
        fault(600, 60, What::Delay { from: vec![A], to: vec![B, C], by: Span::ms(15) }),
        fault(700, 30, What::Wipe { node: B.into() }),
    ];
    case
}

#[test]
fn a_recorded_run_replays_from_its_deviations_without_a_seed() {
    for seed in 0..30 {
        let plain = run(&turmoil(), &Source::Seed(seed), &[], Record::No).unwrap();
        let outcome = play_from(&turmoil(), Source::Seed(seed));
        assert_eq!(plain.fingerprint, outcome.fingerprint, "recording changes nothing, seed {seed}");
        let replayed = play_from(&turmoil(), Source::Fixed(outcome.recorded.clone()));
        assert_eq!(replayed.fingerprint, outcome.fingerprint, "seed {seed}");
        assert_eq!((replayed.timeline, replayed.stats), (outcome.timeline, outcome.stats), "seed {seed}");
        assert!(replayed.used.iter().all(|used| *used), "seed {seed}");
        let mut again = replayed.recorded;
        let mut first = outcome.recorded;
        again.sort();
        first.sort();
        assert_eq!(again, first, "a replay records what it replayed, seed {seed}");
    }
}

#[test]
fn a_deviation_that_nobody_asks_for_is_reported() {
    let case = stage([(1, A, words(1, [1]))]);
    let lost =
        |kind: &str, n| Deviation::Send { from: A, to: B, kind: kind.into(), n, lost: true, latency: None, copy: None };
    let outcome = play_from(&case, Source::Fixed(vec![lost("word", 1), lost("word", 0), lost("gone", 0)]));
    assert_eq!((outcome.used, outcome.stats.lost), (vec![false, true, false], 1));
}

#[test]
fn forks_of_a_world_go_on_alike() {
    let mut world = World::new(&turmoil(), &Source::Seed(9)).unwrap();
    for _ in 0..400 {
        assert!(world.step());
    }
    let mut fork = world.clone();
    while world.step() {
        assert!(fork.step());
        assert_eq!(
            (world.now(), world.fingerprint(), world.state_hash()),
            (fork.now(), fork.fingerprint(), fork.state_hash())
        );
    }
    assert!(!fork.step());
}

#[test]
fn fingerprints_are_the_same_in_every_build() {
    // With and without `--cfg madsim`, in debug and in release. A change of these breaks every recorded trace.
    let prints: Vec<u64> =
        (0..3).map(|seed| run(&turmoil(), &Source::Seed(seed), &[], Record::No).unwrap().fingerprint).collect();
    assert_eq!(prints, PINNED);
}

const PINNED: [u64; 3] = [13_784_040_538_394_967_805, 9_757_591_249_026_028_704, 6_554_656_765_542_973_840];

// -------------------------------------------------------------------------------------------------------------------
// Size

/// Push gossip: whoever hears the rumour for the first time tells it to some others, by chance.
#[derive(Clone, Debug, Hash)]
struct Gossip {
    nodes: u64,
    heard: bool,
}

#[derive(Clone, Debug, Hash, Kinded)]
struct Rumour;

impl Gossip {
    fn tell(&mut self, ctx: &mut Context<'_, Self>) {
        if std::mem::replace(&mut self.heard, true) {
            return;
        }
        for _ in 0..14 {
            let to = ctx.draw("peer", 0..=self.nodes - 1);
            ctx.send(NodeId(to as u16), Rumour);
        }
    }
}

impl Process for Gossip {
    type Message = Rumour;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if ctx.id() == A {
            self.tell(ctx);
        }
    }
    fn message(&mut self, ctx: &mut Context<'_, Self>, _: NodeId, _: Rumour) {
        self.tell(ctx);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Crowd(usize);

impl Model for Crowd {
    type Process = Gossip;
    const INFO: Info = Info::named("crowd", "", "tests", "Push gossip.");

    fn size(&self) -> usize {
        self.0
    }
    fn spawn(&self, _: NodeId, nodes: &[NodeId]) -> Gossip {
        Gossip { nodes: nodes.len() as u64, heard: false }
    }
}

#[test]
fn ten_thousand_nodes_gossip() {
    let mut case = Case::quiet(Crowd(10_000));
    (case.scenario.network.loss_ppm, case.scenario.network.fifo) = (10_000, false);
    let half: Vec<NodeId> = (0..5_000).map(NodeId).collect();
    case.faults = vec![fault(12, 20, What::Partition { side: half, mode: CutMode::Hold })];
    let finish = |source: &Source| {
        let mut world = World::recording(&case, source).unwrap();
        while world.step() {}
        let heard = world.processes().filter(|(_, process)| process.heard).count();
        assert!(heard >= 9_990, "{heard} of 10,000 have heard");
        assert!(world.stats().sent >= 139_000 && world.stats().fault(FaultClass::Partition) > 0);
        (world.fingerprint(), world.take_recording().1)
    };
    let (fingerprint, recorded) = finish(&Source::Seed(1));
    assert_eq!(finish(&Source::Fixed(recorded)).0, fingerprint, "links that are made on first use replay too");
}

#[test]
fn a_world_may_lack_nodes_and_the_others_keep_their_names() {
    let mut case = stage([(1, A, words(1, [1])), (1, C, words(0, [2]))]);
    case.scenario.nodes = vec![A, C];
    let outcome = play(&case);
    assert_eq!((texts(&outcome, A), outcome.stats.to_down), (vec!["got 2".to_string()], 1));
    let by_node: BTreeMap<NodeId, usize> = outcome.history.invocations().iter().map(|i| (i.client, 1)).collect();
    assert_eq!(by_node.len(), 2);
    assert!(outcome.history.invocations().iter().all(|i| matches!(i.outcome, Outcome::Returned { .. })));
}

#[test]
fn clients_wait_until_they_are_answered_or_crash() {
    use seedbed_sim::{Answered, maker};

    let never = || vec![Pull::Append(1), Pull::Answer];
    let mut case = stage([(1, A, vec![Pull::Answer]), (2, B, never()), (3, C, never())]);
    // No sync ends, so what waits for one is not said.
    case.scenario.disk.sync = Span::secs(60);
    case.faults = vec![fault(10, 20, What::Crash { node: C.into() })];
    let violated = |within| {
        let answered = maker(Answered::within("answered", within));
        run(&case, &Source::Fixed(Vec::new()), &[answered], Record::No).unwrap().violation
    };
    // The world heals after a second, and runs on for another.
    let violation = violated(Span::secs(1)).expect("nobody answers B");
    assert!(violation.liveness && violation.nodes == [B], "{violation}");
    assert_eq!(violated(Span::ms(1_001)), None, "B may wait for longer");
}
