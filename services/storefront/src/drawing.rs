//! Pictures of our own: illustrations and icons, each a symbol of one immutable sprite.

use crate::assets::{ILLUSTRATIONS, SPRITE};
use std::fmt;

/// A reference to a symbol, as markup.
#[derive(Debug, Clone, Copy)]
pub struct Drawing<'a> {
    class: &'static str,
    prefix: &'static str,
    id: &'a str,
}

/// The illustration that shows when nothing more fitting is known.
pub const FALLBACK: &str = "basket";

/// How many tints there are behind illustrations (`.tint-0`… in the style sheet).
const TINTS: u32 = 6;
/// How many poses (`.pose-0`… in the style sheet).
const POSES: u32 = 4;

/// An illustration; [`FALLBACK`] when there is no such one.
pub fn art(id: &str) -> Drawing<'_> {
    let id = if ILLUSTRATIONS.contains(&id) {
        id
    } else {
        FALLBACK
    };
    Drawing {
        class: "art",
        prefix: "",
        id,
    }
}

/// An icon of the interface, in the color of the text around it.
pub fn icon(id: &'static str) -> Drawing<'static> {
    Drawing {
        class: "icon",
        prefix: "i-",
        id,
    }
}

/// The tint that goes with a name: always the same one, so that a product looks alike on every page.
pub fn tint(name: &str) -> u32 {
    (hash(name) >> 8) % TINTS
}

/// How an illustration stands on its tint (`.pose-0`…), as lasting as the tint.
pub fn pose(name: &str) -> u32 {
    (hash(name) >> 16) % POSES
}

fn hash(name: &str) -> u32 {
    name.bytes().fold(2_166_136_261_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(16_777_619)
    })
}

impl fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, prefix, id } = self;
        write!(
            f,
            r#"<svg class="{class}" aria-hidden="true"><use href="{}#{prefix}{id}"/></svg>"#,
            SPRITE.path
        )
    }
}

impl askama::filters::HtmlSafe for Drawing<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_illustration_becomes_the_basket() {
        for (asked, shown) in [
            ("basket", "#basket\""),
            ("\"><script>", "#basket\""),
            ("", "#basket\""),
        ] {
            assert!(art(asked).to_string().contains(shown), "{asked}");
        }
    }

    #[test]
    fn a_name_keeps_its_tint() {
        assert_eq!(tint("cj-1029743"), tint("cj-1029743"));
        let tints: std::collections::HashSet<u32> = (0..100)
            .map(|number| tint(&format!("cj-{number}")))
            .collect();
        assert_eq!(tints.len(), 6);
    }
}
