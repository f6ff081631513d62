//! Fencing: a resource guarded by a lock whose holders may not know that they have lost it (Burrows, "The Chubby lock
//! service", 2006, section 2.4, sequencers). The lock grants increasing tokens, and the resource refuses tokens older
//! than the newest it has seen.
//!
//! ```
//! use seedbed_properties::checkers::judge::Judge;
//! use seedbed_properties::checkers::mutual_exclusion::fencing::{Accepted, Fencing};
//!
//! let write = |by, token| Accepted { resource: "disk", by, token };
//! assert!(Fencing::default().judge([write("ann", 33), write("ann", 33), write("bob", 34)]).is_ok());
//! let refusal = Fencing::default().judge([write("ann", 33), write("bob", 34), write("ann", 33)]).unwrap_err();
//! assert_eq!(
//!     refusal.to_string(),
//!     r#"fencing: "disk" accepts a write of "ann" with token 33, after one of "bob" with token 34"#
//! );
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// A resource accepted a write.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Accepted<R, H> {
    /// The guarded resource.
    pub resource: R,
    /// The holder: an acquisition of the lock, such as a session.
    pub by: H,
    /// The token of the write.
    pub token: u64,
}

/// Each resource accepts tokens that never decrease, each from one holder only. Then the accepted writes are in a
/// serial order of the holders, by token.
#[derive(Clone, Debug)]
pub struct Fencing<R, H> {
    newest: BTreeMap<R, (H, u64)>,
}

impl<R: Name, H: Id> Judge for Fencing<R, H> {
    type Event = Accepted<R, H>;
    type Node = H;

    fn observe(&mut self, Accepted { resource, by, token }: Accepted<R, H>) -> Ruling<H> {
        match self.newest.get(&resource) {
            Some((before, newest)) if token < *newest || (token == *newest && by != *before) => {
                let words = format!(
                    "{resource:?} accepts a write of {by:?} with token {token}, after one of {before:?} with token {newest}"
                );
                return Err(Refusal::new("fencing", [before.clone(), by], words));
            }
            _ => self.newest.insert(resource, (by, token)),
        };
        Ok(())
    }
}

impl<R, H> Default for Fencing<R, H> {
    fn default() -> Self {
        Fencing { newest: BTreeMap::new() }
    }
}

/// The accepted writes of a resource are in some serial order of the holders: no holder writes again after another has
/// written. Ignores tokens, so it can judge a resource that checks none. A holder that acquires the lock twice must
/// have two identities.
#[derive(Clone, Debug)]
pub struct SerialHolders<R, H> {
    resources: BTreeMap<R, Turns<H>>,
}

#[derive(Clone, Debug)]
struct Turns<H> {
    now: H,
    over: BTreeSet<H>,
}

impl<R: Name, H: Id> Judge for SerialHolders<R, H> {
    type Event = Accepted<R, H>;
    type Node = H;

    fn observe(&mut self, Accepted { resource, by, .. }: Accepted<R, H>) -> Ruling<H> {
        let first = || Turns { now: by.clone(), over: BTreeSet::new() };
        let turns = self.resources.entry(resource.clone()).or_insert_with(first);
        if turns.now == by {
            return Ok(());
        }
        if turns.over.contains(&by) {
            let between = turns.now.clone();
            let words = format!("{resource:?} accepts a write of {by:?}, after {between:?} has written since its last");
            return Err(Refusal::new("serial holders", [between, by], words));
        }
        let before = std::mem::replace(&mut turns.now, by);
        turns.over.insert(before);
        Ok(())
    }
}

impl<R, H> Default for SerialHolders<R, H> {
    fn default() -> Self {
        SerialHolders { resources: BTreeMap::new() }
    }
}
