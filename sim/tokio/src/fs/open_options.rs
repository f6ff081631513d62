//! How a file is opened.

use std::io::Result;
use std::path::Path;

use seedbed_sim::host::OpenHow;
use seedbed_sim::host::task::{say, with_files};

use super::File;

/// How a file is opened.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    how: OpenHow,
}

impl OpenOptions {
    /// Nothing is allowed yet.
    pub fn new() -> Self {
        OpenOptions::default()
    }

    /// Whether it may be read.
    pub fn read(&mut self, read: bool) -> &mut Self {
        self.how.read = read;
        self
    }

    /// Whether it may be written.
    pub fn write(&mut self, write: bool) -> &mut Self {
        self.how.write = write;
        self
    }

    /// Whether what is written goes to the end.
    pub fn append(&mut self, append: bool) -> &mut Self {
        self.how.append = append;
        self
    }

    /// Whether what is there is removed.
    pub fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.how.truncate = truncate;
        self
    }

    /// Whether a file that is missing is made.
    pub fn create(&mut self, create: bool) -> &mut Self {
        self.how.create = create;
        self
    }

    /// Whether a file that is there is an error.
    pub fn create_new(&mut self, create_new: bool) -> &mut Self {
        self.how.create_new = create_new;
        self
    }

    /// Opens the file.
    ///
    /// # Errors
    /// As `open(2)`.
    pub async fn open(&self, path: impl AsRef<Path>) -> Result<File> {
        super::turn().await;
        let path = path.as_ref();
        say(|| format!("opens {}", path.display()));
        let opened = with_files(|files| files.open(path, self.how))?;
        Ok(File::of(opened, path.to_path_buf(), self.how))
    }
}
