//! The output of a worker: standard output, or a file that another worker can continue.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::collect::Collected;
use super::record::{Header, Part, sealed};
use crate::{files, say};

/// The beginning of each file.
const BEGINNING: &[u8] = b"{\"sweep\":";

/// The destination of a worker's lines.
#[derive(Debug)]
pub enum Results {
    /// None: they will not be merged.
    Nowhere,
    /// Standard output.
    Output,
    /// The end of a file.
    File(PathBuf, Mutex<File>),
}

impl Results {
    /// Begins a file, or continues one of the same shard of the same sweep; also returns the results in it.
    ///
    /// # Errors
    /// If it cannot be read or written, or contains something else; then it is unchanged.
    pub fn in_file(path: &Path, header: &Header) -> anyhow::Result<(Results, Collected)> {
        let mut open = OpenOptions::new();
        let file = open.read(true).append(true).create(true).open(path);
        let mut file = file.with_context(|| format!("cannot write to {}", path.display()))?;
        let bytes = files::HISTORIES.bytes_from(&mut file);
        let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
        // A killed worker may have left an incomplete line, whose part is run again.
        let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        let (lines, half) = bytes.split_at(whole);
        let mut collected = Collected::default();
        if !lines.is_empty() {
            collected.read(&path.display().to_string(), &String::from_utf8_lossy(lines))?;
            may_go_on(path, header, &collected)?;
        } else if !BEGINNING.starts_with(half) && !half.starts_with(BEGINNING) {
            bail!("{} is there, and is not the result of a sweep: name another file", path.display());
        }
        if whole < bytes.len() {
            file.set_len(whole as u64).with_context(|| format!("cannot write to {}", path.display()))?;
        }
        let results = Results::File(path.to_path_buf(), Mutex::new(file));
        results.line(&json!({"sweep": header}))?;
        Ok((results, collected))
    }

    /// Begins output on standard output.
    ///
    /// # Errors
    /// None: a closed pipe ends the program.
    pub fn on_output(header: &Header) -> anyhow::Result<Results> {
        Results::Output.line(&json!({"sweep": header}))?;
        Ok(Results::Output)
    }

    /// Writes a line to the file, if there is one; standard output has it already.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, line: &Value) -> anyhow::Result<()> {
        match self {
            Results::Nowhere | Results::Output => Ok(()),
            Results::File(..) => self.line(line),
        }
    }

    /// Writes a finished part.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn part(&self, part: &Part) -> anyhow::Result<()> {
        self.line(&json!({"part": part}))
    }

    /// Writes a complete line.
    fn line(&self, line: &Value) -> anyhow::Result<()> {
        match self {
            Results::Nowhere => Ok(()),
            Results::Output => {
                print_line(line);
                Ok(())
            }
            Results::File(path, file) => {
                let mut file = file.lock().expect("nobody panics with it");
                // One write call for each line, so that a killed worker leaves at most one incomplete line.
                let written = file.write_all(format!("{}\n", sealed(line)).as_bytes());
                written.with_context(|| format!("cannot write to {}", path.display()))
            }
        }
    }
}

/// Prints a line to standard output, with its digest.
pub fn print_line(line: &Value) {
    say!("{}", sealed(line));
}

/// Checks that a file is of this shard of this sweep.
fn may_go_on(path: &Path, header: &Header, collected: &Collected) -> anyhow::Result<()> {
    let path = path.display();
    let Some((swept, ..)) = collected.sweep() else {
        bail!("{path} does not say what was swept: name another file");
    };
    if let Some(difference) = header.swept.differs(swept) {
        bail!("{path} is of another sweep: {difference}; name another file");
    }
    match collected.shards().iter().find(|shard| **shard != header.shard) {
        Some(other) => bail!("{path} is of shard {other}, not {}: name another file", header.shard),
        None => Ok(()),
    }
}
