//! Files on the node's simulated disk.
//!
//! What is written is seen at once by all tasks of the node, and survives a crash for certain when `sync_all` or `sync_data` has
//! covered it; [`seedbed_sim::host::Files`] says what a crash makes of the rest. Files have no permissions, links or times.
//! A machine begins with two folders, `/` (which is also where relative paths begin) and `/tmp`.

mod file;
mod folder;
mod metadata;
mod open_options;

pub use file::File;
pub use folder::{DirBuilder, DirEntry, ReadDir, create_dir, create_dir_all, read_dir, remove_dir, remove_dir_all};
pub use metadata::{FileType, Metadata, metadata, symlink_metadata, try_exists};
pub use open_options::OpenOptions;

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use madsim_tokio::task::yield_now;
use seedbed_sim::host::task::{say, with_files};

/// Every operation on files lets others run first, as one that waits for a disk does.
async fn turn() {
    yield_now().await;
}

/// The whole of a file.
///
/// # Errors
/// If there is none.
pub async fn read(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let file = File::open(path).await?;
    file.all()
}

/// The whole of a file, as text.
///
/// # Errors
/// If there is none, or it is not UTF-8.
pub async fn read_to_string(path: impl AsRef<Path>) -> Result<String> {
    let bytes = read(path).await?;
    String::from_utf8(bytes).map_err(|_| Error::new(ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// Makes a file with this content, or gives one that is there this content: the old one is cut off first, so a crash may leave
/// neither.
///
/// # Errors
/// If its folder is missing, or the disk is full.
pub async fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> Result<()> {
    let file = File::create(path).await?;
    file.put(0, contents.as_ref())
}

/// Copies the contents of a file.
///
/// # Errors
/// If there is none, or the copy cannot be written.
pub async fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<u64> {
    let contents = read(from).await?;
    write(to, &contents).await?;
    Ok(contents.len() as u64)
}

/// Gives a file or folder another name, in the place of what has it.
///
/// # Errors
/// As `rename(2)`.
pub async fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<()> {
    turn().await;
    let (from, to) = (from.as_ref(), to.as_ref());
    say(|| format!("renames {} to {}", from.display(), to.display()));
    with_files(|files| files.rename(from, to))
}

/// Removes a file.
///
/// # Errors
/// As `unlink(2)`.
pub async fn remove_file(path: impl AsRef<Path>) -> Result<()> {
    turn().await;
    let path = path.as_ref();
    say(|| format!("removes {}", path.display()));
    with_files(|files| files.remove_file(path))
}

/// The path without `.` and `..`, if there is something.
///
/// # Errors
/// If there is nothing.
pub async fn canonicalize(path: impl AsRef<Path>) -> Result<std::path::PathBuf> {
    turn().await;
    let path = path.as_ref();
    with_files(|files| files.find(path).map(|_| seedbed_sim::host::absolute(path)))
}
