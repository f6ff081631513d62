//! Kinds: the stable names of message and timer variants.
//!
//! A recorded choice is named by the *kind* of its message or timer, so that adding a variant to a protocol does not
//! rename the choices of the others. The derive macro of the same name implements the trait.

/// A type whose values fall into a fixed list of named kinds.
///
/// Derive it. Variants that wrap the messages or timers of a hosted process are marked `#[hosts]`; a struct has one kind.
///
/// ```
/// use seedbed_sim::Kinded;
///
/// #[derive(Kinded)]
/// enum Inner { Ping(u8), Pong { to: u8 } }
///
/// #[derive(Kinded)]
/// enum Outer { Hello, #[hosts] Inner(Inner) }
///
/// assert_eq!(Outer::kind_name(Outer::Inner(Inner::Pong { to: 1 }).kind()), "inner/pong");
/// assert_eq!(Outer::kind_name(Outer::Hello.kind()), "hello");
/// # let _ = Inner::Ping(0);
/// ```
pub trait Kinded {
    /// An index below [`Kinded::kind_count`].
    fn kind(&self) -> u16;

    /// The number of kinds, those of hosted processes included.
    fn kind_count() -> u16;

    /// The name of a kind in snake case; hosted kinds are paths, such as `raft/append_entries`.
    fn kind_name(kind: u16) -> String;
}

/// All names of the kinds of `K`, in order.
pub fn kind_names<K: Kinded>() -> Vec<String> {
    (0..K::kind_count()).map(K::kind_name).collect()
}

/// Names a type that has one kind only, such as a protocol's single timer.
impl Kinded for () {
    fn kind(&self) -> u16 {
        0
    }
    fn kind_count() -> u16 {
        1
    }
    fn kind_name(_: u16) -> String {
        "unit".into()
    }
}

/// The name of a value's kind.
pub fn name_of<K: Kinded>(value: &K) -> String {
    K::kind_name(value.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(crate::Kinded)]
    enum One {
        A,
        B,
    }

    #[derive(crate::Kinded)]
    enum Two {
        C,
    }

    #[derive(crate::Kinded)]
    enum Host {
        Own,
        #[hosts]
        First(One),
        #[hosts]
        Second(Two),
        #[hosts]
        Third(One),
    }

    #[test]
    fn every_kind_of_every_hosted_process_has_its_own_name() {
        let all = [Host::Own, Host::First(One::A), Host::First(One::B), Host::Second(Two::C), Host::Third(One::A)];
        let names: Vec<String> = all.iter().map(name_of).collect();
        assert_eq!(names, ["own", "first/a", "first/b", "second/c", "third/a"]);
        assert_eq!(kind_names::<Host>(), ["own", "first/a", "first/b", "second/c", "third/a", "third/b"]);
    }
}
