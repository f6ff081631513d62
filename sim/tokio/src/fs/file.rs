//! An open file, and how it is opened.

use std::fmt;
use std::io::{Error, ErrorKind, Result, SeekFrom};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use madsim_tokio::io::{AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use seedbed_sim::host::task::{say, sync_takes, with_files};
use seedbed_sim::host::{Inode, OpenHow, Opened};

use super::metadata::Metadata;
use super::turn::turn;

/// An open file, or a folder that is opened to be synced.
pub struct File {
    opened: Opened,
    path: PathBuf,
    how: OpenHow,
    /// Where the next read or write begins; clones share it.
    at: Arc<Mutex<u64>>,
}

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
        turn().await;
        let path = path.as_ref();
        say(|| format!("opens {}", path.display()));
        let opened = with_files(|files| files.open(path, self.how))?;
        Ok(File::of(opened, path.to_path_buf(), self.how))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("path", &self.path).finish_non_exhaustive()
    }
}

impl File {
    pub(super) fn of(opened: Opened, path: PathBuf, how: OpenHow) -> Self {
        File { opened, path, how, at: Arc::default() }
    }

    /// Opens a file for reading.
    ///
    /// # Errors
    /// If there is none.
    pub async fn open(path: impl AsRef<Path>) -> Result<File> {
        OpenOptions::new().read(true).open(path).await
    }

    /// Makes an empty file, or empties one that is there, for writing.
    ///
    /// # Errors
    /// If its folder is missing, or the disk is full.
    pub async fn create(path: impl AsRef<Path>) -> Result<File> {
        OpenOptions::new().write(true).create(true).truncate(true).open(path).await
    }

    /// Makes an empty file, for reading and writing.
    ///
    /// # Errors
    /// If there is one.
    pub async fn create_new(path: impl AsRef<Path>) -> Result<File> {
        OpenOptions::new().read(true).write(true).create_new(true).open(path).await
    }

    /// How a file is opened in other ways.
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    fn inode(&self) -> Result<Inode> {
        match self.opened {
            Opened::File(inode) => Ok(inode),
            Opened::Folder(_) => Err(Error::new(ErrorKind::IsADirectory, "it is a directory")),
        }
    }

    fn may(&self, allowed: bool) -> Result<Inode> {
        let inode = self.inode()?;
        if allowed {
            Ok(inode)
        } else {
            Err(Error::new(ErrorKind::PermissionDenied, "the file was not opened for that"))
        }
    }

    pub(super) fn all(&self) -> Result<Vec<u8>> {
        let inode = self.may(self.how.read)?;
        Ok(with_files(|files| files.read(inode, 0, usize::MAX).to_vec()))
    }

    pub(super) fn put(&self, at: usize, bytes: &[u8]) -> Result<()> {
        let inode = self.may(self.how.write || self.how.append)?;
        say(|| format!("writes to {} at {at}: {}", self.path.display(), bytes.escape_ascii()));
        with_files(|files| files.write(inode, at, bytes))
    }

    /// Waits until everything that was written to the file so far is durable, and its name as well.
    ///
    /// # Errors
    /// Never.
    pub async fn sync_all(&self) -> Result<()> {
        turn().await;
        say(|| format!("syncs {}", self.path.display()));
        let begun = with_files(|files| files.begin_sync(&self.opened));
        let takes = Duration::from_nanos(sync_takes().0);
        if takes > Duration::ZERO {
            exactly(takes).await;
        }
        with_files(|files| files.end_sync(&begun));
        Ok(())
    }

    /// As [`File::sync_all`].
    ///
    /// # Errors
    /// Never.
    pub async fn sync_data(&self) -> Result<()> {
        self.sync_all().await
    }

    /// Cuts the file off, or fills it with zeros up to a length.
    ///
    /// # Errors
    /// If it was not opened for writing, or the disk is full.
    pub async fn set_len(&self, len: u64) -> Result<()> {
        turn().await;
        let inode = self.may(self.how.write || self.how.append)?;
        say(|| format!("sets the length of {} to {len}", self.path.display()));
        with_files(|files| files.set_len(inode, len as usize))
    }

    /// What is known of it.
    ///
    /// # Errors
    /// Never.
    pub async fn metadata(&self) -> Result<Metadata> {
        turn().await;
        Ok(match self.opened {
            Opened::File(inode) => Metadata::of_file(with_files(|files| files.len(inode)) as u64),
            Opened::Folder(_) => Metadata::of_folder(),
        })
    }

    /// The same open file once more: both read and write at the same place.
    ///
    /// # Errors
    /// Never.
    pub async fn try_clone(&self) -> Result<File> {
        Ok(File { opened: self.opened.clone(), path: self.path.clone(), how: self.how, at: self.at.clone() })
    }
}

/// Sleeps for less than a millisecond, too: madsim rounds up what it is not told as a deadline.
async fn exactly(span: Duration) {
    let clock = madsim::time::TimeHandle::current();
    let due = clock.now_instant() + span;
    let mut sleep = std::pin::pin!(clock.sleep(Duration::ZERO));
    sleep.as_mut().reset(due);
    sleep.await;
}

impl AsyncRead for File {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        let inode = self.may(self.how.read)?;
        let mut at = self.at.lock().expect("no panic while it is held");
        with_files(|files| {
            let bytes = files.read(inode, *at as usize, buffer.remaining());
            buffer.put_slice(bytes);
            *at += bytes.len() as u64;
        });
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for File {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<Result<usize>> {
        let inode = self.inode()?;
        let mut at = self.at.lock().expect("no panic while it is held");
        let from = if self.how.append { with_files(|files| files.len(inode)) } else { *at as usize };
        self.put(from, bytes)?;
        *at = (from + bytes.len()) as u64;
        Poll::Ready(Ok(bytes.len()))
    }

    /// Readers see what was written at once. To make it durable, sync.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for File {
    fn start_seek(self: Pin<&mut Self>, to: SeekFrom) -> Result<()> {
        let inode = self.inode()?;
        let mut at = self.at.lock().expect("no panic while it is held");
        let (from, by) = match to {
            SeekFrom::Start(at) => (at, 0),
            SeekFrom::End(by) => (with_files(|files| files.len(inode)) as u64, by),
            SeekFrom::Current(by) => (*at, by),
        };
        *at = from.checked_add_signed(by).ok_or_else(|| Error::new(ErrorKind::InvalidInput, "before the beginning"))?;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<u64>> {
        Poll::Ready(Ok(*self.at.lock().expect("no panic while it is held")))
    }
}
