//! The tracked files of the project.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A tracked text file.
pub(crate) struct File {
    /// Relative to the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    /// The code of a Rust file: what stands before an inline test module.
    pub(crate) fn code(&self) -> impl Iterator<Item = &str> {
        self.text.lines().take_while(|line| {
            line.trim() != "#[cfg(test)]" || self.path.ends_with("tidy/src/lib.rs")
        })
    }

    /// The lines of [`File::code`] that are not comments.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &str> {
        self.code()
            .filter(|line| !line.trim_start().starts_with("//"))
    }
}

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every tracked or addable text file whose path ends with one of `endings`.
pub(crate) fn files(endings: &[&str]) -> Vec<File> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    String::from_utf8(listed.stdout)
        .expect("paths are text")
        .lines()
        .filter(|path| endings.iter().any(|ending| path.ends_with(ending)))
        .filter_map(|path| {
            let text = std::fs::read_to_string(root().join(path)).ok()?;
            Some(File {
                path: path.to_owned(),
                text,
            })
        })
        .collect()
}

/// The names of the crates in `services/`.
pub(crate) fn services() -> Vec<String> {
    let mut names: Vec<String> = files(&["Cargo.toml"])
        .iter()
        .filter_map(|file| {
            file.path
                .strip_prefix("services/")?
                .strip_suffix("/Cargo.toml")
                .map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// Fails with every complaint at once, so that one run shows all there is to do.
pub(crate) fn nothing_to_say(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}
