//! The atlas: measurements of which component keeps its guarantees under which faults.
//!
//! A cell is a component, or one of its configurations, under exactly some classes of faults: many worlds, each with a
//! fault-free twin ([`measure`]), a verdict ([`verdict`]), and the story of a violation ([`story`]). Measurements are
//! cached by the version of the component ([`cache`], [`sources`]).

pub mod cache;
pub mod grid;
pub mod measure;
pub mod page;
pub mod provenance;
pub mod sources;
pub mod story;
pub mod verdict;

use std::sync::Mutex;

use anyhow::Context as _;
use indicatif::ProgressBar;
use rayon::prelude::*;
use seedbed_sim::{FaultClass, Info};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::atlas::cache::{Cache, Found};
use crate::atlas::grid::Row;
use crate::atlas::measure::cell::Cell;
use crate::atlas::measure::sample::samples;
use crate::atlas::provenance::{Provenance, version};
use crate::atlas::story::{Search, Story};
use crate::atlas::verdict::{Nothing, Verdict};
use crate::component::{Boundary, Component};
use crate::signals::interrupted;

/// The extent of the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effort {
    /// The number of seeds of a cell, counted from 0.
    pub seeds: u64,
    /// Whether configurations have rows.
    pub configurations: bool,
    /// Whether pairs of classes are measured.
    pub pairs: bool,
    /// The effort to find short stories.
    pub search: Search,
}

impl Effort {
    /// Takes seconds, for a tour.
    pub const TOUR: Effort =
        Effort { seeds: 24, configurations: false, pairs: false, search: Search { seeds: 1, runs: 200 } };
    /// Takes a minute or two: components only.
    pub const QUICK: Effort =
        Effort { seeds: 150, configurations: false, pairs: true, search: Search { seeds: 1, runs: 400 } };
    /// Takes tens of minutes on two cores, the first time.
    pub const USUAL: Effort =
        Effort { seeds: 300, configurations: true, pairs: true, search: Search { seeds: 3, runs: 4_000 } };
}

/// A complete atlas.
#[derive(Clone, Debug, PartialEq)]
pub struct Atlas {
    /// The sources that it was made from.
    pub provenance: Provenance,
    /// The extent of the measurements.
    pub effort: Effort,
    /// One chapter for each component.
    pub chapters: Vec<Chapter>,
}

/// The chapter of a component.
#[derive(Clone, Debug, PartialEq)]
pub struct Chapter {
    /// The component.
    pub info: Info,
    /// The names of its properties.
    pub properties: Vec<String>,
    /// The component first, then its configurations.
    pub rows: Vec<Measured>,
    /// Known violations outside the tolerance, each with its kept story.
    pub boundaries: Vec<(Boundary, Option<Story>)>,
}

/// A row with its cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The row of the grid.
    pub row: Row,
    /// First without faults, then the single classes, then the pairs.
    pub entries: Vec<Entry>,
}

/// A cell with its verdict and story.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The classes of faults; empty for worlds without faults.
    pub classes: Vec<FaultClass>,
    /// The measurements; `None` for pairs without new information.
    pub cell: Option<Cell>,
    /// The verdict on the measurements.
    pub verdict: Verdict,
    /// The component's declaration about these classes.
    pub declared: Declared,
    /// The story of the worst violation.
    pub story: Option<Story>,
}

/// A component's declaration of tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declared {
    /// All its configurations tolerate the classes.
    Tolerated,
    /// Some of its configurations tolerate them.
    InPart,
    /// It does not declare to tolerate them.
    Beyond,
}

impl Entry {
    /// Whether a property was violated inside the declared tolerance, which is a bug.
    pub fn breaks_a_promise(&self) -> bool {
        self.cell.as_ref().is_some_and(|cell| cell.failed_inside() > 0)
    }
}

impl Atlas {
    /// All cells with their rows.
    pub fn entries(&self) -> impl Iterator<Item = (&Row, &Entry)> {
        let rows = self.chapters.iter().flat_map(|chapter| &chapter.rows);
        rows.flat_map(|measured| measured.entries.iter().map(|entry| (&measured.row, entry)))
    }

    /// All linked stories, each once.
    pub fn stories(&self) -> Vec<(&'static str, &Story)> {
        let of_cells = self.chapters.iter().flat_map(|chapter| {
            let entries = chapter.rows.iter().flat_map(|measured| &measured.entries);
            let cells = entries.filter_map(|entry| entry.story.as_ref());
            let boundaries = chapter.boundaries.iter().filter_map(|(_, story)| story.as_ref());
            cells.chain(boundaries).map(|story| (chapter.info.name, story))
        });
        let mut stories: Vec<_> = of_cells.collect();
        stories.sort_by(|a, b| a.1.name.cmp(&b.1.name));
        stories.dedup_by(|a, b| a.1.name == b.1.name);
        stories
    }
}

/// Measures atlases: with a cache, and reports of progress.
pub struct Surveyor<'a> {
    /// The extent of the measurements.
    pub effort: Effort,
    /// The cache; results are not kept without one.
    pub cache: Option<&'a Cache>,
    /// Counts measured cells, then stories.
    pub progress: &'a ProgressBar,
    /// Messages for the user, such as damaged files.
    pub notes: &'a Mutex<Vec<String>>,
    /// The numbers of results that were cached, and that were measured.
    pub reused: &'a Mutex<(u64, u64)>,
}

/// A cell to be measured.
struct Job<'a> {
    component: &'a Component,
    row: Row,
    classes: Vec<FaultClass>,
}

impl Surveyor<'_> {
    /// Measures components.
    ///
    /// # Errors
    /// If a component cannot be run as it is, a story does not replay, or a signal has come; results up to then
    /// are cached.
    pub fn survey(&self, components: &[Component]) -> anyhow::Result<Atlas> {
        let rows = components.iter().flat_map(|component| {
            let configurations =
                if self.effort.configurations { grid::configurations(component.info().name) } else { Vec::new() };
            let rows = std::iter::once(Row::component(component)).chain(configurations);
            rows.map(move |row| (component, row))
        });
        let rows: Vec<_> = rows.collect();
        let mut table: Vec<Measured> = self.columns(&rows, &|_, _| true, &grid::singles())?;
        if self.effort.pairs {
            let singles = table.clone();
            let is_new = |place: usize, pair: &[FaultClass]| {
                let alone =
                    singles[place].entries.iter().filter(|entry| entry.classes.iter().any(|c| pair.contains(c)));
                alone.into_iter().all(|entry| !matches!(entry.verdict, Verdict::Breaks | Verdict::Means(_)))
            };
            for (measured, more) in table.iter_mut().zip(self.columns(&rows, &is_new, &grid::pairs())?) {
                measured.entries.extend(more.entries);
            }
        }
        self.add_stories(&rows, &mut table)?;
        let mut table = table.into_iter().peekable();
        let chapters = components.iter().map(|component| {
            let info = component.info();
            let mut rows = Vec::new();
            while let Some(measured) = table.next_if(|measured| measured.row.model == info.name) {
                rows.push(measured);
            }
            let boundaries = component.boundaries().into_iter().map(|boundary| {
                let story = story::kept_by_name(component, &format!("{}-{}", info.name, boundary.name))?;
                Ok((boundary, story))
            });
            let boundaries = boundaries.collect::<anyhow::Result<_>>()?;
            Ok(Chapter { info, properties: component.properties(), rows, boundaries })
        });
        Ok(Atlas {
            provenance: Provenance::of_this_tool(),
            effort: self.effort,
            chapters: chapters.collect::<anyhow::Result<_>>()?,
        })
    }

    /// Measures some columns of all rows; cells without new information are left out.
    fn columns(
        &self,
        rows: &[(&Component, Row)],
        is_new: &(dyn Fn(usize, &[FaultClass]) -> bool + Sync),
        columns: &[Vec<FaultClass>],
    ) -> anyhow::Result<Vec<Measured>> {
        let places = (0..rows.len()).flat_map(|place| columns.iter().map(move |classes| (place, classes.clone())));
        let places: Vec<_> = places.collect();
        self.progress.set_length(places.len() as u64);
        self.progress.set_position(0);
        let entries = places.par_iter().map(|(place, classes)| {
            let (component, row) = &rows[*place];
            let job = Job { component, row: row.clone(), classes: classes.clone() };
            let entry = if is_new(*place, classes) { self.entry(&job) } else { Ok(nothing_new(&job)) };
            self.progress.inc(1);
            entry
        });
        let entries: Vec<Entry> = entries.collect::<anyhow::Result<_>>()?;
        let mut entries = entries.into_iter();
        let row = |(_, row): &(_, Row)| Measured {
            row: row.clone(),
            entries: entries.by_ref().take(columns.len()).collect(),
        };
        Ok(rows.iter().map(row).collect())
    }

    fn entry(&self, job: &Job<'_>) -> anyhow::Result<Entry> {
        let key = format!("{} seeds 0..{}", job.key(), self.effort.seeds);
        let cell: Cell = self.kept_or(&self.file(job), &key, || {
            let prepared = job.component.prepare(&job.options())?;
            let samples = samples(prepared.campaign(), 0..self.effort.seeds, &|| !interrupted())?;
            not_interrupted()?;
            Ok(Cell::of(&samples))
        })?;
        let verdict = Verdict::of(&cell, &job.classes);
        let declared = match cell.inside {
            0 => Declared::Beyond,
            inside if inside == cell.worlds => Declared::Tolerated,
            _ => Declared::InPart,
        };
        Ok(Entry { classes: job.classes.clone(), cell: Some(cell), verdict, declared, story: None })
    }

    /// Adds a story to every cell with a violation.
    fn add_stories(&self, rows: &[(&Component, Row)], table: &mut [Measured]) -> anyhow::Result<()> {
        let entries = table.iter_mut().zip(rows).flat_map(|(measured, (component, row))| {
            let job = |entry: &Entry| Job { component, row: row.clone(), classes: entry.classes.clone() };
            measured.entries.iter_mut().map(move |entry| (job(entry), entry))
        });
        let violating = |(_, entry): &(Job<'_>, &mut Entry)| entry.cell.as_ref().is_some_and(|c| c.worst().is_some());
        let violating: Vec<_> = entries.filter(violating).collect();
        self.progress.set_message("telling stories");
        self.progress.set_length(violating.len() as u64);
        self.progress.set_position(0);
        violating.into_par_iter().try_for_each(|(job, entry)| {
            entry.story = Some(self.story(&job, entry)?);
            self.progress.inc(1);
            Ok(())
        })
    }

    fn story(&self, job: &Job<'_>, entry: &Entry) -> anyhow::Result<Story> {
        let violated = entry.cell.as_ref().map(Cell::violated).unwrap_or_default();
        for (property, _) in &violated {
            if let Some(kept) = story::kept(job.component, &job.options(), &job.classes, property)? {
                return Ok(kept);
            }
        }
        let (property, failures) = violated.first().context("nothing was violated")?;
        let key = format!("{} {property} {:?} {:?}", job.key(), failures.seeds, self.effort.search);
        let name = job.name();
        let story: Story = self.kept_or(&format!("{}.story", self.file(job)), &key, || {
            let name = format!("atlas-{name}");
            let found = story::hunted(job.component, &job.options(), &failures.seeds, &name, self.effort.search)?;
            not_interrupted()?;
            found.context("no seed to tell of")
        })?;
        // Cached stories are verified too.
        story::verify(job.component, &story.text).with_context(|| format!("the story of {name}"))?;
        Ok(story)
    }

    /// The cache file of a job. Quick and thorough atlases have different ones.
    fn file(&self, job: &Job<'_>) -> String {
        format!("{}.{}", job.name(), self.effort.seeds)
    }

    /// The cached result, or the result of `make`, which is then cached.
    fn kept_or<T: Serialize + DeserializeOwned>(
        &self,
        name: &str,
        key: &str,
        make: impl FnOnce() -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let found = self.cache.map_or(Found::Nothing, |cache| cache.get(name, key));
        let kept = matches!(found, Found::Result(_));
        let mut reused = self.reused.lock().expect("nobody panics with it");
        (reused.0, reused.1) = (reused.0 + u64::from(kept), reused.1 + u64::from(!kept));
        drop(reused);
        match found {
            Found::Result(result) => return Ok(result),
            Found::Damaged(problem) => {
                let file = self.cache.map(|cache| cache.file(name).display().to_string()).unwrap_or_default();
                let note = format!("{file} is damaged ({problem}): measured again");
                self.notes.lock().expect("nobody panics with it").push(note);
            }
            Found::Nothing => {}
        }
        not_interrupted()?;
        let result = make()?;
        if let Some(cache) = self.cache {
            cache.put(name, key, &result)?;
        }
        Ok(result)
    }
}

fn not_interrupted() -> anyhow::Result<()> {
    anyhow::ensure!(!interrupted(), "interrupted; what was measured is kept, and the next call goes on from there");
    Ok(())
}

impl Job<'_> {
    fn options(&self) -> crate::component::Options {
        self.row.options(&self.classes)
    }

    fn name(&self) -> String {
        format!("{}.{}", self.row.file_name(), grid::name(&self.classes))
    }

    /// The key of a result, without the seeds.
    fn key(&self) -> String {
        let Row { model, with, .. } = &self.row;
        format!("{model} {} {with:?} {}", version(self.component.path()), grid::name(&self.classes))
    }
}

/// The entry of a pair without new information.
fn nothing_new(job: &Job<'_>) -> Entry {
    let tolerates = job.component.info().tolerates;
    let declared =
        if job.classes.iter().all(|class| tolerates.contains(class)) { Declared::Tolerated } else { Declared::Beyond };
    Entry { classes: job.classes.clone(), cell: None, verdict: Verdict::Means(Nothing::Pair), declared, story: None }
}
