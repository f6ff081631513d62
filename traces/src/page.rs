//! The frame of HTML pages: one file each without external resources, light and dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page with a title, its style sheet and its body.
pub fn page(title: &str, css: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(css)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}
