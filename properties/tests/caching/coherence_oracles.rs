//! MSI's directory tables beside the reference: `SEEDBED_ORACLES/coherence/*.tsv`, tab-separated state, event, next state
//! and actions.

use std::collections::{BTreeMap, BTreeSet};

use crate::oracles::oracle;
use seedbed_models::caching::coherence::protocol::tables;
use seedbed_models::caching::coherence::table::{Action, Cell, Destination, Event, Payload, Table};
use seedbed_models::caching::coherence::{Interconnect, Protocol};

/// What an entry says, in words that both have in common.
type Said = (String, BTreeSet<String>);

fn read(file: &str) -> Option<String> {
    let path = oracle(&format!("coherence/{file}"))?;
    Some(std::fs::read_to_string(&path).unwrap_or_else(|problem| panic!("{}: {problem}", path.display())))
}

/// The words of a list, where those in brackets are one.
fn words(list: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut depth = 0;
    for letter in list.chars() {
        match letter {
            ',' | '|' if depth == 0 => words.push(String::new()),
            _ => {
                depth += i32::from(letter == '(') - i32::from(letter == ')');
                words.last_mut().expect("there is one").push(letter);
            }
        }
    }
    words
        .into_iter()
        .flat_map(|word| if word == "PutS*" { vec!["PutS-NotLast".into(), "PutS-Last".into()] } else { vec![word] })
        .collect()
}

fn reference(text: &str) -> BTreeMap<(String, String), Said> {
    let mut entries = BTreeMap::new();
    for line in text.lines().skip(1).filter(|line| !line.is_empty()) {
        let columns: Vec<&str> = line.split('\t').collect();
        let actions = columns.get(3).copied().unwrap_or("");
        for state in words(columns[0]) {
            for event in words(columns[1]) {
                let next = if columns[2] == "(same)" { state.clone() } else { columns[2].to_string() };
                let known = entries.insert((state.clone(), event), (next, said_there(actions)));
                assert!(known.is_none(), "the reference says two things of {line}");
            }
        }
    }
    entries
}

fn said_there(actions: &str) -> BTreeSet<String> {
    let one = |action: &str| -> Vec<&'static str> {
        match action {
            "" => vec![],
            "hit" => vec!["hit"],
            "acks+=n" => vec!["more acks"],
            "ack--" => vec!["one ack less"],
            "send GetS to Dir" => vec!["GetS to Dir"],
            "send GetM to Dir" => vec!["GetM to Dir"],
            "send PutS to Dir" => vec!["PutS to Dir"],
            "send PutM+data to Dir" => vec!["PutM to Dir"],
            "send InvAck to Req" => vec!["InvAck to Req"],
            "send Data to Req" | "Data to Req" => vec!["Data to Req"],
            "send Data to Req and Dir" => vec!["Data to Req", "Data to Dir"],
            "Data(acks=|Sharers\\Req|) to Req" => vec!["Data with acks to Req"],
            "Inv to Sharers\\Req" => vec!["Inv to Sharers"],
            "FwdGetS to Owner" => vec!["FwdGetS to Owner"],
            "FwdGetM to Owner" => vec!["FwdGetM to Owner"],
            "PutAck to Req" | "PutAck" => vec!["PutAck to Req"],
            "add Req to Sharers" => vec!["add Req"],
            "add Req+Owner to Sharers" => vec!["add Req", "add Owner"],
            "remove Req" => vec!["drop Req"],
            "clear Sharers" => vec!["clear Sharers"],
            "clear Owner" => vec!["clear Owner"],
            "Owner:=Req" => vec!["Owner := Req"],
            "data->mem" => vec!["fill"],
            other => panic!("an action that this test does not know: '{other}'"),
        }
    };
    actions.split(';').map(str::trim).flat_map(one).map(ToString::to_string).collect()
}

fn said_here(table: &Table, event: Event, cell: &Cell) -> Said {
    let Cell::Transition { actions, next } = cell else { return ("(stall)".into(), BTreeSet::new()) };
    let cache = table.name.ends_with("cache");
    let one = |action: &Action| match action {
        // The reference does not say that a cache keeps the data that it waited for, nor that it counts the last one.
        Action::Fill if cache => None,
        Action::AckSub if event == Event::LastInvAck => None,
        Action::Hit => Some("hit".to_string()),
        Action::Fill => Some("fill".into()),
        Action::AcksAdd => Some("more acks".into()),
        Action::AckSub => Some("one ack less".into()),
        Action::AddReq => Some("add Req".into()),
        Action::AddOwner => Some("add Owner".into()),
        Action::DropReq => Some("drop Req".into()),
        Action::ClearSharers => Some("clear Sharers".into()),
        Action::ClearOwner => Some("clear Owner".into()),
        Action::OwnerReq => Some("Owner := Req".into()),
        Action::Send(kind, to, payload) => {
            let payload = if *payload == Payload::Acks { " with acks" } else { "" };
            let to = match to {
                Destination::Dir => "Dir",
                Destination::Req => "Req",
                Destination::Owner => "Owner",
                Destination::Sharers => "Sharers",
                Destination::Copies | Destination::Bus => "nobody that the reference knows",
            };
            Some(format!("{kind:?}{payload} to {to}"))
        }
        other => panic!("an action that MSI does not need: {other:?}"),
    };
    (table.state_name(*next).to_string(), actions.iter().filter_map(one).collect())
}

/// Compares both ways; `never` are the entries of the reference that this table calls impossible.
fn compare(file: &str, table: &Table, never: &[(&str, &str)]) {
    let Some(text) = read(file) else { return };
    let mut there = reference(&text);
    for (state, event) in never {
        assert!(there.remove(&(state.to_string(), event.to_string())).is_some(), "{state} × {event} is not there");
    }
    let mut here = BTreeMap::new();
    for state in table.states() {
        for event in table.events(state) {
            let said = said_here(table, event, table.cell(state, event).expect("it is listed"));
            here.insert((table.state_name(state).to_string(), event.name().to_string()), said);
        }
    }
    assert!(!here.is_empty() && here.len() == there.len(), "{} entries here, {} there", here.len(), there.len());
    assert_eq!(here, there, "{file}");
}

#[test]
fn the_cache_of_msi_is_the_reference() {
    let tables = tables(Protocol::Msi, Interconnect::Directory, None);
    // A sharer whose request is served while it still shares gets its data from memory: there is no owner then.
    compare("msi_cache_table_8_1.tsv", &tables.cache, &[("SM_AD", "Data(Owner)")]);
}

#[test]
fn the_directory_of_msi_is_the_reference() {
    let tables = tables(Protocol::Msi, Interconnect::Directory, None);
    let home = tables.home.as_ref().expect("MSI has a directory");
    // The last is the last of the sharers, and in I and M there are none.
    compare("msi_dir_table_8_2.tsv", home, &[("I", "PutS-Last"), ("M", "PutS-Last")]);
}
