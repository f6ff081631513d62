//! The tutorial's operations as a recorded history, for `seedbed check`.

use serde_json::json;

use crate::formats::world::Seen;

/// An addition as an operation of a recorded counter.
pub fn recorded((): &(), done: Option<&()>) -> Option<Seen> {
    Some(Seen { function: "add", asked: json!(1), answered: done.map(|()| Ok(json!(1))) })
}
