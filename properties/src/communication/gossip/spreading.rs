//! L: that a rumour reaches all in a number of rounds that is logarithmic in their number. One world is measured here; tests bound
//! what comes out, and the benchmark prints it for large groups.

use seedbed_models::communication::gossip::messages::Op;
use seedbed_models::communication::gossip::{Detector, Gossip, Spread};
use seedbed_sim::{Case, NodeId, Operation, Source, Span, Time, World};

/// When the rumour is begun: all members have begun their rounds.
const BEGUN: Time = Time::ms(500);
/// How long it is waited for: 200 rounds.
const CHAOS: Span = Span::secs(20);

/// How a rumour has spread in one world, where nothing breaks and failures are not detected.
#[derive(Clone, Debug)]
pub struct Spreading {
    /// Between two rounds of a member.
    pub round: Span,
    /// How long after its beginning each member has heard it, in that order.
    pub heard: Vec<Span>,
    /// How many messages all members have sent until then, from its beginning on.
    pub messages: u64,
}

impl Spreading {
    /// Begins one rumour among so many members.
    ///
    /// # Panics
    /// If it does not reach all.
    pub fn measure(spread: Spread, members: u16, seed: u64) -> Self {
        let model = Gossip { members, spread, detector: Detector::None, ..Gossip::default() };
        let round = model.round;
        let mut case = Case::quiet(model);
        case.operations = vec![Operation { at: BEGUN, client: NodeId(0), op: Op::Spread(1) }];
        case.scenario.phases.chaos = CHAOS;
        let mut world = World::new(&case, &Source::Seed(seed)).expect("it is possible");
        let mut has_heard = vec![false; members.into()];
        let mut heard = Vec::with_capacity(members.into());
        let mut sent_before = 0;
        while heard.len() < usize::from(members) && world.step() {
            if world.now() < BEGUN {
                sent_before = world.stats().sent;
            }
            for &node in world.changed() {
                let hears = world.process(node).is_some_and(|member| !member.rumours().delivered().is_empty());
                if hears && !std::mem::replace(&mut has_heard[node.index()], true) {
                    heard.push(world.now().since(BEGUN));
                }
            }
        }
        assert_eq!(heard.len(), usize::from(members), "a rumour reaches all");
        Spreading { round, heard, messages: world.stats().sent - sent_before }
    }

    /// After how many rounds each member has heard it, in that order.
    pub fn rounds(&self) -> Vec<f64> {
        self.heard.iter().map(|after| after.as_secs_f64() / self.round.as_secs_f64()).collect()
    }
}
