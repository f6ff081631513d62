//! How the protocol is tuned, and what each presumption saves.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

use crate::transactions::commitment::{Decision, Write};

/// What a coordinator answers for a transaction that it knows nothing of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presumption {
    /// Both decisions are written down, told until they are acknowledged, and only then forgotten (Gray 1978). Still,
    /// what was never decided is not known either, so the unknown is aborted.
    #[default]
    Nothing,
    /// Presumed abort: aborts are forgotten at once.
    Abort,
    /// Presumed commit: commits are forgotten at once. So that the undecided is not taken for committed, a coordinator
    /// writes down that it collects votes before it asks for them.
    Commit,
}

impl Presumption {
    /// All three.
    pub const ALL: [Presumption; 3] = [Presumption::Nothing, Presumption::Abort, Presumption::Commit];

    /// What is answered for the unknown.
    pub fn of_the_unknown(self) -> Decision {
        match self {
            Presumption::Commit => Decision::Commit,
            Presumption::Nothing | Presumption::Abort => Decision::Abort,
        }
    }

    /// Whether a decision is found by presumption, once it is forgotten. What is not must not be forgotten before all
    /// know it: participants force it to their logs and acknowledge it.
    pub fn covers(self, decision: Decision) -> bool {
        match self {
            Presumption::Nothing => false,
            Presumption::Abort => decision == Decision::Abort,
            Presumption::Commit => decision == Decision::Commit,
        }
    }

    /// How a participant writes down a decision.
    pub fn participant_writes(self, decision: Decision) -> Write {
        match self.covers(decision) {
            true => Write::Lazy,
            false => Write::Forced,
        }
    }

    /// How a coordinator writes down a decision, before it tells anybody.
    pub fn coordinator_writes(self, decision: Decision) -> Write {
        match (self, decision) {
            (_, Decision::Commit) | (Presumption::Nothing, _) => Write::Forced,
            // In presumed commit, that votes were collected and nothing was decided says the same.
            (Presumption::Abort | Presumption::Commit, Decision::Abort) => Write::Not,
        }
    }
}

/// How a cluster is tuned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is presumed.
    pub presumption: Presumption,
    /// Whether participants in doubt ask each other, and not only the coordinator (the book, section 7.4).
    pub cooperative: bool,
    /// Whether participants that only read leave at their vote (Mohan et al., section 3.1).
    pub read_only: bool,
    /// How long a coordinator waits for the work, and then for the votes.
    pub late: Span,
    /// After how long it tells again what is decided.
    pub resend: Span,
    /// After how long a participant gives up work that it is not asked to vote on.
    pub idle: Span,
    /// How long a participant waits to be told, before it asks; and before it asks again.
    pub doubt: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            presumption: Presumption::Nothing,
            cooperative: true,
            read_only: true,
            late: Span::ms(80),
            resend: Span::ms(60),
            idle: Span::ms(150),
            doubt: Span::ms(60),
        }
    }
}
