//! What browsers fetch once and keep: the style sheet, the script and the drawings, packed by `build.rs` and named by their content.

/// A file that never changes under its path.
pub struct Asset {
    /// Where it is served; holds a digest of the content.
    pub path: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// The content as it is.
    pub plain: &'static [u8],
    /// The content, gzipped.
    pub gzip: &'static [u8],
    /// The content, compressed with Brotli.
    pub brotli: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// The asset at `path`.
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.path == path).copied()
}

/// What stands now where another version of this program had `path`: same name, same extension, another digest.
pub fn find_other_version(path: &str) -> Option<&'static Asset> {
    let parts = name_and_extension(path)?;
    ALL.iter()
        .find(|asset| name_and_extension(asset.path) == Some(parts))
        .copied()
}

fn name_and_extension(path: &str) -> Option<(&str, &str)> {
    let (name, rest) = path.split_once('.')?;
    let (digest, extension) = rest.split_once('.')?;
    let is_digest = digest.len() == 12 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_digest.then_some((name, extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_view_stays_small() {
        for (asset, limit) in [(&SCRIPT, 5_000), (&STYLE, 20_000), (&SPRITE, 30_000)] {
            assert!(
                asset.brotli.len() <= limit,
                "{} is {} bytes",
                asset.path,
                asset.brotli.len()
            );
        }
    }

    #[test]
    fn another_version_is_found_by_name() {
        for (path, found) in [
            ("/assets/style.0123456789ab.css", true),
            ("/assets/style.css", false),
            ("/assets/style.0123456789ab.js", false),
            ("/assets/style.0123456789zz.css", false),
            ("/assets/../style.0123456789ab.css", false),
        ] {
            assert_eq!(find_other_version(path).is_some(), found, "{path}");
        }
    }

    #[test]
    fn nothing_but_an_exact_path_is_an_asset() {
        assert!(find(STYLE.path).is_some());
        for path in ["/assets/", "/assets/style.css", "/assets/../Cargo.toml", ""] {
            assert!(find(path).is_none(), "{path}");
        }
    }
}
