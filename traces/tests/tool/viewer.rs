//! The page that `seedbed show --as html` writes: it needs nothing outside itself, and has everything of the run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use seedbed_sim::timeline::Happening;
use seedbed_traces::commands::show::{Form, draw};
use seedbed_traces::component::{Component, Run};
use seedbed_traces::draw::html::{self, Limits};
use seedbed_traces::registry;
use serde_json::Value;

fn beside(what: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(what)
}

fn files(of: &str, extension: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(beside(of)).expect("the directory is there");
    let mut files: Vec<_> = all.map(|file| file.expect("its files can be listed").path()).collect();
    files.retain(|file| file.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "{of} has no files of the kind {extension}");
    files
}

const BEGIN: &str = "<script type=\"application/json\" id=\"data\">";

/// The page without its data, and the data.
fn parted(page: &str) -> (String, Value) {
    let (before, rest) = page.split_once(BEGIN).expect("a page has data");
    let (data, after) = rest.split_once("</script>").expect("the data ends");
    (format!("{before}{after}"), serde_json::from_str(data).expect("the data is JSON"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list '{key}'"))
}

fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no place")) as usize
}

#[test]
fn pages_need_nothing_outside_themselves() {
    for file in files("corpus", "json") {
        let (page, _) = parted(&draw(&file, Form::Html, 60).expect("it can be drawn"));
        for outside in ["http:", "https:", "src=", "@import", "url(", "fetch(", "XMLHttpRequest", "import("] {
            assert!(!page.contains(outside), "{}: the page has '{outside}'", file.display());
        }
        assert!(page.contains("default-src 'none'"), "browsers are told that it loads nothing");
    }
}

/// The text of a kept trace, its component, and its run.
fn replayed(file: &Path) -> (String, Component, Run) {
    let text = std::fs::read_to_string(file).expect("a kept trace can be read");
    let head = seedbed_sim::trace::head(&text).expect("a kept trace is a trace");
    let component = registry::find(&head.model).expect("a kept trace is of a model that is there");
    let run = component.replay(&text, 0).expect("a kept trace can be run").run;
    (text, component, run)
}

#[test]
fn pages_have_everything_of_the_run() {
    for file in files("corpus", "json") {
        let name = file.display();
        let (_, component, run) = replayed(&file);
        let (_, data) = parted(&draw(&file, Form::Html, 60).expect("it can be drawn"));

        let nodes: Vec<_> = run.nodes.iter().map(ToString::to_string).collect();
        assert_eq!(data["summary"], component.info().summary, "{name}");
        assert_eq!(data["nodes"], serde_json::json!(nodes), "{name}");
        let violation = run.violation.expect("kept traces violate something");
        assert_eq!(data["violation"]["property"], violation.property, "{name}");
        assert_eq!(data["violation"]["message"], violation.message, "{name}");
        assert_eq!(data["violation"]["at"], violation.at.0, "{name}");

        let entries = &data["entries"];
        let strings = list(&data, "strings");
        let mut at = 0;
        for (n, entry) in run.timeline.iter().enumerate() {
            at += entries["after"][n].as_u64().expect("a length of time");
            assert_eq!(at, entry.at.0, "{name}: entry {n}");
            let words = strings[number(&entries["words"][n])].as_str().expect("a string");
            assert!(!words.is_empty(), "{name}: entry {n} says nothing");
            if let Happening::Sent { text, from, .. } = &entry.what {
                let message = number(&entries["about"][n]);
                assert_eq!(strings[number(&data["messages"]["text"][message])], *text, "{name}: entry {n}");
                assert_eq!(nodes[number(&data["messages"]["from"][message])], from.to_string(), "{name}: entry {n}");
            }
        }
        assert_eq!(list(entries, "what").len(), run.timeline.len(), "{name}");
        assert_eq!(list(&data, "steps").iter().map(number).sum::<usize>(), run.timeline.len(), "{name}");

        let invoked = run.timeline.iter().filter(|entry| matches!(entry.what, Happening::Invoked { .. })).count();
        let outcome = |wanted: &str| {
            list(&data, "operations").iter().filter(|operation| operation["outcome"] == wanted).count() as u64
        };
        assert_eq!(list(&data, "operations").len(), invoked, "{name}");
        assert_eq!(
            [outcome("returned"), outcome("failed"), outcome("unknown")],
            [run.operations.returned, run.operations.failed, run.operations.unknown],
            "{name}"
        );
        assert_eq!(list(&data, "faults").len(), run.struck.len(), "{name}");
        for (told, fault) in list(&data, "faults").iter().zip(&run.struck) {
            assert_eq!(told["class"], fault.what.class().name(), "{name}");
            assert_eq!(strings[number(&told["text"])], fault.what.to_string(), "{name}");
        }
    }
}

/// The states in a page, as a browser makes them of the lines that changed.
struct States<'a> {
    data: &'a Value,
    next: Vec<usize>,
    lines: Vec<Option<Vec<usize>>>,
}

impl States<'_> {
    /// Takes in the changes of a node up to an entry; what its state then is, without its spaces.
    fn at(&mut self, node: usize, entry: usize) -> Option<String> {
        let changes = self.data["changes"][node].as_array().expect("a node has a list of changes");
        while let Some(change) = changes.get(self.next[node]).filter(|change| number(&change[0]) <= entry) {
            self.next[node] += 1;
            let parts = change.as_array().expect("a change is a list");
            if parts.len() == 1 {
                self.lines[node] = None;
                continue;
            }
            let mut lines = self.lines[node].take().unwrap_or_default();
            for edit in parts[2..].iter().rev() {
                let numbers: Vec<usize> = edit.as_array().expect("an edit is a list").iter().map(number).collect();
                lines.splice(numbers[0]..numbers[0] + numbers[1], numbers[2..].iter().copied());
            }
            self.lines[node] = Some(lines);
        }
        let lines = self.lines[node].as_ref()?.iter();
        Some(squeezed(&lines.map(|line| self.data["lines"][*line].as_str().expect("a line")).collect::<String>()))
    }
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn pages_have_the_state_of_every_node_at_every_event() {
    let mut compared = 0;
    for file in files("corpus", "json") {
        let name = file.display();
        let (text, component, run) = replayed(&file);
        let (_, data) = parted(&draw(&file, Form::Html, 60).expect("it can be drawn"));
        let mut states = States { data: &data, next: vec![0; run.nodes.len()], lines: vec![None; run.nodes.len()] };
        let events = run.violation.as_ref().map(|violation| violation.event);
        let mut told = 0;
        let watched = component.step(&text, events, &mut |world| {
            if world.timeline().len() > told {
                told = world.timeline().len();
                for (place, node) in run.nodes.iter().enumerate() {
                    let state = world.state(*node).map(|state| squeezed(&format!("{state:?}")));
                    assert_eq!(states.at(place, told - 1), state, "{name}: {node} after entry {told}");
                    compared += 1;
                }
            }
            true
        });
        watched.expect("a kept trace can be run");
    }
    assert!(compared > 5_000, "next to nothing was compared: {compared}");
}

#[test]
fn pages_say_which_states_they_leave_out() {
    let text = std::fs::read_to_string(beside("corpus/raft-figure-8.json")).expect("a kept trace can be read");
    let component = registry::find("raft").expect("there is Raft");
    let limits = Limits { kept: 4_000, ..Limits::default() };
    let (_, data) = parted(&html::page("short", &text, &component, None, limits).expect("it can be drawn"));
    let from = number(&data["states_end"]);
    assert!(0 < from && from < list(&data["entries"], "what").len(), "the states are kept up to {from}");
    assert!(data["notes"][0].as_str().is_some_and(|note| note.contains("left out")), "{}", data["notes"]);
    let (_, whole) = parted(&html::page("whole", &text, &component, None, Limits::default()).expect("it can be drawn"));
    assert_eq!(whole["states_end"], Value::Null);
}

/// What the page's assembly relies on: names are unique among all modules, imports are one line and of modules that are
/// there, and every module is in the page.
#[test]
fn modules_can_be_put_into_one() {
    let page = draw(&files("corpus", "json")[0], Form::Html, 60).expect("it can be drawn");
    let mut declared: BTreeMap<String, String> = BTreeMap::new();
    let modules = files("viewer", "js");
    let names: BTreeSet<_> = modules
        .iter()
        .map(|file| file.file_name().expect("a file has a name").to_string_lossy().into_owned())
        .collect();
    for file in &modules {
        let name = file.file_name().expect("a file has a name").to_string_lossy().into_owned();
        let source = std::fs::read_to_string(file).expect("a module can be read");
        assert!(page.contains(&format!("// {name}\n")), "{name} is not in the page");
        assert!(!source.contains("</script"), "{name} ends the script that it stands in");
        for line in source.lines() {
            if let Some(import) = line.strip_prefix("import ") {
                let from = import.rsplit_once("from \"./").and_then(|(_, from)| from.strip_suffix("\";"));
                assert!(from.is_some_and(|from| names.contains(from)), "{name}: {line}");
            }
            let words = line.strip_prefix("export ").unwrap_or(line);
            let words = words.strip_prefix("async ").unwrap_or(words);
            let declares = ["function ", "const ", "let ", "class "].iter().find_map(|kind| words.strip_prefix(kind));
            let declares = declares.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            if let Some(thing) = declares.filter(|thing| !thing.is_empty()) {
                let before = declared.insert(thing.to_string(), name.clone());
                assert_eq!(before, None, "{name} declares {thing}, and so does another module");
            }
        }
    }
    assert!(declared.len() > 50, "next to no declarations were found: {}", declared.len());
}
