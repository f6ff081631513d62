//! Folders.

use std::ffi::OsString;
use std::io::{ErrorKind, Result};
use std::path::{Path, PathBuf};

use seedbed_sim::host::Entry;
use seedbed_sim::host::task::{say, with_files};

use super::metadata::{FileType, Metadata};
use super::turn::turn;
use super::whole::remove_file;

/// Makes a folder.
///
/// # Errors
/// If there is something of this name, or its folder is missing.
pub async fn create_dir(path: impl AsRef<Path>) -> Result<()> {
    turn().await;
    let path = path.as_ref();
    say(|| format!("makes the folder {}", path.display()));
    with_files(|files| files.create_folder(path))
}

/// Makes a folder and all that it is in.
///
/// # Errors
/// If a part of the path is a file.
pub async fn create_dir_all(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let missing: Vec<&Path> = path
        .ancestors()
        .filter(|part| !part.as_os_str().is_empty() && with_files(|files| files.find(part)).is_err())
        .collect();
    for part in missing.into_iter().rev() {
        match create_dir(part).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    match with_files(|files| files.find(path))? {
        Entry::Folder => Ok(()),
        Entry::File(_) => Err(ErrorKind::AlreadyExists.into()),
    }
}

/// Removes an empty folder.
///
/// # Errors
/// As `rmdir(2)`.
pub async fn remove_dir(path: impl AsRef<Path>) -> Result<()> {
    turn().await;
    let path = path.as_ref();
    say(|| format!("removes the folder {}", path.display()));
    with_files(|files| files.remove_folder(path))
}

/// Removes a folder and all that is in it.
///
/// # Errors
/// If there is none.
pub async fn remove_dir_all(path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref().to_path_buf();
    for (inside, entry) in with_files(|files| files.list(&path))? {
        match entry {
            Entry::Folder => Box::pin(remove_dir_all(inside)).await?,
            Entry::File(_) => remove_file(inside).await?,
        }
    }
    remove_dir(path).await
}

/// The names in a folder, in their order.
///
/// # Errors
/// If there is none.
pub async fn read_dir(path: impl AsRef<Path>) -> Result<ReadDir> {
    turn().await;
    let mut entries = with_files(|files| files.list(path.as_ref()))?;
    entries.reverse();
    Ok(ReadDir { entries, folder: path.as_ref().to_path_buf() })
}

/// The names in a folder, as they were when it was read.
#[derive(Debug)]
pub struct ReadDir {
    /// Those that are left, the next one last.
    entries: Vec<(PathBuf, Entry)>,
    folder: PathBuf,
}

impl ReadDir {
    /// The next one.
    ///
    /// # Errors
    /// Never.
    pub async fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        let folder = &self.folder;
        Ok(self.entries.pop().map(|(path, entry)| {
            let name = path.file_name().map(OsString::from).unwrap_or_default();
            DirEntry { path: folder.join(&name), name, entry }
        }))
    }
}

/// A name in a folder.
#[derive(Debug)]
pub struct DirEntry {
    path: PathBuf,
    name: OsString,
    entry: Entry,
}

impl DirEntry {
    /// The name with the folder's path before it.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }

    /// The name alone.
    pub fn file_name(&self) -> OsString {
        self.name.clone()
    }

    /// Whether it is a file or a folder.
    ///
    /// # Errors
    /// Never.
    pub async fn file_type(&self) -> Result<FileType> {
        Ok(Metadata::of(&self.entry).file_type())
    }

    /// What is known of it.
    ///
    /// # Errors
    /// Never.
    pub async fn metadata(&self) -> Result<Metadata> {
        Ok(Metadata::of(&self.entry))
    }
}

/// How a folder is made.
#[derive(Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
}

impl DirBuilder {
    /// One folder.
    pub fn new() -> Self {
        DirBuilder::default()
    }

    /// Whether all that it is in is made as well.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// Makes it.
    ///
    /// # Errors
    /// As [`create_dir`] or [`create_dir_all`].
    pub async fn create(&self, path: impl AsRef<Path>) -> Result<()> {
        if self.recursive { create_dir_all(path).await } else { create_dir(path).await }
    }
}
