//! What strategies promise: priorities order messages, a bug of a known depth shows as often as the theorem says, whatever
//! a strategy runs is inside the tolerance and replays from its recording, and searches that learn are deterministic.

use std::collections::BTreeSet;

use seedbed_sim::strategy::pct::Order;
use seedbed_sim::system::{AnyCase, AnyTrace};
use seedbed_sim::timeline::Happening;
use seedbed_sim::{
    Campaign, Case, Context, Crashes, Deviation, Fault, FaultClass, Info, Invariant, Kinded, Latency, Model,
    NetworkConfig, NoDisk, NoOp, NodeId, Process, Record, Search, Shrunk, Skew, Source, Span, Story, Strategy, Suite,
    Swarm, Tolerance, Trace, Verdict, What, World, run, shrink,
};
use serde::{Deserialize, Serialize};

// -------------------------------------------------------------------------------------------------------------------
// A hand-made world: three senders say a few words each to one listener, all at once.

/// How many words each sender says, and whether links keep their order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Crowd {
    words: u32,
    fifo: bool,
}

#[derive(Clone, Debug, Default, Hash)]
struct Person {
    words: u32,
    leads: bool,
    heard: Vec<(NodeId, u32)>,
}

#[derive(Clone, Debug, Hash, Kinded)]
enum Say {
    Word(u32),
}

seedbed_sim::marks! {
    HEARD_A_LAST_WORD = "heard a last word",
}

const LISTENER: NodeId = NodeId(0);

impl Process for Person {
    type Message = Say;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;
    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if ctx.id() != LISTENER {
            (0..self.words).for_each(|n| ctx.send(LISTENER, Say::Word(n)));
        }
    }
    fn message(&mut self, ctx: &mut Context<'_, Self>, from: NodeId, Say::Word(n): Say) {
        self.heard.push((from, n));
        if n + 1 == self.words {
            ctx.mark(HEARD_A_LAST_WORD);
        }
    }
}

impl Model for Crowd {
    type Process = Person;
    const INFO: Info = Info { roles: &["talker"], ..Info::named("crowd", "", "tests", "Three speak and one listens.") };
    fn size(&self) -> usize {
        4
    }
    fn spawn(&self, node: NodeId, _: &[NodeId]) -> Person {
        Person { words: self.words, leads: node.0 >= 2, heard: Vec::new() }
    }
    fn network(&self) -> NetworkConfig {
        let reliable = NetworkConfig::reliable(Latency::Uniform { min: Span::ms(1), max: Span::ms(3) });
        NetworkConfig { fifo: self.fifo, ..reliable }
    }
    fn tolerance(&self) -> Tolerance {
        Tolerance {
            crashes: Crashes::up_to(1, 2..4),
            skew: Skew { offset: Span::ms(7), drift_ppm: 300 },
            pause: Some(Span::ms(30)),
            ..self.usual_tolerance()
        }
    }
    fn holds(&self, process: &Person, _: &str) -> Option<u64> {
        process.leads.then_some(0)
    }
}

const ORDER: Order = Order { steps: 9, depth: 1, most: Span::ms(400) };

fn heard(crowd: Crowd, source: &Source) -> Vec<(NodeId, u32)> {
    let mut world = World::new(&Case::quiet(crowd), source).expect("the world is possible");
    while world.step() {}
    world.process(LISTENER).expect("nothing breaks").heard.clone()
}

fn ordered(crowd: Crowd, seed: u64, order: Order) -> Vec<(NodeId, u32)> {
    heard(crowd, &Source::Ordered { seed, order })
}

/// Of messages that are in flight together, all of a link come before all of a link of lower priority.
#[test]
fn messages_come_by_the_priorities_of_their_links() {
    let mut orders = BTreeSet::new();
    for seed in 0..200 {
        let heard = ordered(Crowd { words: 3, fifo: true }, seed, ORDER);
        let senders: Vec<_> = heard.iter().map(|(from, _)| *from).collect();
        let (blocks, []) = senders.as_chunks::<3>() else { panic!("nine words are heard") };
        assert!(blocks.iter().all(|block| block.iter().all(|from| *from == block[0])), "seed {seed}: {senders:?}");
        orders.insert(blocks.iter().map(|block| block[0]).collect::<Vec<_>>());
    }
    assert_eq!(orders.len(), 6, "every order of three links is drawn: {orders:?}");
}

/// A change point takes the rest of a link behind all others, and never lets it overtake itself.
#[test]
fn change_points_lower_a_link_for_good() {
    let mut split = 0;
    for seed in 0..200 {
        let heard = ordered(Crowd { words: 3, fifo: true }, seed, Order { depth: 2, ..ORDER });
        let senders: Vec<_> = heard.iter().map(|(from, _)| *from).collect();
        let mut runs = senders.clone();
        runs.dedup();
        assert!(runs.len() <= 4, "one change point cuts one link in two: {senders:?}");
        if runs.len() == 4 {
            split += 1;
            assert_eq!(
                runs.iter().filter(|from| *from == &runs[3]).count(),
                2,
                "what was lowered comes last: {runs:?}"
            );
        }
        for sender in 1..4 {
            let of_one: Vec<_> = heard.iter().filter(|(from, _)| *from == NodeId(sender)).map(|(_, n)| *n).collect();
            assert_eq!(of_one, [0, 1, 2], "links keep their order");
        }
    }
    assert!(split > 40, "{split} of 200 seeds split a link");
}

/// Burckhardt et al., §3: a bug of depth d among n chains of k messages in all shows with at least 1 / (n · k^(d−1)).
#[test]
fn bugs_of_a_known_depth_show_as_often_as_the_theorem_says() {
    const SEEDS: u32 = 3_000;
    let rate = |order: Order, words: u32, shows: fn(&[(NodeId, u32)]) -> bool| {
        let count =
            (0..u64::from(SEEDS)).filter(|seed| shows(&ordered(Crowd { words, fifo: true }, *seed, order))).count();
        count as f64 / f64::from(SEEDS)
    };
    // Depth 1: the third speaks before the two others.
    let first = rate(ORDER, 3, |heard| heard[0].0 == NodeId(3));
    assert!(first >= 1.0 / 3.0 - 0.03, "{first}");
    // Depth 2: between two words of the first comes one of the second.
    let between: fn(&[(NodeId, u32)]) -> bool = |heard| {
        let at = |word| heard.iter().position(|other| *other == word).expect("all words are heard");
        at((NodeId(1), 1)) < at((NodeId(2), 0)) && at((NodeId(2), 0)) < at((NodeId(1), 2))
    };
    let without = rate(ORDER, 3, between);
    assert_eq!(without, 0.0, "no single order of links shows it");
    let with = rate(Order { depth: 2, ..ORDER }, 3, between);
    assert!(with >= 1.0 / (3.0 * 9.0), "{with}");
    // Depth 3: the first two words of the first and of the second come in turns.
    let deep: fn(&[(NodeId, u32)]) -> bool = |heard| {
        let at = |from, n| heard.iter().position(|other| *other == (NodeId(from), n)).expect("all words are heard");
        at(1, 0) < at(2, 0) && at(2, 0) < at(1, 1) && at(1, 1) < at(2, 1)
    };
    assert_eq!(rate(Order { depth: 2, ..ORDER }, 3, deep), 0.0, "one change point is not enough");
    let with = rate(Order { depth: 3, ..ORDER }, 3, deep);
    assert!(with >= 1.0 / (3.0 * 81.0), "{with}");
}

/// Where links keep no order a message can overtake an earlier one: if that was lowered further than its own change point
/// lowers it, which takes two change points on one link.
#[test]
fn links_without_order_can_be_overtaken() {
    let overtaken = |depth: u32, seed| {
        let heard = ordered(Crowd { words: 3, fifo: false }, seed, Order { depth, ..ORDER });
        (1..4).any(|sender| {
            let of_one: Vec<_> = heard.iter().filter(|(from, _)| *from == NodeId(sender)).map(|(_, n)| *n).collect();
            of_one != [0, 1, 2]
        })
    };
    assert_eq!((0..300).filter(|seed| overtaken(2, *seed)).count(), 0);
    assert!((0..300).filter(|seed| overtaken(3, *seed)).count() > 10);
}

// -------------------------------------------------------------------------------------------------------------------
// Recording and replaying

/// Somebody hears a word of the second between two of the first.
fn never_between(world: &World<Crowd>) -> Verdict {
    let heard = &world.process(LISTENER).map(|person| person.heard.clone()).unwrap_or_default();
    let at = |word| heard.iter().position(|other| *other == word);
    match (at((NodeId(1), 0)), at((NodeId(2), 0)), at((NodeId(1), 2))) {
        (Some(a), Some(b), Some(c)) if a < b && b < c => Err("it came between".into()),
        (Some(a), Some(b), None) if a < b && heard.iter().any(|(from, n)| (*from, *n) == (NodeId(2), 2)) => {
            Err("it came between".into())
        }
        _ => Ok(()),
    }
}

fn campaign(words: u32) -> Campaign<Crowd> {
    let suite = Suite::new(Crowd { words, fifo: false }).property(Invariant::new("crowd/between", never_between));
    Campaign::new(suite)
}

fn search(strategy: Strategy, corpus: Vec<Story<Crowd>>) -> Search {
    let corpus = corpus.iter().map(Story::erased).collect();
    let (search, refused) = Search::new(campaign(3).erased(), strategy, corpus).expect("the world is possible");
    assert_eq!(refused, []);
    search
}

/// The first failing seed of a strategy, told as a trace.
fn told(strategy: Strategy) -> (u64, Shrunk<Crowd>) {
    let search = search(strategy, Vec::new());
    let mut failing = None;
    let first = &mut |result: seedbed_sim::SeedResult, _: &AnyCase, _: &Source| {
        failing = result.violation.map(|violation| (result.seed, violation, result.fingerprint));
        failing.is_none()
    };
    search.in_turn(0..400, first).expect("the world is possible");
    let (seed, violation, fingerprint) = failing.expect("one of the seeds fails");
    let (case, source) = search.world(seed).expect("the world is possible");
    let case: Case<Crowd> = case.of_model();
    let properties = &campaign(3).suite.properties;
    // By itself the seed is the same world as it was in turn.
    let again = run(&case, &source, properties, Record::No).expect("the world is possible");
    assert_eq!((again.violation.as_ref(), again.fingerprint), (Some(&violation), fingerprint));
    // Its recording is the same without the strategy.
    let (story, recorded) = shrink::record(&case, &source, properties).expect("it fails again");
    let replayed = story.run(properties, Record::No);
    assert_eq!(recorded, violation);
    assert_eq!((replayed.violation.as_ref(), replayed.fingerprint), (Some(&violation), fingerprint));
    let told = shrink::record_and_shrink_any(&case.erased(), &source, search.campaign(), &mut |progress| {
        progress.runs < 3_000
    });
    let shrunk = told.expect("it fails from its recording").expect("it fails");
    (seed, shrunk.of_model())
}

#[test]
fn what_fails_under_any_strategy_is_a_trace_like_any_other() {
    for strategy in Strategy::ALL {
        let (seed, shrunk) = told(strategy);
        let text = shrunk.trace(Some(seed)).to_text();
        let trace = Trace::<Crowd>::parse(&text).expect("a trace that was written can be read");
        let outcome = Story::of(&trace).run(&campaign(3).suite.properties, Record::No);
        assert_eq!(outcome.violation, Some(shrunk.violation), "{strategy}: {text}");
        assert_eq!(outcome.fingerprint, trace.fingerprint.0);
        assert!(trace.sizes().items() <= 3, "{strategy}: {text}");
    }
}

#[test]
fn strategies_have_names() {
    for strategy in Strategy::ALL {
        assert_eq!(strategy.name().parse(), Ok(strategy));
    }
    assert!("random".parse::<Strategy>().is_err());
}

// -------------------------------------------------------------------------------------------------------------------
// Tolerance

/// What the model tolerates, checked on what has happened and not on what was planned.
fn check_tolerated(case: &Case<Crowd>, source: &Source) {
    let scenario = &case.scenario;
    let longest = |latency: Span| assert!(latency <= Span::ms(400), "{latency} is longer than any swarm's latency");
    longest(scenario.network.latency.most());
    if let Source::Changed { changes, .. } = source {
        for change in changes {
            if let Deviation::Send { latency, copy, .. } = change {
                latency.iter().chain(copy).for_each(|latency| longest(*latency));
            }
            assert!(!matches!(change, Deviation::Timer { late, .. } if *late > Span::ms(5)), "{change:?}");
            assert!(!matches!(change, Deviation::Sync { longer, .. } if *longer > Span::ms(20)), "{change:?}");
        }
    }
    let outcome = run(case, source, &[], Record::Yes).expect("what a strategy makes is possible");
    let mut paused: Vec<&Fault<NodeId>> = Vec::new();
    for (_, fault) in &outcome.struck {
        assert!(FaultClass::USUAL.contains(&fault.what.class()), "{fault}");
        match &fault.what {
            What::Skew { offset_ns, drift_ppm, .. } => {
                assert!(offset_ns.unsigned_abs() <= Span::ms(7).0 && drift_ppm.abs() <= 300, "{fault}");
            }
            What::Pause { .. } => paused.push(fault),
            What::Corrupt { .. } => panic!("no plan lets records rot: {fault}"),
            _ => {}
        }
    }
    for pair in paused.windows(2) {
        let (one, next) = (pair[0], pair[1]);
        assert!(one.lasts.is_some_and(|lasts| lasts <= Span::ms(30)), "{one}");
        assert!(one.until().is_some_and(|until| until + Span::ms(1) <= next.at), "{one}, and then {next}");
    }
    // Of the nodes that may crash, at most one is down at a time.
    let mut down = BTreeSet::new();
    for entry in &outcome.timeline {
        match &entry.what {
            Happening::Down { node, .. } => drop(down.insert(*node)),
            Happening::Started { node } => drop(down.remove(node)),
            _ => {}
        }
        let crashable = down.iter().filter(|node| node.0 >= 2).count();
        assert!(crashable <= 1, "{down:?} are down at {}", entry.at);
    }
}

#[test]
fn all_that_strategies_run_is_inside_the_tolerance() {
    for strategy in Strategy::ALL {
        let (search, _) = Search::new(campaign(30).erased(), strategy, Vec::new()).expect("the world is possible");
        let (mut worlds, mut mutants, mut faults) = (0, 0, 0);
        let each = &mut |_: seedbed_sim::SeedResult, case: &AnyCase, source: &Source| {
            check_tolerated(&case.of_model(), source);
            worlds += 1;
            faults += case.faults.len();
            mutants += usize::from(matches!(source, Source::Changed { .. }));
            true
        };
        search.in_turn(0..700, each).expect("the world is possible");
        assert_eq!(worlds, 700);
        assert!(faults > 700, "{strategy} lets something break");
        assert_eq!(mutants > 70, strategy == Strategy::Guided, "{strategy} changes choices of {mutants} worlds");
    }
}

// -------------------------------------------------------------------------------------------------------------------
// Determinism

fn on_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be had").install(run)
}

fn swept(strategy: Strategy, threads: usize, seeds: std::ops::Range<u64>) -> (seedbed_sim::Summary, Vec<String>) {
    let search = search(strategy, Vec::new());
    let (summary, finds) = on_threads(threads, || search.sweep(seeds, &|_| true)).expect("the world is possible");
    (summary, finds.iter().map(AnyTrace::to_text).collect())
}

#[test]
fn a_sweep_is_the_same_on_any_number_of_threads_and_in_parts() {
    for strategy in Strategy::ALL {
        let (whole, finds) = swept(strategy, 1, 100..1_300);
        assert_eq!(
            (&whole, &finds),
            (&swept(strategy, 4, 100..1_300).0, &swept(strategy, 4, 100..1_300).1),
            "{strategy}"
        );
        let (low, _) = swept(strategy, 2, 100..700);
        let (high, _) = swept(strategy, 2, 700..1_300);
        assert_eq!(whole.fingerprint, low.merged(high).fingerprint, "{strategy}");
        assert_eq!(whole.runs, 1_200);
    }
    let prints: BTreeSet<_> = Strategy::ALL.map(|strategy| swept(strategy, 2, 0..100).0.fingerprint.0).into();
    assert_eq!(prints.len(), 4, "four strategies are four ways of making worlds");
}

/// A corpus replays, is begun with, and is not found again.
#[test]
fn what_was_found_is_kept_and_begun_with() {
    let (_, finds) = swept(Strategy::Guided, 2, 0..600);
    assert!(finds.len() >= 10, "{} finds", finds.len());
    let traces: Vec<_> = finds.iter().map(|text| Trace::<Crowd>::parse(text).expect("a find is a trace")).collect();
    for trace in &traces {
        assert_eq!(trace.violation, None);
        let outcome = Story::of(trace).run(&campaign(3).suite.properties, Record::No);
        assert_eq!((outcome.violation, outcome.fingerprint), (None, trace.fingerprint.0));
    }
    let stories = || traces.iter().map(Story::of).collect::<Vec<_>>();
    let Search::Guided(guided) = search(Strategy::Guided, stories()) else { panic!("it is guided") };
    assert!(guided.known() * 10 >= traces.len() * 9, "{} of {} are followed", guided.known(), traces.len());
    let (summary, again) = guided.sweep(0..600, &|_| true);
    assert!(again.len() < finds.len(), "{} finds, and then {}", finds.len(), again.len());
    let known: BTreeSet<_> = traces.iter().map(|trace| trace.fingerprint.0).collect();
    let twice = again.iter().filter(|find| known.contains(&guided.trace(find).fingerprint.0)).count();
    assert!(twice * 10 <= traces.len(), "what is known is not kept twice: {twice} of {} are", traces.len());
    let (second, _) = on_threads(1, || guided.sweep(0..600, &|_| true));
    assert_eq!(summary, second);
    assert_ne!(summary.fingerprint, swept(Strategy::Guided, 2, 0..600).0.fingerprint, "the corpus makes a difference");
}

/// A recorded case of a smaller world, or with what is not tolerated, does not become a red run.
#[test]
fn a_corpus_is_brought_inside_the_tolerance() {
    let mut without_a_node = Story { case: Case::quiet(Crowd { words: 3, fifo: false }), deviations: Vec::new() };
    without_a_node.case.scenario.nodes.pop();
    let mut beyond = Story { case: Case::quiet(Crowd { words: 3, fifo: false }), deviations: Vec::new() };
    let crash = |node: u16| What::Crash { node: NodeId(node).into() };
    beyond.case.faults = vec![
        Fault::new(seedbed_sim::Time::ms(1), Span::ms(1), What::Wipe { node: NodeId(2).into() }),
        Fault::new(seedbed_sim::Time::ms(1), Span::ms(1), crash(1)),
        Fault::new(seedbed_sim::Time::ms(1), Span::secs(1), What::Pause { node: NodeId(2).into() }),
        Fault::new(seedbed_sim::Time::ms(1), Span::secs(1), crash(2)),
        Fault::new(seedbed_sim::Time::ms(1), Span::secs(1), crash(3)),
    ];
    let late = |latency| Deviation::Send {
        from: NodeId(1),
        to: LISTENER,
        kind: "Word".into(),
        n: 0,
        lost: false,
        latency: Some(latency),
        copy: None,
    };
    beyond.deviations = vec![late(Span::secs(9))];
    let (search, refused) =
        Search::new(campaign(3).erased(), Strategy::Guided, vec![without_a_node.erased(), beyond.erased()])
            .expect("the world is possible");
    assert_eq!(refused.iter().map(|(place, _)| *place).collect::<Vec<_>>(), [0]);
    let each = &mut |_: seedbed_sim::SeedResult, case: &AnyCase, source: &Source| {
        check_tolerated(&case.of_model(), source);
        true
    };
    search.in_turn(0..200, each).expect("the world is possible");
}

/// Uniform plans leave nothing out, aim at nobody and have no motifs; they differ in strength.
#[test]
fn uniform_plans_leave_nothing_out() {
    let (search, _) = Search::new(campaign(3).erased(), Strategy::Uniform, Vec::new()).expect("the world is possible");
    let mut losses = BTreeSet::new();
    for seed in 0..100 {
        let (case, source) = search.world(seed).expect("the world is possible");
        assert_eq!(source, Source::Seed(seed));
        let network = &case.scenario.network;
        assert!(!network.fifo && network.loss_ppm > 0 && network.dup_ppm > 0, "seed {seed}: {network:?}");
        assert_eq!(network.latency, Crowd { words: 3, fifo: true }.network().latency);
        losses.insert(network.loss_ppm);
        let aimed = case.faults.iter().any(|fault| matches!(fault.what.target(), Some(seedbed_sim::Target::Role(_))));
        assert!(!aimed, "seed {seed}");
    }
    assert!(losses.len() > 90);
    let calm = Campaign { swarm: Swarm::calm(), ..campaign(3) };
    let (search, _) = Search::new(calm.erased(), Strategy::Uniform, Vec::new()).expect("the world is possible");
    let (case, _) = search.world(7).expect("the world is possible");
    assert!(case.faults.is_empty() && case.scenario.network.loss_ppm == 0, "what is off stays off");
}
