//! Judges bound to a model: what the network may do to a small ring is found, and nothing else is.

use std::collections::BTreeMap;

use seedbed_models::caching::litmus::classical;
use seedbed_properties::caching::litmus::{Memory, outcomes, within};
use seedbed_properties::checkers::atomic_commitment::{self, Decision, Rule};
use seedbed_properties::checkers::conservation::{self, Conservation};
use seedbed_properties::checkers::delivery::{AtMostOnce, Causal, Destination, Event, Fifo, NoCreation, Validity};
use seedbed_properties::checkers::judge::{Judge, facts, journal};
use seedbed_properties::checkers::mutual_exclusion::{Exclusion, Inside};
use seedbed_sim::{
    Case, Context, Fault, Info, Kinded, Latency, Maker, Model, NetworkConfig, NoDisk, NoOp, NodeId, Phases, Process,
    Record, Source, Span, Time, What, World, maker, run,
};
use serde::{Deserialize, Serialize};

/// Three nodes pass a token round; who gets it shouts to all. The network is as bad as it is told to be.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Ring {
    loss_ppm: u32,
    dup_ppm: u32,
    reorders: bool,
}

/// A shout is known by who shouts and when.
type Shout = (NodeId, u64);

#[derive(Clone, Debug, Hash, Kinded)]
enum Message {
    Token,
    Shout(Shout),
}

#[derive(Clone, Debug, Hash, PartialEq)]
enum Entry {
    Shouted(u64),
    Heard(Shout),
}

#[derive(Clone, Debug, Hash)]
struct Node {
    has_token: bool,
    gave: u32,
    took: u32,
    journal: Vec<Entry>,
}

impl Node {
    fn take(&mut self, ctx: &mut Context<'_, Self>) {
        self.has_token = true;
        self.journal.push(Entry::Shouted(ctx.now().0));
        let (me, now) = (ctx.id(), ctx.now());
        ctx.broadcast((0..3).map(NodeId).filter(|other| *other != me), Message::Shout((me, now.0)));
        ctx.arm((), Span::ms(5));
    }
}

impl Process for Node {
    type Message = Message;
    type Timer = ();
    type Record = NoDisk;
    type Op = NoOp;
    type Ret = NoOp;

    fn start(&mut self, ctx: &mut Context<'_, Self>) {
        if ctx.id() == NodeId(0) && ctx.now() < Time::ms(1) {
            self.take(ctx);
        }
    }

    fn message(&mut self, ctx: &mut Context<'_, Self>, _: NodeId, message: Message) {
        match message {
            Message::Token => {
                self.took += 1;
                self.take(ctx);
            }
            Message::Shout(shout) => self.journal.push(Entry::Heard(shout)),
        }
    }

    fn timer(&mut self, ctx: &mut Context<'_, Self>, (): ()) {
        if ctx.now() < Time::ms(400) {
            self.has_token = false;
            self.gave += 1;
            ctx.send(NodeId((ctx.id().0 + 1) % 3), Message::Token);
        }
    }
}

impl Model for Ring {
    type Process = Node;
    const INFO: Info = Info::named("ring", "", "tests", "A token goes round.");

    fn size(&self) -> usize {
        3
    }
    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Node {
        Node { has_token: false, gave: 0, took: 0, journal: Vec::new() }
    }
    fn network(&self) -> NetworkConfig {
        NetworkConfig {
            loss_ppm: self.loss_ppm,
            dup_ppm: self.dup_ppm,
            fifo: !self.reorders,
            ..NetworkConfig::reliable(Latency::Uniform { min: Span::ms(1), max: Span::ms(30) })
        }
    }
    fn phases(&self) -> Phases {
        Phases { chaos: Span::ms(500), settle: Span::ms(500) }
    }
}

fn entries(world: &World<Ring>, node: NodeId) -> &[Entry] {
    world.process(node).map_or(&[], |process| &process.journal)
}

fn read(_: &World<Ring>, node: NodeId, entry: &Entry) -> Option<Event<NodeId, Shout>> {
    Some(match entry {
        Entry::Shouted(at) => {
            let others = (0..3).map(NodeId).filter(|other| *other != node).collect();
            Event::Sent { by: node, message: (node, *at), to: Destination::Only(others) }
        }
        Entry::Heard(shout) => Event::Delivered { at: node, message: *shout },
    })
}

fn of_shouts<J>(name: &str, judge: J) -> Maker<Ring>
where
    J: Judge<Event = Event<NodeId, Shout>> + Clone + Send + Sync + 'static,
{
    maker(journal(name, judge, entries, read))
}

fn properties() -> Vec<Maker<Ring>> {
    let group = || (0..3).map(NodeId);
    vec![
        of_shouts("no_creation", NoCreation::default()),
        of_shouts("at_most_once", AtMostOnce::default()),
        of_shouts("in_order", Fifo::in_order()),
        of_shouts("gapless", Fifo::gapless()),
        of_shouts("causal", Causal::new()),
        of_shouts("validity", Validity::among(group())),
        maker(facts("exclusion", Exclusion::default(), |world: &World<Ring>, node| {
            let inside = world.process(node).is_some_and(|process| process.has_token);
            Some([Inside { node, resources: if inside { vec!["token"] } else { vec![] } }])
        })),
        // With books of what was given and taken nothing that the network does changes the total.
        maker(facts("books", Conservation::new(group()), |world: &World<Ring>, node| {
            let Node { has_token, gave, took, .. } = world.process(node)?;
            let amount = i128::from(*has_token) + i128::from(*gave) - i128::from(*took) + 1_000;
            Some([conservation::Event::Holds { at: node, of: "token", amount }])
        })),
        maker(facts("tokens", Conservation::new(group()), |world: &World<Ring>, node| {
            let amount = world.process(node).map_or(0, |process| process.has_token.into());
            Some([conservation::Event::Holds { at: node, of: "token", amount }])
        })),
    ]
}

/// A bad way to decide: as the first shout that one hears says. Who has shouted has voted yes.
fn decisions(world: &World<Ring>, node: NodeId) -> Option<Vec<atomic_commitment::Event<u8, NodeId>>> {
    use atomic_commitment::Event;
    let transaction = 0;
    let mut facts = vec![Event::Began { transaction, participants: (0..3).map(NodeId).collect() }];
    if !atomic_commitment::nothing_failed(world) {
        facts.push(Event::Failed);
    }
    let journal = entries(world, node);
    if journal.iter().any(|entry| matches!(entry, Entry::Shouted(_))) {
        facts.push(Event::Voted { transaction, node, yes: true });
    }
    let first = journal.iter().find_map(|entry| match entry {
        Entry::Heard((from, _)) => Some(*from),
        Entry::Shouted(_) => None,
    });
    facts.extend(first.map(|from| {
        let decision = if from == NodeId(0) { Decision::Commit } else { Decision::Abort };
        Event::Decided { transaction, node, decision }
    }));
    Some(facts)
}

/// Which properties are violated in how many of forty worlds, each property looked at alone.
fn violations(ring: &Ring, faults: &[Fault]) -> BTreeMap<String, usize> {
    violations_of(&properties(), ring, faults)
}

fn violations_of(properties: &[Maker<Ring>], ring: &Ring, faults: &[Fault]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for property in properties {
        for seed in 0..40 {
            let case = Case { faults: faults.to_vec(), ..Case::quiet(ring.clone()) };
            let finished = run(&case, &Source::Seed(seed), std::slice::from_ref(property), Record::No).unwrap();
            assert!(finished.violation.is_some() || finished.stats.sent > 2);
            if let Some(violation) = finished.violation {
                let liveness = ["validity", "ring/ac5_all_decide"].contains(&violation.property.as_str());
                assert_eq!(violation.liveness, liveness);
                assert!(!violation.nodes.is_empty(), "{violation}");
                *found.entry(violation.property).or_default() += 1;
            }
        }
    }
    found
}

fn names(found: &BTreeMap<String, usize>) -> Vec<&str> {
    found.keys().map(String::as_str).collect()
}

#[test]
fn each_fault_breaks_what_it_must_and_nothing_else() {
    // A token on its way is nobody's.
    let always = "tokens";
    // Shouts of two nodes overtake each other on the way to a third: links are FIFO, but a token is faster than a shout.
    assert_eq!(names(&violations(&Ring::default(), &[])), ["causal", always]);

    let lossy = violations(&Ring { loss_ppm: 100_000, ..Ring::default() }, &[]);
    assert_eq!(names(&lossy), ["causal", "gapless", always, "validity"]);

    let doubling = violations(&Ring { dup_ppm: 100_000, ..Ring::default() }, &[]);
    assert!(doubling.contains_key("at_most_once") && doubling.contains_key("exclusion"), "{doubling:?}");
    for kept in ["no_creation", "validity"] {
        assert!(!doubling.contains_key(kept), "{doubling:?}");
    }
}

/// The journal of a life ends with it; what stood there has been seen, and the next life's is read from its beginning.
#[test]
fn journals_are_read_across_crashes() {
    let crashes: Vec<Fault> = [(1, 40), (2, 90), (0, 150), (1, 160)]
        .map(|(node, at)| Fault::new(Time::ms(at), Span::ms(20), What::Crash { node: NodeId(node).into() }))
        .into();
    let found = violations(&Ring { dup_ppm: 300_000, ..Ring::default() }, &crashes);
    assert!(!found.contains_key("no_creation"), "{found:?}");
    assert!(found["at_most_once"] > 20, "{found:?}");
}

#[test]
fn conditions_of_atomic_commitment_are_violated_one_by_one() {
    let all: Vec<Maker<Ring>> =
        Rule::ALL.iter().map(|rule| maker(atomic_commitment::property("ring", *rule, decisions))).collect();
    let quiet = violations_of(&all, &Ring::default(), &[]);
    // Node 0 hears somebody else first, and others decide before all have voted; nobody changes its mind.
    assert_eq!(names(&quiet), ["ring/ac1_agreement", "ring/ac3_only_if_all_yes", "ring/ac4_no_needless_abort"]);
    // In its next life a node hears somebody else first.
    let crash = Fault::new(Time::ms(60), Span::ms(5), What::Crash { node: NodeId(1).into() });
    let crashed = violations_of(&all, &Ring::default(), &[crash]);
    assert!(crashed["ring/ac2_final"] > 5, "{crashed:?}");
    // Where half is lost, the first shouts are never heard, and the token neither.
    let lossy = violations_of(&all, &Ring { loss_ppm: 500_000, ..Ring::default() }, &[]);
    assert!(lossy["ring/ac5_all_decide"] > 5, "{lossy:?}");
}

#[test]
fn litmus_outcomes_of_worlds() {
    let sb = &classical()[1];
    let relaxed = outcomes(&sb.program, Memory::Tso).into_iter().find(|outcome| sb.shows(outcome)).unwrap();
    let program = sb.program.clone();
    let ended = move |_: &World<Ring>| Some((program.clone(), relaxed.clone()));
    let judged = |memory| {
        let property = maker(within("sb", memory, ended.clone()));
        run(&Case::quiet(Ring::default()), &Source::Seed(0), &[property], Record::No).unwrap().violation
    };
    assert_eq!(judged(Memory::Tso), None);
    let message = judged(Memory::Sc).unwrap().message;
    assert!(message.starts_with("sequential consistency does not allow SB"), "{message}");
}
