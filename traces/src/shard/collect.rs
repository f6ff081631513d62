//! Merges the results of workers. A part is identified by its model and seeds: duplicates count once, whichever files
//! they are in. Missing parts are named.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use anyhow::bail;
use seedbed_sim::Summary;
use serde_json::Value;

use super::Shard;
use super::record::{Closing, FORMAT, Header, Line, Part, Seeds, Swept, Unread};

/// The results of one sweep, from any number of files.
#[derive(Clone, Debug, Default)]
pub struct Collected {
    sweep: Option<(Swept, u64, Place)>,
    shards: BTreeSet<Shard>,
    /// By the model's index in the sweep, and the seeds.
    parts: BTreeMap<(usize, u64, u64), (Summary, Place)>,
    /// The summaries of shards without parts.
    closings: BTreeMap<u64, Summary>,
    failing: BTreeMap<(String, u64), Value>,
    notes: Vec<String>,
}

/// The position of a line.
#[derive(Clone, Debug)]
struct Place {
    file: String,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.file, self.line)
    }
}

/// Seeds of a shard that are in no file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The shard of the seeds.
    pub shard: Shard,
    /// The missing seeds by model.
    pub seeds: Vec<(String, Vec<Seeds>)>,
    /// Whether these are all seeds of the shard.
    pub all: bool,
}

/// The most ranges of missing seeds that are printed.
const NAMED: usize = 3;

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shard {} is {}", self.shard, if self.all { "missing" } else { "incomplete" })?;
        for (model, seeds) in &self.seeds {
            let named: Vec<_> = seeds.iter().take(NAMED).map(Seeds::to_string).collect();
            write!(f, "; {model}: seeds {}", named.join(", "))?;
            let more = seeds.len() - named.len();
            if more > 0 {
                write!(f, " and {more} ranges more")?;
            }
        }
        Ok(())
    }
}

/// The merged result.
#[derive(Clone, Debug)]
pub struct Joined {
    /// The models, seeds and options of the sweep.
    pub swept: Swept,
    /// The number of shards.
    pub of: u64,
    /// The summary of the seeds that are there.
    pub summary: Summary,
    /// The lines of failing seeds, by model and seed.
    pub failing: Vec<Value>,
    /// The seeds that are missing.
    pub missing: Vec<Missing>,
    /// Minor problems of the files, one sentence each.
    pub notes: Vec<String>,
}

impl Collected {
    /// Reads a file's text.
    ///
    /// # Errors
    /// If it has no results of a sweep, or those of another sweep than earlier files, or contradicts them.
    pub fn read(&mut self, file: &str, text: &str) -> anyhow::Result<()> {
        let mut header: Option<Header> = None;
        let mut known = false;
        let mut damaged: Vec<(Place, String)> = Vec::new();
        let mut cut_off = None;
        if text.trim().is_empty() {
            self.notes.push(format!("{file} is empty"));
        }
        for (number, whole) in text.split_inclusive('\n').enumerate() {
            let line = whole.trim_end();
            if line.is_empty() {
                continue;
            }
            let place = Place { file: file.to_string(), line: number + 1 };
            let read = match Line::read(line) {
                Ok(line) => self.take(line, &mut header, &place)?,
                Err(Unread::OtherFormat(format)) if format > FORMAT => {
                    bail!("{place}: a later version of seedbed wrote this, in format {format}; merge with that version")
                }
                Err(Unread::OtherFormat(format)) => {
                    bail!("{place}: an earlier version of seedbed wrote this, in format {format}; run the sweep again")
                }
                Err(Unread::Changed) if whole.ends_with('\n') => {
                    known = true;
                    Err("its digest does not fit: it was changed or damaged".to_string())
                }
                Err(Unread::Changed) => {
                    cut_off = Some(place);
                    continue;
                }
                Err(Unread::Damaged(_)) if !whole.ends_with('\n') => {
                    cut_off = Some(place);
                    continue;
                }
                Err(Unread::Damaged(problem)) => Err(problem),
            };
            match read {
                Ok(()) => known = true,
                Err(problem) => damaged.push((place, problem)),
            }
        }
        if let (false, Some((place, problem))) = (known, damaged.first()) {
            bail!("{file} is not the result of a sweep: {place}: {problem}");
        }
        let notes = damaged.into_iter().map(|(place, problem)| format!("{place}: refused, because {problem}"));
        self.notes.extend(notes);
        self.notes
            .extend(cut_off.map(|place| format!("{place}: cut off in the middle; the whole lines before it are used")));
        Ok(())
    }

    /// Adds a line. The inner error concerns this line only, the outer one the whole merge.
    fn take(&mut self, line: Line, header: &mut Option<Header>, place: &Place) -> anyhow::Result<Result<(), String>> {
        match line {
            Line::Header(read) => {
                self.belongs(read.swept.clone(), read.shard, place)?;
                *header = Some(read);
                Ok(Ok(()))
            }
            Line::Part(part) => match header {
                Some(header) => self.take_part(part, header, place),
                None => Ok(Err("nothing before it says what was swept".to_string())),
            },
            Line::Failing(model, seed, value) => {
                self.fails(model, seed, value);
                Ok(Ok(()))
            }
            // Its parts have the same results.
            Line::Closing(_) if header.is_some() => Ok(Ok(())),
            Line::Closing(closing) => self.take_closing(*closing, place).map(Ok),
        }
    }

    /// Checks that a file is of the same sweep as earlier ones.
    fn belongs(&mut self, swept: Swept, shard: Shard, place: &Place) -> anyhow::Result<()> {
        self.shards.insert(shard);
        let Some((first, of, there)) = &mut self.sweep else {
            self.sweep = Some((swept, shard.of(), place.clone()));
            return Ok(());
        };
        if let Some(difference) = first.differs(&swept) {
            bail!("{place} is of another sweep than {}: {difference}; merge them apart", there.file);
        }
        if *of != shard.of() {
            bail!("{place}: shard {shard} does not belong to those in {}, which are {of} in number", there.file);
        }
        first.complete(swept);
        Ok(())
    }

    fn take_part(&mut self, part: Part, header: &Header, place: &Place) -> anyhow::Result<Result<(), String>> {
        let Range { start, end } = part.seeds.0;
        let share = header.shard.share(&header.swept.seeds.0);
        let model = header.swept.models.iter().position(|model| *model == part.model);
        let Some(model) = model.filter(|_| share.start <= start && end <= share.end) else {
            return Ok(Err(format!("{}, seeds {}, is not in shard {}", part.model, part.seeds, header.shard)));
        };
        match self.parts.entry((model, start, end)) {
            Entry::Vacant(entry) => drop(entry.insert((part.summary, place.clone()))),
            Entry::Occupied(entry) => {
                let (first, there) = entry.get();
                if !agree(first, &part.summary) {
                    bail!(
                        "{place}: {}, seeds {}, came out differently than in {there}: the two workers did not run the same code, or the model is not deterministic",
                        part.model,
                        part.seeds
                    );
                }
            }
        }
        for line in part.failing {
            if let Some(seed) = line["seed"].as_u64() {
                self.fails(part.model.clone(), seed, line);
            }
        }
        Ok(Ok(()))
    }

    fn take_closing(&mut self, closing: Closing, place: &Place) -> anyhow::Result<()> {
        let Closing { summary, seeds, shard, options, tool, probe, interrupted } = closing;
        if interrupted {
            // It is not known which seeds it has run.
            self.notes
                .push(format!("{place}: the sweep was interrupted and did not write its parts; it does not count"));
            return Ok(());
        }
        self.belongs(Swept { models: summary.models.clone(), seeds, options, tool, probe }, shard, place)?;
        match self.closings.entry(shard.index()) {
            Entry::Vacant(entry) => drop(entry.insert(summary)),
            Entry::Occupied(entry) if agree(entry.get(), &summary) => {}
            Entry::Occupied(_) => bail!("{place}: shard {shard} came out differently in another file"),
        }
        Ok(())
    }

    /// A failing seed may be in several lines; the one with a trace is kept.
    fn fails(&mut self, model: String, seed: u64, line: Value) {
        let known = self.failing.entry((model, seed)).or_insert(Value::Null);
        if known["trace"].is_null() {
            *known = line;
        }
    }

    /// The sweep, its number of shards, and the first file that declares them.
    pub fn sweep(&self) -> Option<(&Swept, u64, &str)> {
        self.sweep.as_ref().map(|(swept, of, place)| (swept, *of, &place.file[..]))
    }

    /// The shards of the files, complete or not.
    pub fn shards(&self) -> &BTreeSet<Shard> {
        &self.shards
    }

    /// The result of these seeds of a model, if they are a part that is there.
    pub fn part(&self, model: &str, seeds: &Range<u64>) -> Option<&Summary> {
        let (swept, ..) = self.sweep.as_ref()?;
        let place = swept.models.iter().position(|known| known == model)?;
        self.parts.get(&(place, seeds.start, seeds.end)).map(|(summary, _)| summary)
    }

    /// The known failing seeds of a model, with their lines.
    pub fn failing(&self, model: &str) -> impl Iterator<Item = (u64, &Value)> {
        self.failing.iter().filter(move |((of, _), _)| of == model).map(|((_, seed), line)| (*seed, line))
    }

    /// Merges all files.
    ///
    /// # Errors
    /// If nothing was read, or parts overlap.
    pub fn join(self) -> anyhow::Result<Joined> {
        let Some((swept, of, _)) = &self.sweep else {
            let notes = self.notes.join("; ");
            bail!(
                "there is nothing to join: no file says what was swept{}{notes}",
                if notes.is_empty() { "" } else { ": " }
            );
        };
        let mut summary = Summary::default();
        let mut missing = Vec::new();
        for index in 0..*of {
            let shard = Shard::new(index, *of).expect("the index is below the number");
            let gaps = self.gaps(swept, shard)?;
            let share = shard.share(&swept.seeds.0);
            match self.closings.get(&index).filter(|_| gaps.is_some()) {
                Some(closing) => summary = summary.merged(closing.clone()),
                None => {
                    let own = self.parts.iter().filter(|((_, start, _), _)| share.contains(start));
                    summary = own.fold(summary, |sum, (_, (part, _))| sum.merged(part.clone()));
                    missing.extend(gaps);
                }
            }
        }
        // In the order of the command line, independent of the order of workers.
        summary.models.sort_by_key(|model| swept.models.iter().position(|known| known == model));
        Ok(Joined {
            swept: swept.clone(),
            of: *of,
            summary,
            failing: self.failing.into_values().collect(),
            missing,
            notes: self.notes,
        })
    }

    /// The seeds of a shard that are in no part, if there are any.
    fn gaps(&self, swept: &Swept, shard: Shard) -> anyhow::Result<Option<Missing>> {
        let share = shard.share(&swept.seeds.0);
        let mut missing = Missing { shard, seeds: Vec::new(), all: true };
        for (place, model) in swept.models.iter().enumerate() {
            let mut seeds = Vec::new();
            let mut next = share.start;
            for ((_, start, end), (_, place)) in self.parts.range((place, share.start, 0)..(place, share.end, 0)) {
                if *start < next {
                    bail!("{place}: {model}, seeds {start}..{end}, overlaps with the part before it");
                }
                if *start > next {
                    seeds.push(Seeds(next..*start));
                }
                next = *end;
            }
            if next < share.end {
                seeds.push(Seeds(next..share.end));
            }
            missing.all &= seeds == [Seeds(share.clone())];
            if !seeds.is_empty() {
                missing.seeds.push((model.clone(), seeds));
            }
        }
        Ok(Some(missing).filter(|missing| !missing.seeds.is_empty()))
    }
}

/// Whether two workers have the same result, apart from the time.
fn agree(a: &Summary, b: &Summary) -> bool {
    let timeless = |summary: &Summary| Summary { seconds: 0.0, threads: 0, ..summary.clone() };
    timeless(a) == timeless(b)
}
