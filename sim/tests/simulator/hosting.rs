//! One protocol hosted in another, from beginning to end: hosting wraps everything and changes nothing.

use std::collections::BTreeMap;

use seedbed_sim::timeline::Happening;
use seedbed_sim::{
    Answer, Case, Context, Deviation, DiskConfig, Embed, Fault, File, Info, Kinded, Latency, Model, NetworkConfig,
    NodeId, OpId, Operation, Process, Record, Source, Span, Stored, Time, What, World, run,
};
use serde::{Deserialize, Serialize};

// -------------------------------------------------------------------------------------------------------------------
// The hosted protocol: a register on node 0 that keeps the greatest number. It uses all that a process can.

seedbed_sim::marks! {
    RECOVERED = "recovered",
}

const SERVER: NodeId = NodeId(0);
const LOG: File = File(0);

#[derive(Clone, Debug, Default, Hash)]
struct Register {
    greatest: u64,
    /// Operations of this node that wait for the server, with what they ask.
    open: BTreeMap<OpId, u64>,
    backoffs: u64,
}

#[derive(Clone, Debug, Hash, Kinded)]
enum Message {
    Raise(OpId, u64),
    Raised(OpId, u64),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded)]
struct Retry(OpId);

impl Register {
    fn ask(&mut self, ctx: &mut Context<'_, Self>, op: OpId) {
        ctx.send(SERVER, Message::Raise(op, self.open[&op]));
        let backoff = ctx.draw_span("backoff", Span::ms(20)..=Span::ms(40));
        self.backoffs += backoff.0;
        ctx.arm(Retry(op), backoff);
    }
}

impl Process for Register {
    type Message = Message;
    type Timer = Retry;
    type Record = u64;
    type Op = u64;
    type Ret = u64;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.greatest = ctx.read(LOG).into_iter().filter_map(Stored::good).max().unwrap_or(0);
        if self.greatest > 0 {
            ctx.mark(RECOVERED);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: Message) {
        match message {
            Message::Raise(op, to) => {
                if to > self.greatest {
                    self.greatest = to;
                    ctx.append(LOG, to);
                }
                ctx.send(from, Message::Raised(op, self.greatest));
            }
            Message::Raised(op, greatest) => {
                ctx.cancel(&Retry(op));
                if self.open.remove(&op).is_some() {
                    ctx.complete(op, greatest);
                }
            }
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, Retry(op): Retry) {
        ctx.note(|| format!("{op:?} is asked again"));
        self.ask(ctx, op);
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, to: u64) {
        if to == 0 {
            return ctx.fail(op, "zero raises nothing");
        }
        if to == 8 {
            // It is raised all the same; nobody waits for that.
            ctx.give_up(op, "eight takes too long");
        }
        self.open.insert(op, to);
        self.ask(ctx, op);
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Alone;

impl Model for Alone {
    type Process = Register;
    const INFO: Info = Info::named("alone", "", "tests", "The register.");

    fn size(&self) -> usize {
        3
    }
    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Register {
        Register::default()
    }
    fn network(&self) -> NetworkConfig {
        network()
    }
}

// -------------------------------------------------------------------------------------------------------------------
// The host: it passes clients' operations through, and may ask the register for itself and in a second instance.

#[derive(Clone, Debug, Hash)]
struct Shop {
    register: Register,
    /// A second register, raised by the shop itself, once an operation came.
    second: Option<Register>,
    answers: Vec<String>,
}

#[derive(Clone, Debug, Hash, Kinded)]
enum ShopMessage {
    #[hosts]
    Register(Message),
    #[hosts]
    Second(Message),
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, Kinded)]
enum ShopTimer {
    #[hosts]
    Register(Retry),
    #[hosts]
    Second(Retry),
}

#[derive(Clone, Debug, Hash)]
enum ShopRecord {
    Register(u64),
    Second(u64),
}

/// Which of the two.
#[derive(Clone, Copy)]
enum Part {
    First,
    Second,
}

impl Embed<Shop, Register> for Part {
    fn name(&self) -> &'static str {
        "register"
    }

    fn instance(&self) -> Option<u64> {
        match self {
            Part::First => None,
            Part::Second => Some(2),
        }
    }
    fn message(&self, message: Message) -> ShopMessage {
        match self {
            Part::First => ShopMessage::Register(message),
            Part::Second => ShopMessage::Second(message),
        }
    }
    fn timer(&self, timer: Retry) -> ShopTimer {
        match self {
            Part::First => ShopTimer::Register(timer),
            Part::Second => ShopTimer::Second(timer),
        }
    }
    fn record(&self, record: u64) -> ShopRecord {
        match self {
            Part::First => ShopRecord::Register(record),
            Part::Second => ShopRecord::Second(record),
        }
    }
    /// Both keep their records in one file, so each sees only its own.
    fn unwrap_record(&self, record: ShopRecord) -> Option<u64> {
        match (self, record) {
            (Part::First, ShopRecord::Register(record)) | (Part::Second, ShopRecord::Second(record)) => Some(record),
            _ => None,
        }
    }
    fn file(&self, file: File) -> File {
        File(file.0 + 5)
    }
    fn ret(&self, ret: u64) -> String {
        format!("raised to {ret}")
    }
}

impl Shop {
    fn second(&mut self, ctx: &mut Context<'_, Self>, run: impl FnOnce(&mut Register, &mut Context<'_, Register>)) {
        let Some(second) = &mut self.second else { return };
        for answer in ctx.host(Part::Second, |ctx| run(second, ctx)) {
            self.answers.push(match answer {
                Answer::Completed(op, ret) => {
                    assert!(op.is_internal(), "an answer for the shop has a name of its own: {op:?}");
                    format!("completed {ret}")
                }
                Answer::Failed(_, reason) => format!("failed: {reason}"),
                Answer::GivenUp(_, reason) => format!("given up: {reason}"),
            });
        }
    }

    fn first(&mut self, ctx: &mut Context<'_, Self>, run: impl FnOnce(&mut Register, &mut Context<'_, Register>)) {
        let answers = ctx.host(Part::First, |ctx| run(&mut self.register, ctx));
        assert!(answers.is_empty(), "the first register is asked by clients only: {answers:?}");
    }
}

impl Process for Shop {
    type Message = ShopMessage;
    type Timer = ShopTimer;
    type Record = ShopRecord;
    type Op = u64;
    type Ret = String;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        self.first(ctx, |register, ctx| register.start(ctx));
        self.second(ctx, |register, ctx| register.start(ctx));
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, message: ShopMessage) {
        match message {
            ShopMessage::Register(message) => self.first(ctx, |register, ctx| register.message(ctx, from, message)),
            ShopMessage::Second(message) => self.second(ctx, |register, ctx| register.message(ctx, from, message)),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, timer: ShopTimer) {
        match timer {
            ShopTimer::Register(timer) => self.first(ctx, |register, ctx| register.timer(ctx, timer)),
            ShopTimer::Second(timer) => self.second(ctx, |register, ctx| register.timer(ctx, timer)),
        }
    }

    fn invoke(&mut self, ctx: &mut Context<'_, Self>, op: OpId, to: u64) {
        self.first(ctx, |register, ctx| register.invoke(ctx, op, to));
        let internal = OpId::internal(op.0);
        self.second(ctx, |register, ctx| register.invoke(ctx, internal, to * 100));
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Hosting {
    two: bool,
}

impl Model for Hosting {
    type Process = Shop;
    const INFO: Info = Info::named("hosting", "", "tests", "A shop with one or two registers.");

    fn size(&self) -> usize {
        3
    }
    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Shop {
        Shop { register: Register::default(), second: self.two.then(Register::default), answers: Vec::new() }
    }
    fn network(&self) -> NetworkConfig {
        network()
    }
}

fn network() -> NetworkConfig {
    let latency = Latency::Uniform { min: Span::ms(1), max: Span::ms(10) };
    NetworkConfig { fifo: false, loss_ppm: 100_000, dup_ppm: 100_000, ..NetworkConfig::reliable(latency) }
}

/// Operations of both clients, some of which fail and some of which they give up, while the server crashes with writes under way and a client pauses.
fn case<M: Model<Process: Process<Op = u64>>>(config: M) -> Case<M> {
    let mut case = Case::quiet(config);
    let operation = |n: u64| Operation { at: Time::ms(n * 25), client: NodeId(1 + (n % 2) as u16), op: n % 9 };
    case.operations = (0..30).map(operation).collect();
    case.scenario.disk =
        DiskConfig { sync: Span::ms(2), sync_jitter: Span::ms(4), lost_ppm: 300_000, torn_ppm: 300_000 };
    case.scenario.timer_jitter = Span::ms(3);
    let fault = |at, what| Fault { at: Time::ms(at), lasts: Some(Span::ms(70)), within: None, after: None, what };
    case.faults = vec![
        fault(85, What::Crash { node: SERVER.into() }),
        fault(300, What::Pause { node: NodeId(1).into() }),
        fault(450, What::Crash { node: SERVER.into() }),
    ];
    case
}

#[test]
fn a_hosted_protocol_behaves_as_it_does_alone() {
    for seed in 0..50 {
        let mut alone = World::new(&case(Alone), &Source::Seed(seed)).unwrap();
        let mut hosted = World::new(&case(Hosting { two: false }), &Source::Seed(seed)).unwrap();
        loop {
            let (one, two) = (alone.step(), hosted.step());
            assert_eq!((one, alone.now()), (two, hosted.now()), "seed {seed}");
            if !one {
                break;
            }
            for node in alone.present().collect::<Vec<_>>() {
                let (process, shop) = (alone.process(node), hosted.process(node).map(|shop| &shop.register));
                assert_eq!(format!("{process:?}"), format!("{shop:?}"), "seed {seed} at {}", alone.now());
            }
        }
        assert_eq!(alone.stats(), hosted.stats(), "seed {seed}");
        assert_eq!(alone.marks(), hosted.marks(), "seed {seed}");
        let (inner, outer) = (alone.history().invocations(), hosted.history().invocations());
        assert_eq!(inner.len(), outer.len());
        for (inner, outer) in inner.iter().zip(outer) {
            assert_eq!(inner.returned().map(|ret| format!("raised to {ret}")), outer.returned().cloned());
            assert_eq!((inner.invoked, inner.ended()), (outer.invoked, outer.ended()));
        }
    }
}

#[test]
fn records_go_to_the_hosts_files_and_come_back_after_a_crash() {
    let mut recovered = 0;
    for seed in 0..50 {
        let outcome = run(&case(Hosting { two: true }), &Source::Seed(seed), &[], Record::No).unwrap();
        recovered += outcome.marks.iter().find(|(name, _)| *name == RECOVERED.name).map_or(0, |(_, count)| *count);
    }
    assert!(recovered > 100, "both registers of the server recover from most crashes: {recovered}");

    let mut world = World::new(&case(Hosting { two: true }), &Source::Seed(1)).unwrap();
    while world.step() {}
    assert!(world.disk(SERVER, LOG).is_empty());
    let good = world.disk(SERVER, File(5)).iter().filter_map(|record| record.clone().good());
    let (firsts, seconds): (Vec<_>, Vec<_>) = good.partition(|record| matches!(record, ShopRecord::Register(_)));
    assert!(!firsts.is_empty() && !seconds.is_empty());
    let shop = world.process(SERVER).unwrap();
    assert_eq!((shop.register.greatest, shop.second.as_ref().unwrap().greatest), (8, 800));
}

#[test]
fn choices_of_hosted_processes_are_named_by_paths() {
    let outcome = run(&case(Hosting { two: true }), &Source::Seed(4), &[], Record::Yes).unwrap();
    let mut labels = BTreeMap::new();
    let mut kinds = BTreeMap::new();
    for choice in &outcome.recorded {
        match choice {
            Deviation::Draw { label, .. } => *labels.entry(label.as_str()).or_insert(0) += 1,
            Deviation::Send { kind, .. } | Deviation::Timer { kind, .. } => {
                *kinds.entry(kind.as_str()).or_insert(0) += 1
            }
            _ => {}
        }
    }
    assert_eq!(labels.keys().copied().collect::<Vec<_>>(), ["register.2/backoff", "register/backoff"]);
    let paths =
        ["register/raise", "register/raised", "register/retry", "second/raise", "second/raised", "second/retry"];
    assert_eq!(kinds.keys().copied().collect::<Vec<_>>(), paths);
    assert!(
        outcome
            .timeline
            .iter()
            .any(|entry| matches!(&entry.what, Happening::Noted { text, .. } if text.ends_with("asked again")))
    );

    let replayed = run(&case(Hosting { two: true }), &Source::Fixed(outcome.recorded), &[], Record::Yes).unwrap();
    assert_eq!(replayed.fingerprint, outcome.fingerprint);
    assert!(replayed.used.iter().all(|used| *used));
}

#[test]
fn a_fixed_draw_reaches_the_hosted_process_that_its_path_names() {
    let mut case = case(Hosting { two: true });
    (case.operations, case.faults) = (vec![Operation { at: Time::ms(1), client: NodeId(1), op: 3 }], Vec::new());
    let backoffs = |label: &str| {
        let choice = Deviation::Draw { node: NodeId(1), label: label.into(), n: 0, billionths: 999_999_999 };
        let mut world = World::new(&case, &Source::Fixed(vec![choice])).unwrap();
        while world.step() {}
        assert_eq!(world.used_choices(), [true]);
        let shop = world.process(NodeId(1)).unwrap();
        (shop.register.backoffs, shop.second.as_ref().unwrap().backoffs)
    };
    let (first, second) = (backoffs("register/backoff"), backoffs("register.2/backoff"));
    assert_eq!((first.0, second.1), (40_000_000, 40_000_000));
    assert!(first.1 < 39_000_000 && second.0 < 39_000_000, "{first:?} {second:?}");
}

#[test]
fn internal_operations_are_answered_to_the_host_and_not_to_clients() {
    let mut world = World::new(&case(Hosting { two: true }), &Source::Seed(2)).unwrap();
    while world.step() {}
    let answers: Vec<String> = [1, 2].iter().flat_map(|n| world.process(NodeId(*n)).unwrap().answers.clone()).collect();
    assert!(answers.iter().any(|answer| answer.starts_with("completed ")), "{answers:?}");
    assert!(answers.contains(&"failed: zero raises nothing".to_string()), "{answers:?}");
    let history = world.history().invocations();
    assert_eq!(history.len(), 30);
    assert!(history.iter().all(|invocation| !invocation.id.is_internal()));
    assert!(world.history().returned().all(|ret| ret.starts_with("raised to ")));
    assert!(world.history().returned().count() >= 22);
    // What was given up stays unknown, though its answer came; its client went on to the next.
    let given_up: Vec<_> = history.iter().filter(|invocation| invocation.given_up).collect();
    assert_eq!(given_up.len(), 3);
    assert!(given_up.iter().all(|invocation| invocation.op == 8 && invocation.ended().is_none()));
    assert_eq!(
        history.iter().filter(|invocation| matches!(invocation.outcome, seedbed_sim::Outcome::Failed { .. })).count(),
        4
    );
}
