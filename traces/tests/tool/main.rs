//! The tool, as a program and from within. (Apart from these: `guide`, which changes its directory, and
//! `scaffold_templates`, which stands for other crates.)

mod atlas;
mod boundaries;
mod check;
mod check_formats;
mod cli;
mod corpus;
mod drawings;
mod endings;
mod extremes;
mod fuzz;
mod imports;
mod kills;
mod limits;
mod program;
mod scaffold;
mod shards;
mod viewer;
mod workload;
