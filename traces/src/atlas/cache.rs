//! Cached measurements, by the version of the component, one per file. A damaged file is reported and ignored.

use std::path::PathBuf;

use anyhow::Context as _;
use seedbed_sim::check::write_trace;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::atlas::sources::digest_of;
use crate::files;

/// A folder of cached results.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
}

/// The contents of a cache file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    /// The measurement, and the version of the component.
    key: String,
    /// The digest of key and result.
    digest: String,
    /// The result, as JSON.
    result: String,
}

/// The result of a look-up.
#[derive(Clone, Debug, PartialEq)]
pub enum Found<T> {
    /// A valid result.
    Result(T),
    /// No result, or one of another version.
    Nothing,
    /// The file was changed after it was written; says how.
    Damaged(String),
}

impl Cache {
    /// A cache in this folder, which is created by the first [`Cache::put`].
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Cache { folder: folder.into() }
    }

    /// The file of a result.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Looks up the result of this name and key.
    pub fn get<T: DeserializeOwned>(&self, name: &str, key: &str) -> Found<T> {
        let file = self.file(name);
        if !file.exists() {
            return Found::Nothing;
        }
        match files::TRACE.bytes_of(&file) {
            Err(error) => Found::Damaged(format!("{error:#}")),
            Ok(bytes) => match read(&bytes, key) {
                Ok(Some(result)) => Found::Result(result),
                Ok(None) => Found::Nothing,
                Err(problem) => Found::Damaged(format!("{problem:#}")),
            },
        }
    }

    /// Stores a result.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn put<T: Serialize>(&self, name: &str, key: &str, result: &T) -> anyhow::Result<()> {
        let result = serde_json::to_string(result)?;
        let entry = Entry { key: key.into(), digest: digest(key, &result), result };
        let file = self.file(name);
        write_trace(&file, &serde_json::to_string(&entry)?)
            .with_context(|| format!("cannot keep a result in {}", file.display()))
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8], key: &str) -> anyhow::Result<Option<T>> {
    let entry: Entry = serde_json::from_slice(bytes)?;
    anyhow::ensure!(entry.digest == digest(&entry.key, &entry.result), "its digest is not that of its content");
    if entry.key != key {
        return Ok(None);
    }
    Ok(Some(serde_json::from_str(&entry.result)?))
}

fn digest(key: &str, result: &str) -> String {
    digest_of(&format!("{key}\n{result}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_back_what_was_put_for_the_same_key_and_nothing_else() {
        let folder = std::env::temp_dir().join(format!("seedbed-atlas-cache-{}", std::process::id()));
        let cache = Cache::new(&folder);
        assert_eq!(cache.get::<Vec<u64>>("a", "v1"), Found::Nothing);
        cache.put("a", "v1", &vec![1_u64, 2]).expect("the folder can be written");
        assert_eq!(cache.get("a", "v1"), Found::Result(vec![1_u64, 2]));
        assert_eq!(cache.get::<Vec<u64>>("a", "v2"), Found::Nothing, "another version");
        let text = std::fs::read_to_string(cache.file("a")).expect("it is there");
        for damaged in [text.replace("[1,2]", "[1,3]"), text.replace("v1", "v2"), text[..text.len() / 2].into()] {
            std::fs::write(cache.file("a"), damaged).expect("it can be written");
            assert!(matches!(cache.get::<Vec<u64>>("a", "v1"), Found::Damaged(_)));
        }
        std::fs::remove_dir_all(&folder).expect("it is ours");
    }
}
