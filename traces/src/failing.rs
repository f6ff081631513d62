//! The first failing seeds of a component: what the measurements of stories begin with.

use std::sync::Mutex;

use crate::component::{Component, Options};

/// How many seeds are run between looks at what they found.
const BATCH: u64 = 256;

/// The first `wanted` seeds that violate `property`, ascending; fewer, if `most` seeds do not show so many.
///
/// # Errors
/// If the options do not fit the model.
pub fn failing_seeds(
    component: &dyn Component,
    options: &Options,
    property: &str,
    wanted: usize,
    most: u64,
) -> anyhow::Result<Vec<u64>> {
    let mut seeds = Vec::new();
    let mut begin = 0;
    while seeds.len() < wanted && begin < most {
        let found = Mutex::new(Vec::new());
        component.sweep(options, begin..begin + BATCH, &|result| {
            if result.violation.is_some_and(|violation| violation.property == property) {
                found.lock().expect("nobody panics with it").push(result.seed);
            }
            true
        })?;
        let mut found = found.into_inner().expect("nobody panics with it");
        found.sort_unstable();
        seeds.extend(found);
        begin += BATCH;
    }
    seeds.truncate(wanted);
    Ok(seeds)
}
