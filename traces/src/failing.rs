//! The first failing seeds of a component, for measurements of shrinking.

use crate::component::{Component, Options};

/// The first `wanted` seeds that violate `property`, ascending; fewer if the first `most` seeds have fewer.
///
/// # Errors
/// If the options do not fit the model.
pub fn failing_seeds(
    component: &Component,
    options: &Options,
    property: &str,
    wanted: usize,
    most: u64,
) -> anyhow::Result<Vec<u64>> {
    let mut seeds = Vec::new();
    component.prepare(options)?.failing(0..most, &|| true, &mut |seed, violation| {
        if violation.property == property {
            seeds.push(seed);
        }
        seeds.len() < wanted
    })?;
    Ok(seeds)
}
