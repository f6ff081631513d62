//! What is compared: answers and deliveries, with names that the model and the server share. Nothing of a delivery is left out but the
//! times of its deaths.

use std::collections::BTreeMap;

/// What a command answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    /// How many messages were ready.
    Ready(u64),
    /// What `basic.get` got, and how many messages are ready behind it.
    Got(Option<(Delivered, u64)>),
    Published {
        /// Whether it came back.
        returned: bool,
        /// Whether it was confirmed, and not refused.
        accepted: bool,
    },
    /// The channel was closed, or the connection, with this reply code.
    Closed(u16),
}

/// A delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    pub tag: u64,
    pub consumer: Option<u16>,
    pub redelivered: bool,
    pub exchange: String,
    pub key: String,
    pub body: String,
    pub persistent: bool,
    pub priority: Option<u8>,
    pub expiration: Option<String>,
    /// `x-death` is in them as text.
    pub headers: BTreeMap<String, String>,
}

/// What has come on a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Came {
    pub deliveries: Vec<Delivered>,
    /// The consumers that the broker has cancelled, in the order of their tags: what comes of one command is not ordered.
    pub cancelled: Vec<u16>,
}

impl Came {
    /// What each consumer got, in order; without tags, which are those of the channel.
    fn of_consumers(&self) -> BTreeMap<Option<u16>, Vec<Delivered>> {
        let mut all: BTreeMap<_, Vec<Delivered>> = BTreeMap::new();
        for delivered in &self.deliveries {
            all.entry(delivered.consumer).or_default().push(Delivered { tag: 0, ..delivered.clone() });
        }
        all
    }

    /// Whether consumers got the same, and only the order between them is another one.
    pub fn is_reordered(&self, other: &Came) -> bool {
        self.cancelled == other.cancelled && self.of_consumers() == other.of_consumers()
    }
}

/// An entry of `x-death`, but for its time.
pub fn death(
    queue: &str,
    reason: &str,
    count: i64,
    exchange: &str,
    keys: &[String],
    original_expiration: Option<&str>,
) -> String {
    let expiration = original_expiration.map(|ms| format!(", of {ms} ms")).unwrap_or_default();
    format!("{count} x {reason} in {queue}, from {exchange:?} by {keys:?}{expiration}")
}
