//! The guide says what is so: its terminal sessions print what they print, its pages of components are what the tool writes.

use std::path::{Path, PathBuf};

use seedbed_traces::pages::{Kills, pages};
use seedbed_traces::registry;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_path_buf()
}

fn read(file: &Path) -> String {
    std::fs::read_to_string(file).unwrap_or_else(|problem| panic!("{}: {problem}", file.display()))
}

/// To write down what a session prints now: `TRYCMD=overwrite cargo test -p seedbed-traces --test guide`.
#[test]
fn sessions_print_what_the_guide_says() {
    std::env::set_current_dir(root()).expect("the workspace");
    let sessions = trycmd::TestCases::new();
    for page in ["first-failing-trace", "reading-a-trace", "checking-a-history"] {
        sessions.case(root().join(format!("docs/{page}.md")));
    }
    sessions.run();
}

/// Two pages go through a file: what they show of it, in blocks of `rust,ignore`, are lines of it in their order; `// …`
/// stands for those that are left out.
#[test]
fn files_that_the_guide_goes_through_are_those_that_are_tested() {
    for (page, source) in [
        ("writing-a-model", "models/src/examples/tutorial.rs"),
        ("your-own-service", "sim/tests/simulator/line_service.rs"),
    ] {
        let text = read(&root().join(format!("docs/{page}.md")));
        let blocks = text.split("```rust,ignore\n").skip(1).filter_map(|rest| rest.split("```").next());
        let shown: Vec<_> = blocks.flat_map(str::lines).map(str::trim).filter(|line| !line.is_empty()).collect();
        assert!(shown.len() > 50, "docs/{page}.md shows the file in blocks of `rust,ignore`");
        let of_file = read(&root().join(source));
        let mut rest = of_file.lines().map(str::trim);
        for line in shown.into_iter().filter(|line| !line.starts_with("// …")) {
            assert!(rest.any(|other| other == line), "docs/{page}.md: not in {source}, or not in this order: {line}");
        }
    }
}

/// A block whose fence names a file, as in `json docs/histories/register.jsonl`, shows all of it; every history is named.
#[test]
fn histories_that_the_guide_shows_are_those_that_it_checks() {
    let page = read(&root().join("docs/checking-a-history.md"));
    let mut shown = 0;
    for block in page.split("\n```").filter(|block| block.contains(" docs/histories/")) {
        let Some((fence, text)) = block.split_once('\n') else { continue };
        let Some((_, file)) = fence.split_once(' ') else { continue };
        assert_eq!(format!("{text}\n"), read(&root().join(file)), "{file}");
        shown += 1;
    }
    assert!(shown > 5, "the page shows histories");
    for file in std::fs::read_dir(root().join("docs/histories")).expect("the folder of the page") {
        let name = file.expect("a file").file_name().into_string().expect("a plain name");
        assert!(page.contains(&format!("`{name}`")), "docs/checking-a-history.md does not name {name}");
    }
}

#[test]
fn pages_of_components_are_what_the_tool_writes() {
    let kills = Kills::read(&root().join("docs/kills.jsonl")).expect("the figures of the kill matrix");
    for (name, text) in pages(&kills).expect("every kept trace can be drawn") {
        let written = read(&root().join("docs/components").join(&name));
        assert!(written == text, "docs/components/{name} is not up to date: run `cargo run --release -- pages`");
    }
}

#[test]
fn the_guide_lists_every_page() {
    let summary = read(&root().join("docs/SUMMARY.md"));
    for component in registry::all() {
        let page = format!("(components/{}.md)", component.info().name);
        assert!(summary.contains(&page), "docs/SUMMARY.md does not list {page}");
    }
    for link in summary.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(root().join("docs").join(link).exists(), "docs/SUMMARY.md lists {link}, which is not there");
    }
}
