//! The protocols and interconnects, and the tables of each combination.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use seedbed_sim::Named;
use serde::{Deserialize, Serialize};

use crate::caching::coherence::bugs::Bug;
use crate::caching::coherence::table::Table;

/// A coherence protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Modified, shared, invalid.
    Msi,
    /// MSI and exclusive: the only copy, not modified.
    Mesi,
    /// MESI and owned: modified, and shared.
    Moesi,
    /// MESI and forward: one of the sharers answers requests.
    Mesif,
    /// German's: the home serves one request at a time.
    German,
    /// Writes update the copies of others instead of invalidating them.
    Dragon,
    /// Shared virtual memory with a fixed, distributed manager of each page.
    IvyFixed,
    /// Shared virtual memory with dynamic distributed managers: requests follow hints to the owner.
    IvyDynamic,
}

/// What connects the caches and the home of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Named)]
#[serde(rename_all = "snake_case")]
pub enum Interconnect {
    /// A bus that broadcasts requests in one total order. Responses take a network without order.
    Bus,
    /// A network with a directory. Forwards from the directory to a cache keep their order.
    Directory,
    /// A network without any order, and a directory that is blocked until the requestor's transaction is complete.
    Unordered,
}

impl Protocol {
    /// The interconnects that it can run on, the usual one first.
    pub fn interconnects(self) -> &'static [Interconnect] {
        match self {
            Protocol::Msi | Protocol::Mesi | Protocol::Moesi | Protocol::Mesif => {
                &[Interconnect::Directory, Interconnect::Bus, Interconnect::Unordered]
            }
            Protocol::German => &[Interconnect::Directory],
            Protocol::Dragon => &[Interconnect::Bus],
            Protocol::IvyFixed | Protocol::IvyDynamic => &[Interconnect::Unordered],
        }
    }

    /// Whether the homes of blocks are distributed over the nodes of the cores, as those of pages are in IVY.
    pub fn is_distributed(self) -> bool {
        matches!(self, Protocol::IvyFixed | Protocol::IvyDynamic)
    }

    /// Whether there is a directory, a manager or a memory.
    pub fn has_home(self) -> bool {
        self != Protocol::IvyDynamic
    }
}

/// The tables of a protocol on an interconnect.
#[derive(Clone, Debug)]
pub struct Tables {
    /// The table of a cache controller.
    pub cache: Table,
    /// The table of a directory, manager or memory controller, where there is one.
    pub home: Option<Table>,
}

/// Every protocol on every interconnect that it can run on.
pub fn combinations() -> impl Iterator<Item = (Protocol, Interconnect)> {
    Protocol::ALL.into_iter().flat_map(|protocol| protocol.interconnects().iter().map(move |on| (protocol, *on)))
}

type Key = (Protocol, Interconnect, Option<&'static str>);

/// The tables of all combinations, also with each planted bug. They are read once and shared by all worlds.
static ALL: LazyLock<BTreeMap<Key, Tables>> = LazyLock::new(|| {
    let bugs = Bug::LISTED.iter().map(|bug| Bug::named(bug.name));
    let bugs: Vec<Option<Bug>> = std::iter::once(None).chain(bugs).collect();
    let mut all = BTreeMap::new();
    for (protocol, on) in combinations() {
        for bug in &bugs {
            all.insert((protocol, on, bug.map(Bug::name)), read(protocol, on, *bug));
        }
    }
    all
});

/// The tables of a protocol on an interconnect, with a bug planted if there is one.
///
/// # Panics
/// If the protocol does not run on it.
pub fn tables(protocol: Protocol, on: Interconnect, bug: Option<Bug>) -> &'static Tables {
    let tables = ALL.get(&(protocol, on, bug.map(Bug::name)));
    tables.unwrap_or_else(|| panic!("there is no such combination: {protocol} on {on}"))
}

fn read(protocol: Protocol, on: Interconnect, bug: Option<Bug>) -> Tables {
    macro_rules! text {
        ($name:literal) => {
            include_str!(concat!("tables/", $name, ".txt"))
        };
    }
    let (cache, home) = match (protocol, on) {
        (Protocol::Msi, Interconnect::Bus) => (text!("msi_bus_cache"), text!("msi_bus_home")),
        (Protocol::Mesi, Interconnect::Bus) => (text!("mesi_bus_cache"), text!("mesi_bus_home")),
        (Protocol::Moesi, Interconnect::Bus) => (text!("moesi_bus_cache"), text!("moesi_bus_home")),
        (Protocol::Mesif, Interconnect::Bus) => (text!("mesif_bus_cache"), text!("mesif_bus_home")),
        (Protocol::Msi, _) => (text!("msi_directory_cache"), text!("msi_directory_home")),
        (Protocol::Mesi, _) => (text!("mesi_directory_cache"), text!("mesi_directory_home")),
        (Protocol::Moesi, _) => (text!("moesi_directory_cache"), text!("moesi_directory_home")),
        (Protocol::Mesif, _) => (text!("mesif_directory_cache"), text!("mesif_directory_home")),
        (Protocol::German, _) => (text!("german_cache"), text!("german_home")),
        (Protocol::Dragon, _) => (text!("dragon_bus_cache"), text!("dragon_bus_home")),
        (Protocol::IvyFixed, _) => (text!("ivy_fixed_cache"), text!("ivy_fixed_home")),
        (Protocol::IvyDynamic, _) => (text!("ivy_dynamic_cache"), ""),
    };
    let parsed = |part: &str, text: &str, patch: &str| {
        let table =
            Table::parse(&format!("{protocol}/{on}/{part}"), text).unwrap_or_else(|problem| panic!("{problem}"));
        table.patched(patch)
    };
    let cache = parsed("cache", cache, bug.map_or("", Bug::in_cache));
    let home = protocol.has_home().then(|| parsed("home", home, bug.map_or("", Bug::in_home)));
    if on != Interconnect::Unordered || protocol.is_distributed() {
        return Tables { cache, home };
    }
    // A bug may remove the states themselves.
    let impossible = if bug.is_none() { impossible_if_blocked(protocol) } else { "" };
    Tables { cache: cache.unblocking(), home: home.map(|home| home.blocking().without(impossible)) }
}

/// Entries that are impossible at a blocked home: while both the last owner and the reader share the block, no sharer is the
/// last.
fn impossible_if_blocked(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Msi | Protocol::Mesi => "S_DB | PutS-Last",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_tables_can_be_read() {
        for (protocol, on) in combinations() {
            let tables = tables(protocol, on, None);
            assert!(tables.cache.marks().count() > 10, "{protocol} on {on}");
            assert_eq!(tables.home.is_some(), protocol.has_home());
        }
    }

    #[test]
    fn each_bug_changes_a_table_or_how_it_is_interpreted() {
        for bug in Bug::LISTED {
            let bug = Bug::named(bug.name).expect("it is listed");
            let changed = |(protocol, on): (Protocol, Interconnect)| {
                let (with, without) = (tables(protocol, on, Some(bug)), tables(protocol, on, None));
                !with.cache.same_entries(&without.cache)
                    || with.home.as_ref().zip(without.home.as_ref()).is_some_and(|(a, b)| !a.same_entries(b))
            };
            let changes = combinations().filter(|combination| changed(*combination)).count();
            let elsewhere = [Bug::AckCountLost, Bug::AnswersAsUntouched].contains(&bug);
            assert!(changes > 0 || elsewhere, "{bug:?} changes nothing");
        }
    }
}
