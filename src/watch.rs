//! The rule directory: reading it whole, and noticing that it changed.
//!
//! A directory is watched, never a file: a file's watch dies with the first atomic rename, and
//! sees nothing of a symbolic link that is swapped. Hidden files and editors' backups are not
//! rules.

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use sha2::{Digest as _, Sha256};

use crate::rulebook::Sources;

/// Deeper folders are not read: a symbolic link that leads back up would never end.
const DEPTH_MAX: usize = 16;
const EXTENSIONS: [&str; 4] = ["toml", "txt", "csv", "rhai"];

/// How much of a directory is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Files.
    pub files_max: usize,
    /// Bytes of one file.
    pub file_bytes_max: usize,
    /// Bytes of all files.
    pub bytes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { files_max: 1024, file_bytes_max: 32 << 20, bytes_max: 128 << 20 }
    }
}

/// A directory's files and their digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The files.
    pub sources: Sources,
    /// Of paths and contents.
    pub digest: [u8; 32],
}

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system says no.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// There is too much of something.
    #[error("{} {what}", path.display())]
    TooMuch {
        /// Which file or folder.
        path: PathBuf,
        /// What there is too much of, and the setting that says so.
        what: &'static str,
    },
}

/// Reads every rule file in and below `directory`. Symbolic links are followed.
pub fn read(directory: &Path, limits: Limits) -> Result<Snapshot, ReadError> {
    let mut reader = Reader { limits, bytes: 0, sources: Sources::default() };
    reader.folder(directory, "", 0)?;
    let mut hasher = Sha256::new();
    for (path, content) in &reader.sources.files {
        for part in [path.as_bytes(), content.as_slice()] {
            hasher.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hasher.update(part);
        }
    }
    Ok(Snapshot { sources: reader.sources, digest: hasher.finalize().into() })
}

struct Reader {
    limits: Limits,
    bytes: usize,
    sources: Sources,
}

impl Reader {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), ReadError> {
        if depth > DEPTH_MAX {
            let what = "is nested too deep: rule folders may be 16 deep";
            return Err(ReadError::TooMuch { path: folder.to_owned(), what });
        }
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| ReadError::Io { path, source }
        };
        for entry in fs::read_dir(folder).map_err(io(folder))? {
            let path = entry.map_err(io(folder))?.path();
            // A name that is not UTF-8 cannot be named in a rule either.
            let Some(name) = path.file_name().and_then(OsStr::to_str) else { continue };
            if name.starts_with(['.', '#']) || name.ends_with('~') {
                continue;
            }
            let metadata = match fs::metadata(&path) {
                Ok(metadata) => metadata,
                // Gone since the folder was listed, or a link to nowhere.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(io(&path)(error)),
            };
            let relative = format!("{prefix}{name}");
            if metadata.is_dir() {
                self.folder(&path, &format!("{relative}/"), depth.saturating_add(1))?;
            } else if metadata.is_file() && is_rule_file(&path) {
                self.file(&path, relative)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, relative: String) -> Result<(), ReadError> {
        let too_much = |what| ReadError::TooMuch { path: path.to_owned(), what };
        if self.sources.files.len() >= self.limits.files_max {
            return Err(too_much("is one file too many: see `limits.rule_files_max`"));
        }
        let limit =
            self.limits.file_bytes_max.min(self.limits.bytes_max.saturating_sub(self.bytes));
        let mut content = Vec::new();
        let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut content))
            .map_err(|source| ReadError::Io { path: path.to_owned(), source })?;
        if content.len() > self.limits.file_bytes_max {
            return Err(too_much("is too long: see `limits.rule_file_max`"));
        }
        if content.len() > limit {
            return Err(too_much("is more than fits: see `limits.rules_max`"));
        }
        self.bytes = self.bytes.saturating_add(content.len());
        self.sources.files.insert(relative, content);
        Ok(())
    }
}

fn is_rule_file(path: &Path) -> bool {
    path.extension().and_then(OsStr::to_str).is_some_and(|own| EXTENSIONS.contains(&own))
}

/// Notices changes in and below a directory, and of the directory itself.
#[derive(Debug)]
pub struct Watcher {
    directory: PathBuf,
    mode: RecursiveMode,
    notifier: RecommendedWatcher,
    /// The directory that is watched, by device and number: the one its path led to then.
    watched: Option<(u64, u64)>,
}

impl Watcher {
    /// Calls `changed` from a thread of its own after each change. Reading is not a change.
    ///
    /// # Errors
    /// When the system has no watch left.
    pub fn new(
        directory: &Path,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, notify::Error> {
        Self::watch(directory, RecursiveMode::Recursive, changed)
    }

    /// The same, without the folders in the directory.
    ///
    /// # Errors
    /// When the system has no watch left.
    pub fn shallow(
        directory: &Path,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, notify::Error> {
        Self::watch(directory, RecursiveMode::NonRecursive, changed)
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    fn watch(
        directory: &Path,
        mode: RecursiveMode,
        changed: impl Fn() + Send + 'static,
    ) -> Result<Self, notify::Error> {
        let directory = std::path::absolute(directory).map_err(notify::Error::io)?;
        let root = directory.clone();
        let notifier = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            match event {
                // The reload reads the files: reacting to that would never end.
                Ok(event) if matches!(event.kind, EventKind::Access(_)) => {}
                // The folder above is watched for this one's sake only.
                Ok(event) if !event.paths.iter().all(|path| path.starts_with(&root)) => {}
                // After an error, events may be missing.
                Ok(_) | Err(_) => changed(),
            }
        })?;
        let mut watcher = Self { directory, mode, notifier, watched: None };
        if let Some(parent) = watcher.directory.parent() {
            // Where the directory is a symbolic link, its swap shows here and nowhere else.
            watcher.notifier.watch(parent, RecursiveMode::NonRecursive)?;
        }
        watcher.follow()?;
        Ok(watcher)
    }

    /// Watches what the path leads to now, if that is another directory than before.
    ///
    /// # Errors
    /// When the directory cannot be watched.
    pub fn follow(&mut self) -> Result<(), notify::Error> {
        let found = fs::metadata(&self.directory).ok().map(|found| (found.dev(), found.ino()));
        if found == self.watched {
            return Ok(());
        }
        if self.watched.take().is_some() {
            // The watch of a directory that is gone is gone too: then there is nothing to end.
            drop(self.notifier.unwatch(&self.directory));
        }
        if found.is_some() {
            self.notifier.watch(&self.directory, self.mode)?;
            self.watched = found;
        }
        Ok(())
    }
}
