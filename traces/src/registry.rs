//! The registry of components: those that a program adds, and those of the library.
//!
//! There is one registry per process, set by [`crate::Cli::main`] before anything else, because commands have flags for
//! the settings of components, and clap asks a type for its flags, not a value. If none was set, as in tests of the
//! commands, it is the library's.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

use seedbed_properties::registry::{self as library, Registered};

use crate::component::Component;

/// A list of functions that create components.
pub struct Registry {
    own: Vec<Box<dyn Fn() -> Registered + Send + Sync>>,
    with_library: bool,
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.components().iter().map(|component| component.info().name)).finish()
    }
}

static INSTALLED: OnceLock<Registry> = OnceLock::new();

impl Registry {
    /// The components of the library.
    pub fn of_library() -> Self {
        Registry { own: Vec::new(), with_library: true }
    }

    /// Adds a component, before those of the library.
    pub fn add(&mut self, component: impl Fn() -> Registered + Send + Sync + 'static) {
        self.own.push(Box::new(component));
    }

    /// Removes the library's components.
    pub fn leave_out_the_library(&mut self) {
        self.with_library = false;
    }

    /// Sets the registry of this process.
    ///
    /// # Panics
    /// If it is set already, or two components have the same name, which would make traces ambiguous.
    pub fn install(self) {
        let mut names = BTreeSet::new();
        for component in self.components() {
            let name = component.info().name;
            assert!(names.insert(name), "registry: two components are called '{name}'");
        }
        assert!(INSTALLED.set(self).is_ok(), "registry: a process is the tool once");
    }

    /// The components of the program in the order of addition, then those of the library in the order of the catalogue.
    fn components(&self) -> Vec<Component> {
        let library = if self.with_library { library::all() } else { Vec::new() };
        self.own.iter().map(|make| make()).chain(library).map(Component::new).collect()
    }
}

/// All components of the registry.
pub fn all() -> Vec<Component> {
    INSTALLED.get_or_init(Registry::of_library).components()
}

/// The component of this name.
///
/// # Errors
/// If there is none.
pub fn find(name: &str) -> anyhow::Result<Component> {
    let mut all = all();
    match all.iter().position(|component| component.info().name == name) {
        Some(index) => Ok(all.swap_remove(index)),
        None => {
            let names: Vec<_> = all.iter().map(|component| component.info().name).collect();
            anyhow::bail!("there is no model '{name}'; there are {}", names.join(", "))
        }
    }
}
