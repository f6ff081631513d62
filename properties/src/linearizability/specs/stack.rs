//! A stack: last in, first out.

use std::fmt::Debug;
use std::hash::Hash;

use crate::linearizability::specification::{Specification, Step};

/// A stack of items of type `T`, empty at first.
#[derive(Clone, Debug)]
pub struct Stack<T>(std::marker::PhantomData<fn() -> T>);

impl<T> Stack<T> {
    /// An empty stack.
    pub fn new() -> Self {
        Stack(std::marker::PhantomData)
    }
}

impl<T> Default for Stack<T> {
    fn default() -> Self {
        Stack::new()
    }
}

/// What one may ask of a stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Request<T> {
    /// Put this on top.
    Push(T),
    /// Take what is on top.
    Pop,
}

/// What a stack answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Answer<T> {
    /// To a push.
    Pushed,
    /// To a pop: this was on top, or the stack was empty.
    Popped(Option<T>),
}

impl<T: Clone + Debug + Ord + Hash> Specification for Stack<T> {
    type State = Vec<T>;
    type Op = Request<T>;
    type Ret = Answer<T>;
    /// What was taken.
    type Undo = Option<T>;
    type Key = ();

    fn initial(&self) -> Vec<T> {
        Vec::new()
    }

    fn apply(&self, state: &mut Vec<T>, op: &Request<T>, ret: Option<&Answer<T>>) -> Step<Option<T>> {
        match (op, ret) {
            (Request::Push(item), None | Some(Answer::Pushed)) => {
                state.push(item.clone());
                Step::Changed(None)
            }
            (Request::Pop, Some(Answer::Popped(taken))) if taken.as_ref() != state.last() => Step::Illegal,
            (Request::Pop, None | Some(Answer::Popped(_))) => match state.pop() {
                Some(item) => Step::Changed(Some(item)),
                None => Step::Same,
            },
            _ => Step::Illegal,
        }
    }

    fn undo(&self, state: &mut Vec<T>, _: &Request<T>, taken: Option<T>) {
        match taken {
            Some(item) => state.push(item),
            None => drop(state.pop()),
        }
    }

    fn read_only(&self, op: &Request<T>, ret: Option<&Answer<T>>) -> bool {
        matches!((op, ret), (Request::Pop, Some(Answer::Popped(None))))
    }

    fn answer_matters(&self, op: &Request<T>, ret: Option<&Answer<T>>) -> bool {
        !matches!((op, ret), (Request::Push(_), None | Some(Answer::Pushed)))
    }

    fn attainable<'a>(
        &self,
        state: &Vec<T>,
        op: &Request<T>,
        ret: Option<&Answer<T>>,
        mut means: impl Iterator<Item = &'a Request<T>>,
    ) -> bool
    where
        T: 'a,
    {
        let (Request::Pop, Some(Answer::Popped(wanted))) = (op, ret) else {
            return true;
        };
        let above = match wanted {
            Some(wanted) => match state.iter().rev().position(|item| item == wanted) {
                Some(above) => above,
                None => return means.any(|op| matches!(op, Request::Push(item) if item == wanted)),
            },
            None => state.len(),
        };
        // What is above it must be taken by others; or it is put on top once more.
        let mut takers = 0;
        for op in means {
            match op {
                Request::Pop => takers += 1,
                Request::Push(item) if Some(item) == wanted.as_ref() => return true,
                Request::Push(_) => {}
            }
        }
        takers >= above
    }
}
