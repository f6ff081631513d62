//! The page of one story, beside its trace.

use maud::{DOCTYPE, PreEscaped, html};

use crate::atlas::story::Story;
use crate::component::Replay;
use crate::draw::{Picture, mermaid, text};

/// How many lines of a story are drawn; the trace has all of them.
const LINES: usize = 200;

/// The drawing of a story as a page of its own.
pub fn page(story: &Story, replay: &Replay) -> String {
    let run = &replay.run;
    let violation = run.violation.as_ref();
    let picture = Picture { nodes: &run.nodes, timeline: &run.timeline, violation, limit: Some(LINES) };
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (story.name) " · seedbed" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body { main {
                p { a href="../index.html" { "← atlas" } }
                h1 { (story.name) }
                @if let Some(violation) = violation {
                    p { code { (violation.property) } " at " (violation.at) ": " (violation.message) }
                }
                p.facts { (story.items) " operations, faults and deviations · "
                    code { "seedbed replay " (story.name) ".json" } }
                pre tabindex="0" { (text::draw(&picture)) }
                details { summary { "As a Mermaid sequence diagram" } pre tabindex="0" { (mermaid::draw(&picture)) } }
            } }
        }
    };
    page.into_string()
}
