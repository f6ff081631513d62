//! A tiny atlas: the same each time, kept from one call to the next, and without a link that leads nowhere.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use indicatif::ProgressBar;
use seedbed_sim::FaultClass;
use seedbed_traces::atlas::cache::Cache;
use seedbed_traces::atlas::measure::cell::Failures;
use seedbed_traces::atlas::story::{self, Search};
use seedbed_traces::atlas::verdict::Verdict;
use seedbed_traces::atlas::{Atlas, Effort, Surveyor, page};
use seedbed_traces::commands::Ended;
use seedbed_traces::commands::atlas::ended;
use seedbed_traces::component::Component;
use seedbed_traces::registry;

use crate::program::{code, err, lines, place, seedbed};

const EFFORT: Effort = Effort { seeds: 40, configurations: true, pairs: true, search: Search { seeds: 1, runs: 200 } };

fn two() -> Vec<Component> {
    ["tutorial", "echo"].map(|name| registry::find(name).expect("it is there")).into()
}

/// An atlas of two fast components, what was noted, and how many results were kept from before and how many were not.
fn survey(cache: Option<&Cache>) -> (Atlas, Vec<String>, (u64, u64)) {
    let (notes, reused) = (Mutex::default(), Mutex::default());
    let progress = ProgressBar::hidden();
    let surveyor = Surveyor { effort: EFFORT, cache, progress: &progress, notes: &notes, reused: &reused };
    let atlas = surveyor.survey(&two()).expect("both can be run");
    (atlas, notes.into_inner().expect("nobody panicked"), reused.into_inner().expect("nobody panicked"))
}

fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("it was written") {
        let path = entry.expect("it can be listed").path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else {
            files.push((path.clone(), std::fs::read_to_string(&path).expect("it can be read")));
        }
    }
    files.sort();
    files
}

#[test]
fn the_same_seeds_give_the_same_pages_whether_results_were_kept_or_not() {
    let place = place("atlas-same");
    let cache = Cache::new(place.join("cache"));
    let (first, _, (kept, new)) = survey(Some(&cache));
    assert!(kept == 0 && new > 20, "{new}");
    let (second, notes, reused) = survey(Some(&cache));
    assert_eq!((reused, &notes[..]), ((new, 0), &[][..]), "everything was kept");
    let (third, ..) = survey(None);
    assert_eq!(first, second);
    assert_eq!(first, third);
    let written = ["a", "b"].map(|name| {
        let folder = place.join(name);
        page::write(if name == "a" { &first } else { &third }, &two(), &folder).expect("it can be written");
        let below = |path: PathBuf| path.strip_prefix(&folder).expect("it lies there").to_path_buf();
        files(&folder).into_iter().map(|(path, text)| (below(path), text)).collect::<Vec<_>>()
    });
    let [a, b] = written;
    assert_eq!(a, b);
}

#[test]
fn what_is_declared_holds_and_what_breaks_has_a_story_that_replays() {
    let (atlas, ..) = survey(None);
    assert_eq!(ended(&atlas), Ended::Held);
    let mut broken = 0;
    for (row, entry) in atlas.entries() {
        let violates = entry.cell.as_ref().is_some_and(|cell| cell.worst().is_some());
        assert_eq!(entry.story.is_some(), violates, "{} under {:?}", row.title(), entry.classes);
        let Some(told) = &entry.story else { continue };
        let component = registry::find(row.model).expect("it is there");
        let replay = story::verify(&component, &told.text).expect("it replays");
        assert_eq!(replay.recorded.map(|violation| violation.property), Some(told.property.clone()));
        broken += 1;
    }
    // The tutorial keeps its tally on a disk.
    assert!(broken >= 1, "{broken}");
    let crash = |entry: &&seedbed_traces::atlas::Entry| entry.classes == [FaultClass::Crash];
    let wipe = |entry: &&seedbed_traces::atlas::Entry| entry.classes == [FaultClass::Wipe];
    let tutorial = atlas.chapters[0].rows[0].entries.iter().find(wipe).expect("there is such a column");
    assert_eq!(tutorial.verdict, Verdict::Breaks);
    let echo = atlas.chapters[1].rows[0].entries.iter().find(crash).expect("there is such a column");
    assert_eq!(echo.verdict, Verdict::Holds);
}

#[test]
fn a_damaged_result_is_said_and_measured_again() {
    let place = place("atlas-damaged");
    let cache = Cache::new(place.join("cache"));
    let (first, ..) = survey(Some(&cache));
    let file = cache.file("tutorial.crash.40");
    let whole = std::fs::read_to_string(&file).expect("the result was kept");
    let damaged = whole.replacen("\\\"worlds\\\":", "\\\"worlds\\\":9", 1);
    assert_ne!(whole, damaged);
    std::fs::write(&file, damaged).expect("it can be damaged");
    let (second, notes, (_, new)) = survey(Some(&cache));
    assert_eq!((second, new), (first, 1));
    let [note] = &notes[..] else { panic!("one note was expected: {notes:?}") };
    assert!(note.contains("tutorial.crash.40.json is damaged"), "{note}");
    assert_eq!(std::fs::read_to_string(&file).expect("it is there again"), whole);
}

#[test]
fn the_page_loads_nothing_and_every_link_leads_somewhere() {
    let folder = place("atlas-links");
    let (atlas, ..) = survey(None);
    page::write(&atlas, &two(), &folder).expect("it can be written");
    let mut drawings = 0;
    for (file, text) in files(&folder).into_iter().filter(|(file, _)| file.extension().is_some_and(|e| e == "html")) {
        let name = file.display();
        // The viewer's pages, which have scripts of their own, are tested with the viewer.
        if file.parent().is_some_and(|folder| folder.ends_with("traces")) {
            drawings += 1;
            continue;
        }
        let ids: BTreeSet<_> = values(&text, " id=\"").collect();
        for link in values(&text, "href=\"") {
            let there = match link.strip_prefix('#') {
                Some(id) => ids.contains(id),
                None => file.parent().expect("a folder").join(link).exists(),
            };
            assert!(there, "{name}: nothing is at {link}");
        }
        assert_eq!(values(&text, "src=\"").count(), 0, "{name}");
        assert!(!text.contains("@import") && !text.contains("<script") && !text.contains("<link"), "{name}");
        assert!(text.split("url(").skip(1).all(|rest| rest.starts_with('#')), "{name}: something is loaded");
    }
    assert_eq!(drawings, atlas.stories().len());
}

/// The values of an attribute.
fn values<'a>(text: &'a str, attribute: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(attribute).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn a_broken_promise_is_loud_and_names_are_escaped() {
    let (mut atlas, ..) = survey(None);
    let row = &mut atlas.chapters[1].rows[0];
    let entry = row.entries.iter_mut().find(|entry| entry.classes == [FaultClass::Loss]).expect("a column");
    let cell = entry.cell.as_mut().expect("it was measured");
    let failures = Failures { worlds: 1, inside: 1, seeds: vec![7] };
    cell.broken.insert("<b>&\"|".into(), failures);
    assert_eq!(ended(&atlas), Ended::Violated);
    let html = page::html::page(&atlas);
    assert!(html.contains("Broken promises") && html.contains("&lt;b&gt;&amp;&quot;|"));
    assert!(!html.contains("<b>&"));
    assert!(page::markdown::page(&atlas).contains("BROKEN PROMISE"));
}

#[test]
fn the_command_writes_pages_and_traces_that_the_tool_replays() {
    let place = place("atlas-command");
    let output = seedbed(&place, "atlas --quick --models tutorial --seeds 20 --out page --json");
    assert_eq!(code(&output), 0, "{}", err(&output));
    let lines = lines(&output);
    let words: BTreeSet<_> = lines.iter().filter_map(|line| line["verdict"].as_str()).collect();
    assert!(words.is_subset(&["holds", "breaks", "blocks", "slows", "n/a"].into()), "{words:?}");
    let traces: Vec<_> = lines.iter().filter_map(|line| line["trace"].as_str()).collect();
    assert!(!traces.is_empty());
    for trace in traces {
        let replay = seedbed(&place, &format!("replay page/{trace} --json"));
        assert_eq!(replay.status.code(), Some(1), "{trace} violates nothing any more");
    }
    assert!(place.join("page").join(page::HTML).exists() && place.join("page").join(page::MARKDOWN).exists());
    assert_eq!(seedbed(&place, "atlas --models nobody").status.code(), Some(2));
    assert_eq!(seedbed(&place, "atlas --seeds 0").status.code(), Some(2));
}
