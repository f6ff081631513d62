//! Reading of whole files with a limit on their size: an infinite device is refused like a file that is too large. And writing
//! of files that users name, whole or not at all, and never over what was read.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use anyhow::{Context as _, bail};
use same_file::is_same_file;
use seedbed_sim::check::write_trace;

const MEGABYTE: u64 = 1_000_000;

/// The limit for a trace and other files of one story.
pub const TRACE: Most = Most { megabytes: 100 };
/// The limit for a file of histories, or of the results of a shard.
pub const HISTORIES: Most = Most { megabytes: 1_000 };

/// The limit for a source file that is edited.
pub const SOURCE: Most = Most { megabytes: 10 };

/// Writes a text to a file that a user named, so that a reader never sees half of it. Its folder is made, if need be.
///
/// # Errors
/// If it cannot be written, or is one of the `inputs`; then all files are as before.
pub fn write(file: &Path, text: &str, inputs: &[&Path]) -> anyhow::Result<()> {
    must_differ(file, inputs)?;
    write_trace(file, text).with_context(|| format!("cannot write {}", file.display()))
}

/// Checks, before long work, that a file to be written is none of those that are read.
///
/// # Errors
/// If it is one of them, under whatever name.
pub fn must_differ(file: &Path, inputs: &[&Path]) -> anyhow::Result<()> {
    match inputs.iter().find(|input| is_same_file(file, input).unwrap_or(false)) {
        Some(input) => bail!("{} is not written to, because it was read: name another file", input.display()),
        None => Ok(()),
    }
}

/// A limit on the size of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Most {
    megabytes: u64,
}

impl Most {
    /// Reads all of a file.
    ///
    /// # Errors
    /// If it cannot be read, or exceeds the limit.
    pub fn bytes_of(self, file: &Path) -> anyhow::Result<Vec<u8>> {
        let cannot = || format!("cannot read {}", file.display());
        let open = File::open(file).with_context(cannot)?;
        // A regular file is refused by its size, without being read.
        if open.metadata().is_ok_and(|known| known.len() > self.megabytes * MEGABYTE) {
            bail!("{}: {}", cannot(), self.refused());
        }
        self.bytes_from(open).with_context(cannot)
    }

    /// Reads all of a file, which must be text.
    ///
    /// # Errors
    /// If it cannot be read, exceeds the limit, or is no UTF-8 text.
    pub fn text_of(self, file: &Path) -> anyhow::Result<String> {
        let text = String::from_utf8(self.bytes_of(file)?).map_err(|_| std::io::Error::from(ErrorKind::InvalidData));
        text.with_context(|| format!("cannot read {}: it is no text (not UTF-8)", file.display()))
    }

    /// Reads all of a reader.
    ///
    /// # Errors
    /// If it cannot be read, or exceeds the limit.
    pub fn bytes_from(self, from: impl Read) -> anyhow::Result<Vec<u8>> {
        let most = self.megabytes * MEGABYTE;
        let mut bytes = Vec::new();
        from.take(most + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > most {
            bail!("{}", self.refused());
        }
        Ok(bytes)
    }

    fn refused(self) -> String {
        format!("it is larger than {} MB, which is the most that is read", self.megabytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_never_ends_is_refused_with_the_size_that_is_allowed() {
        let most = Most { megabytes: 1 };
        assert_eq!(most.bytes_from(&b"all of it"[..]).expect("it is small"), b"all of it");
        let refused = most.bytes_from(std::io::repeat(0)).expect_err("it never ends").to_string();
        assert!(refused.contains("larger than 1 MB"), "{refused}");
        let exactly = std::io::repeat(7).take(MEGABYTE);
        assert_eq!(most.bytes_from(exactly).map(|bytes| bytes.len()).ok(), Some(MEGABYTE as usize));
    }
}
