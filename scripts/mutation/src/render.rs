//! Puts mutants into a source file, all at once: each behind a switch.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::places::{Change, Mutant, Piece};

/// A file with its mutants.
pub struct Rendered {
    pub text: String,
    /// Where in the text each mutant is: with the original beside it, or alone.
    pub wholes: Vec<(Range<usize>, usize)>,
    pub branches: Vec<(Range<usize>, usize)>,
}

/// A file with these mutants, each by its number.
pub fn render(source: &str, mutants: &[(usize, &Mutant)]) -> Rendered {
    let mut places: BTreeMap<(usize, std::cmp::Reverse<usize>), Vec<(usize, &Mutant)>> = BTreeMap::new();
    for (number, mutant) in mutants {
        places.entry((mutant.place.start, std::cmp::Reverse(mutant.place.end))).or_default().push((*number, mutant));
    }
    let places: Vec<_> = places.into_iter().map(|((start, end), mutants)| (start..end.0, mutants)).collect();
    let out = Rendered { text: String::new(), wholes: Vec::new(), branches: Vec::new() };
    let mut renderer = Renderer { source, places, out };
    renderer.part(0..source.len(), None);
    renderer.out
}

struct Renderer<'a> {
    source: &'a str,
    /// Sorted by beginning, the outer before the inner.
    places: Vec<(Range<usize>, Vec<(usize, &'a Mutant)>)>,
    out: Rendered,
}

impl Renderer<'_> {
    /// Writes a part of the source, with the mutants in it; but for those at `without`, whose original it is.
    fn part(&mut self, part: Range<usize>, without: Option<usize>) {
        let mut at = part.start;
        let inside = |index: usize, place: &Range<usize>| {
            let edge = place.is_empty() && (place.start == part.start || place.start == part.end);
            part.start <= place.start && place.end <= part.end && without.is_none_or(|outer| outer < index) && !edge
        };
        let indices: Vec<usize> =
            (0..self.places.len()).filter(|index| inside(*index, &self.places[*index].0)).collect();
        for index in indices {
            let (place, mutants) = self.places[index].clone();
            if place.start < at {
                // Inside of one that was written.
                continue;
            }
            self.out.text.push_str(&self.source[at..place.start]);
            let begin = self.out.text.len();
            self.place(index, &place, &mutants);
            let end = self.out.text.len();
            self.out.wholes.extend(mutants.iter().map(|(number, _)| (begin..end, *number)));
            at = place.end;
        }
        self.out.text.push_str(&self.source[at..part.end]);
    }

    fn place(&mut self, index: usize, place: &Range<usize>, mutants: &[(usize, &Mutant)]) {
        let on = |number: usize| format!("crate::mutants::on({number})");
        match &mutants[0].1.change {
            Change::Skipped => {
                let [(number, _)] = mutants else { panic!("a statement can be deleted once") };
                self.out.text.push_str(&format!("if !{} {{ ", on(*number)));
                self.part(place.clone(), Some(index));
                self.out.text.push_str(" }");
            }
            Change::Returns(_) => {
                for (number, mutant) in mutants {
                    let Change::Returns(value) = &mutant.change else { panic!("a body begins with it") };
                    let begin = self.out.text.len();
                    self.out.text.push_str(&format!(" if {} {{ return {value}; }}", on(*number)));
                    self.out.branches.push((begin..self.out.text.len(), *number));
                }
            }
            Change::NeverTaken => {
                let [(number, _)] = mutants else { panic!("an arm can be deleted once") };
                self.out.text.push_str(&format!(" if !{}", on(*number)));
            }
            Change::Expression(_) => {
                self.out.text.push('(');
                for (number, mutant) in mutants {
                    let Change::Expression(pieces) = &mutant.change else { panic!("a place is of one kind") };
                    self.out.text.push_str(&format!("if {} {{ ", on(*number)));
                    let begin = self.out.text.len();
                    for piece in pieces {
                        match piece {
                            Piece::Text(text) => self.out.text.push_str(text),
                            Piece::Source(part) => self.part(part.clone(), Some(index)),
                        }
                    }
                    self.out.branches.push((begin..self.out.text.len(), *number));
                    self.out.text.push_str(" } else ");
                }
                self.out.text.push_str("{ ");
                self.part(place.clone(), Some(index));
                self.out.text.push_str(" })");
            }
        }
    }
}
