//! The viewer: one page that contains a whole run, without a network or a server.
//!
//! `data.rs` creates the page's data from a replay; the files of `traces/viewer/` display it.

mod data;
mod debug;
mod front;
mod states;
mod story;
mod strings;

use anyhow::Context as _;
use seedbed_sim::{Fault, NodeId, Origin};
use serde::Deserialize;

use crate::component::Component;
use crate::draw::Picture;
use crate::report::how;

pub use states::{Limits, States};

/// The content of a page.
pub struct Page<'a> {
    /// The title, usually the name of the trace's file.
    pub title: &'a str,
    /// The model, and its summary in one line.
    pub model: (&'a str, &'a str),
    /// The origin of the trace.
    pub origin: &'a Origin,
    /// Notes for readers, such as that the trace no longer violates its property.
    pub notes: Vec<String>,
    /// Nodes, timeline and violation.
    pub picture: Picture<'a>,
    /// The faults that struck, in the order of their beginning in the timeline.
    pub struck: &'a [Fault<NodeId>],
    /// The nodes' states after each event.
    pub states: States,
}

/// The page of a trace, which is replayed twice, the second time to read the states. `limit` bounds the lines of the
/// story in words.
///
/// # Errors
/// If the text is no trace of this component.
pub fn page(
    title: &str,
    trace: &str,
    component: &Component,
    lines: Option<usize>,
    limits: Limits,
) -> anyhow::Result<String> {
    #[derive(Deserialize)]
    struct WithOrigin {
        #[serde(default)]
        origin: Origin,
    }
    let WithOrigin { origin } = serde_json::from_str(trace).context("a trace says where it came from")?;
    let replay = component.replay(trace, 0)?;
    let run = &replay.run;
    let states = States::of(trace, component, run, limits)?;
    let mut notes = Vec::from_iter(states.note(run));
    if how(&replay).0 == "lost" {
        let recorded = replay.recorded.as_ref().map_or("nothing", |violation| violation.property.as_str());
        notes.push(format!(
            "The trace was kept because it violated {recorded}. With this version of the code it does not."
        ));
    }
    let info = component.info();
    Ok(draw(&Page {
        title,
        model: (info.name, info.summary),
        origin: &origin,
        notes,
        picture: run.picture(lines),
        struck: &run.struck,
        states,
    }))
}

/// Writes a page.
pub fn draw(page: &Page<'_>) -> String {
    let data = serde_json::to_string(&data::Data::of(page)).expect("a page's data has text keys and finite numbers");
    // In a script element only `<` can end it or begin a comment; in JSON it occurs only in strings.
    front::assemble(page.title, &data.replace('<', "\\u003c"))
}

#[cfg(test)]
mod tests {
    use seedbed_sim::timeline::{Entry, Happening};
    use seedbed_sim::{NodeId, OpId, Time, Violation};

    use super::*;

    /// Texts of a run cannot become markup.
    #[test]
    fn hostile_texts_stay_texts() {
        let hostile = "</script><img src=x onerror=\"alert(1)\"><!--{{script}}";
        let text = || hostile.to_string();
        let (node, message) = (NodeId(0), 0);
        let timeline = [
            Happening::Started { node },
            Happening::Invoked { node, op: OpId(0), text: text() },
            Happening::Sent { message, from: node, to: node, kind: text(), text: text() },
            Happening::FaultBegan { text: text(), nodes: vec![node] },
            Happening::Marked { node, name: text() },
            Happening::Noted { node, text: text() },
            Happening::Ended { node, op: OpId(0), text: text(), failed: true },
        ];
        let timeline = timeline.map(|what| Entry { at: Time::ZERO, what });
        let violation = Violation {
            property: text(),
            at: Time::ZERO,
            event: 1,
            nodes: vec![node],
            message: text(),
            liveness: false,
        };
        let origin = Origin { note: text(), ..Origin::default() };
        let page = draw(&Page {
            title: hostile,
            model: (hostile, hostile),
            origin: &origin,
            notes: vec![text()],
            picture: Picture { nodes: &[node], timeline: &timeline, violation: Some(&violation), limit: None },
            struck: &[],
            states: States::default(),
        });
        assert!(!page.contains("<img"), "a text of the run is markup");
        let scripts = page.matches("</script>").count();
        assert_eq!(scripts, 2, "a text of the run ends a script");
        assert_eq!(page.matches("<!--").count(), 0, "a text of the run begins a comment");
        let (_, rest) = page.split_once("id=\"data\">").expect("a page has data");
        let (data, _) = rest.split_once("</script>").expect("the data ends");
        let data: serde_json::Value = serde_json::from_str(data).expect("the data is JSON");
        assert_eq!(data["violation"]["message"], hostile);
        assert_eq!(data["operations"][0]["outcome"], "failed");
        assert!(data["strings"].as_array().expect("a table").iter().any(|text| text == hostile));
    }
}
