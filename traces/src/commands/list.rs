//! `seedbed list`: components, what they tolerate, their properties, bugs and boundaries.

use crate::say;
use serde_json::json;

use crate::commands::Ended;
use crate::registry;
use crate::report::print_json;

/// Prints all components.
pub fn list(as_json: bool) -> Ended {
    for component in registry::all() {
        let info = component.info();
        let tolerates: Vec<_> = info.tolerates.iter().map(|class| class.name()).collect();
        if as_json {
            print_json(&json!({
                "model": info.name,
                "row": info.row,
                "family": info.family,
                "summary": info.summary,
                "tolerates": tolerates,
                "roles": info.roles,
                "properties": component.properties(),
                "bugs": info.bugs.iter().map(|bug| bug.name).collect::<Vec<_>>(),
                "boundaries": component.boundaries().iter().map(|boundary| boundary.name).collect::<Vec<_>>(),
                "marks": component.marks(),
            }));
            continue;
        }
        let row = if info.row.is_empty() { String::new() } else { format!(" ({})", info.row) };
        say!("{}{row}, {}: {}", info.name, info.family, info.summary);
        say!("  tolerates   {}", tolerates.join(" "));
        say!("  properties  {}", component.properties().join("\n              "));
        for bug in info.bugs {
            say!("  bug         {}: {} → {}", bug.name, bug.what, bug.caught_by);
        }
        for boundary in component.boundaries() {
            say!("  boundary    {}: {} → {}", boundary.name, boundary.what, boundary.breaks);
        }
        say!();
    }
    Ended::Held
}
