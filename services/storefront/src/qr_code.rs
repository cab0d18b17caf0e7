//! A text as a picture that phones read, drawn as one path of SVG.

use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write as _;

/// How much white is around it, in modules (ISO/IEC 18004 asks for four).
const MARGIN: usize = 4;

/// A QR code, to be put into a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width and height.
    pub side: usize,
    /// The dark parts, as the path's `d`.
    pub path: String,
}

/// The picture of a text; `None` when it is too long for one.
pub fn picture(text: &str) -> Option<Picture> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (y, row) in code.to_colors().chunks(width).enumerate() {
        let mut x = 0;
        for run in row.chunk_by(PartialEq::eq) {
            if run.first() == Some(&Color::Dark) {
                let (left, top, length) = (x + MARGIN, y + MARGIN, run.len());
                let _ = write!(path, "M{left} {top}h{length}v1h-{length}z");
            }
            x += run.len();
        }
    }
    Some(Picture {
        side: width + 2 * MARGIN,
        path,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_the_corner_that_phones_look_for() {
        let picture = picture("otpauth://totp/Amazoff:ada@example.com?secret=ABC").expect("short");
        assert!(picture.path.starts_with("M4 4h7v1h-7z"), "{picture:?}");
        assert!(picture.path.contains("M4 5h1v1h-1zM10 5h1v1h-1z"));
        assert!((29..60).contains(&picture.side));
    }

    #[test]
    fn draws_nothing_of_what_is_too_long() {
        assert_eq!(picture(&"x".repeat(3000)), None);
    }
}
