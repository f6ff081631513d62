//! Registers: a read identifies its writer, because values are unique, but nothing shows the order of versions. Certain
//! are only the read dependencies, and that the initial version came first; the rest is searched for.

use super::{
    facts::{Facts, Member, NOBODY, Read, Source, Versions, Writers, committed, members},
    history::{History, Malformed, Mop, Name, Seen, Status},
    report::Problem,
};

/// Infers the facts of a rw-register history.
pub(super) fn infer(history: &History) -> Result<Facts, Malformed> {
    let writers = Writers::of(history)?;
    for (t, transaction) in history.transactions.iter().enumerate() {
        for mop in &transaction.mops {
            if let Mop::Read(key, Seen::List(_)) = mop {
                return Err(Malformed::WrongKind { transaction: t, key: key.clone(), kind: history.kind });
            }
        }
    }
    let committed = committed(history, |t, report| {
        for mop in &history.transactions[t].mops {
            if let Mop::Read(key, Seen::Value(value)) = mop
                && let Some((writer, _)) = writers.of_value(writers.keys[key], value)
            {
                report(writer as usize);
            }
        }
    });
    let (places, number) = members(&committed);
    let mut facts = Facts { members: places, keys: writers.names(), ..Facts::default() };
    for key in 0..facts.keys.len() as u32 {
        let mut loose: Vec<Member> =
            writers.of_key(key).iter().map(|write| number[write.1 as usize]).filter(|&m| m != NOBODY).collect();
        loose.sort_unstable();
        loose.dedup();
        facts.versions.push(Versions { ordered: Vec::new(), loose });
    }
    let mut initial: Vec<Option<(&Seen, usize)>> = vec![None; facts.keys.len()];
    for member in 0..facts.members.len() {
        let t = facts.members[member] as usize;
        internal(history, t, &mut facts.problems);
        for (m, mop) in history.transactions[t].mops.iter().enumerate() {
            let Mop::Read(key, seen) = mop else { continue };
            let number_of_key = writers.keys[key];
            let writer = match seen {
                Seen::Unknown | Seen::List(_) => continue,
                Seen::Nothing => None,
                Seen::Value(value) => writers.of_value(number_of_key, value).map(|write| (write, value)),
            };
            let source = match writer {
                None => {
                    let first = initial[number_of_key as usize].get_or_insert((seen, t));
                    if first.0 != seen {
                        facts.problems.push(Problem::two_initial(first.1, t, key, first.0, seen));
                    }
                    Source::Prefix(0)
                }
                Some(((writer, mop), value)) if writer as usize == t => {
                    if mop as usize > m {
                        facts.problems.push(Problem::future_read(t, key, value));
                    }
                    continue;
                }
                Some(((writer, mop), value)) => {
                    let writer = writer as usize;
                    if history.transactions[writer].status == Status::Fail {
                        facts.problems.push(Problem::g1a(writer, t, key, value));
                        continue;
                    }
                    let later = &history.transactions[writer].mops[mop as usize + 1..];
                    if later.iter().any(|later| matches!(later, Mop::Write(k, _) if k == key)) {
                        facts.problems.push(Problem::g1b(writer, t, key, value));
                    }
                    Source::Loose(number[writer])
                }
            };
            facts.reads.push(Read { member: member as Member, key: number_of_key, mop: m as u32, source });
        }
    }
    Ok(facts)
}

/// A transaction must read its own last write, or what it read before (Cerone et al. 2015, INT).
fn internal(history: &History, t: usize, problems: &mut Vec<Problem>) {
    let mops = &history.transactions[t].mops;
    for (m, mop) in mops.iter().enumerate() {
        let Mop::Read(key, now) = mop else { continue };
        if *now == Seen::Unknown {
            continue;
        }
        let before = mops[..m].iter().rev().find_map(|earlier| match earlier {
            Mop::Write(k, value) if k == key => Some(Seen::Value(value.clone())),
            Mop::Read(k, seen) if k == key && *seen != Seen::Unknown => Some(seen.clone()),
            _ => None,
        });
        if before.is_some_and(|before| before != *now) {
            problems.push(Problem::internal(t, key, m));
            return;
        }
    }
}

/// The last value that a transaction writes to a key.
pub(super) fn last_write<'a>(mops: &'a [Mop], key: &Name) -> Option<&'a Name> {
    mops.iter().rev().find_map(|mop| match mop {
        Mop::Write(k, value) if k == key => Some(value),
        _ => None,
    })
}
