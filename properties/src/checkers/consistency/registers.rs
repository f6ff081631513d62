//! Regular and safe registers (Lamport, "On interprocess communication", 1986), with as many writers as one likes: a
//! read may return a write that it overlaps, or one that no other write followed before the read began (weak regularity
//! after Shao and others, "Multiwriter consistency conditions for shared memory registers", 2011).

use std::fmt::Debug;

use super::history::{Access, Anomaly, Event, Outcome};

/// Whether each read returned a write that it overlaps or that was not overwritten before it.
pub fn regular<K: Ord + Debug, V: Ord + Debug>(history: &[Event<K, V>]) -> Outcome {
    judge(history, |_, _| true).into()
}

/// Whether each read that overlaps no write of its key returned one that was not overwritten before it; a read that
/// does overlap one may return anything.
pub fn safe<K: Ord + Debug, V: Ord + Debug>(history: &[Event<K, V>]) -> Outcome {
    let quiet = |read: &Event<K, V>, history: &[Event<K, V>]| {
        let mut writes = history.iter().filter(|event| matches!(&event.access, Access::Write(..)));
        !writes.any(|write| write.access.key() == read.access.key() && overlap(write, read))
    };
    judge(history, quiet).into()
}

fn judge<K: Ord + Debug, V: Ord + Debug>(
    history: &[Event<K, V>],
    judged: impl Fn(&Event<K, V>, &[Event<K, V>]) -> bool,
) -> Result<(), Anomaly> {
    for (n, read) in history.iter().enumerate() {
        let Access::Read(key, value) = &read.access else {
            continue;
        };
        if read.returned.is_none() || !judged(read, history) {
            continue;
        }
        let writes = || history.iter().filter(|event| matches!(&event.access, Access::Write(k, _) if k == key));
        let overwritten = |since: &dyn Fn(&Event<K, V>) -> bool| writes().any(|w| since(w) && precedes(w, read));
        let allowed = match value {
            None => !overwritten(&|_| true),
            Some(value) => writes().any(|write| {
                let wrote = matches!(&write.access, Access::Write(_, v) if v == value);
                wrote && !precedes(read, write) && !overwritten(&|other| precedes(write, other))
            }),
        };
        if !allowed {
            return Err(stale(history, n));
        }
    }
    Ok(())
}

/// The anomaly of a read, with the write that it returned and one that had overwritten that, if there are such.
fn stale<K: Ord + Debug, V: Ord + Debug>(history: &[Event<K, V>], n: usize) -> Anomaly {
    let read = &history[n];
    let Access::Read(key, value) = &read.access else { panic!("{n} is no read") };
    let writes = || (0..history.len()).filter(|&w| matches!(&history[w].access, Access::Write(k, _) if k == key));
    let wrote = |w: &usize| matches!(&history[*w].access, Access::Write(_, v) if Some(v) == value.as_ref());
    let write = writes().find(|w| wrote(w) && !precedes(read, &history[*w]));
    let since = |w: &usize| write.is_none_or(|write| precedes(&history[write], &history[*w]));
    let over = writes().find(|w| since(w) && precedes(&history[*w], read));
    let events = write.into_iter().chain(over.filter(|_| write.is_some() || value.is_none())).chain([n]).collect();
    let value = value.as_ref().map_or("nothing".into(), |value| format!("{value:?}"));
    let (from, to) = (read.invoked, read.returned.unwrap_or(read.invoked));
    let words = format!("a read of {key:?} from {from} to {to} returned {value}");
    let words = format!("{words}, which was neither there when it began nor written meanwhile");
    Anomaly { pattern: "StaleRead", events, words }
}

/// Whether one returned before the other was invoked.
fn precedes<K, V>(a: &Event<K, V>, b: &Event<K, V>) -> bool {
    a.returned.is_some_and(|returned| returned < b.invoked)
}

fn overlap<K, V>(a: &Event<K, V>, b: &Event<K, V>) -> bool {
    !precedes(a, b) && !precedes(b, a)
}
