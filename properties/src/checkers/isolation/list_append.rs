//! Lists: a read shows the whole history of its version (Elle, sections 3 and 4.2), so the longest read of a key orders
//! its versions. Elements that no read saw come later: they were appended, and the longest read does not have them.

use super::{
    facts::{Facts, Member, NOBODY, Read, Source, Versions, Writers, committed, members},
    history::{History, Malformed, Mop, Name, Seen, Status},
    report::Problem,
};

/// Infers the facts of a list-append history.
pub(super) fn infer(history: &History) -> Result<Facts, Malformed> {
    let writers = Writers::of(history)?;
    let all = lists(history, &writers)?;
    // Lists are read often. Only a list longer than the known one of its key can show a new writer, as long as they
    // agree.
    let mut known: Vec<&[Name]> = vec![&[]; writers.keys.len()];
    let committed = committed(history, |t, report| {
        for read in all.of(t) {
            let agreed =
                if read.list.starts_with(known[read.key as usize]) { known[read.key as usize].len() } else { 0 };
            if agreed == 0 && known[read.key as usize].starts_with(read.list) {
                continue;
            }
            for value in &read.list[agreed..] {
                if let Some((writer, _)) = writers.of_value(read.key, value) {
                    report(writer as usize);
                }
            }
            if read.list.len() > known[read.key as usize].len() {
                known[read.key as usize] = read.list;
            }
        }
    });
    let (places, number) = members(&committed);
    let mut facts = Facts { members: places, keys: writers.names(), ..Facts::default() };
    let mut orders = Vec::new();
    for (key, reads) in all.by_key(writers.keys.len(), &committed).into_iter().enumerate() {
        orders.push(order(history, &writers, key as u32, &reads, &number, &mut facts));
    }
    for member in 0..facts.members.len() {
        let t = facts.members[member] as usize;
        internal(history, &writers, t, &mut facts.problems);
        for read in all.of(t) {
            place(history, &writers, &orders[read.key as usize], read, member as Member, &mut facts);
        }
    }
    facts.versions = orders.into_iter().map(|order| order.versions).collect();
    Ok(facts)
}

/// A read that returned a list.
#[derive(Clone, Copy)]
struct ListRead<'a> {
    transaction: u32,
    mop: u32,
    key: u32,
    list: &'a [Name],
}

/// The reads of lists, by transaction.
struct Lists<'a> {
    reads: Vec<ListRead<'a>>,
    start: Vec<usize>,
}

fn lists<'a>(history: &'a History, writers: &Writers<'a>) -> Result<Lists<'a>, Malformed> {
    let mut lists = Lists { reads: Vec::new(), start: vec![0] };
    for (t, transaction) in history.transactions.iter().enumerate() {
        for (m, mop) in transaction.mops.iter().enumerate() {
            match mop {
                Mop::Read(key, Seen::List(list)) => {
                    let (transaction, mop, key) = (t as u32, m as u32, writers.keys[key]);
                    lists.reads.push(ListRead { transaction, mop, key, list });
                }
                Mop::Read(_, Seen::Unknown) | Mop::Write(..) => {}
                Mop::Read(key, _) => {
                    return Err(Malformed::WrongKind { transaction: t, key: key.clone(), kind: history.kind });
                }
            }
        }
        lists.start.push(lists.reads.len());
    }
    Ok(lists)
}

impl<'a> Lists<'a> {
    fn of(&self, t: usize) -> &[ListRead<'a>] {
        &self.reads[self.start[t]..self.start[t + 1]]
    }

    fn by_key(&self, keys: usize, committed: &[bool]) -> Vec<Vec<ListRead<'a>>> {
        let mut by_key = vec![Vec::new(); keys];
        for read in self.reads.iter().filter(|read| committed[read.transaction as usize]) {
            by_key[read.key as usize].push(*read);
        }
        by_key
    }
}

/// The versions of one key and the evidence for them.
struct Order<'a> {
    versions: Versions,
    /// The longest list that was read.
    longest: &'a [Name],
    /// By length of a prefix: the number of its ordered versions, fewer than elements if there are duplicates or
    /// aborted writes.
    versions_before: Vec<u32>,
}

fn order<'a>(
    history: &History,
    writers: &Writers<'_>,
    key: u32,
    reads: &[ListRead<'a>],
    number: &[Member],
    facts: &mut Facts,
) -> Order<'a> {
    let name = facts.keys[key as usize].clone();
    let mut longest: Option<&ListRead<'a>> = None;
    for read in reads {
        if longest.is_none_or(|best| read.list.len() > best.list.len()) {
            longest = Some(read);
        }
    }
    let list: &[Name] = longest.map_or(&[], |read| read.list);
    let mut versions = Versions::default();
    let mut versions_before = vec![0];
    let mut seen = vec![false; writers.of_key(key).len()];
    let mut aborted: Option<(usize, &Name)> = None;
    let mut dirty = false;
    for value in list {
        let reader = longest.expect("a list has a reader").transaction as usize;
        match writers.of_key(key).binary_search_by(|(v, ..)| (*v).cmp(value)) {
            Err(_) => facts.problems.push(Problem::garbage(reader, &name, value)),
            Ok(place) if std::mem::replace(&mut seen[place], true) => {
                facts.problems.push(Problem::duplicate(reader, &name, value));
            }
            Ok(place) => {
                let writer = writers.of_key(key)[place].1 as usize;
                if number[writer] != NOBODY {
                    let mop = writers.of_key(key)[place].2 as usize;
                    if let Some(missed) = appended_before(history, writers, writer, mop, &name).find(|&p| !seen[p]) {
                        let missed = writers.of_key(key)[missed].0;
                        facts.problems.push(Problem::out_of_order(reader, writer, &name, value, missed));
                    }
                    if let (Some((fail, lost)), false) = (aborted, dirty) {
                        facts.problems.push(Problem::dirty_update(fail, writer, &name, lost, value));
                        dirty = true;
                    }
                    versions.ordered.push(number[writer]);
                } else if history.transactions[writer].status == Status::Fail {
                    aborted.get_or_insert((writer, value));
                }
            }
        }
        versions_before.push(versions.ordered.len() as u32);
    }
    for read in reads.iter().filter(|read| !list.starts_with(read.list)) {
        let other = longest.expect("a list has a reader").transaction as usize;
        facts.problems.push(Problem::incompatible(read.transaction as usize, other, &name));
        // Elements that only this read shows have no position, but duplicates and values without a writer are found.
        let mut sorted: Vec<&Name> = read.list.iter().collect();
        sorted.sort();
        if let Some(pair) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            facts.problems.push(Problem::duplicate(read.transaction as usize, &name, pair[0]));
        }
        if let Some(value) = read.list.iter().find(|value| writers.of_value(key, value).is_none()) {
            facts.problems.push(Problem::garbage(read.transaction as usize, &name, value));
        }
    }
    let unseen = writers.of_key(key).iter().zip(&seen).filter(|(_, seen)| !**seen);
    versions.loose = unseen.map(|((_, writer, _), _)| number[*writer as usize]).filter(|&m| m != NOBODY).collect();
    versions.loose.sort_unstable();
    versions.loose.dedup();
    Order { versions, longest: list, versions_before }
}

/// The appends of a transaction to a key before one of its operations, by index among the key's writes.
fn appended_before<'a>(
    history: &'a History,
    writers: &'a Writers<'_>,
    writer: usize,
    mop: usize,
    key: &'a Name,
) -> impl Iterator<Item = usize> + 'a {
    let earlier = history.transactions[writer].mops[..mop].iter();
    earlier.filter_map(move |mop| match mop {
        Mop::Write(k, value) if k == key => {
            writers.of_key(writers.keys[key]).binary_search_by(|(v, ..)| (*v).cmp(value)).ok()
        }
        _ => None,
    })
}

/// Finds the version that a read returned, and its anomalies.
fn place(
    history: &History,
    writers: &Writers<'_>,
    order: &Order<'_>,
    read: &ListRead<'_>,
    member: Member,
    facts: &mut Facts,
) {
    let t = read.transaction;
    let name = facts.keys[read.key as usize].clone();
    // The reader's own appends are at the end of the list; before them is the version that it read.
    let own = |value: &Name| writers.of_value(read.key, value).filter(|(writer, _)| *writer == t);
    let mut end = read.list.len();
    while end > 0 && own(&read.list[end - 1]).is_some() {
        end -= 1;
    }
    if let Some(value) = read.list.iter().rfind(|value| own(value).is_some_and(|(_, mop)| mop > read.mop)) {
        facts.problems.push(Problem::future_read(t as usize, &name, value));
    }
    let list = &read.list[..end];
    let aborted = |value: &&Name| {
        let writer = writers.of_value(read.key, value).map(|(writer, _)| writer as usize);
        writer.is_some_and(|writer| history.transactions[writer].status == Status::Fail)
    };
    if let Some(value) = list.iter().find(aborted) {
        let (writer, _) = writers.of_value(read.key, value).expect("it has a writer");
        facts.problems.push(Problem::g1a(writer as usize, t as usize, &name, value));
    }
    if let Some(value) = list.last()
        && let Some((writer, mop)) = writers.of_value(read.key, value)
        && history.transactions[writer as usize].mops[mop as usize + 1..]
            .iter()
            .any(|m| matches!(m, Mop::Write(k, _) if *k == name))
    {
        facts.problems.push(Problem::g1b(writer as usize, t as usize, &name, value));
    }
    if order.longest.starts_with(list) {
        let source = Source::Prefix(order.versions_before[list.len()]);
        facts.reads.push(Read { member, key: read.key, mop: read.mop, source });
    }
}

/// A transaction must read its own writes, and what it read before (Elle, section 4.1; Cerone et al. 2015, INT).
fn internal(history: &History, writers: &Writers<'_>, t: usize, problems: &mut Vec<Problem>) {
    let mops = &history.transactions[t].mops;
    for (m, mop) in mops.iter().enumerate() {
        let Mop::Read(key, Seen::List(list)) = mop else {
            continue;
        };
        let mut own: Vec<&Name> = Vec::new();
        let mut before: Option<&[Name]> = None;
        for earlier in mops[..m].iter().rev() {
            match earlier {
                Mop::Write(k, value) if k == key => own.push(value),
                Mop::Read(k, Seen::List(list)) if k == key => {
                    before = Some(list);
                    break;
                }
                _ => {}
            }
        }
        own.reverse();
        let ends = list.len() >= own.len() && list[list.len() - own.len()..].iter().eq(own.iter().copied());
        // Reading an own append before it is made is a future read, which has its own name.
        let rest = &list[..list.len().saturating_sub(own.len())];
        let future = |value: &Name| {
            let number = writers.keys[key];
            writers.of_value(number, value).is_some_and(|(writer, mop)| writer as usize == t && mop as usize > m)
        };
        if !ends || before.is_some_and(|before| before != rest && !rest.iter().any(future)) {
            problems.push(Problem::internal(t, key, m));
            return;
        }
    }
}
