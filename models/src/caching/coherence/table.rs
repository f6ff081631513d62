//! Transition tables: what a controller does, for each state of a block and each event, as data.
//!
//! A table is text beside the code (`tables/`), in the form of the Primer's own tables. A line is
//!
//! ```text
//! STATES | EVENTS | NEXT | ACTIONS
//! ```
//!
//! `=` as the next state is the state it was in, `stall` is no state: the event has to wait until the state changes. What
//! stands in no line cannot happen, and the interpreter asserts that it does not. The words before the lines:
//! `start S` is the state of a block of which nothing is known; `owners S…` are the states in which a cache is the one
//! that others get the block from.

use std::collections::BTreeMap;
use std::fmt;

use super::message::Say;

/// What can happen to a block at a controller. The refinements (`PutS-Last`) are the Primer's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Event(pub u8);

macro_rules! events {
    ($($name:ident = $text:literal),+ $(,)?) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
        enum Index { $($name),+ }
        #[allow(non_upper_case_globals, missing_docs)]
        impl Event {
            $(pub const $name: Event = Event(Index::$name as u8);)+
            const NAMES: &'static [&'static str] = &[$($text),+];
        }
    };
}

events! {
    // The core, to its cache.
    Load = "Load",
    Store = "Store",
    Replacement = "Replacement",
    // The directory, to a cache.
    FwdGetS = "FwdGetS",
    FwdGetM = "FwdGetM",
    Inv = "Inv",
    PutAck = "PutAck",
    AckCountNone = "AckCount(ack=0)",
    AckCountSome = "AckCount(ack>0)",
    GntS = "GntS",
    GntE = "GntE",
    Grant = "Grant",
    // Answers, to a cache.
    DataDirNone = "Data(Dir,ack=0)",
    DataDirSome = "Data(Dir,ack>0)",
    DataOwnerNone = "Data(Owner)",
    DataOwnerSome = "Data(Owner,ack>0)",
    DataE = "DataE",
    DataF = "DataF",
    InvAck = "InvAck",
    LastInvAck = "LastInvAck",
    // Requests, to the home.
    GetS = "GetS",
    GetM = "GetM",
    GetMShared = "GetM(shared)",
    GetMOwner = "GetM-Owner",
    GetMOwnerShared = "GetM-Owner(shared)",
    PutSNotLast = "PutS-NotLast",
    PutSLast = "PutS-Last",
    PutEOwner = "PutE-Owner",
    PutENonOwner = "PutE-NonOwner",
    PutOOwner = "PutO-Owner",
    PutONonOwner = "PutO-NonOwner",
    PutMOwner = "PutM-Owner",
    PutMNonOwner = "PutM-NonOwner",
    PutFOwner = "PutF-Owner",
    PutFNonOwner = "PutF-NonOwner",
    PutNonOwner = "Put-NonOwner",
    Upd = "Upd",
    Data = "Data",
    DataOther = "Data(Other)",
    Unblock = "Unblock",
    // The bus, to a cache.
    OwnGetS = "OwnGetS",
    OwnGetM = "OwnGetM",
    OwnPutM = "OwnPutM",
    OwnPutF = "OwnPutF",
    OwnUpd = "OwnUpd",
    OtherGetS = "OtherGetS",
    OtherGetM = "OtherGetM",
    OtherPutM = "OtherPutM",
    OtherPutF = "OtherPutF",
    OtherUpd = "OtherUpd",
}

impl Event {
    /// Its name in the tables.
    pub fn name(self) -> &'static str {
        Event::NAMES[usize::from(self.0)]
    }

    /// The event of this name.
    pub fn named(name: &str) -> Option<Event> {
        Event::NAMES.iter().position(|known| *known == name).map(|place| Event(place as u8))
    }

    /// Whether it is what a requestor waits for last: data, or that all others have forgotten theirs.
    fn completes(self) -> bool {
        [Event::DataDirNone, Event::DataOwnerNone, Event::DataE, Event::DataF, Event::LastInvAck, Event::AckCountNone]
            .contains(&self)
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A state of a block, as a place in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(pub u8);

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum To {
    /// The home of the block: its directory, its manager, the memory.
    Dir,
    /// Who began the transaction.
    Req,
    /// Whom the line names as owner; at a cache of IVY, its hint.
    Owner,
    /// All that have copies, but for who began the transaction.
    Sharers,
    /// All that have copies.
    Copies,
    /// The bus.
    Bus,
}

/// What goes along with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Along {
    /// Nothing but what its kind says.
    Nothing,
    /// At the home: how many others have to forget their copies. At a cache: the number that came with what it answers.
    Acks,
    /// Who has copies, and how many they are.
    Copies,
}

/// One thing that a controller does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends a message.
    Send(Say, To, Along),
    /// The core's access takes effect.
    Hit,
    /// The core's access takes effect with what the message says: Dragon's own update.
    Perform,
    /// Takes over the data of the message.
    Fill,
    /// The number of acknowledgements that came with the message is to be waited for.
    AcksAdd,
    /// One acknowledgement less.
    AckSub,
    /// As many acknowledgements are to be waited for as there are sharers, but for who began the transaction.
    AwaitSharers,
    /// As many as there are sharers.
    AwaitCopies,
    /// Who began the transaction becomes a sharer.
    AddReq,
    /// The owner becomes a sharer.
    AddOwner,
    /// Who began the transaction is no sharer.
    DropReq,
    /// There are no sharers.
    ClearSharers,
    /// Who began the transaction becomes the owner.
    OwnerReq,
    /// Who sent the message becomes the owner, or the hint.
    OwnerFrom,
    /// There is no owner.
    ClearOwner,
    /// Takes over who has copies, but for itself.
    TakeCopies,
}

/// What a controller does on an event in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The event has to wait.
    Stall,
    /// It does this, in this order, and goes on to that state.
    Do {
        /// The actions.
        actions: Vec<Action>,
        /// The next state.
        next: State,
    },
}

/// A transition table.
#[derive(Clone)]
pub struct Table {
    /// What it is called: `mesi/directory/cache`.
    pub name: String,
    states: Vec<String>,
    /// Of each state whether it waits for something.
    busy: Vec<bool>,
    start: State,
    owners: Vec<State>,
    /// One row a state, one place an event.
    cells: Vec<Option<Cell>>,
    /// The marks of the entries, in the places of the cells.
    marks: Vec<&'static str>,
    /// Which events happen in some state.
    known: Vec<bool>,
}

/// Tables are told apart by their names.
impl std::hash::Hash for Table {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Table {
    /// Reads a table.
    ///
    /// # Errors
    /// The line that is wrong, and why.
    pub fn parse(name: &str, text: &str) -> Result<Table, String> {
        let mut table = Table {
            name: name.to_string(),
            states: Vec::new(),
            busy: Vec::new(),
            start: State(0),
            owners: Vec::new(),
            cells: Vec::new(),
            marks: Vec::new(),
            known: Vec::new(),
        };
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if !line.is_empty() {
                table.line(line).map_err(|problem| format!("{name}, line {}: {problem}: {line}", number + 1))?;
            }
        }
        table.check()?;
        table.complete();
        Ok(table)
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(state) = line.strip_prefix("start ") {
            self.start = self.state_or_new(state.trim());
            return Ok(());
        }
        if let Some(states) = line.strip_prefix("owners ") {
            self.owners = states.split_whitespace().map(|state| self.state_or_new(state)).collect();
            return Ok(());
        }
        self.entries(line)
    }

    fn entries(&mut self, line: &str) -> Result<(), String> {
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let (states, events, next, actions) = match columns[..] {
            [states, events, next] => (states, events, next, ""),
            [states, events, next, actions] => (states, events, next, actions),
            _ => return Err("there must be states | events | next | actions".into()),
        };
        let actions = actions_of(actions)?;
        for state in states.split_whitespace() {
            let from = self.state_or_new(state);
            for event in events.split_whitespace() {
                let event = Event::named(event).ok_or_else(|| format!("there is no event '{event}'"))?;
                let cell = match next {
                    "stall" if actions.is_empty() => Cell::Stall,
                    "stall" => return Err("what stalls does nothing".into()),
                    "=" => Cell::Do { actions: actions.clone(), next: from },
                    next => Cell::Do { actions: actions.clone(), next: self.state_or_new(next) },
                };
                let place = self.place(from, event);
                if self.cells[place].replace(cell).is_some() {
                    return Err(format!("{state} × {event:?} stands there twice"));
                }
            }
        }
        Ok(())
    }

    fn state_or_new(&mut self, name: &str) -> State {
        self.state(name).unwrap_or_else(|| {
            self.states.push(name.to_string());
            self.busy.push(name.contains('_'));
            self.cells.resize(self.states.len() * Event::NAMES.len(), None);
            State((self.states.len() - 1) as u8)
        })
    }

    fn place(&self, state: State, event: Event) -> usize {
        usize::from(state.0) * Event::NAMES.len() + usize::from(event.0)
    }

    /// Whether each state can be left and entered.
    fn check(&self) -> Result<(), String> {
        for state in self.states() {
            if self.events(state).next().is_none() {
                return Err(format!("{}: nothing happens in {}", self.name, self.state_name(state)));
            }
            let entered = self.entries_of(|from, cell| match cell {
                Cell::Do { next, .. } => from != state && *next == state,
                Cell::Stall => false,
            });
            if state != self.start && !entered && !self.owners.contains(&state) {
                return Err(format!("{}: nothing leads to {}", self.name, self.state_name(state)));
            }
        }
        Ok(())
    }

    fn entries_of(&self, holds: impl Fn(State, &Cell) -> bool) -> bool {
        self.states()
            .any(|state| self.events(state).any(|event| holds(state, self.cell(state, event).expect("listed"))))
    }

    /// What follows from the entries, worked out once: every controller of every world asks for it. The marks live as long
    /// as the program, as the tables do.
    fn complete(&mut self) {
        let mut known = vec![false; Event::NAMES.len()];
        let mut marks = vec![""; self.cells.len()];
        for state in self.states() {
            for event in self.events(state) {
                let mark = format!("{}: {} × {event:?}", self.name, self.state_name(state));
                marks[self.place(state, event)] = Box::leak(mark.into_boxed_str());
                known[usize::from(event.0)] = true;
            }
        }
        self.known = known;
        self.marks = marks;
    }

    /// The same table with some entries replaced: a planted bug. Lines may name states that the table does not have; `same`
    /// as the actions leaves them as they are.
    pub fn patched(mut self, lines: &str) -> Table {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            let [states, events, next, actions] = columns[..] else { panic!("a patch has four columns: {line}") };
            let states = states.split_whitespace().filter_map(|state| self.state(state)).collect::<Vec<_>>();
            let next = |from: State| if next == "=" { Some(from) } else { self.state(next) };
            let patched = states.into_iter().filter_map(|state| Some((state, next(state)?))).collect::<Vec<_>>();
            for (state, next) in patched {
                for event in events.split_whitespace() {
                    let event = Event::named(event).unwrap_or_else(|| panic!("a patch names an event: {line}"));
                    let place = self.place(state, event);
                    if let Some(Cell::Do { actions: kept, next: to }) = &mut self.cells[place] {
                        *to = next;
                        if actions != "same" {
                            *kept = actions_of(actions).unwrap_or_else(|problem| panic!("{problem}: {line}"));
                        }
                    }
                }
            }
        }
        self
    }

    /// What is left of a cache's table where the home is blocked from a request to the requestor's word that it has all
    /// (`Unblock`): that word is sent, and no forward ever comes while the cache itself waits, so none stalls.
    pub fn unblocking(&self) -> Table {
        let mut table = self.clone();
        for state in self.states() {
            for event in self.events(state) {
                let place = self.place(state, event);
                let forward = [Event::FwdGetS, Event::FwdGetM, Event::Inv].contains(&event);
                match &mut table.cells[place] {
                    cell @ Some(Cell::Stall) if forward => *cell = None,
                    Some(Cell::Do { actions, next }) if event.completes() && !self.is_busy(*next) => {
                        actions.push(Action::Send(Say::Unblock, To::Dir, Along::Nothing));
                    }
                    _ => {}
                }
            }
        }
        table.complete();
        table
    }

    /// The table of a home that is blocked from a request to the requestor's word that it has all: of each state that a
    /// request leads to there is one more, which waits for that word as well. With it a directory needs no order of any
    /// messages at all.
    pub fn blocking(&self) -> Table {
        let mut table = self.clone();
        for state in self.states() {
            for event in [Event::GetS, Event::GetM, Event::GetMOwner] {
                let Some(Cell::Do { actions, next }) = self.cell(state, event) else { continue };
                let blocked = table.blocked(self, *next);
                let place = table.place(state, event);
                table.cells[place] = Some(Cell::Do { actions: actions.clone(), next: blocked });
            }
        }
        table.complete();
        table
    }

    /// The state that is `state`, and waits for a word of the requestor. Whatever is asked of it then has to wait.
    fn blocked(&mut self, original: &Table, state: State) -> State {
        let name = match original.is_busy(state) {
            true => format!("{}B", original.state_name(state)),
            false => format!("{}_B", original.state_name(state)),
        };
        if let Some(known) = self.state(&name) {
            return known;
        }
        let blocked = self.state_or_new(&name);
        for event in original.events(state) {
            let place = self.place(blocked, event);
            let cell = match original.cell(state, event) {
                Some(Cell::Do { actions, next }) if event == Event::Data => {
                    Cell::Do { actions: actions.clone(), next: self.blocked(original, *next) }
                }
                _ => Cell::Stall,
            };
            self.cells[place] = Some(cell);
        }
        let place = self.place(blocked, Event::Unblock);
        self.cells[place] = Some(Cell::Do { actions: Vec::new(), next: state });
        blocked
    }

    /// Takes out entries that cannot happen: `STATES | EVENTS` a line.
    pub fn without(mut self, lines: &str) -> Table {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (states, events) = line.split_once('|').expect("two columns");
            for state in states.split_whitespace() {
                let state = self.state(state).unwrap_or_else(|| panic!("{}: no state {state}", self.name));
                for event in events.split_whitespace() {
                    let event = Event::named(event).unwrap_or_else(|| panic!("{}: no event {event}", self.name));
                    let place = self.place(state, event);
                    assert!(self.cells[place].take().is_some(), "{}: no entry {state:?} × {event:?}", self.name);
                }
            }
        }
        self.complete();
        self
    }

    /// Whether both say the same.
    pub fn same_entries(&self, other: &Table) -> bool {
        self.cells == other.cells
    }

    /// The state of a block of which nothing is known.
    pub fn start(&self) -> State {
        self.start
    }

    /// All states.
    pub fn states(&self) -> impl Iterator<Item = State> + use<> {
        (0..self.states.len() as u8).map(State)
    }

    /// The state of this name.
    pub fn state(&self, name: &str) -> Option<State> {
        self.states.iter().position(|known| known == name).map(|place| State(place as u8))
    }

    /// The name of a state.
    pub fn state_name(&self, state: State) -> &str {
        &self.states[usize::from(state.0)]
    }

    /// Whether a state waits for something: the Primer's transient states, whose names have an underscore.
    pub fn is_busy(&self, state: State) -> bool {
        self.busy[usize::from(state.0)]
    }

    /// Whether others get the block from a cache in this state.
    pub fn owns(&self, state: State) -> bool {
        self.owners.contains(&state)
    }

    /// The first of the states in which others get the block from a cache: where a page begins that has an owner from
    /// the start.
    pub fn first_owner(&self) -> State {
        self.owners[0]
    }

    /// What happens on an event in a state; nothing: it cannot happen.
    #[inline]
    pub fn cell(&self, state: State, event: Event) -> Option<&Cell> {
        self.cells[self.place(state, event)].as_ref()
    }

    /// Whether a core's access takes effect at once.
    #[inline]
    pub fn hits(&self, state: State, event: Event) -> bool {
        matches!(self.cell(state, event), Some(Cell::Do { actions, .. }) if actions.contains(&Action::Hit))
    }

    /// The events that can happen in a state.
    pub fn events(&self, state: State) -> impl Iterator<Item = Event> + '_ {
        (0..Event::NAMES.len() as u8).map(Event).filter(move |event| self.cell(state, *event).is_some())
    }

    /// Whether an event happens in some state.
    #[inline]
    pub fn knows(&self, event: Event) -> bool {
        self.known[usize::from(event.0)]
    }

    /// Whether requests come by a bus.
    #[inline]
    pub fn has_bus(&self) -> bool {
        self.knows(Event::OtherGetS)
    }

    /// Whether caches give blocks up.
    #[inline]
    pub fn replaces(&self) -> bool {
        self.knows(Event::Replacement)
    }

    /// The marks of all entries.
    pub fn marks(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.marks.iter().copied().filter(|mark| !mark.is_empty())
    }

    /// How many places for entries there are.
    pub(super) fn places(&self) -> usize {
        self.cells.len()
    }

    /// The mark of the entry in a place.
    pub(super) fn mark_at(&self, place: usize) -> &'static str {
        self.marks[place]
    }

    /// The place of an entry.
    #[inline]
    pub(super) fn place_of(&self, state: State, event: Event) -> usize {
        self.place(state, event)
    }
}

/// The actions of an entry, as the tables write them.
fn actions_of(text: &str) -> Result<Vec<Action>, String> {
    text.split(';').map(str::trim).filter(|action| !action.is_empty()).map(action).collect()
}

/// An action as the tables write it.
fn action(text: &str) -> Result<Action, String> {
    let simple: BTreeMap<&str, Action> = [
        ("hit", Action::Hit),
        ("perform", Action::Perform),
        ("fill", Action::Fill),
        ("acks += n", Action::AcksAdd),
        ("acks -= 1", Action::AckSub),
        ("await Sharers", Action::AwaitSharers),
        ("await Copies", Action::AwaitCopies),
        ("add Req", Action::AddReq),
        ("add Owner", Action::AddOwner),
        ("drop Req", Action::DropReq),
        ("clear Sharers", Action::ClearSharers),
        ("Owner := Req", Action::OwnerReq),
        ("Owner := From", Action::OwnerFrom),
        ("clear Owner", Action::ClearOwner),
        ("take Copies", Action::TakeCopies),
    ]
    .into();
    if let Some(action) = simple.get(text) {
        return Ok(*action);
    }
    let unknown = || format!("there is no action '{text}'");
    let (what, to) = text.split_once(" to ").ok_or_else(unknown)?;
    let (say, along) = match what.split_once('(') {
        None => (what, Along::Nothing),
        Some((say, "acks)")) => (say, Along::Acks),
        Some((say, "Copies)")) => (say, Along::Copies),
        Some(_) => return Err(unknown()),
    };
    let say = Say::named(say).ok_or_else(unknown)?;
    let to = match to {
        "Dir" => To::Dir,
        "Req" => To::Req,
        "Owner" => To::Owner,
        "Sharers" => To::Sharers,
        "Copies" => To::Copies,
        "Bus" => To::Bus,
        _ => return Err(unknown()),
    };
    Ok(Action::Send(say, to, along))
}
