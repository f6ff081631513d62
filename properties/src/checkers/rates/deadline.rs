//! Deadlines of calls.

use std::collections::{BTreeMap, BTreeSet};

use seedbed_sim::{Span, Time};

use crate::checkers::judge::{Id, Judge, Name, Refusal, Ruling};

/// The events of calls, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call<N, I> {
    /// A call begins.
    Began {
        /// The caller.
        by: N,
        /// A unique identifier.
        call: I,
        /// When it begins.
        at: Time,
        /// The time until its deadline.
        within: Span,
    },
    /// A call ends, with success or not.
    Ended {
        /// The call that ends.
        call: I,
        /// When it ends.
        at: Time,
    },
    /// The time advances without another event.
    Now {
        /// The present time.
        at: Time,
    },
}

/// Each call ends by its deadline, with a reply, a failure or a timeout. Judged at the first event that is later than a
/// deadline; report [`Call::Now`] to judge without one.
///
/// ```
/// use seedbed_properties::checkers::judge::Judge;
/// use seedbed_properties::checkers::rates::{Call, Deadline};
/// use seedbed_sim::{Span, Time};
///
/// let began = Call::Began { by: 'a', call: 1, at: Time::ms(5), within: Span::ms(100) };
/// assert!(Deadline::default().judge([began.clone(), Call::Ended { call: 1, at: Time::ms(105) }]).is_ok());
/// let refusal = Deadline::default().judge([began, Call::Now { at: Time::ms(106) }]).unwrap_err();
/// assert_eq!(
///     refusal.to_string(),
///     "deadline: call 1 of 'a' began at 0.005 s and had 0.100 s; at 0.106 s it is not over"
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Deadline<N, I> {
    open: BTreeMap<I, Open<N>>,
    due: BTreeSet<(Time, I)>,
}

#[derive(Clone, Debug)]
struct Open<N> {
    by: N,
    began: Time,
    within: Span,
}

impl<N: Id, I: Name> Judge for Deadline<N, I> {
    type Event = Call<N, I>;
    type Node = N;

    fn observe(&mut self, event: Call<N, I>) -> Ruling<N> {
        let (Call::Began { at, .. } | Call::Ended { at, .. } | Call::Now { at }) = &event;
        if let Some((due, call)) = self.due.first().filter(|(due, _)| due < at) {
            let Open { by, began, within } = &self.open[call];
            debug_assert_eq!(*due, *began + *within);
            let words = format!("call {call:?} of {by:?} began at {began} and had {within}; at {at} it is not over");
            return Err(Refusal::new("deadline", [by.clone()], words));
        }
        match event {
            Call::Began { by, call, at, within } => {
                self.close(&call);
                self.due.insert((at + within, call.clone()));
                self.open.insert(call, Open { by, began: at, within });
            }
            Call::Ended { call, .. } => self.close(&call),
            Call::Now { .. } => {}
        }
        Ok(())
    }
}

impl<N: Id, I: Name> Deadline<N, I> {
    fn close(&mut self, call: &I) {
        if let Some(Open { began, within, .. }) = self.open.remove(call) {
            self.due.remove(&(began + within, call.clone()));
        }
    }
}

impl<N, I> Default for Deadline<N, I> {
    fn default() -> Self {
        Deadline { open: BTreeMap::new(), due: BTreeSet::new() }
    }
}
