//! Operations on whole files and on names.

use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use seedbed_sim::host::task::{say, with_files};

use super::file::File;
use super::turn::turn;

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
