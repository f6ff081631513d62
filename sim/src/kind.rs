//! Kinds: the stable names of message and timer variants.
//!
//! A recorded choice is named by the *kind* of its message or timer, so that adding a variant to a protocol does not
//! rename the choices of the others. [`kinds!`](crate::kinds) implements the trait for an enum.

/// A type whose values fall into a fixed list of named kinds.
///
/// Implement it with [`kinds!`](crate::kinds).
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

/// Turns `AppendEntries` into `append_entries`.
#[doc(hidden)]
pub fn snake_case(variant: &str) -> String {
    let mut name = String::with_capacity(variant.len() + 4);
    for (i, c) in variant.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// Implements [`Kinded`](crate::Kinded) for an enum: list its variants, and after `hosts` those that wrap the
/// messages or timers of a hosted process. For a struct, `kinds!(Retry: of one)`.
///
/// ```
/// use seedbed_sim::{Kinded, kinds};
///
/// enum Inner { Ping(u8), Pong { to: u8 } }
/// kinds!(Inner: Ping, Pong);
///
/// enum Outer { Hello, Inner(Inner) }
/// kinds!(Outer: Hello; hosts Inner(Inner));
///
/// assert_eq!(Outer::kind_name(Outer::Inner(Inner::Pong { to: 1 }).kind()), "inner/pong");
/// assert_eq!(Outer::kind_name(Outer::Hello.kind()), "hello");
/// # let _ = Inner::Ping(0);
/// ```
#[macro_export]
macro_rules! kinds {
    // A struct: one kind, named after the type.
    ($type:ident: of one) => {
        impl $crate::Kinded for $type {
            fn kind(&self) -> u16 {
                0
            }
            fn kind_count() -> u16 {
                1
            }
            fn kind_name(_: u16) -> String {
                $crate::kind::snake_case(stringify!($type))
            }
        }
    };
    ($type:ty: $($variant:ident),* $(,)? $(; hosts $($host:ident($inner:ty)),+ $(,)?)?) => {
        impl $crate::Kinded for $type {
            fn kind(&self) -> u16 {
                #[allow(non_camel_case_types, dead_code, clippy::upper_case_acronyms)]
                enum Index { $($variant,)* __Own }
                $(
                    #[allow(non_camel_case_types, clippy::upper_case_acronyms)]
                    enum Host { $($host),+ }
                    // Kinds are numbered: the host's own first, then those of each hosted process.
                    let counts = [$(<$inner as $crate::Kinded>::kind_count()),+];
                )?
                match self {
                    $(Self::$variant { .. } => Index::$variant as u16,)*
                    $($(Self::$host(inner) => {
                        let before: u16 = counts[..Host::$host as usize].iter().sum();
                        Index::__Own as u16 + before + $crate::Kinded::kind(inner)
                    })+)?
                }
            }
            fn kind_count() -> u16 {
                let own: &[&str] = &[$(stringify!($variant)),*];
                own.len() as u16 $($(+ <$inner as $crate::Kinded>::kind_count())+)?
            }
            #[allow(unused_assignments)]
            fn kind_name(kind: u16) -> String {
                let own: &[&str] = &[$(stringify!($variant)),*];
                if let Some(name) = own.get(kind as usize) {
                    return $crate::kind::snake_case(name);
                }
                #[allow(unused_mut, unused_variables, unused_assignments)]
                let mut rest = kind - own.len() as u16;
                $($(
                    let count = <$inner as $crate::Kinded>::kind_count();
                    if rest < count {
                        let inner = <$inner as $crate::Kinded>::kind_name(rest);
                        return format!("{}/{inner}", $crate::kind::snake_case(stringify!($host)));
                    }
                    rest -= count;
                )+)?
                unreachable!("no kind {kind}")
            }
        }
    };
}

/// The name of a value's kind.
pub fn name_of<K: Kinded>(value: &K) -> String {
    K::kind_name(value.kind())
}

#[cfg(test)]
mod tests {
    use super::*;

    enum One {
        A,
        B,
    }
    crate::kinds!(One: A, B);

    enum Two {
        C,
    }
    crate::kinds!(Two: C);

    enum Host {
        Own,
        First(One),
        Second(Two),
        Third(One),
    }
    crate::kinds!(Host: Own; hosts First(One), Second(Two), Third(One));

    #[test]
    fn every_kind_of_every_hosted_process_has_its_own_name() {
        let all = [Host::Own, Host::First(One::A), Host::First(One::B), Host::Second(Two::C), Host::Third(One::A)];
        let names: Vec<String> = all.iter().map(name_of).collect();
        assert_eq!(names, ["own", "first/a", "first/b", "second/c", "third/a"]);
        assert_eq!(kind_names::<Host>(), ["own", "first/a", "first/b", "second/c", "third/a", "third/b"]);
    }
}
