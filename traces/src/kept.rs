//! The kept traces: the files of `traces/corpus` at build time.

include!(concat!(env!("OUT_DIR"), "/corpus.rs"));

/// The text of a kept trace, by its file name without `.json`.
pub fn find(name: &str) -> Option<&'static str> {
    KEPT.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
