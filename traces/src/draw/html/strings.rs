//! A table of unique strings, because many entries have the same text.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The index of a string in its table.
pub(super) type Place = u32;

/// Strings, with their indices.
#[derive(Clone, Debug, Default)]
pub(super) struct Strings {
    places: BTreeMap<String, Place>,
    bytes: usize,
}

impl Strings {
    /// The index of a string, which is added if it is new.
    pub(super) fn place(&mut self, text: &str) -> Place {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        let place = Place::try_from(self.places.len()).expect("a page holds fewer strings than four milliards");
        self.places.insert(text.to_string(), place);
        self.bytes += text.len();
        place
    }

    /// The length of all strings together.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Serialize for Strings {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut in_order = vec![""; self.places.len()];
        for (text, place) in &self.places {
            in_order[*place as usize] = text;
        }
        in_order.serialize(to)
    }
}
