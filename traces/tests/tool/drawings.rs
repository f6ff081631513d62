//! What other tools read is as they want it, for every kept trace.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use seedbed_traces::commands::show::{Form, draw};
use serde_json::Value;

fn each_drawn(form: Form, judge: impl Fn(&str, &str)) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let mut judged = 0;
    for file in std::fs::read_dir(corpus).expect("the corpus is there") {
        let file = file.expect("its files can be listed").path();
        if file.extension().is_some_and(|extension| extension == "json") {
            judge(&file.display().to_string(), &draw(&file, form, 60).expect("it can be drawn"));
            judged += 1;
        }
    }
    assert!(judged > 0, "the corpus is empty");
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text '{key}' in {value}"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("no list '{key}' in {value}"))
}

/// ShiViz asks that each host counts its own events from 1, and that a clock is known before others have seen it.
#[test]
fn shiviz_gets_clocks_that_count() {
    each_drawn(Form::Shiviz, |name, log| {
        let mut lines = log.lines();
        assert_eq!(lines.next(), Some(r"(?<time>\d+ns) (?<event>.*)\n(?<host>\S*) (?<clock>{.*})"));
        assert_eq!(lines.next(), Some(""));
        let mut seen: BTreeMap<String, u64> = BTreeMap::new();
        while let (Some(event), Some(clock)) = (lines.next(), lines.next()) {
            let (time, words) = event.split_once(' ').expect("a time and an event");
            assert!(time.trim_end_matches("ns").parse::<u64>().is_ok() && !words.is_empty(), "{name}: {event}");
            let (host, clock) = clock.split_once(' ').expect("a host and a clock");
            let clock: BTreeMap<String, u64> = serde_json::from_str(clock).expect("a clock is JSON");
            let own = seen.entry(host.to_string()).or_insert(0);
            *own += 1;
            assert_eq!(clock[host], *own, "{name}: {event}");
            for (other, count) in &clock {
                assert!(
                    seen.get(other).is_some_and(|known| count <= known),
                    "{name}: {host} knows the future of {other}"
                );
            }
        }
        assert!(seen.values().sum::<u64>() > 10, "{name}: next to nothing in it");
    });
}

/// Arrows and spans begin and end, and slices of a track do not overlap.
#[test]
fn perfetto_gets_events_that_end() {
    let (all, stories) = (Cell::new(0), Cell::new(0));
    each_drawn(Form::Perfetto, |name, drawing| {
        let drawing: Value = serde_json::from_str(drawing).expect("it is JSON");
        let events = list(&drawing, "traceEvents");
        let mut open: BTreeMap<(String, u64), f64> = BTreeMap::new();
        let mut free: BTreeMap<u64, f64> = BTreeMap::new();
        let mut ended = 0;
        for event in events {
            let at = event["ts"].as_f64().unwrap_or(0.0);
            let key = |ph: &str| (format!("{ph}{}", event["pid"]), event["id"].as_u64().expect("an id"));
            match text(event, "ph") {
                begin @ ("s" | "b") => {
                    let again = open.insert(key(begin), at);
                    assert_eq!(again, None, "{name}: {event} is open already");
                }
                end @ ("f" | "e") => {
                    let begun = open.remove(&key(if end == "f" { "s" } else { "b" }));
                    assert!(begun.is_some_and(|begun| begun <= at), "{name}: {event} ends what has not begun");
                    ended += 1;
                }
                "X" => {
                    let track = event["tid"].as_u64().expect("a track");
                    let begins = free.get(&track).is_none_or(|free| *free <= at + 1e-6);
                    assert!(begins, "{name}: {event} begins inside another");
                    free.insert(track, at + event["dur"].as_f64().expect("a length"));
                }
                "M" | "i" => {}
                other => panic!("{name}: an event of phase {other}"),
            }
        }
        assert!(open.is_empty(), "{name}: {open:?} never end");
        // The shortest of all stories is a node that stands still, for whose answer another waits in vain.
        assert!(ended >= 1, "{name}: nothing in it");
        all.set(all.get() + ended);
        stories.set(stories.get() + 1);
        let violated = events.iter().filter(|event| event["cat"] == "violation").count();
        assert_eq!(violated, 1, "{name}: what is violated is not said");
    });
    assert!(all.get() > 10 * stories.get(), "next to nothing in all {} stories: {}", stories.get(), all.get());
}

/// A trace for each operation, with one root; a span begins after its parent, and is of the same trace.
#[test]
fn opentelemetry_gets_traces_with_roots() {
    // Not every operation needs messages: some stories have none, or none of whose messages matters to an operation.
    let messages = Cell::new(0);
    each_drawn(Form::Otlp, |name, drawing| {
        let drawing: Value = serde_json::from_str(drawing).expect("it is JSON");
        let mut spans: BTreeMap<(&str, &str), (&str, u64)> = BTreeMap::new();
        for resource in list(&drawing, "resourceSpans") {
            for span in list(&resource["scopeSpans"][0], "spans") {
                let (trace, id, parent) = (text(span, "traceId"), text(span, "spanId"), text(span, "parentSpanId"));
                assert!(trace.len() == 32 && id.len() == 16, "{name}: {span}");
                let nanos = |key| text(span, key).parse::<u64>().expect("a time is a number in a text");
                let (begun, ended) = (nanos("startTimeUnixNano"), nanos("endTimeUnixNano"));
                assert!(begun <= ended, "{name}: {span} ends before it begins");
                assert!(spans.insert((trace, id), (parent, begun)).is_none(), "{name}: {span} is there twice");
            }
        }
        for ((trace, id), (parent, begun)) in &spans {
            if !parent.is_empty() {
                let (_, before) = spans.get(&(*trace, *parent)).unwrap_or_else(|| panic!("{name}: {id} has no parent"));
                assert!(before <= begun, "{name}: {id} begins before its parent");
            }
        }
        let roots = spans.values().filter(|(parent, _)| parent.is_empty()).count();
        let traces: BTreeSet<&str> = spans.keys().map(|(trace, _)| *trace).collect();
        assert_eq!(roots, traces.len(), "{name}: a trace without a root, or with two");
        messages.set(messages.get() + spans.len() - roots);
    });
    assert!(messages.get() > 100, "next to no messages in all stories: {}", messages.get());
}

/// Every edge joins vertices that are there.
#[test]
fn graphviz_gets_edges_between_vertices() {
    each_drawn(Form::Dot, |name, graph| {
        assert!(graph.starts_with("digraph happens_before {") && graph.ends_with("}\n"), "{name}");
        let words = |line: &str| line.split_whitespace().map(str::to_string).collect::<Vec<_>>();
        let lines: Vec<_> = graph.lines().map(words).collect();
        let declared: BTreeSet<&String> = lines.iter().filter_map(|line| line.first()).collect();
        let edges = lines.iter().filter(|line| line.get(1).is_some_and(|word| word == "->"));
        let mut count = 0;
        for edge in edges {
            assert!(declared.contains(&edge[0]) && declared.contains(&edge[2]), "{name}: {edge:?}");
            count += 1;
        }
        assert!(count > 5, "{name}: next to nothing in it");
    });
}

/// A long story stays readable by Perfetto: about a hundred bytes an event, and of long texts what is new.
#[test]
fn perfetto_gets_no_text_again_and_again() {
    let place = crate::program::place("drawings/perfetto");
    let file = place.join("whole.json");
    // Texts that are edited: each answer is all of the text.
    let words = "run crdt --seed 3 --with kind=rga --with style=state --trace whole.json --json";
    crate::program::seedbed(&place, words);
    let drawing = draw(&file, Form::Perfetto, 0).expect("it can be drawn");
    let value: Value = serde_json::from_str(&drawing).expect("it is JSON");
    let events = list(&value, "traceEvents").len();
    assert!(events > 1_000, "a short story: {events} events");
    assert!(drawing.len() < 110 * events, "{} bytes for {events} events", drawing.len());
}
