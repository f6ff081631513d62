//! The model: a group of members, each with its own client.

use proptest::prelude::*;
use seedbed_sim::{FaultClass, Info, Model, NodeId, Phases, Setting, Span, Time, Workload, workload};
use serde::{Deserialize, Serialize};

use crate::communication::gossip::bugs::Bug;
use crate::communication::gossip::marks;
use crate::communication::gossip::member::Member;
use crate::communication::gossip::messages::Op;
use crate::communication::gossip::settings::{Detector, Settings, Spread};
use crate::parts::{bounds, wal};

/// How many members a group has at most in which failures are detected: each holds claims of all.
pub const MOST_DETECTED: u64 = 1_000;

/// The configuration: members `n0`, `n1`, and so on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gossip {
    /// How many members.
    pub members: u16,
    /// How rumours spread.
    pub spread: Spread,
    /// Between two rounds of rumours.
    pub round: Span,
    /// How failures are detected.
    pub detector: Detector,
    /// The protocol period.
    pub period: Span,
    /// How long a direct answer may take: less than half of a period.
    pub timeout: Span,
    /// How many helpers are asked.
    pub helpers: u8,
}

impl Default for Gossip {
    fn default() -> Self {
        Gossip {
            members: 5,
            spread: Spread::PushPull,
            round: Span::ms(100),
            detector: Detector::Lifeguard,
            period: Span::ms(100),
            timeout: Span::ms(30),
            helpers: 2,
        }
    }
}

impl Gossip {
    /// The same, with failures detected so.
    pub fn detecting(detector: Detector) -> Self {
        Gossip { detector, ..Gossip::default() }
    }

    /// How members work.
    pub fn member_settings(&self) -> Settings {
        let Gossip { members, spread, round, detector, period, timeout, helpers } = *self;
        Settings { members, spread, round, detector, period, timeout, helpers }
    }

    fn variants_of(&self, spreads: &'static [Spread], detectors: &'static [Detector]) -> BoxedStrategy<Self> {
        let model = self.clone();
        let drawn = (prop::sample::select(spreads), prop::sample::select(detectors), 0u8..4);
        drawn.prop_map(move |(spread, detector, helpers)| Gossip { spread, detector, helpers, ..model.clone() }).boxed()
    }
}

impl Model for Gossip {
    type Process = Member;

    const INFO: Info = Info {
        name: "gossip",
        row: "C09",
        family: "communication",
        summary: "Epidemic rumours by push, pull and both; membership by SWIM with suspicion and Lifeguard.",
        sources: &[
            "Demers and others, *Epidemic Algorithms for Replicated Database Maintenance*, PODC 1987",
            "Das, Gupta & Motivala, *SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol*, DSN 2002",
            "Dadgar, Phillips & Currey, *Lifeguard: Local Health Awareness for More Accurate Failure Detection*, 2018",
        ],
        tolerates: &FaultClass::USUAL,
        roles: &["accuser", "refuter"],
        bugs: Bug::LISTED,
        marks: &[marks::MARKS, wal::MARKS],
    };

    fn size(&self) -> usize {
        self.members.into()
    }

    fn spawn(&self, _: NodeId, _: &[NodeId]) -> Member {
        Member::new(self.member_settings())
    }

    fn validate(&self) -> Result<(), String> {
        if self.detector != Detector::None {
            bounds::at_most("members of a group in which failures are detected", self.members, MOST_DETECTED)?;
        }
        match self {
            Gossip { members: 0, .. } => Err("gossip needs at least one member".into()),
            Gossip { round: Span::ZERO, .. } => Err("round must be above zero".into()),
            Gossip { timeout: Span::ZERO, .. } => Err("timeout must be above zero".into()),
            Gossip { timeout, period, .. } if *timeout > Span(period.0 / 3) => {
                Err("timeout must be at most a third of period".into())
            }
            _ => Ok(()),
        }
    }

    fn settings() -> &'static [Setting] {
        &[
            Setting { name: "spread", what: "push, pull, push_pull: how rumours spread" },
            Setting { name: "detector", what: "none, swim, suspicion, lifeguard: how failures are detected" },
        ]
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match (name, value) {
            ("spread", "push") => self.spread = Spread::Push,
            ("spread", "pull") => self.spread = Spread::Pull,
            ("spread", "push_pull") => self.spread = Spread::PushPull,
            ("spread", _) => return Err(format!("push, pull or push_pull, and not '{value}'")),
            ("detector", "none") => self.detector = Detector::None,
            ("detector", "swim") => self.detector = Detector::Swim,
            ("detector", "suspicion") => self.detector = Detector::Suspicion,
            ("detector", "lifeguard") => self.detector = Detector::Lifeguard,
            ("detector", _) => return Err(format!("none, swim, suspicion or lifeguard, and not '{value}'")),
            _ => return Err(format!("gossip has nothing to set called '{name}'")),
        }
        Ok(())
    }

    fn set_nodes(&mut self, nodes: usize) -> Result<(), String> {
        let members = u16::try_from(nodes).ok().filter(|members| *members > 0);
        self.members = members.ok_or("gossip needs at least one member")?;
        Ok(())
    }

    /// A sole member, and up to eight.
    fn sizes(&self) -> Vec<Self> {
        [1, 2, 3, 8].map(|members| Gossip { members, ..self.clone() }).to_vec()
    }

    fn reaction_time(&self) -> Span {
        self.period
    }

    fn holds(&self, member: &Member, role: &str) -> Option<u64> {
        let membership = member.membership()?;
        match role {
            "accuser" => Some(membership.suspects() as u64).filter(|suspects| *suspects > 0),
            "refuter" => Some(membership.incarnation()).filter(|incarnation| *incarnation > 1),
            _ => None,
        }
    }

    /// All ways to spread rumours and to detect failures, with none to three helpers.
    fn variants(&self) -> BoxedStrategy<Self> {
        self.variants_of(&Spread::ALL, &Detector::ALL)
    }

    fn variants_with(&self, bug: &'static str) -> BoxedStrategy<Self> {
        let (spreads, detectors): (&[Spread], &[Detector]) = match Bug::named(bug).expect("the model lists it") {
            Bug::RefutedSuspicionRunsOn => (&Spread::ALL, &[Detector::Suspicion, Detector::Lifeguard]),
            Bug::TwoAccusersBury => (&Spread::ALL, &[Detector::Lifeguard]),
            Bug::PullComparesCounts => (&[Spread::Pull, Spread::PushPull], &Detector::ALL),
            Bug::NumbersBeginAgain | Bug::DuplicateDelivered => (&Spread::ALL, &Detector::ALL),
            Bug::NoRefutation
            | Bug::OldIncarnationWins
            | Bug::AliveOverridesDead
            | Bug::IncarnationForgotten
            | Bug::HelperAnswersForTheTarget => {
                (&Spread::ALL, &[Detector::Swim, Detector::Suspicion, Detector::Lifeguard])
            }
        };
        self.variants_of(spreads, detectors)
    }

    fn phases(&self) -> Phases {
        Phases { chaos: Span::secs(2), settle: Span::secs(8) }
    }

    /// Rumours; now and then a member leaves, or stops for good.
    fn workload(&self) -> BoxedStrategy<Workload<Self>> {
        let until = Time::ZERO + Span(self.phases().chaos.0 * 9 / 10);
        let op = prop_oneof![8 => (1u32..100).prop_map(Op::Spread), 1 => Just(Op::Leave), 1 => Just(Op::Stop)];
        workload(0..self.members, 2..12, until, op)
    }
}
