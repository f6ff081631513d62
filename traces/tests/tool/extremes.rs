//! Extreme values: every field of every configuration and of every part of a trace is set to the least and the greatest that its
//! form allows, and to what does not belong there. Each is refused with its field, or runs: without a panic, within its bound on
//! events, and without a failed assertion in a protocol.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rayon::prelude::*;
use seedbed_sim::{Span, Time};
use seedbed_traces::component::{Component, Options};
use seedbed_traces::registry;
use serde_json::{Value, json};

/// A place in JSON: the names of fields and the indices of items.
type Place = Vec<String>;

/// All values inside of a value that are neither object nor list, by their places; and the lists.
fn leaves(value: &Value, place: &mut Place, found: &mut Vec<Place>) {
    let mut inside = |name: String, value: &Value| {
        place.push(name);
        leaves(value, place, found);
        place.pop();
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| inside(name.clone(), value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| inside(n.to_string(), value));
            found.push(place.clone());
        }
        _ => found.push(place.clone()),
    }
}

fn all_leaves(value: &Value) -> Vec<Place> {
    let mut found = Vec::new();
    leaves(value, &mut Vec::new(), &mut found);
    found
}

fn pointer(place: &Place) -> String {
    place.iter().map(|name| format!("/{name}")).collect()
}

/// What a value is replaced by.
fn extremes(value: &Value) -> Vec<Value> {
    let longest = format!("{}s", Span::LONGEST.0 / 1_000_000_000);
    match value {
        Value::Number(_) => vec![
            json!(0),
            json!(1),
            json!(2),
            json!(255),
            json!(65_535),
            json!(u32::MAX),
            json!(i64::MAX),
            json!(u64::MAX),
            json!(-1),
            json!(i64::MIN),
        ],
        Value::String(text) if text.parse::<Time>().is_ok() => {
            vec![json!("0s"), json!("1ns"), json!(longest), json!(format!("{}ns", u64::MAX)), json!("-1s")]
        }
        Value::String(text) if text.strip_prefix('n').is_some_and(|n| n.parse::<u16>().is_ok()) => {
            vec![json!("n0"), json!("n1"), json!("n4"), json!("n16384"), json!("n65535"), json!("n65536")]
        }
        Value::String(_) => vec![json!(""), json!("\u{1b}[2J"), json!(7)],
        Value::Bool(is) => vec![json!(!is), json!(1)],
        Value::Null => vec![json!(0), json!("0s"), json!({})],
        Value::Array(items) => vec![json!([]), json!([&items[..], &items[..]].concat()), json!(null)],
        Value::Object(_) => vec![json!({}), json!([])],
    }
}

/// Enough for any world of these tests, and soon reached by one that never ends.
const EVENTS: NonZeroU64 = NonZeroU64::new(20_000).expect("above zero");

/// Runs `f`; a panic is a complaint.
fn without_panic<T>(what: &str, f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|panic| {
        let words = panic.downcast_ref::<String>().cloned();
        let words = words.or_else(|| panic.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default();
        format!("{what}: panicked: {words}")
    })
}

/// A trace of a whole run of a seed, with the first few items of each list.
fn trace(component: &Component, seed: u64) -> Value {
    let prepared = component.prepare(&Options { events: Some(EVENTS), ..Options::default() }).expect("it is usual");
    let text = prepared.record(seed).expect("it can be run");
    let mut trace: Value = serde_json::from_str(&text).expect("a trace is JSON");
    for (list, few) in [("operations", 4), ("faults", 5), ("deviations", 8)] {
        trace[list].as_array_mut().expect("a list").truncate(few);
    }
    trace.as_object_mut().expect("an object").remove("origin");
    trace
}

/// Replays a trace in which one value is another one.
fn replayed(component: &Component, trace: &Value, place: &Place, extreme: &Value) -> Result<(), String> {
    let mut changed = trace.clone();
    *changed.pointer_mut(&pointer(place)).expect("the place was found there") = extreme.clone();
    let what = format!("{} with {} = {extreme}", component.info().name, place.join("."));
    let Ok(replay) = without_panic(&what, || component.replay(&changed.to_string(), 0))? else { return Ok(()) };
    match &replay.run.violation {
        Some(violation) if violation.property.starts_with("assertion") => Err(format!("{what}: {violation}")),
        _ => Ok(()),
    }
}

#[test]
fn extreme_values_in_traces_are_refused_or_run() {
    let mut work = Vec::new();
    let components = registry::all();
    for component in &components {
        for seed in 0..2 {
            let trace = trace(component, seed);
            let places = all_leaves(&trace).into_iter().filter(|place| place[0] != "violation");
            work.extend(places.map(|place| (component, trace.clone(), place)));
        }
    }
    let complaints: Vec<String> = work
        .par_iter()
        .flat_map_iter(|(component, trace, place)| {
            let now = trace.pointer(&pointer(place)).expect("the place was found there");
            extremes(now).into_iter().filter_map(|extreme| replayed(component, trace, place, &extreme).err())
        })
        .collect();
    assert!(work.len() > 500, "there are many fields: {}", work.len());
    assert!(complaints.is_empty(), "{} of many:\n{}", complaints.len(), complaints.join("\n"));
}

/// Sweeps a configuration with one extreme value, as `--with` sets it: what it accepts keeps its promises.
fn swept(component: &Component, field: &str, extreme: &Value) -> Result<(), String> {
    let what = format!("sweep {} --with {field}={extreme}", component.info().name);
    let with = vec![(field.to_string(), extreme.to_string())];
    let options = Options { with, events: Some(EVENTS), ..Options::default() };
    without_panic(&what, || {
        let Ok(prepared) = component.prepare(&options) else { return Ok(()) };
        let broken = std::sync::Mutex::new(None);
        let each = |result: seedbed_sim::SeedResult| {
            let unsafe_ = result.violation.filter(|violation| !violation.liveness);
            unsafe_.is_none_or(|violation| {
                *broken.lock().expect("nobody panics with it") = Some(format!("seed {}: {violation}", result.seed));
                false
            })
        };
        let swept = prepared.sweep(0..3, &each);
        swept.map_err(|problem| format!("{what}: prepared, and then refused: {problem}"))?;
        broken.into_inner().expect("nobody panics with it").map_or(Ok(()), |broken| Err(format!("{what}: {broken}")))
    })?
}

#[test]
fn extreme_values_of_configurations_are_refused_or_keep_the_promises() {
    let components = registry::all();
    let mut work = Vec::new();
    for component in &components {
        // The fields that some variants have and others leave out, too.
        let prepared = component.prepare(&Options::default()).expect("it is usual");
        let mut fields: Vec<(String, Value)> = Vec::new();
        for seed in 0..20 {
            let config = prepared.campaign().case(seed).expect("it is possible").scenario.config.json();
            for place in all_leaves(&config) {
                let now = config.pointer(&pointer(&place)).expect("the place was found there").clone();
                // A field may be absent in one variant and a time in another.
                let is_known =
                    |(field, known): &(String, Value)| *field == place.join(".") && known.is_null() == now.is_null();
                if !fields.iter().any(is_known) {
                    fields.push((place.join("."), now));
                }
            }
        }
        work.extend(fields.into_iter().map(|(field, now)| (component, field, now)));
    }
    let complaints: Vec<String> = work
        .par_iter()
        .flat_map_iter(|(component, field, now)| {
            // A switch has no extremes: turned, it may be a boundary.
            let extremes = if now.is_boolean() { Vec::new() } else { extremes(now) };
            extremes.into_iter().filter_map(|extreme| swept(component, field, &extreme).err())
        })
        .collect();
    assert!(work.len() > 60, "there are many fields: {}", work.len());
    assert!(complaints.is_empty(), "{} of many:\n{}", complaints.len(), complaints.join("\n"));
}

/// What is refused in traces is nothing that sweeps draw.
#[test]
fn drawn_cases_are_possible() {
    for component in registry::all() {
        let prepared = component.prepare(&Options::default()).expect("it is usual");
        for seed in 0..40 {
            let case = prepared.campaign().case(seed).map(|_| ());
            assert_eq!(case, Ok(()), "{}, seed {seed}", component.info().name);
        }
    }
}
