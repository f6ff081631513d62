//! Motifs: short sequences of faults that belong together, repeated over a plan. Single faults drawn blindly almost
//! never come in the order that breaks a protocol; these do, for any protocol that has leaders, votes and clients.

use proptest::prelude::*;

use crate::fault::{Direction, Fault, FaultClass, Target, What, by_time};
use crate::network::CutMode;
use crate::process::NodeId;
use crate::swarm::place::Place;
use crate::time::{Span, Time};

/// Which sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Motif {
    Ripples,
    Splits,
    Mutes,
    Blackouts,
    Relays,
    Stretches,
    Schisms,
}

impl Motif {
    /// The motifs that can be played with the classes that may be drawn.
    pub(super) fn of(here: &Place) -> Vec<Motif> {
        let can = |motif: &Motif| motif.needs().iter().all(|class| here.classes.contains(class));
        let all = [
            Motif::Ripples,
            Motif::Splits,
            Motif::Mutes,
            Motif::Blackouts,
            Motif::Relays,
            Motif::Stretches,
            Motif::Schisms,
        ];
        all.into_iter().filter(|motif| !here.crashable.is_empty() && can(motif)).collect()
    }

    /// The classes that a motif is made of.
    pub(super) fn needs(self) -> &'static [FaultClass] {
        match self {
            Motif::Ripples => &[FaultClass::Crash],
            Motif::Splits => &[FaultClass::Partition],
            Motif::Mutes | Motif::Relays | Motif::Schisms => &[FaultClass::Crash, FaultClass::Partition],
            Motif::Blackouts => &[FaultClass::Crash, FaultClass::Partition, FaultClass::Disk],
            Motif::Stretches => &[FaultClass::Skew, FaultClass::Partition],
        }
    }

    /// A plan of this motif, again and again.
    pub(super) fn plan(self, here: &Place) -> BoxedStrategy<Vec<Fault>> {
        match self {
            Motif::Ripples => ripples(here),
            Motif::Splits => splits(here),
            Motif::Mutes => mutes(here),
            Motif::Blackouts => blackouts(here),
            Motif::Relays => relays(here),
            Motif::Stretches => stretches(here),
            Motif::Schisms => schisms(here),
        }
    }
}

/// A fault at a number of milliseconds from the beginning of its motif.
fn fault(at_ms: u64, lasts_ms: u64, what: What) -> Fault {
    Fault::new(Time::ms(at_ms), Span::ms(lasts_ms.max(1)), what)
}

/// Plays motifs one after the other, each at its beginning, until chaos ends.
fn in_turn(motifs: Vec<Vec<Fault>>, every_ms: u64, chaos: Span) -> Vec<Fault> {
    let mut plan = Vec::new();
    for (k, motif) in motifs.into_iter().enumerate() {
        let begins = Span::ms(every_ms * (k as u64 + 1) - every_ms / 2);
        plan.extend(motif.into_iter().map(|fault| Fault { at: fault.at + begins, ..fault }));
    }
    plan.retain(|fault| fault.at.since(Time::ZERO) < chaos);
    by_time(&mut plan);
    plan
}

/// How many motifs of this length are played: as many as fit into chaos, or down to half of that. What takes two rare
/// things in a row shows only where they come close together.
fn fitting(chaos: Span, every_ms: u64) -> std::ops::RangeInclusive<usize> {
    let most = ((chaos.0 / 1_000_000 / every_ms) as usize).clamp(1, 12);
    most.div_ceil(2)..=most
}

impl Place {
    fn reaction_ms(&self) -> u64 {
        (self.reaction_time.0 / 1_000_000).max(1)
    }

    /// Any node that may crash, or more often whoever then holds another role than the first; most often the second.
    fn bystander(&self) -> BoxedStrategy<Target> {
        let anyone = prop::sample::select(self.crashable.clone()).prop_map(Target::Node);
        match self.roles.get(1..) {
            Some(others @ [second, ..]) => {
                let second = Just(Target::Role(second.clone()));
                let others = prop::sample::select(others.to_vec()).prop_map(Target::Role);
                prop_oneof![2 => anyone, 1 => others, 5 => second].boxed()
            }
            _ => anyone.boxed(),
        }
    }

    /// Some of the nodes that are not crashable: those that the others serve.
    fn some_served(&self) -> BoxedStrategy<Vec<NodeId>> {
        let served: Vec<NodeId> = self.nodes.iter().copied().filter(|node| !self.crashable.contains(node)).collect();
        match served.len() {
            0 => Just(Vec::new()).boxed(),
            n => prop::sample::subsequence(served, 1..=n.max(2) - 1).boxed(),
        }
    }

    /// Whoever holds the model's first role; some node that may crash where it has none.
    fn first_holder(&self) -> BoxedStrategy<Target> {
        match self.roles.first() {
            Some(role) => Just(Target::Role(role.clone())).boxed(),
            None => prop::sample::select(self.crashable.clone()).prop_map(Target::Node).boxed(),
        }
    }
}

/// Whoever leads crashes, and while the others react, several of them restart within milliseconds of each other: what
/// a node forgets in a restart is asked of it at once.
fn ripples(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let reaction = here.reaction_ms();
    let (every, chaos, crashable) = (reaction * 3 + 50, here.chaos, here.crashable.clone());
    let cuts = here.classes.contains(&FaultClass::Partition);
    // Down for a moment it takes part in what follows, down for long it does not.
    let down = prop_oneof![2 => 1..20u64, 1 => 30..reaction * 6];
    let restart = (reaction * 2 / 3..reaction * 5 / 2, 1u64..8, here.bystander());
    let isolated = (0..reaction * 8 / 3, 20..reaction * 14 / 3, prop::sample::select(crashable));
    let isolated = prop::collection::vec(isolated, if cuts { 0..3 } else { 0..1 });
    let motif = (here.first_holder(), down, prop::collection::vec(restart, 1..6), isolated);
    let wait = here.reaction_time;
    let motif = motif.prop_map(move |(leader, down, restarts, isolated)| {
        let mut motif = vec![fault(0, down, What::Crash { node: leader })];
        motif.extend(restarts.into_iter().map(|(at, lasts, node)| {
            let within = matches!(node, Target::Role(_)).then_some(wait);
            Fault { within, ..fault(at, lasts, What::Crash { node }) }
        }));
        let isolate =
            |node: NodeId| What::Isolate { node: node.into(), direction: Direction::Both, mode: CutMode::Drop };
        motif.extend(isolated.into_iter().map(|(at, lasts, node)| fault(at, lasts, isolate(node))));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// Again and again one node that may crash is parted from the others together with some of those it serves: both sides go on,
/// each with its own clients.
fn splits(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let reaction = here.reaction_ms();
    let (every, chaos) = (reaction * 6, here.chaos);
    let served = here.some_served();
    let motif = (
        0..reaction * 4 / 3,
        reaction * 7 / 3..reaction * 16 / 3,
        prop::sample::select(here.crashable.clone()),
        served,
    );
    let motif = motif.prop_map(|(at, lasts, node, served)| {
        let side = std::iter::once(node).chain(served).collect();
        vec![fault(at, lasts, What::Partition { side, mode: CutMode::Drop })]
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// Leaders that know something alone: whoever leads is heard by nobody for a while, though it hears its clients, and
/// then mostly crashes; the next one soon has the same fate. Three in a row make the Raft paper's Figure 8.
fn mutes(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let (reaction, chaos) = (here.reaction_ms(), here.chaos);
    let crash = prop_oneof![1 => Just(None), 2 => (reaction / 10..reaction * 3 / 2).prop_map(Some)];
    let mute = (reaction / 2..reaction * 2, reaction / 8..reaction * 3 / 2, crash, here.first_holder());
    prop::collection::vec(mute, 8..16)
        .prop_map(move |mutes| {
            let mut plan = Vec::new();
            let mut at = reaction * 3 / 2;
            for (pause, alone, crash, leader) in mutes {
                at += pause;
                let (direction, mode) = (Direction::Out, CutMode::Drop);
                plan.push(fault(at, alone, What::Isolate { node: leader.clone(), direction, mode }));
                at += alone;
                if let Some(down) = crash {
                    plan.push(fault(at - 1, down, What::Crash { node: leader }));
                }
            }
            plan.retain(|fault| fault.at.since(Time::ZERO) < chaos);
            plan
        })
        .boxed()
}

/// A few node that may crashs are left out for a while; the moment they are back, several of the others blink, so that what
/// was not yet durable is gone, and whoever leads goes down: those who were left out may now outvote those who knew.
fn blackouts(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let reaction = here.reaction_ms();
    let (every, chaos, crashable) = (reaction * 4, here.chaos, here.crashable.clone());
    let few = (crashable.len() / 2).max(1);
    let out = prop::sample::subsequence(crashable.clone(), 1..=few);
    let blinks = prop::collection::vec((0u64..12, 1u64..5, prop::sample::select(crashable)), 1..=few);
    let motif = (
        0..reaction,
        reaction / 3..reaction * 3 / 2,
        out,
        blinks,
        (0u64..20, reaction / 2..reaction * 3),
        here.first_holder(),
    );
    let motif = motif.prop_map(|(at, lasts, side, blinks, (after, down), leader)| {
        let end = at + lasts;
        let mut motif = vec![fault(at, lasts, What::Partition { side, mode: CutMode::Drop })];
        let blink =
            |(after, lasts, node): (u64, u64, NodeId)| fault(end + after, lasts, What::Crash { node: node.into() });
        motif.extend(blinks.into_iter().map(blink));
        motif.push(fault(end + after + 6, down, What::Crash { node: leader }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// One node that may crash's time is stretched: its clock runs as slow as it may, those of some others as fast as they may, and
/// it is parted from them together with some of those it serves. What it promised itself to do for a while lasts longer
/// than the others wait for it.
fn stretches(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let reaction = here.reaction_ms();
    let (every, chaos, drift) = (reaction * 6, here.chaos, here.drift_ppm);
    let skew = |node: NodeId, drift_ppm: i64| What::Skew { node: node.into(), offset_ns: 0, drift_ppm };
    let slow = prop::sample::select(here.crashable.clone());
    let fast = prop::sample::subsequence(here.crashable.clone(), 0..=here.crashable.len());
    let rates = (drift / 4..=drift, drift / 4..=drift);
    let motif = (slow, fast, rates, (0..reaction, reaction..reaction * 4), here.some_served());
    let motif = motif.prop_map(move |(slow, fast, (slower, faster), (after, lasts), served)| {
        let fast = fast.into_iter().filter(|node| *node != slow);
        let mut motif = vec![fault(0, after + lasts, skew(slow, -slower))];
        motif.extend(fast.map(|node| fault(0, after + lasts, skew(node, faster))));
        let side = std::iter::once(slow).chain(served).collect();
        motif.push(fault(after, lasts, What::Partition { side, mode: CutMode::Drop }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// Whoever leads is heard by nobody for a while, and crashes before it is: nobody else learns what it did meanwhile.
fn silenced(leader: &Target, mute: u64, down: u64) -> [Fault; 2] {
    let isolate = What::Isolate { node: leader.clone(), direction: Direction::Out, mode: CutMode::Drop };
    [fault(0, mute, isolate), fault(mute - 1, down, What::Crash { node: leader.clone() })]
}

/// Whoever leads is [`silenced`]; while the next one leads, somebody else is left out;
/// and the moment both are back, the next one crashes: those who know what one leader did alone meet those who know
/// nothing of what the other did.
fn relays(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let reaction = here.reaction_ms();
    let (every, chaos) = (reaction * 7, here.chaos);
    let left_out = (reaction / 2..reaction * 5 / 2, prop::sample::select(here.crashable.clone()));
    let times = (reaction / 8..reaction, reaction * 2..reaction * 4, 0u64..30, reaction..reaction * 3);
    let motif = (times, left_out, here.first_holder());
    let motif = motif.prop_map(|((alone, down, overlap, next_down), (begins, left_out), leader)| {
        let back = alone + down;
        let left_out = What::Isolate { node: left_out.into(), direction: Direction::Both, mode: CutMode::Drop };
        let mut motif = Vec::from(silenced(&leader, alone, down));
        motif.push(fault(alone + begins.min(down - 1), down.saturating_sub(begins), left_out));
        motif.push(fault(back.saturating_sub(overlap), next_down, What::Crash { node: leader }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}

/// Whoever leads is [`silenced`]; the next one is not heard from the moment it leads; and when
/// the first is back, half of the nodes are parted from the other half, mostly one of the two leaders in each, while those
/// they serve reach both. Each leader knows something that the other half has never heard of, and each half may think that
/// it is enough.
fn schisms(here: &Place) -> BoxedStrategy<Vec<Fault>> {
    let reaction = here.reaction_ms();
    let (every, chaos) = (reaction * 8, here.chaos);
    let crashable = here.crashable.clone();
    let half = prop::sample::subsequence(crashable.clone(), crashable.len() / 2).prop_map(move |side| {
        let rest: Vec<NodeId> = crashable.iter().copied().filter(|node| !side.contains(node)).collect();
        (side, rest)
    });
    let times = (
        reaction / 4..reaction * 2 / 3,
        reaction * 3 / 2..reaction * 5 / 2,
        reaction / 2..reaction * 5 / 2,
        reaction * 3..reaction * 7,
    );
    let motif = (times, half, here.first_holder());
    let motif = motif.prop_map(|((mute, down, alone, parted), (side, rest), leader)| {
        let mode = CutMode::Drop;
        let within = matches!(leader, Target::Role(_)).then_some(Span::ms(down * 2));
        let mut motif = Vec::from(silenced(&leader, mute, down));
        let next = What::Isolate { node: leader, direction: Direction::Out, mode };
        motif.push(Fault { within, ..fault(mute, alone, next) });
        motif.push(fault(mute + down, parted, What::Cut { from: side.clone(), to: rest.clone(), mode }));
        motif.push(fault(mute + down, parted, What::Cut { from: rest, to: side, mode }));
        motif
    });
    prop::collection::vec(motif, fitting(chaos, every)).prop_map(move |motifs| in_turn(motifs, every, chaos)).boxed()
}
