//! Conservation: a quantity is spread over parts (accounts, shelves, the books of a broker, messages in flight), and
//! its total changes only by declared flows. Examples are money, stock, tokens of a bucket, and messages: published =
//! acked + ready + unacked + dead-lettered + expired + dropped is a quantity with six parts, into which every publish
//! flows.
//!
//! Amounts in flight are in no node's state. Either nodes keep books of what they sent and received, and a part is what
//! a node holds plus what it sent minus what it received, which is constant whatever the network does; or the judge
//! gets a consistent cut with its channels ([`over_cut`]).
//!
//! ```
//! use seedbed_properties::checkers::conservation::{Conservation, Event};
//! use seedbed_properties::checkers::judge::Judge;
//!
//! let mut money = Conservation::new(["ann", "bob"]);
//! for (at, amount) in [("ann", 70), ("bob", 30)] {
//!     money.observe(Event::Holds { at, of: "money", amount }).unwrap();
//! }
//! money.instant().unwrap();
//! money.observe(Event::Holds { at: "ann", of: "money", amount: 60 }).unwrap();
//! let refusal = money.instant().unwrap_err();
//! assert_eq!(refusal.to_string(), r#"conservation: of "money" there should be 100, there is 90: "ann" 60, "bob" 30"#);
//! ```

use std::collections::{BTreeMap, BTreeSet};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// A change of a part or of the total.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event<P, Q> {
    /// The present amount in a part; may be repeated.
    Holds {
        /// The part.
        at: P,
        /// The quantity that is conserved.
        of: Q,
        /// In indivisible units.
        amount: i128,
    },
    /// An amount enters the system, or leaves it if negative. Not to be repeated.
    Flows {
        /// The quantity whose total changes.
        of: Q,
        /// Added to the total.
        by: i128,
    },
}

/// At every instant the total of each quantity is the initial or declared total plus all flows, and no part is
/// negative. An instant is what lies between two calls of [`Judge::instant`]: a transfer between two parts that is
/// reported as two events is one instant.
///
/// Nothing is compared before every expected part has reported. Parts that appear later must get their amounts from
/// others, or from a declared flow.
#[derive(Clone, Debug)]
pub struct Conservation<P, Q> {
    awaited: BTreeSet<P>,
    quantities: BTreeMap<Q, Quantity<P>>,
    negative: bool,
    /// Whether the initial totals are known.
    begun: bool,
    /// The quantities that changed in this instant.
    touched: BTreeSet<Q>,
}

#[derive(Clone, Debug)]
struct Quantity<P> {
    parts: BTreeMap<P, i128>,
    total: i128,
    flowed: i128,
    /// The declared total before any flow.
    expected: Option<i128>,
}

impl<P: Id, Q: Name> Conservation<P, Q> {
    /// Judges once each of these parts has reported an amount of any quantity; the totals are then taken as the initial
    /// ones.
    pub fn new(parts: impl IntoIterator<Item = P>) -> Self {
        Conservation {
            awaited: parts.into_iter().collect(),
            quantities: BTreeMap::new(),
            negative: false,
            begun: false,
            touched: BTreeSet::new(),
        }
    }

    /// Declares the initial total of a quantity, instead of taking the reported one.
    pub fn total(mut self, of: Q, amount: i128) -> Self {
        self.quantity(&of).expected = Some(amount);
        self.touched.insert(of);
        self
    }

    /// Allows negative amounts, such as overdrafts.
    pub fn may_be_negative(self) -> Self {
        Conservation { negative: true, ..self }
    }

    fn quantity(&mut self, of: &Q) -> &mut Quantity<P> {
        let none = || Quantity { parts: BTreeMap::new(), total: 0, flowed: 0, expected: None };
        self.quantities.entry(of.clone()).or_insert_with(none)
    }
}

impl<P: Id, Q: Name> Judge for Conservation<P, Q> {
    type Event = Event<P, Q>;
    type Node = P;

    fn observe(&mut self, event: Event<P, Q>) -> Ruling<P> {
        match event {
            Event::Holds { at, of, amount } => {
                if amount < 0 && !self.negative {
                    let words = format!("{at:?} holds {amount} of {of:?}");
                    return Err(Refusal::new("never negative", [at], words));
                }
                self.awaited.remove(&at);
                let quantity = self.quantity(&of);
                let before = quantity.parts.insert(at, amount);
                quantity.total += amount - before.unwrap_or(0);
                if before != Some(amount) {
                    self.touched.insert(of);
                }
            }
            Event::Flows { of, by } => {
                self.quantity(&of).flowed += by;
                self.touched.insert(of);
            }
        }
        Ok(())
    }

    fn instant(&mut self) -> Ruling<P> {
        if !self.awaited.is_empty() {
            return Ok(());
        }
        let begins = !std::mem::replace(&mut self.begun, true);
        for of in std::mem::take(&mut self.touched) {
            let quantity = self.quantity(&of);
            // A quantity that no part had at the start was zero.
            let found = if begins { quantity.total - quantity.flowed } else { 0 };
            let should = *quantity.expected.get_or_insert(found) + quantity.flowed;
            if quantity.total != should {
                let told: Vec<String> = quantity.parts.iter().map(|(part, n)| format!("{part:?} {n}")).collect();
                let (total, told) = (quantity.total, told.join(", "));
                let words = format!("of {of:?} there should be {should}, there is {total}: {told}");
                return Err(Refusal::new(RULE, quantity.parts.keys().cloned(), words));
            }
        }
        Ok(())
    }

    /// Judges the last instant. Expected parts that never reported are refused, as an error of the caller.
    fn finish(&mut self, _: &dyn Fn(&P) -> bool) -> Ruling<P> {
        if !self.awaited.is_empty() {
            let words = format!("nothing was ever heard of {:?}, so nothing was judged", self.awaited);
            return Err(Refusal::new(RULE, self.awaited.iter().cloned(), words));
        }
        self.instant()
    }
}

const RULE: &str = "conservation";

/// Whether the total over a consistent cut is right: the recorded states of the nodes, and the recorded contents of the
/// channels between them. [`crate::checkers::cuts`] judges whether the cut is consistent.
///
/// # Errors
/// The expected and the actual total, if they differ.
pub fn over_cut<N: Id>(
    should: i128,
    states: impl IntoIterator<Item = (N, i128)>,
    channels: impl IntoIterator<Item = ((N, N), i128)>,
) -> Ruling<N> {
    let states: Vec<(N, i128)> = states.into_iter().collect();
    let channels: Vec<((N, N), i128)> = channels.into_iter().collect();
    let held: i128 = states.iter().map(|(_, amount)| amount).sum();
    let on_its_way: i128 = channels.iter().map(|(_, amount)| amount).sum();
    if held + on_its_way == should {
        return Ok(());
    }
    let words = format!(
        "the cut should hold {should}, it holds {} ({held} at the nodes: {states:?}; {on_its_way} on its way: {channels:?})",
        held + on_its_way
    );
    Err(Refusal::new(RULE, states.into_iter().map(|(node, _)| node), words))
}
