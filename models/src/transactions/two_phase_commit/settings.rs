//! The options and timeouts, and what each presumption saves.

use seedbed_sim::{Named, Span};
use serde::{Deserialize, Serialize};

use crate::transactions::commitment::{Decision, Write};

/// What a coordinator answers for a transaction that it knows nothing of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Named, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presumption {
    /// Both decisions are logged, sent until they are acknowledged, and only then forgotten (Gray 1978). Still, what was
    /// never decided is not known either, so the unknown is aborted.
    #[default]
    Nothing,
    /// Presumed abort: aborts are forgotten at once.
    Abort,
    /// Presumed commit: commits are forgotten at once. So that the undecided is not taken for committed, a coordinator
    /// logs that it collects votes before it asks for them.
    Commit,
}

impl Presumption {
    /// What is answered for the unknown.
    pub fn of_the_unknown(self) -> Decision {
        match self {
            Presumption::Commit => Decision::Commit,
            Presumption::Nothing | Presumption::Abort => Decision::Abort,
        }
    }

    /// Whether a decision is presumed once it is forgotten. One that is not must not be forgotten before all know it:
    /// participants force it to their logs and acknowledge it.
    pub fn covers(self, decision: Decision) -> bool {
        match self {
            Presumption::Nothing => false,
            Presumption::Abort => decision == Decision::Abort,
            Presumption::Commit => decision == Decision::Commit,
        }
    }

    /// How a participant logs a decision.
    pub fn participant_writes(self, decision: Decision) -> Write {
        if self.covers(decision) { Write::Lazy } else { Write::Forced }
    }

    /// How a coordinator logs a decision, before it sends it to anybody.
    pub fn coordinator_writes(self, decision: Decision) -> Write {
        match (self, decision) {
            (_, Decision::Commit) | (Presumption::Nothing, _) => Write::Forced,
            // In presumed commit, that votes were collected and nothing was decided says the same.
            (Presumption::Abort | Presumption::Commit, Decision::Abort) => Write::Not,
        }
    }
}

/// The options and timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is presumed of the unknown.
    pub presumption: Presumption,
    /// Whether participants in doubt ask each other, and not only the coordinator (the book, section 7.4).
    pub cooperative: bool,
    /// Whether participants that only read leave at their vote (Mohan et al., section 3.1).
    pub read_only: bool,
    /// How long a coordinator waits for the work, and then for the votes, before it aborts.
    #[serde(alias = "late")]
    pub vote_timeout: Span,
    /// After how long a coordinator sends a decision again that was not acknowledged.
    #[serde(alias = "resend")]
    pub resend_interval: Span,
    /// After how long a participant gives up work that it is not asked to vote on.
    #[serde(alias = "idle")]
    pub idle_timeout: Span,
    /// How long a participant in doubt waits for the decision before it asks, and before it asks again.
    #[serde(alias = "doubt")]
    pub decision_timeout: Span,
}

impl Settings {
    /// The same with all timeouts `times / over` as long.
    pub(super) fn scaled(self, times: u64, over: u64) -> Self {
        let scaled = |span: Span| Span(span.0 * times / over);
        Settings {
            vote_timeout: scaled(self.vote_timeout),
            resend_interval: scaled(self.resend_interval),
            idle_timeout: scaled(self.idle_timeout),
            decision_timeout: scaled(self.decision_timeout),
            ..self
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            presumption: Presumption::Nothing,
            cooperative: true,
            read_only: true,
            vote_timeout: Span::ms(80),
            resend_interval: Span::ms(60),
            idle_timeout: Span::ms(150),
            decision_timeout: Span::ms(60),
        }
    }
}
