//! Ready specifications, each a small file. [`cell`] is what registers have in common, [`sequence`] what queues and stacks
//! have.

/// Declares a specification that has no parameters but the type of its items, and is empty at first.
macro_rules! empty_at_first {
    ($(#[$doc:meta])* $name:ident<$item:ident>) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<$item>(std::marker::PhantomData<fn() -> $item>);

        impl<$item> $name<$item> {
            /// An empty one.
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
