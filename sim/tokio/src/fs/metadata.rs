//! What is known of a file.

use std::io::{ErrorKind, Result};
use std::path::Path;

use seedbed_sim::host::Entry;
use seedbed_sim::host::task::with_files;

use super::turn::turn;

/// What is known of a file or a folder.
#[derive(Clone, Debug)]
pub struct Metadata {
    kind: FileType,
    len: u64,
}

/// Whether it is a file or a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FileType {
    folder: bool,
}

impl FileType {
    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.folder
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        !self.folder
    }

    /// There are no links.
    pub fn is_symlink(&self) -> bool {
        false
    }
}

impl Metadata {
    pub(super) fn of_file(len: u64) -> Self {
        Metadata { kind: FileType { folder: false }, len }
    }

    pub(super) fn of_folder() -> Self {
        Metadata { kind: FileType { folder: true }, len: 0 }
    }

    pub(super) fn of(entry: &Entry) -> Self {
        match entry {
            Entry::Folder => Metadata::of_folder(),
            Entry::File(inode) => Metadata::of_file(with_files(|files| files.len(*inode)) as u64),
        }
    }

    /// Whether it is a file or a folder.
    pub fn file_type(&self) -> FileType {
        self.kind
    }

    /// Whether it is a folder.
    pub fn is_dir(&self) -> bool {
        self.kind.is_dir()
    }

    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.kind.is_file()
    }

    /// How many bytes it has.
    #[allow(clippy::len_without_is_empty, reason = "the standard library's metadata has none")]
    pub fn len(&self) -> u64 {
        self.len
    }
}

/// What is known of a file or folder.
///
/// # Errors
/// If there is none.
pub async fn metadata(path: impl AsRef<Path>) -> Result<Metadata> {
    turn().await;
    let entry = with_files(|files| files.find(path.as_ref()))?;
    Ok(Metadata::of(&entry))
}

/// As [`metadata`]: there are no links.
///
/// # Errors
/// If there is none.
pub async fn symlink_metadata(path: impl AsRef<Path>) -> Result<Metadata> {
    metadata(path).await
}

/// Whether there is a file or folder of this name.
///
/// # Errors
/// Never.
pub async fn try_exists(path: impl AsRef<Path>) -> Result<bool> {
    match metadata(path).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
