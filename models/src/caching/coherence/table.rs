//! Transition tables: what a controller does, for each state of a block and each event, as data.
//!
//! A table is text beside the code (`tables/`), in the form of the Primer's own tables. A line is
//!
//! ```text
//! STATES | EVENTS | NEXT | ACTIONS
//! ```
//!
//! `=` as the next state is the current state; `stall` is no state: the event has to wait until the state changes. An event
//! without an entry for a state is impossible in it, and the interpreter asserts that it does not happen. Before the entries,
//! `start S` declares the state of a block at the beginning, and `owners S…` the states in which a cache is the owner, from
//! which others get the block.

use std::collections::BTreeMap;
use std::fmt;

use seedbed_sim::Named;

use crate::caching::coherence::messages::MessageKind;

/// An event of a block at a controller. The refinements of messages (`PutS-Last`) are the Primer's.
#[allow(missing_docs, reason = "the names of messages and accesses")]
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Named)]
#[named(as_written)]
pub enum Event {
    // The core, to its cache.
    Load,
    Store,
    Replacement,
    // The directory, to a cache.
    FwdGetS,
    FwdGetM,
    Inv,
    PutAck,
    #[named("AckCount(ack=0)")]
    AckCountNone,
    #[named("AckCount(ack>0)")]
    AckCountSome,
    GntS,
    GntE,
    Grant,
    // Answers, to a cache.
    #[named("Data(Dir,ack=0)")]
    DataDirNone,
    #[named("Data(Dir,ack>0)")]
    DataDirSome,
    #[named("Data(Owner)")]
    DataOwnerNone,
    #[named("Data(Owner,ack>0)")]
    DataOwnerSome,
    DataE,
    DataF,
    InvAck,
    LastInvAck,
    // Requests, to the home.
    GetS,
    GetM,
    #[named("GetM(shared)")]
    GetMShared,
    #[named("GetM-Owner")]
    GetMOwner,
    #[named("GetM-Owner(shared)")]
    GetMOwnerShared,
    #[named("PutS-NotLast")]
    PutSNotLast,
    #[named("PutS-Last")]
    PutSLast,
    #[named("PutE-Owner")]
    PutEOwner,
    #[named("PutE-NonOwner")]
    PutENonOwner,
    #[named("PutO-Owner")]
    PutOOwner,
    #[named("PutO-NonOwner")]
    PutONonOwner,
    #[named("PutM-Owner")]
    PutMOwner,
    #[named("PutM-NonOwner")]
    PutMNonOwner,
    #[named("PutF-Owner")]
    PutFOwner,
    #[named("PutF-NonOwner")]
    PutFNonOwner,
    #[named("Put-NonOwner")]
    PutNonOwner,
    Upd,
    Data,
    #[named("Data(Other)")]
    DataOther,
    Unblock,
    // The bus, to a cache.
    OwnGetS,
    OwnGetM,
    OwnPutM,
    OwnPutF,
    OwnUpd,
    OtherGetS,
    OtherGetM,
    OtherPutM,
    OtherPutF,
    OtherUpd,
}

impl Event {
    /// Whether this completes a request: data, or the last acknowledgement of an invalidation.
    fn completes(self) -> bool {
        use Event::{AckCountNone, DataDirNone, DataE, DataF, DataOwnerNone, LastInvAck};
        matches!(self, DataDirNone | DataOwnerNone | DataE | DataF | LastInvAck | AckCountNone)
    }
}

/// By the name in the tables.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A state of a block: its index in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(pub u8);

/// The receivers of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The home of the block: its directory, its manager, the memory.
    Dir,
    /// The requestor: the node that began the transaction.
    Req,
    /// The owner, as this controller has it; at a cache of IVY, the hint.
    Owner,
    /// All sharers but the requestor.
    Sharers,
    /// All sharers.
    Copies,
    /// The bus.
    Bus,
}

/// What a message carries besides its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Nothing.
    Nothing,
    /// At the home: the number of sharers that will acknowledge their invalidation. At a cache: the number that came with the
    /// message which this answers.
    Acks,
    /// The set of sharers, and their number.
    Copies,
}

/// An action of a controller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Sends a message.
    Send(MessageKind, Destination, Payload),
    /// Performs the core's access.
    Hit,
    /// Performs the core's access with the data of the message: Dragon's own update.
    Perform,
    /// Copies the data of the message.
    Fill,
    /// Adds the number of acknowledgements that comes with the message to those awaited.
    AcksAdd,
    /// Counts one acknowledgement.
    AckSub,
    /// Awaits an acknowledgement of each sharer but the requestor.
    AwaitSharers,
    /// Awaits an acknowledgement of each sharer.
    AwaitCopies,
    /// Adds the requestor to the sharers.
    AddReq,
    /// Adds the owner to the sharers.
    AddOwner,
    /// Removes the requestor from the sharers.
    DropReq,
    /// Removes all sharers.
    ClearSharers,
    /// Makes the requestor the owner.
    OwnerReq,
    /// Makes the sender of the message the owner, or the hint.
    OwnerFrom,
    /// Removes the owner.
    ClearOwner,
    /// Copies the set of sharers of the message, without this node.
    TakeCopies,
}

/// What a controller does on an event in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The event waits.
    Stall,
    /// A transition.
    Transition {
        /// The actions, in order.
        actions: Vec<Action>,
        /// The next state.
        next: State,
    },
}

/// A transition table.
#[derive(Clone)]
pub struct Table {
    /// Its name: `mesi/directory/cache`.
    pub name: String,
    states: Vec<String>,
    /// Of each state whether it is transient.
    transient: Vec<bool>,
    start: State,
    owners: Vec<State>,
    /// A row for each state, with a cell for each event.
    cells: Vec<Option<Cell>>,
    /// The mark of each entry, at the index of its cell.
    marks: Vec<&'static str>,
    /// Of each event whether it is possible in some state.
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
            transient: Vec::new(),
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
                let event = event.parse::<Event>().map_err(|_| format!("there is no event '{event}'"))?;
                let cell = match next {
                    "stall" if actions.is_empty() => Cell::Stall,
                    "stall" => return Err("what stalls does nothing".into()),
                    "=" => Cell::Transition { actions: actions.clone(), next: from },
                    next => Cell::Transition { actions: actions.clone(), next: self.state_or_new(next) },
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
            self.transient.push(name.contains('_'));
            self.cells.resize(self.states.len() * Event::ALL.len(), None);
            State((self.states.len() - 1) as u8)
        })
    }

    /// The index of a cell.
    #[inline]
    pub(super) fn place(&self, state: State, event: Event) -> usize {
        usize::from(state.0) * Event::ALL.len() + event as usize
    }

    /// Checks that each state can be left and entered.
    fn check(&self) -> Result<(), String> {
        for state in self.states() {
            if self.events(state).next().is_none() {
                return Err(format!("{}: nothing happens in {}", self.name, self.state_name(state)));
            }
            let entered = self.entries_of(|from, cell| match cell {
                Cell::Transition { next, .. } => from != state && *next == state,
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

    /// Derives from the entries, once, what the controllers of all worlds ask for. Marks are never freed, and neither are tables.
    fn complete(&mut self) {
        let mut known = vec![false; Event::ALL.len()];
        let mut marks = vec![""; self.cells.len()];
        for state in self.states() {
            for event in self.events(state) {
                let mark = format!("{}: {} × {event:?}", self.name, self.state_name(state));
                marks[self.place(state, event)] = Box::leak(mark.into_boxed_str());
                known[event as usize] = true;
            }
        }
        self.known = known;
        self.marks = marks;
    }

    /// The same table with some entries replaced, by a planted bug. Lines may name states that the table does not have; `same`
    /// as the actions keeps them.
    pub fn patched(mut self, lines: &str) -> Table {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let columns: Vec<&str> = line.split('|').map(str::trim).collect();
            if let [states, events, "stall"] = columns[..] {
                self.stall(states, events);
                continue;
            }
            let [states, events, next, actions] = columns[..] else { panic!("a patch has four columns: {line}") };
            let states = states.split_whitespace().filter_map(|state| self.state(state)).collect::<Vec<_>>();
            let next = |from: State| if next == "=" { Some(from) } else { self.state(next) };
            let patched = states.into_iter().filter_map(|state| Some((state, next(state)?))).collect::<Vec<_>>();
            for (state, next) in patched {
                for event in events.split_whitespace() {
                    let event = event.parse::<Event>().unwrap_or_else(|problem| panic!("{problem}: {line}"));
                    let place = self.place(state, event);
                    if let Some(Cell::Transition { actions: kept, next: to }) = &mut self.cells[place] {
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

    /// Lets events wait that led to a transition.
    fn stall(&mut self, states: &str, events: &str) {
        let states = states.split_whitespace().filter_map(|state| self.state(state)).collect::<Vec<_>>();
        for (state, event) in
            states.iter().flat_map(|state| events.split_whitespace().map(move |event| (*state, event)))
        {
            let event = event.parse::<Event>().unwrap_or_else(|problem| panic!("a patch stalls {event}: {problem}"));
            let place = self.place(state, event);
            if matches!(self.cells[place], Some(Cell::Transition { .. })) {
                self.cells[place] = Some(Cell::Stall);
            }
        }
    }

    /// The table of a cache where the home is blocked from a request until the requestor sends `Unblock`: the cache sends it
    /// when its transaction is complete, and as no forward comes before, none stalls.
    pub fn unblocking(&self) -> Table {
        let mut table = self.clone();
        for state in self.states() {
            for event in self.events(state) {
                let place = self.place(state, event);
                let forward = [Event::FwdGetS, Event::FwdGetM, Event::Inv].contains(&event);
                match &mut table.cells[place] {
                    cell @ Some(Cell::Stall) if forward => *cell = None,
                    Some(Cell::Transition { actions, next }) if event.completes() && !self.is_transient(*next) => {
                        actions.push(Action::Send(MessageKind::Unblock, Destination::Dir, Payload::Nothing));
                    }
                    _ => {}
                }
            }
        }
        table.complete();
        table
    }

    /// The table of a home that is blocked from a request until the requestor sends `Unblock`: each state that a request leads
    /// to gets a blocked variant, which waits for that message as well. Such a directory needs no order of messages.
    pub fn blocking(&self) -> Table {
        let mut table = self.clone();
        for state in self.states() {
            for event in [Event::GetS, Event::GetM, Event::GetMOwner] {
                let Some(Cell::Transition { actions, next }) = self.cell(state, event) else { continue };
                let blocked = table.blocked(self, *next);
                let place = table.place(state, event);
                table.cells[place] = Some(Cell::Transition { actions: actions.clone(), next: blocked });
            }
        }
        table.complete();
        table
    }

    /// The blocked variant of a state, in which all requests stall.
    fn blocked(&mut self, original: &Table, state: State) -> State {
        let separator = if original.is_transient(state) { "" } else { "_" };
        let name = format!("{}{separator}B", original.state_name(state));
        if let Some(known) = self.state(&name) {
            return known;
        }
        let blocked = self.state_or_new(&name);
        for event in original.events(state) {
            let place = self.place(blocked, event);
            let cell = match original.cell(state, event) {
                Some(Cell::Transition { actions, next }) if event == Event::Data => {
                    Cell::Transition { actions: actions.clone(), next: self.blocked(original, *next) }
                }
                _ => Cell::Stall,
            };
            self.cells[place] = Some(cell);
        }
        let place = self.place(blocked, Event::Unblock);
        self.cells[place] = Some(Cell::Transition { actions: Vec::new(), next: state });
        blocked
    }

    /// The same table without some entries, for events that are impossible after all: `STATES | EVENTS` a line.
    pub fn without(mut self, lines: &str) -> Table {
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (states, events) = line.split_once('|').expect("two columns");
            for state in states.split_whitespace() {
                let state = self.state(state).unwrap_or_else(|| panic!("{}: no state {state}", self.name));
                for event in events.split_whitespace() {
                    let event = event.parse::<Event>().unwrap_or_else(|problem| panic!("{}: {problem}", self.name));
                    let place = self.place(state, event);
                    assert!(self.cells[place].take().is_some(), "{}: no entry {state:?} × {event:?}", self.name);
                }
            }
        }
        self.complete();
        self
    }

    /// Whether both have the same entries.
    pub fn same_entries(&self, other: &Table) -> bool {
        self.cells == other.cells
    }

    /// The state of a block at the beginning.
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

    /// Whether a state is transient (Primer §6.4): its name has an underscore.
    pub fn is_transient(&self, state: State) -> bool {
        self.transient[usize::from(state.0)]
    }

    /// Whether a cache in this state is the owner.
    pub fn owns(&self, state: State) -> bool {
        self.owners.contains(&state)
    }

    /// The first of the owners' states: that of an owner at the beginning.
    pub fn first_owner(&self) -> State {
        self.owners[0]
    }

    /// The entry of an event in a state; `None` if it is impossible.
    #[inline]
    pub fn cell(&self, state: State, event: Event) -> Option<&Cell> {
        self.cells[self.place(state, event)].as_ref()
    }

    /// Whether an access of the core hits.
    #[inline]
    pub fn hits(&self, state: State, event: Event) -> bool {
        matches!(self.cell(state, event), Some(Cell::Transition { actions, .. }) if actions.contains(&Action::Hit))
    }

    /// The events that are possible in a state.
    pub fn events(&self, state: State) -> impl Iterator<Item = Event> + '_ {
        Event::ALL.into_iter().filter(move |event| self.cell(state, *event).is_some())
    }

    /// Whether an event is possible in some state.
    #[inline]
    pub fn knows(&self, event: Event) -> bool {
        self.known[event as usize]
    }

    /// Whether the caches snoop a bus.
    #[inline]
    pub fn has_bus(&self) -> bool {
        self.knows(Event::OtherGetS)
    }

    /// Whether caches evict blocks.
    #[inline]
    pub fn replaces(&self) -> bool {
        self.knows(Event::Replacement)
    }

    /// The marks of all entries.
    pub fn marks(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.marks.iter().copied().filter(|mark| !mark.is_empty())
    }

    /// The number of cells.
    pub(super) fn places(&self) -> usize {
        self.cells.len()
    }

    /// The mark of the entry at the index of a cell.
    pub(super) fn mark_at(&self, place: usize) -> &'static str {
        self.marks[place]
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
    let (kind, payload) = match what.split_once('(') {
        None => (what, Payload::Nothing),
        Some((kind, "acks)")) => (kind, Payload::Acks),
        Some((kind, "Copies)")) => (kind, Payload::Copies),
        Some(_) => return Err(unknown()),
    };
    let kind = kind.parse::<MessageKind>().map_err(|_| unknown())?;
    let to = match to {
        "Dir" => Destination::Dir,
        "Req" => Destination::Req,
        "Owner" => Destination::Owner,
        "Sharers" => Destination::Sharers,
        "Copies" => Destination::Copies,
        "Bus" => Destination::Bus,
        _ => return Err(unknown()),
    };
    Ok(Action::Send(kind, to, payload))
}
