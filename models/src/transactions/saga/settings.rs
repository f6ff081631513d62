//! How sagas are run.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// Who drives sagas (Richardson, *Microservices Patterns*, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Coordination {
    /// A coordinator with a saga log, at the order service.
    Orchestrated,
    /// Nobody: services hear of each other's steps and do their own.
    Choreographed,
}

/// What a coordinator that restarts does with a saga that has not come to its pivot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recovery {
    /// It goes on: the steps that may not have been executed are requested again (the paper's *Forward Recovery*).
    Forward,
    /// It rolls back: all that may have been executed is compensated (*Backward Recovery*).
    Backward,
}

/// The style of coordination, the countermeasures, and the timeouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Who drives sagas.
    pub coordination: Coordination,
    /// What a restarted coordinator does.
    pub recovery: Recovery,
    /// Whether services refuse to other sagas what a saga has touched and may still undo.
    pub semantic_locks: bool,
    /// After how long the coordinator requests a step again, and a service of a choreography sends an event again.
    pub retry: Span,
    /// How long a coordinator tries to come to the pivot before it rolls the saga back.
    pub give_up: Span,
    /// After how long a client sends an unanswered request again.
    #[serde(alias = "patience")]
    pub request_timeout: Span,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            coordination: Coordination::Orchestrated,
            recovery: Recovery::Forward,
            semantic_locks: true,
            retry: Span::ms(40),
            give_up: Span::ms(400),
            request_timeout: Span::ms(150),
        }
    }
}
