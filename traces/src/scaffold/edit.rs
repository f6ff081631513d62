//! Adds one line to a source file at the right position, and leaves the rest unchanged.

/// Adds `pub mod NAME;` to a file's text, whose modules are sorted by name.
///
/// # Errors
/// The line to add by hand, if the file has no modules or has this one.
pub fn with_module(text: &str, name: &str) -> Result<String, String> {
    with_line_of_module(text, name, "pub mod")
}

/// The same with `mod NAME;`, for a program.
///
/// # Errors
/// The line to add by hand, if the file has no modules or has this one.
pub fn with_private_module(text: &str, name: &str) -> Result<String, String> {
    with_line_of_module(text, name, "mod")
}

fn with_line_of_module(text: &str, name: &str, keywords: &str) -> Result<String, String> {
    let line = format!("{keywords} {name};");
    let mut modules = Vec::new();
    let mut at = 0;
    for whole in text.split_inclusive('\n') {
        match module(whole.trim_end()) {
            Some(module) => modules.push((at, module)),
            // The first block of modules.
            None if !modules.is_empty() => break,
            None => {}
        }
        at += whole.len();
    }
    if modules.iter().any(|(_, module)| *module == name) {
        return Err(format!("it has a module {name} already; choose another name"));
    }
    let Some((last, _)) = modules.last() else {
        return Err(format!("it has no modules to put another one beside; add '{line}' by hand first"));
    };
    let after_last = text[*last..].find('\n').map_or(text.len(), |end| last + end + 1);
    let place = modules.iter().find(|(_, module)| *module > name).map_or(after_last, |(place, _)| *place);
    Ok(with_line(text, place, &line))
}

/// The name in `mod NAME;` or `pub mod NAME;`; `None` for other lines.
fn module(line: &str) -> Option<&str> {
    let name = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?.strip_suffix(';')?;
    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_').then_some(name)
}

/// Adds a component to the registry's text, at the end of the list in `all`.
///
/// # Errors
/// The line to add by hand, if there is no such list.
pub fn with_component(text: &str, line: &str) -> Result<String, String> {
    let end = || {
        let body = text.find("pub fn all()")?;
        let list = body + text[body..].find("vec![\n")?;
        let end = list + text[list..].find("\n    ]")? + 1;
        (!text[body..end].contains("\n}")).then_some(end)
    };
    match end() {
        Some(end) => Ok(with_line(text, end, &format!("        {line}"))),
        None => {
            Err(format!("there is no list of components in a function 'all'; add '{line}' by hand to what lists them"))
        }
    }
}

/// Adds the page of a component to the guide's table of contents, after those of the others.
///
/// # Errors
/// The line to add by hand, if it lists no pages of components.
pub fn with_page(text: &str, name: &str) -> Result<String, String> {
    let line = format!("  - [{name}](components/{name}.md)");
    let Some(last) = text.rfind("](components/") else {
        return Err(format!("it lists no pages of components; add '{line}' by hand"));
    };
    let place = text[last..].find('\n').map_or(text.len(), |end| last + end + 1);
    Ok(with_line(text, place, &line))
}

fn with_line(text: &str, place: usize, line: &str) -> String {
    let (before, after) = text.split_at(place);
    let separator = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    format!("{before}{separator}{line}\n{after}")
}

#[cfg(test)]
mod tests {
    use super::{with_component, with_module, with_page, with_private_module};

    #[test]
    fn a_module_is_put_among_the_others_and_nothing_else_changes() {
        let text = "//! Words.\n\npub mod beech;\nmod oak;\n\npub use oak::Acorn;\npub mod zebra;\n";
        let expected = |line: &str, before: &str| text.replacen(before, &format!("{line}{before}"), 1);
        assert_eq!(with_module(text, "ash").as_deref(), Ok(&expected("pub mod ash;\n", "pub mod beech;")[..]));
        assert_eq!(with_module(text, "fir").as_deref(), Ok(&expected("pub mod fir;\n", "mod oak;")[..]));
        assert_eq!(with_module(text, "yew").as_deref(), Ok(&expected("pub mod yew;\n", "\npub use")[..]));
        assert_eq!(with_private_module("mod a;\n", "b").as_deref(), Ok("mod a;\nmod b;\n"));
        assert_eq!(with_module("mod a;", "b").as_deref(), Ok("mod a;\npub mod b;\n"), "a file without an end of line");
    }

    #[test]
    fn without_a_place_the_error_says_what_to_add() {
        let refused = with_module("//! Nothing yet.\n", "fir").expect_err("there is no place");
        assert!(refused.contains("pub mod fir;"), "{refused}");
        assert!(with_module("pub mod fir;\n", "fir").is_err(), "it is there already");
        let refused = with_component("fn all() {}\n", "component(a::suite),").expect_err("there is no list");
        assert!(refused.contains("component(a::suite),"), "{refused}");
        let elsewhere = "pub fn all() -> u8 {\n    0\n}\nfn other() {\n    vec![\n        1,\n    ]\n}\n";
        assert!(
            with_component(elsewhere, "component(a::suite),").is_err(),
            "a list in another function is another list"
        );
    }

    #[test]
    fn a_component_is_put_at_the_end_of_the_list() {
        let text = "pub fn all() -> V {\n    vec![\n        component(echo::suite),\n    ]\n}\n\nfn other() {}\n";
        let expected = text.replace("    ]\n", "        component(fir::suite),\n    ]\n");
        assert_eq!(with_component(text, "component(fir::suite),"), Ok(expected));
    }

    #[test]
    fn a_page_is_put_after_the_others() {
        let text = "- [All](components/index.md)\n  - [echo](components/echo.md)\n\n# More\n";
        let expected = text.replace("echo.md)\n", "echo.md)\n  - [fir](components/fir.md)\n");
        assert_eq!(with_page(text, "fir"), Ok(expected));
        assert!(with_page("# More\n", "fir").expect_err("there is no place").contains("components/fir.md"));
    }
}
