//! How transactions are run.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// The timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// After how long the coordinator, or a participant that inquires, sends again what was not answered.
    pub retry: Span,
    /// How long the coordinator waits for all participants to reserve before it cancels.
    pub give_up: Span,
    /// How long a reservation lasts before the participant inquires about its outcome.
    pub reservation: Span,
    /// After how long a client sends an unanswered request again.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            retry: Span::ms(40),
            give_up: Span::ms(200),
            reservation: Span::ms(300),
            request_timeout: Span::ms(150),
        }
    }
}
