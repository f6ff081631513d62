//! The components that the command line knows: those of the library.

use seedbed_properties::registry;

use crate::component::Component;

/// All components, in the order of the catalogue.
pub fn all() -> Vec<Component> {
    registry::all().into_iter().map(Component::new).collect()
}

/// The component of this name.
///
/// # Errors
/// If there is none; the error lists those there are.
pub fn find(name: &str) -> anyhow::Result<Component> {
    let mut all = all();
    match all.iter().position(|component| component.info().name == name) {
        Some(place) => Ok(all.swap_remove(place)),
        None => {
            let known: Vec<_> = all.iter().map(|component| component.info().name).collect();
            anyhow::bail!("there is no model '{name}'; there are: {}", known.join(", "))
        }
    }
}
