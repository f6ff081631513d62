//! How messages get from a service to the broker, and the timeouts.

use seedbed_sim::Span;
use serde::{Deserialize, Serialize};

/// How messages get from a service to the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Relay {
    /// A relay looks into the outbox now and then (polling publisher).
    Polling,
    /// A relay follows the database's log (change data capture).
    Tailing,
    /// The broker has a half message before the transaction begins, and is told how it ended.
    Transactional,
}

/// The settings of services and the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// How messages get from a service to the broker.
    pub relay: Relay,
    /// The time between two looks of a polling relay into the outbox.
    pub poll_interval: Span,
    /// After how long a node sends again what was not acknowledged.
    pub retry: Span,
}

impl Settings {
    /// How long the broker keeps a half message before it checks back.
    pub fn check_back_after(&self) -> Span {
        Span(self.retry.0 * 2)
    }
}
