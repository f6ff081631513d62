//! Where a worker's lines go: to standard output, or to a file with which another worker can go on.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use super::collect::Collected;
use super::record::{Header, Part};
use crate::files;
use crate::report::print_json;

/// How each file begins.
const BEGINNING: &[u8] = b"{\"sweep\":";

/// Where the lines of a worker go.
#[derive(Debug)]
pub enum Results {
    /// Nowhere: nobody will join them.
    Nowhere,
    /// To standard output.
    Output,
    /// To the end of a file.
    File(PathBuf, Mutex<File>),
}

impl Results {
    /// Begins a file, or goes on with one of the same shard of the same sweep; hands back what that has.
    ///
    /// # Errors
    /// If it cannot be read or written, or holds something else; then it is as it was.
    pub fn in_file(path: &Path, header: &Header) -> anyhow::Result<(Results, Collected)> {
        let mut open = OpenOptions::new();
        let file = open.read(true).append(true).create(true).open(path);
        let mut file = file.with_context(|| format!("cannot write to {}", path.display()))?;
        let bytes = files::HISTORIES.bytes_from(&mut file);
        let bytes = bytes.with_context(|| format!("cannot read {}", path.display()))?;
        // A worker that was killed may have left half of a line. What it told is run again.
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

    /// Begins on standard output.
    ///
    /// # Errors
    /// None: whoever stops reading ends the program.
    pub fn on_output(header: &Header) -> anyhow::Result<Results> {
        Results::Output.line(&json!({"sweep": header}))?;
        Ok(Results::Output)
    }

    /// Keeps a line that standard output has anyway.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn keep(&self, line: &Value) -> anyhow::Result<()> {
        match self {
            Results::Nowhere | Results::Output => Ok(()),
            Results::File(..) => self.line(line),
        }
    }

    /// Writes that a part is finished.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn part(&self, part: &Part) -> anyhow::Result<()> {
        self.line(&json!({"part": part}))
    }

    /// Writes a line, whole.
    fn line(&self, line: &Value) -> anyhow::Result<()> {
        match self {
            Results::Nowhere => Ok(()),
            Results::Output => {
                print_json(line);
                Ok(())
            }
            Results::File(path, file) => {
                let mut file = file.lock().expect("nobody panics with it");
                // One write a line: whoever is killed leaves no more than one half line.
                let written = file.write_all(format!("{line}\n").as_bytes());
                written.with_context(|| format!("cannot write to {}", path.display()))
            }
        }
    }
}

/// Makes sure that a file is of this shard of this sweep.
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
