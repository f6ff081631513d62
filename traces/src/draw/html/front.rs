//! Assembles a page from the files of `traces/viewer/`, without external resources.
//!
//! The front end consists of JavaScript modules, which editors and type checkers understand. In the page they are one
//! module: imports are removed and exports become plain declarations, so top-level names must be unique among all
//! files, and an import must be one line. `traces/tests/tool/viewer.rs` checks both.

/// The HTML frame of the page.
const PAGE: &str = include_str!("../../../viewer/page.html");
const STYLE: &str = include_str!("../../../viewer/style.css");

/// The modules, each after those that it imports.
const MODULES: &[(&str, &str)] = &[
    ("words.js", include_str!("../../../viewer/words.js")),
    ("data.js", include_str!("../../../viewer/data.js")),
    ("states.js", include_str!("../../../viewer/states.js")),
    ("diff.js", include_str!("../../../viewer/diff.js")),
    ("causes.js", include_str!("../../../viewer/causes.js")),
    ("filter.js", include_str!("../../../viewer/filter.js")),
    ("scale.js", include_str!("../../../viewer/scale.js")),
    ("colours.js", include_str!("../../../viewer/colours.js")),
    ("canvas.js", include_str!("../../../viewer/canvas.js")),
    ("said.js", include_str!("../../../viewer/said.js")),
    ("shapes.js", include_str!("../../../viewer/shapes.js")),
    ("arrows.js", include_str!("../../../viewer/arrows.js")),
    ("diagram.js", include_str!("../../../viewer/diagram.js")),
    ("overview.js", include_str!("../../../viewer/overview.js")),
    ("element.js", include_str!("../../../viewer/element.js")),
    ("list.js", include_str!("../../../viewer/list.js")),
    ("instant.js", include_str!("../../../viewer/instant.js")),
    ("operations.js", include_str!("../../../viewer/operations.js")),
    ("story.js", include_str!("../../../viewer/story.js")),
    ("legend.js", include_str!("../../../viewer/legend.js")),
    ("controls.js", include_str!("../../../viewer/controls.js")),
    ("tabs.js", include_str!("../../../viewer/tabs.js")),
    ("measure.js", include_str!("../../../viewer/measure.js")),
    ("page.js", include_str!("../../../viewer/page.js")),
];

/// The placeholders in the page, in order.
const PLACES: [&str; 4] = ["{{title}}", "{{style}}", "{{data}}", "{{script}}"];

/// The page with this title and this data, which must not contain `<`.
pub(super) fn assemble(title: &str, data: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let script: String = MODULES.iter().map(|(name, source)| in_one(name, source)).collect();
    let mut page = String::with_capacity(PAGE.len() + STYLE.len() + script.len() + data.len());
    let mut rest = PAGE;
    for (place, put) in PLACES.into_iter().zip([title.as_str(), STYLE, data, &script]) {
        let (before, after) = rest.split_once(place).expect("the page has a place for each part, in order");
        page.push_str(before);
        page.push_str(put);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// A module as a part of the combined module.
fn in_one(name: &str, source: &str) -> String {
    let lines = source.lines().filter(|line| !line.starts_with("import "));
    let lines = lines.map(|line| line.strip_prefix("export ").unwrap_or(line));
    format!("// {name}\n{}\n", lines.collect::<Vec<_>>().join("\n"))
}
