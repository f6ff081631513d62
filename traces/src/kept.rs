//! The kept traces: those of `traces/corpus`, as they were when the tool was built.

include!(concat!(env!("OUT_DIR"), "/corpus.rs"));

/// The text of the kept trace of this name: that of its file, without `.json`.
pub fn find(name: &str) -> Option<&'static str> {
    KEPT.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
