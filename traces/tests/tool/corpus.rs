//! Every kept trace still replays, exactly, to the violation it was kept for; its drawing is snapshotted.

use std::path::PathBuf;

use seedbed_sim::Replayed;
use seedbed_traces::commands::show::{Form, draw};
use seedbed_traces::component::Boundary;
use seedbed_traces::registry;

fn kept() -> Vec<PathBuf> {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = std::fs::read_dir(&corpus).expect("the corpus is there");
    let mut files: Vec<_> = files.map(|file| file.expect("its files can be listed").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

#[test]
fn every_kept_trace_replays_exactly() {
    assert!(!kept().is_empty(), "the corpus is empty");
    for file in kept() {
        let text = std::fs::read_to_string(&file).expect("a kept trace can be read");
        let head = seedbed_sim::trace::head(&text).expect("a kept trace is a trace");
        let component = registry::find(&head.model).expect("a kept trace is of a model that is there");
        let replay = component.replay(&text, 0).expect("a kept trace can be run");
        let name = file.display();
        assert_eq!(replay.replayed, Replayed::Exact, "{name}");
        assert_eq!(replay.run.violation, replay.recorded, "{name}: another violation than was kept");
        assert_eq!(replay.run.fingerprint, replay.recorded_fingerprint, "{name}: another run than was kept");
        assert_eq!(replay.unused, 0, "{name}: choices that nobody asks for");
        assert!(replay.recorded.is_some(), "{name}: a trace that violates nothing");
    }
}

#[test]
fn every_boundary_has_its_trace() {
    let names: Vec<_> =
        kept().iter().map(|file| file.file_stem().unwrap_or_default().to_string_lossy().into_owned()).collect();
    for component in registry::all() {
        let model = component.info().name;
        for Boundary { name, .. } in component.boundaries() {
            let kept = format!("{model}-{name}");
            assert!(names.contains(&kept), "{model} declares the boundary '{name}', but corpus/{kept}.json is missing");
        }
    }
}

#[test]
fn kept_traces_are_drawn() {
    for file in kept() {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        insta::assert_snapshot!(format!("{name}.text"), draw(&file, Form::Text, 60).expect("it can be drawn"));
        insta::assert_snapshot!(format!("{name}.mermaid"), draw(&file, Form::Mermaid, 60).expect("it can be drawn"));
    }
}
