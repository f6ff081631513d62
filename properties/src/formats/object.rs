//! The objects of recorded operations, and the conversion of their functions for the specifications.
//!
//! | model | functions: value of the invocation → value of the response |
//! |---|---|
//! | `register`, `cas-register` | `read`: – → v; `write`: v; `cas`: `[expected, new]` |
//! | `multi-register` | `txn`: `[["r", key, –] or ["w", key, v], …]` → the same with what was read |
//! | `kv` | `get` or `read`: `[key, –]` → `[key, v]`; `put` or `write`, `append`: `[key, v]`; `cas`: `[key, [expected, new]]`; `delete`: `[key, –]` |
//! | `counter` | `read`: – → n; `add`, `increment`, `decrement`: n; `add-and-get`: n → n |
//! | `set` | `add` or `broadcast`, `remove`: v → –, or whether that changed anything; `contains`: v → true or false; `read`: – → list |
//! | `queue` | `enqueue`: v; `dequeue`: – → v, or null if it was empty |
//! | `stack` | `push`: v; `pop`: – → v, or null if it was empty |
//! | `mutex` | `acquire`, `try-acquire`, `release`; the process is the holder |
//! | `semaphore` | `acquire`, `try-acquire`, `release`: n, or null for 1; at first there are `init` permits, or 1 |
//! | `fenced-lock` | `acquire`: – → token; `release`; `use`: token; `init` is `leased` or `exclusive` |
//! | `append-only-log` | `append`: v → –, or `[v, index]`; `read`: first index, or null for 0 → list |
//! | `bank` | `transfer`: `{"from", "to", "amount"}`; `read`: – → `{account: balance, …}` |
//! | `unique-ids` | `generate`: – → identifier |
//! | `kafka` | `send`: `[["send", key, v]]` → `[["send", key, [offset, v]]]`; `poll`: – → `[["poll", {key: [[offset, v], …]}]]`; `assign`, `subscribe`, `crash` |
//!
//! The last three have levels of their own ([`super::workloads`]), because what they promise is no sequential object.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::datum::Datum;
use super::lines::LineError;
use super::meaning::{containers, counter, locks, multi, register, store};
use super::recorded::{Call, FailedCas, NullRead, Operations};
use crate::checkers::linearizability::specs::{
    append_only_log::AppendOnlyLog, cas_register::CasRegister, counter::Counter, fenced_lock::FencedLock, kv::Kv,
    multi_register::MultiRegister, mutex::Mutex, queue::Queue, semaphore::Semaphore, set::Set, stack::Stack,
};
use crate::checkers::linearizability::{Checker, Limits, Operation, Specification, Verdict};

macro_rules! models {
    ($($(#[$doc:meta])* $model:ident = $name:literal,)*) => {
        /// The objects that are known.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Model { $($(#[$doc])* $model,)* }

        impl Model {
            /// All objects.
            pub const ALL: &[Model] = &[$(Model::$model),*];

            /// As in the column `model` above.
            pub fn name(self) -> &'static str {
                match self { $(Model::$model => $name,)* }
            }
        }
    };
}

models! {
    /// A register.
    Register = "register",
    /// A register with compare-and-set.
    CasRegister = "cas-register",
    /// Several registers, read and written together.
    MultiRegister = "multi-register",
    /// A key-value store.
    Kv = "kv",
    /// A key-value store of texts with append.
    KvStringAppend = "kv-string-append",
    /// A counter.
    Counter = "counter",
    /// A set.
    Set = "set",
    /// A queue, first in, first out.
    Queue = "queue",
    /// A stack.
    Stack = "stack",
    /// A mutex.
    Mutex = "mutex",
    /// A counting semaphore.
    Semaphore = "semaphore",
    /// A lock that gives out fencing tokens.
    FencedLock = "fenced-lock",
    /// A log.
    AppendOnlyLog = "append-only-log",
    /// Accounts between which money is transferred.
    Bank = "bank",
    /// A generator of unique identifiers.
    UniqueIds = "unique-ids",
    /// Logs with offsets, one for each key.
    Kafka = "kafka",
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An object that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown model {name:?}; there are {}", names())]
pub struct UnknownModel {
    /// The unknown name.
    pub name: String,
}

fn names() -> String {
    Model::ALL.iter().map(|model| model.name()).collect::<Vec<_>>().join(", ")
}

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        let known = Model::ALL.iter().find(|model| model.name() == name);
        known.copied().ok_or_else(|| UnknownModel { name: name.into() })
    }
}

/// How to read a history.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The object of its operations.
    pub model: Model,
    /// The initial value, or permits.
    pub init: Value,
    /// The meaning of a failed compare-and-set.
    pub failed_cas: FailedCas,
    /// The meaning of a read of null.
    pub null_read: NullRead,
}

impl Reading {
    /// The reading that the file declares. An undeclared object is inferred from the functions.
    ///
    /// # Errors
    /// If the functions fit no object, or more than one.
    pub fn of(operations: &Operations) -> Result<Self, LineError> {
        let model = operations.model.map_or_else(|| guess(&operations.calls), Ok)?;
        Ok(Reading::as_model(operations, model))
    }

    /// The reading that the file declares, with this object.
    pub fn as_model(operations: &Operations, model: Model) -> Self {
        Reading {
            model,
            init: operations.init.clone().unwrap_or(Value::Null),
            failed_cas: operations.failed_cas.unwrap_or_default(),
            null_read: operations.null_read.unwrap_or_default(),
        }
    }

    pub(super) fn definite(&self) -> bool {
        self.failed_cas == FailedCas::Definite
    }

    pub(super) fn null_says_nothing(&self) -> bool {
        self.null_read == NullRead::Nothing
    }
}

/// Infers the object from the functions, and from the shapes of their values where objects share them. What fits two
/// objects, or none as a whole, is refused: a history judged as the wrong object would be refused for no reason.
fn guess(calls: &[Call]) -> Result<Model, LineError> {
    let has = |names: &[&str]| calls.iter().any(|call| names.contains(&call.function.as_str()));
    let reads = |is: fn(&Value) -> bool| calls.iter().any(|call| call.function == "read" && call.ok().is_some_and(is));
    let Some(first) = calls.first() else {
        return Ok(Model::Register);
    };
    match () {
        () if has(&["txn"]) => Ok(Model::MultiRegister),
        () if has(&["transfer"]) => Ok(Model::Bank),
        () if has(&["generate"]) => Ok(Model::UniqueIds),
        () if has(&["send", "poll"]) => Ok(Model::Kafka),
        () if has(&["get", "put"]) => Ok(Model::Kv),
        () if has(&["cas", "write"]) => of_registers(calls),
        () if has(&["enqueue", "dequeue"]) => Ok(Model::Queue),
        () if has(&["push", "pop"]) => Ok(Model::Stack),
        () if has(&["use"]) => Ok(Model::FencedLock),
        () if has(&["acquire", "release"]) => of_locks(calls),
        () if has(&["append"]) => if_no_key(calls, Model::AppendOnlyLog),
        () if has(&["broadcast", "contains", "remove", "insert"]) => Ok(Model::Set),
        () if has(&["add"]) && reads(Value::is_array) => Ok(Model::Set),
        () if has(&["add"]) && reads(Value::is_number) => Ok(Model::Counter),
        () if has(&["add-and-get", "increment", "decrement"]) => Ok(Model::Counter),
        () if has(&["delete"]) => Ok(Model::Kv),
        () if calls.iter().all(|call| call.function == "read") => of_reads(calls),
        () => {
            let what = format!("cannot tell which object has the function {:?}", first.function);
            Err(ambiguous(first, &what))
        }
    }
}

fn ambiguous(call: &Call, what: &str) -> LineError {
    call.place.wrong(format_args!("{what}; say --model, one of {}", names()))
}

/// Whether an operation names a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Keyed,
    Plain,
    /// Its value is a pair, of a key and a value or of two of anything.
    Pair,
    /// It has no value.
    Nothing,
}

fn shape(call: &Call) -> Shape {
    let items = |value: &Value| value.as_array().map_or(0, Vec::len);
    match call.function.as_str() {
        "get" | "put" | "append" | "delete" => Shape::Keyed,
        "cas" if items(&call.asked) == 3 => Shape::Keyed,
        "cas" if items(&call.asked) == 2 && items(&call.asked[1]) == 2 => Shape::Keyed,
        "cas" => Shape::Plain,
        "read" if items(&call.asked) == 2 && call.asked[1].is_null() => Shape::Keyed,
        "read" if call.asked.is_null() => match call.ok() {
            None | Some(Value::Null) => Shape::Nothing,
            Some(answer) if items(answer) == 2 => Shape::Pair,
            Some(_) => Shape::Plain,
        },
        _ if items(&call.asked) == 2 => Shape::Pair,
        _ => Shape::Plain,
    }
}

/// A register, or a store of registers if its operations name keys.
fn of_registers(calls: &[Call]) -> Result<Model, LineError> {
    let one = |shape_of: Shape| calls.iter().find(|call| shape(call) == shape_of);
    match (one(Shape::Keyed), one(Shape::Plain), one(Shape::Pair)) {
        (Some(_), None, _) => Ok(Model::Kv),
        (Some(keyed), Some(plain), _) => {
            let what =
                format!("the {} of {} names a key, and this {} does not", keyed.function, keyed.place, plain.function);
            Err(ambiguous(plain, &what))
        }
        (None, None, Some(pair)) => {
            let what = "all values are pairs: of a key and a value of a store, or values of one register?";
            Err(ambiguous(pair, what))
        }
        _ if calls.iter().any(|call| call.function == "cas") => Ok(Model::CasRegister),
        _ => Ok(Model::Register),
    }
}

/// A log, unless its operations name keys.
fn if_no_key(calls: &[Call], model: Model) -> Result<Model, LineError> {
    let is_keyed = |call: &&Call| call.function == "read" && shape(call) == Shape::Keyed;
    Ok(if calls.iter().any(|call| is_keyed(&call)) { Model::Kv } else { model })
}

/// A mutex, if its operations take nothing and give nothing.
fn of_locks(calls: &[Call]) -> Result<Model, LineError> {
    let says = |call: &&Call| !call.asked.is_null() || call.ok().is_some_and(|answer| !answer.is_null());
    match calls.iter().find(says) {
        None => Ok(Model::Mutex),
        Some(call) => Err(ambiguous(call, "this is a mutex whose operations have values, or another lock")),
    }
}

/// A register of which there are only reads, if it is no collection.
fn of_reads(calls: &[Call]) -> Result<Model, LineError> {
    let is_collection = |call: &&Call| call.ok().is_some_and(|answer| answer.is_array() || answer.is_object());
    match calls.iter().find(|call| shape(call) == Shape::Keyed || is_collection(call)) {
        None => Ok(Model::Register),
        Some(keyed) if shape(keyed) == Shape::Keyed => of_registers(calls),
        Some(call) => Err(ambiguous(call, "there are only reads, of a collection of some kind")),
    }
}

/// A judge of operations on any object.
pub trait Judge {
    /// Its verdict.
    type Said;
    /// Judges operations. `places` has the index of each in [`Operations::calls`]; calls that never happened are left
    /// out.
    fn judge<S: Specification + Clone>(
        self,
        spec: S,
        operations: Vec<Operation<S::Op, S::Ret>>,
        places: Vec<usize>,
    ) -> Self::Said;
}

/// Converts a history for its object, and passes it to a judge.
///
/// # Errors
/// If the history has an unknown function, or a value of the wrong shape. The error names the line.
pub fn judge<J: Judge>(operations: &Operations, reading: &Reading, judge: J) -> Result<J::Said, LineError> {
    let calls = operations.calls.as_slice();
    let wrong_init = |what: &str| {
        let line = calls.first().map_or(1, |call| call.place.line);
        LineError { line, what: format!("the initial value of a {} is {what}, not {}", reading.model, reading.init) }
    };
    let said = match reading.model {
        Model::Register | Model::CasRegister => {
            let (operations, places) = convert(calls, |call| register::access(call, reading))?;
            judge.judge(CasRegister::new(Datum::from(&reading.init)), operations, places)
        }
        Model::MultiRegister => {
            let init = multi::initial(&reading.init).ok_or_else(|| wrong_init("one value for all registers"))?;
            let (operations, places) = convert(calls, |call| multi::transaction(call, reading))?;
            judge.judge(MultiRegister::new(Datum::from(init)), operations, places)
        }
        Model::KvStringAppend => of_texts(calls, reading, judge)?,
        Model::Kv if store::is_of_texts(calls, &reading.init) => of_texts(calls, reading, judge)?,
        Model::Kv => {
            let (operations, places) =
                convert(calls, |call| store::request(call, reading, |value| Ok(Datum::from(value))))?;
            let spec = match &reading.init {
                Value::Null => Kv::new(),
                init => Kv::reading_absent_as(Datum::from(init)),
            };
            judge.judge(spec, operations, places)
        }
        Model::Counter => {
            if !(reading.init.is_null() || reading.init.as_i64() == Some(0)) {
                return Err(wrong_init("0"));
            }
            let (operations, places) = convert(calls, counter::request)?;
            judge.judge(Counter, operations, places)
        }
        Model::Set => {
            let (operations, places) = convert(calls, containers::of_set)?;
            judge.judge(Set::new(), operations, places)
        }
        Model::Queue => {
            let (operations, places) = convert(calls, containers::of_queue)?;
            judge.judge(Queue::new(), operations, places)
        }
        Model::Stack => {
            let (operations, places) = convert(calls, containers::of_stack)?;
            judge.judge(Stack::new(), operations, places)
        }
        Model::AppendOnlyLog => {
            let (operations, places) = convert(calls, containers::of_log)?;
            judge.judge(AppendOnlyLog::new(), operations, places)
        }
        Model::Mutex => {
            let (operations, places) = convert(calls, |call| locks::of_mutex(call, reading))?;
            judge.judge(Mutex, operations, places)
        }
        Model::Semaphore => {
            let permits = if reading.init.is_null() { Some(1) } else { reading.init.as_u64() };
            let permits = permits.ok_or_else(|| wrong_init("a number of permits"))?;
            let (operations, places) = convert(calls, |call| locks::of_semaphore(call, reading))?;
            judge.judge(Semaphore::new(permits), operations, places)
        }
        Model::FencedLock => {
            let spec = match reading.init.as_str() {
                None if reading.init.is_null() => FencedLock::leased(),
                Some("leased") => FencedLock::leased(),
                Some("exclusive") => FencedLock::exclusive(),
                _ => return Err(wrong_init("\"leased\" or \"exclusive\"")),
            };
            let (operations, places) = convert(calls, |call| locks::of_fenced_lock(call, reading))?;
            judge.judge(spec, operations, places)
        }
        Model::Bank => return Err(no_object(operations, "constant-total")),
        Model::UniqueIds => return Err(no_object(operations, "unique-ids")),
        Model::Kafka => return Err(no_object(operations, "kafka")),
    };
    Ok(said)
}

/// The error of a level that is defined on sequential objects.
fn no_object(operations: &Operations, level: &str) -> LineError {
    let line = operations.calls.first().map_or(1, |call| call.place.line);
    LineError { line, what: format!("this is no sequential object; ask for the level {level}") }
}

/// The verdict on linearizability, and the indices among the calls of the operations that it counts.
///
/// # Errors
/// If the history cannot be converted; the error names the line.
pub fn linearizable(
    operations: &Operations,
    reading: &Reading,
    limits: Limits,
) -> Result<(Verdict, Vec<usize>), LineError> {
    struct Linearizable(Limits);

    impl Judge for Linearizable {
        type Said = (Verdict, Vec<usize>);

        fn judge<S: Specification + Clone>(
            self,
            spec: S,
            operations: Vec<Operation<S::Op, S::Ret>>,
            places: Vec<usize>,
        ) -> Self::Said {
            (Checker::new(spec).limits(self.0).check(&operations), places)
        }
    }

    judge(operations, reading, Linearizable(limits))
}

fn of_texts<J: Judge>(calls: &[Call], reading: &Reading, judge: J) -> Result<J::Said, LineError> {
    let (operations, places) = convert(calls, |call| store::request(call, reading, store::text))?;
    let spec = match &reading.init {
        Value::String(init) => Kv::reading_absent_as(init.clone()),
        _ => Kv::new(),
    };
    Ok(judge.judge(spec, operations, places))
}

/// The conversion of a call: the operation and its answer; `None` if it never happened.
pub(super) type Meaning<O, R> = Result<Option<(O, Option<R>)>, String>;

/// Operations, with their indices among the calls.
type Converted<O, R> = (Vec<Operation<O, R>>, Vec<usize>);

/// Converts calls to operations.
fn convert<O, R>(calls: &[Call], meaning: impl Fn(&Call) -> Meaning<O, R>) -> Result<Converted<O, R>, LineError> {
    let (mut operations, mut places) = (Vec::with_capacity(calls.len()), Vec::with_capacity(calls.len()));
    for (n, call) in calls.iter().enumerate() {
        let Some((op, ret)) = meaning(call).map_err(|what| call.place.wrong(what))? else {
            continue;
        };
        let (process, invoked, returned) = (call.process, call.invoked, call.returned());
        operations.push(Operation { process, op, invoked, returned, ret: ret.filter(|_| returned.is_some()) });
        places.push(n);
    }
    Ok((operations, places))
}

/// The error of an unknown function.
pub(super) fn unknown<T>(call: &Call, known: &str) -> Result<T, String> {
    Err(format!("unknown function {:?}; there are {known} (is it another --model?)", call.function))
}

/// Two values.
pub(super) fn two<'v>(value: &'v Value, what: &str) -> Result<(&'v Value, &'v Value), String> {
    match value.as_array().map(Vec::as_slice) {
        Some([first, second]) => Ok((first, second)),
        _ => Err(format!("expected {what}, found {value}")),
    }
}
