//! Common specifications, one per file. [`cell`] is the common part of registers, [`sequence`] that of queues and
//! stacks.

/// Declares a specification with the type of its items as its only parameter, initially empty.
macro_rules! empty_at_first {
    ($(#[$doc:meta])* $name:ident<$item:ident>) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<$item>(std::marker::PhantomData<fn() -> $item>);

        impl<$item> $name<$item> {
            /// Initially empty.
            pub fn new() -> Self {
                $name(std::marker::PhantomData)
            }
        }

        impl<$item> Default for $name<$item> {
            fn default() -> Self {
                $name::new()
            }
        }
    };
}

pub mod append_only_log;
pub mod cas_register;
pub mod cell;
pub mod counter;
pub mod fenced_lock;
pub mod kv;
pub mod multi_register;
pub mod mutex;
pub mod queue;
pub mod register;
pub mod semaphore;
pub mod sequence;
pub mod set;
pub mod stack;
