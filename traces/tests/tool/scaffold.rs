//! Scaffolds: what is planned, where it goes, and what is refused before anything is written. That what is written compiles,
//! passes and is caught is shown by `scaffold_templates.rs`, in a clone by
//! `scripts/scaffold-proof.sh`, and outside of the workspace by `scripts/project-proof.sh`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use seedbed_traces::scaffold::{self, Name, Plan, Project, Source, USUAL_FAMILY, USUAL_MODEL, Workspace};

use crate::program::err;

fn here() -> Workspace {
    Workspace::around(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("this crate is inside the workspace")
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|problem| panic!("{text} is a name: {problem}"))
}

/// One letter longer than a name may be.
const LONG: &str = "an_extraordinarily_long_name_at32";

fn names() -> [String; 3] {
    ["zz".to_string(), LONG[..32].to_string(), "a1".to_string()]
}

#[test]
fn names_are_in_snake_case_and_mean_nothing_else() {
    for (snake, camel) in [("demo", "Demo"), ("two_phase_commit", "TwoPhaseCommit"), ("paxos2", "Paxos2")] {
        assert_eq!(name(snake).camel(), camel);
    }
    for (wrong, expected) in [
        ("Demo", "snake case"),
        ("", "snake case"),
        ("_demo", "snake case"),
        ("demo_", "snake case"),
        ("a__b", "snake case"),
        ("2pc", "snake case"),
        ("de-mo", "snake case"),
        ("../demo", "snake case"),
        ("démo", "snake case"),
        ("match", "keyword"),
        ("gen", "keyword"),
        ("core", "cannot be called"),
        ("seedbed_sim", "cannot be called"),
        (LONG, "too long"),
    ] {
        let problem = Name::new(wrong).expect_err(wrong).to_string();
        assert!(problem.contains(expected), "'{wrong}' should say '{expected}': {problem}");
    }
}

/// What `rustfmt` makes of a text, by the rules of this workspace.
fn formatted(text: &str) -> String {
    let rules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rustfmt.toml");
    let mut command = Command::new("rustfmt");
    command.args(["--edition", "2024", "--config-path"]).arg(rules).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut rustfmt = command.spawn().expect("rustfmt is a part of the toolchain");
    rustfmt.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("rustfmt reads");
    let output = rustfmt.wait_with_output().expect("rustfmt ends");
    assert!(output.status.success(), "it does not parse: {text}");
    String::from_utf8(output.stdout).expect("Rust is text")
}

#[test]
fn scaffolds_of_any_name_are_formatted_and_change_one_line_of_what_is_there() {
    let workspace = here();
    for name in names().map(|text| name(&text)) {
        for family in ["examples", "transactions", "replication"] {
            let plan = scaffold::model(&workspace, &name, family).expect("nothing is called so");
            let files: Vec<_> = plan.created.iter().map(|(file, _)| file.display().to_string()).collect();
            let expected = [
                format!("models/src/{family}/{name}.rs"),
                format!("properties/src/{family}/{name}.rs"),
                format!("properties/tests/{family}/{name}.rs"),
            ];
            assert_eq!(files, expected);
            for (file, text) in &plan.created {
                assert!(!text.contains("tutorial") && !text.contains("Tutorial"), "{} is a copy", file.display());
            }
            judge(&workspace, &plan);
        }
        let plan = scaffold::property(&workspace, &name, USUAL_MODEL).expect("nothing is called so");
        assert_eq!(plan.created.len(), 2);
        assert_eq!(plan.edited.len(), 2, "a property registers nothing but its module and that of its test");
        judge(&workspace, &plan);
    }
}

fn judge(workspace: &Workspace, plan: &Plan) {
    let is_rust = |file: &Path| file.extension().is_some_and(|extension| extension == "rs");
    for (file, text) in plan.created.iter().chain(&plan.edited).filter(|(file, _)| is_rust(file)) {
        assert_eq!(*text, formatted(text), "{}", file.display());
    }
    for (file, text) in &plan.created {
        for template in ["leaflet", "Leaflet"] {
            assert!(!text.contains(template), "{} speaks of its template: {template}", file.display());
        }
    }
    for (file, text) in &plan.edited {
        let before = std::fs::read_to_string(workspace.root().join(file)).expect("it is there");
        let mut lines: Vec<_> = text.split_inclusive('\n').collect();
        let was: Vec<_> = before.split_inclusive('\n').collect();
        let new = lines.iter().zip(&was).position(|(a, b)| a != b).unwrap_or(was.len());
        lines.remove(new);
        assert_eq!(lines, was, "{} has one line more and is the same otherwise", file.display());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let workspace = here();
    let refused = |plan: anyhow::Result<Plan>, expected: &str| {
        let problem = plan.expect_err(expected).to_string();
        assert!(problem.contains(expected), "should say '{expected}': {problem}");
    };
    let model = |text: &str, family: &str| scaffold::model(&workspace, &name(text), family);
    refused(model("raft", USUAL_FAMILY), "models/src/replication/raft");
    refused(model("tutorial", USUAL_FAMILY), "models/src/examples/tutorial.rs");
    refused(model("lock", USUAL_FAMILY), "models/src/caching/lock");
    refused(model("message", USUAL_FAMILY), "the type Message");
    refused(model("demo", "weather"), "replication");
    let property = |text: &str, model: &str| scaffold::property(&workspace, &name(text), model);
    refused(property("echo", USUAL_MODEL), "echo");
    refused(property("demo", "weather"), "no model weather");
    refused(property("demo", "raft"), "looks at a tally");
    refused(property("broken", USUAL_MODEL), "the type Broken");
}

// -------------------------------------------------------------------------------------------------------------------
// The tool, in a copy of what it looks at

/// The files that scaffolds edit, and those that make a directory the workspace.
const PARTS: [&str; 12] = [
    "Cargo.toml",
    "docs/SUMMARY.md",
    "models/src/examples/mod.rs",
    "models/src/examples/tutorial.rs",
    "models/src/replication/mod.rs",
    "properties/src/examples/mod.rs",
    "properties/src/examples/tutorial.rs",
    "properties/src/replication/mod.rs",
    "properties/tests/examples/main.rs",
    "properties/tests/examples/tutorial.rs",
    "properties/tests/replication/main.rs",
    "properties/src/registry.rs",
];

fn copy(of: &str) -> PathBuf {
    let copy = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("scaffold").join(of);
    let _ = std::fs::remove_dir_all(&copy);
    for part in PARTS {
        let (from, to) = (here().root().join(part), copy.join(part));
        std::fs::create_dir_all(to.parent().expect("a file is in a directory")).expect("the target directory is ours");
        std::fs::copy(from, to).expect("the target directory is ours");
    }
    copy
}

/// All files below a directory, with what they hold.
fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let entries =
        std::fs::read_dir(directory).expect("it is there").map(|entry| entry.expect("it can be listed").path());
    let inside = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            BTreeMap::from([(path.clone(), std::fs::read_to_string(&path).expect("these are texts"))])
        }
    };
    entries.flat_map(inside).collect()
}

fn new(place: &Path, words: &str) -> Output {
    crate::program::seedbed(place, &format!("new {words}"))
}

#[test]
fn a_scaffold_is_written_from_anywhere_inside_and_never_over_anything() {
    let copy = copy("written");
    let before = files(&copy);
    let output = new(&copy.join("models/src/examples"), "model dry_run --json");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let line: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a JSON line");
    assert_eq!((line["created"].as_array().map(Vec::len), line["edited"].as_array().map(Vec::len)), (Some(3), Some(5)));
    let after = files(&copy);
    assert_eq!(after.len(), before.len() + 3);
    assert!(after[&copy.join("models/src/examples/mod.rs")].contains("\npub mod dry_run;\npub mod echo;\n"));
    assert!(after[&copy.join("properties/tests/examples/main.rs")].contains("\nmod dry_run;\nmod echo;\n"));
    assert!(after[&copy.join("properties/src/registry.rs")].contains("component(crate::examples::dry_run::suite),"));

    // A property of the new model; its own tests are a file beside the others.
    let output = new(&copy, "property dry_run_never_ahead --for dry_run");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("properties/src/examples/dry_run_never_ahead.rs"), "{text}");
    assert!(text.contains("cargo test -p seedbed-properties --test examples dry_run_never_ahead::"), "{text}");
    let property = &files(&copy)[&copy.join("properties/src/examples/dry_run_never_ahead.rs")];
    assert!(property.contains("impl Property<DryRun> for DryRunNeverAhead"), "{property}");

    let before = files(&copy);
    for (words, expected) in [
        ("model dry_run", "models/src/examples/dry_run.rs"),
        ("model dry_run_never_ahead", "properties/src/examples/dry_run_never_ahead.rs"),
        ("property dry_run_never_ahead", "dry_run_never_ahead"),
        ("property dry_run", "dry_run"),
        ("model Demo2", "snake case"),
        ("model static", "keyword"),
        ("model fresh --family weather", "examples"),
        ("property fresh --for nobody", "no model nobody"),
    ] {
        let output = new(&copy, words);
        assert_eq!(output.status.code(), Some(2), "{words}: {}", err(&output));
        assert!(err(&output).contains(expected), "'{words}' should say '{expected}': {}", err(&output));
        assert_eq!(files(&copy), before, "{words} wrote something");
    }
}

#[test]
fn without_a_place_for_a_line_nothing_is_written() {
    let copy = copy("changed");
    let registry = copy.join("properties/src/registry.rs");
    std::fs::write(&registry, "pub fn all() -> Vec<u8> {\n    Vec::new()\n}\n").expect("the copy is ours");
    let before = files(&copy);
    let output = new(&copy, "model dry_run");
    assert_eq!(output.status.code(), Some(2), "{}", err(&output));
    let told = err(&output);
    assert!(told.contains("properties/src/registry.rs") && told.contains("component(crate::"), "{told}");
    assert_eq!(files(&copy), before);

    std::fs::write(copy.join("models/src/examples/mod.rs"), "//! Nothing.\n").expect("the copy is ours");
    let output = new(&copy, "model dry_run");
    assert!(err(&output).contains("pub mod dry_run;"), "{}", err(&output));
}

#[test]
fn outside_of_the_workspace_one_is_told_where_to_go() {
    let output = new(&std::env::temp_dir(), "model dry_run");
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("not inside the workspace"), "{}", err(&output));
}

// -------------------------------------------------------------------------------------------------------------------
// A crate outside of the workspace

#[test]
fn a_project_of_any_name_is_formatted_and_speaks_of_nothing_else() {
    for name in names().map(|text| name(&text)) {
        let project = Project::new(name.clone(), &Source::Git("https://example.org/seedbed".into())).expect("it fits");
        for (file, text) in &project.files {
            if file.extension().is_some_and(|extension| extension == "rs") {
                assert_eq!(*text, formatted(text), "{}", file.display());
            }
            for word in ["tutorial", "Tutorial", "@", "crate::parts"] {
                assert!(!text.contains(word), "{}: {word}", file.display());
            }
        }
        let (_, manifest) = &project.files[0];
        assert_eq!(manifest.matches("git = \"https://example.org/seedbed\"").count(), 4, "{manifest}");
    }
}

#[test]
fn a_project_is_written_once_and_only_under_a_name_that_is_free() {
    let place = crate::program::place("project");
    std::fs::remove_file(place.join("Cargo.lock")).expect("the directory is ours");
    for (words, expected) in [
        ("raft", "a component raft"),
        ("serde", "depends on"),
        ("Mine", "snake case"),
        ("match", "keyword"),
        ("seedbed_sim", "cannot be called"),
        ("message", "the type Message"),
        ("mine --path .", "no clone of seedbed"),
    ] {
        let output = new(&place, &format!("project {words}"));
        assert_eq!(output.status.code(), Some(2), "{words}: {}", err(&output));
        assert!(err(&output).contains(expected), "'{words}' should say '{expected}': {}", err(&output));
        assert!(files(&place).is_empty(), "{words} wrote something");
    }
    let output = new(&place, "project mine --json");
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let written = files(&place);
    assert_eq!(written.len(), 10);
    let main = &written[&place.join("mine/src/main.rs")];
    assert!(main.lines().count() < 10 && main.contains("seedbed::cli().component(mine::suite).main()"), "{main}");
    let again = new(&place, "project mine");
    assert_eq!(again.status.code(), Some(2));
    assert_eq!(files(&place), written);
}
