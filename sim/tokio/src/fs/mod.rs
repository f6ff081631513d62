//! Files on the node's simulated disk.
//!
//! What is written is seen at once by all tasks of the node, and survives a crash for certain when `sync_all` or `sync_data` has
//! covered it; [`seedbed_sim::host::Files`] says what a crash makes of the rest. Files have no permissions, links or times.
//! A machine begins with two folders, `/` (which is also where relative paths begin) and `/tmp`.

mod file;
mod folder;
mod metadata;
mod turn;
mod whole;

pub use file::{File, OpenOptions};
pub use folder::{DirBuilder, DirEntry, ReadDir, create_dir, create_dir_all, read_dir, remove_dir, remove_dir_all};
pub use metadata::{FileType, Metadata, metadata, symlink_metadata, try_exists};
pub use whole::{canonicalize, copy, read, read_to_string, remove_file, rename, write};
