//! Topic names and topic filters (MQTT 5.0, §4.7), and those of shared subscriptions (§4.8.2).

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The most bytes of a name or a filter. MQTT allows 65,535 (§1.5.4).
pub const MOST_BYTES: usize = 255;

macro_rules! names {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $name(text.into())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                String::deserialize(from).map(|text| $name(text.into()))
            }
        }
    )*};
}

names! {
    /// A topic name: levels with `/` between them (§4.7.1.1).
    Topic
    /// A topic filter, in which `+` stands for one level and `#`, as the last, for any number of them (§4.7.1); or that of a shared
    /// subscription, `$share/NAME/FILTER` (§4.8.2).
    Filter
    /// The name of a shared subscription (its *ShareName*).
    ShareName
}

/// Whether a text is a name or a filter at all: it is not empty, not too long, and has no null character (§4.7.3).
fn is_text(text: &str) -> bool {
    !text.is_empty() && text.len() <= MOST_BYTES && !text.chars().any(char::is_control)
}

impl Topic {
    /// Whether messages can be published to it: there are no wildcards in it ([MQTT-3.3.2-2]).
    pub fn is_valid(&self) -> bool {
        is_text(&self.0) && !self.0.contains(['+', '#'])
    }

    /// Whether it begins with `$`: then no filter that begins with a wildcard matches it ([MQTT-4.7.2-1]).
    pub fn is_of_the_server(&self) -> bool {
        self.0.starts_with('$')
    }
}

impl Filter {
    /// The name of the shared subscription, and the filter inside, if it is that of one and well-formed (§4.8.2).
    pub fn share(&self) -> Option<(ShareName, Filter)> {
        let (name, filter) = self.0.strip_prefix("$share/")?.split_once('/')?;
        Some((ShareName::from(name), Filter::from(filter)))
    }

    /// Whether it begins as that of a shared subscription does.
    pub fn is_shared(&self) -> bool {
        &*self.0 == "$share" || self.0.starts_with("$share/")
    }

    /// Whether it can be subscribed to: a wildcard is a whole level, and `#` the last (§4.7.1); a shared one has a name of at least
    /// one character without wildcards, and a filter ([MQTT-4.8.2-1], [MQTT-4.8.2-2]).
    pub fn is_valid(&self) -> bool {
        if !self.is_shared() {
            return is_text(&self.0) && has_whole_wildcards(&self.0);
        }
        let Some((name, filter)) = self.share() else { return false };
        is_text(&self.0) && !name.0.is_empty() && !name.0.contains(['+', '#']) && has_whole_wildcards(&filter.0)
    }

    /// Whether a topic matches, by the filter inside if this is a shared one. `dollar_is_plain` is a planted bug: a topic that
    /// begins with `$` is then like any other.
    pub fn matches(&self, topic: &Topic, dollar_is_plain: bool) -> bool {
        let inside = self.share().map(|(_, filter)| filter);
        let filter = inside.as_ref().unwrap_or(self);
        if topic.is_of_the_server() && filter.0.starts_with(['+', '#']) && !dollar_is_plain {
            return false;
        }
        let (mut filters, mut levels) = (filter.0.split('/'), topic.0.split('/'));
        loop {
            match (filters.next(), levels.next()) {
                // The parent level is matched too ([MQTT-4.7.1-2]).
                (Some("#"), _) => return true,
                (Some("+"), Some(_)) => {}
                (Some(filter), Some(level)) if filter == level => {}
                (None, None) => return true,
                _ => return false,
            }
        }
    }
}

fn has_whole_wildcards(filter: &str) -> bool {
    let levels = filter.split('/').count();
    !filter.is_empty()
        && filter.split('/').enumerate().all(|(n, level)| match level {
            "#" => n + 1 == levels,
            "+" => true,
            level => !level.contains(['+', '#']),
        })
}
