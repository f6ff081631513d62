//! Explanations of cycles in words.

use super::{
    facts::{Facts, Member},
    graph::Dependency,
    history::{History, Kind, Mop, Name, Seen},
    model::Step,
    report::{Anomaly, Because},
    rw_register::last_write,
};

/// How many elements of a list are shown.
const SHOWN: usize = 4;

/// Explains a cycle of members.
pub(super) fn cycle(history: &History, facts: &Facts, name: String, steps: &[Step]) -> Anomaly {
    let cycle: Vec<Because> = steps.iter().map(|step| because(history, facts, step)).collect();
    let mut transactions: Vec<usize> = cycle.iter().map(|edge| edge.from).collect();
    transactions.sort_unstable();
    transactions.dedup();
    let around: Vec<String> = cycle.iter().map(|edge| format!("T{}", edge.from)).collect();
    let words = format!("{} each come before the next, and the last before the first", around.join(", "));
    Anomaly { name, transactions, cycle, words }
}

fn because(history: &History, facts: &Facts, step: &Step) -> Because {
    let place = |member: Member| facts.members[member as usize] as usize;
    let (from, to) = (place(step.from), place(step.to));
    let data = matches!(step.why, Dependency::Ww | Dependency::Wr | Dependency::Rw);
    let key = data.then(|| facts.keys[step.key as usize].clone());
    let assumed = step.choice.is_some();
    let words = match (&key, step.why) {
        (Some(key), Dependency::Ww) => {
            let (first, second) = (written(history, from, key), written(history, to, key));
            format!("T{from} wrote {first} to {key} before T{to} wrote {second} (ww)")
        }
        (Some(key), Dependency::Wr) => {
            format!(
                "T{to} read {} from {key}, with what T{from} wrote, {} (wr)",
                read(history, to, key, Some(from)),
                written(history, from, key)
            )
        }
        (Some(key), _) => {
            format!(
                "T{from} read {} from {key}, before T{to} wrote {} (rw)",
                read(history, from, key, None),
                written(history, to, key)
            )
        }
        (None, Dependency::Process) => {
            format!(
                "T{from} came before T{to} in the session of process {} (process)",
                history.transactions[from].process
            )
        }
        (None, _) => {
            let time = |t: Option<u64>| t.map_or("?".into(), |t| t.to_string());
            let (end, start) = (time(history.transactions[from].returned), time(history.transactions[to].invoked));
            format!("T{from} returned at {end}, before T{to} was invoked at {start} (realtime)")
        }
    };
    let words = if assumed { format!("if so ordered, {words}") } else { words };
    Because { from, to, why: step.why, key, assumed, words }
}

fn written(history: &History, t: usize, key: &Name) -> String {
    let mops = &history.transactions[t].mops;
    if history.kind == Kind::RwRegister {
        return last_write(mops, key).map_or("?".into(), Name::to_string);
    }
    let values: Vec<String> = mops
        .iter()
        .filter_map(|mop| match mop {
            Mop::Write(k, value) if k == key => Some(value.to_string()),
            _ => None,
        })
        .collect();
    values.join(" and ")
}

/// A value that `t` read from the key; if `writer` is given, one that this transaction wrote.
fn read(history: &History, t: usize, key: &Name, writer: Option<usize>) -> String {
    let wrote = |value: &Name| {
        writer.is_none_or(|writer| {
            history.transactions[writer]
                .mops
                .iter()
                .any(|mop| matches!(mop, Mop::Write(k, v) if k == key && v == value))
        })
    };
    let seen = history.transactions[t].mops.iter().filter_map(|mop| match mop {
        Mop::Read(k, seen) if k == key => Some(seen),
        _ => None,
    });
    for seen in seen {
        match seen {
            Seen::Nothing if writer.is_none() => return "nothing".into(),
            Seen::Value(value) if wrote(value) => return value.to_string(),
            Seen::List(list) if writer.is_none() || list.iter().any(wrote) => return show(list),
            _ => {}
        }
    }
    "a version".into()
}

fn show(list: &[Name]) -> String {
    let tail: Vec<String> = list[list.len().saturating_sub(SHOWN)..].iter().map(Name::to_string).collect();
    let more = if list.len() > SHOWN { "… " } else { "" };
    format!("[{more}{}]", tail.join(" "))
}
