//! The protocols and what they run on: which tables belong to which.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::bugs::Bug;
use super::table::Table;

/// A coherence protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// Modified, shared, invalid.
    Msi,
    /// And exclusive: the only copy, unchanged.
    Mesi,
    /// And owned: changed, and read by others.
    Moesi,
    /// MESI, where of those who share a block one forwards it.
    Mesif,
    /// German's: a home that does one thing at a time.
    German,
    /// Writes change the copies of others instead of having them forgotten.
    Dragon,
    /// Shared virtual memory, a page at a processor, with a manager for each page.
    IvyFixed,
    /// The same without managers: requests follow hints.
    IvyDynamic,
}

/// What caches and the home of a block are connected by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interconnect {
    /// A bus that shows all requests to all, in one order. Answers take a network without order.
    Bus,
    /// A network, and a directory that knows who has what. Forwards keep their order from the directory to each cache.
    Directory,
    /// A network without any order, and a directory that is blocked until a requestor says that it has all.
    Unordered,
}

impl Protocol {
    /// All of them.
    pub const ALL: [Protocol; 8] = [
        Protocol::Msi,
        Protocol::Mesi,
        Protocol::Moesi,
        Protocol::Mesif,
        Protocol::German,
        Protocol::Dragon,
        Protocol::IvyFixed,
        Protocol::IvyDynamic,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Protocol::Msi => "msi",
            Protocol::Mesi => "mesi",
            Protocol::Moesi => "moesi",
            Protocol::Mesif => "mesif",
            Protocol::German => "german",
            Protocol::Dragon => "dragon",
            Protocol::IvyFixed => "ivy_fixed",
            Protocol::IvyDynamic => "ivy_dynamic",
        }
    }

    /// What it can run on, the usual first.
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

    /// Whether the home of a block is spread over the nodes of the cores, as pages are in IVY.
    pub fn is_spread(self) -> bool {
        matches!(self, Protocol::IvyFixed | Protocol::IvyDynamic)
    }

    /// Whether there is a directory, a manager or a memory.
    pub fn has_home(self) -> bool {
        self != Protocol::IvyDynamic
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Interconnect {
    /// All of them.
    pub const ALL: [Interconnect; 3] = [Interconnect::Bus, Interconnect::Directory, Interconnect::Unordered];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Interconnect::Bus => "bus",
            Interconnect::Directory => "directory",
            Interconnect::Unordered => "unordered",
        }
    }
}

impl fmt::Display for Interconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The tables of a protocol on an interconnect.
#[derive(Clone, Debug)]
pub struct Tables {
    /// What a cache does.
    pub cache: Table,
    /// What a directory, a manager or a memory does, where there is one.
    pub home: Option<Table>,
}

/// Every protocol on everything it can run on.
pub fn combinations() -> impl Iterator<Item = (Protocol, Interconnect)> {
    Protocol::ALL.into_iter().flat_map(|protocol| protocol.interconnects().iter().map(move |on| (protocol, *on)))
}

type Key = (Protocol, Interconnect, Option<&'static str>);

/// Read once, and never changed.
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
    if on != Interconnect::Unordered || protocol.is_spread() {
        return Tables { cache, home };
    }
    // A bug may do away with the very states.
    let never = if bug.is_none() { never(protocol) } else { "" };
    Tables { cache: cache.unblocking(), home: home.map(|home| home.blocking().without(never)) }
}

/// What a blocked home never sees: while both the last owner and the reader share the block, nobody is the last.
fn never(protocol: Protocol) -> &'static str {
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
            assert!(changes > 0 || bug == Bug::AckCountLost, "{bug:?} changes nothing");
        }
    }
}
