//! The letters of a paper. Helvetica, which every reader of PDF has, as far as its letters go (`WinAnsiEncoding`); a text with others is written in
//! `DejaVu` Sans, of which the file then holds as many letters as it needs. So `Łukasz` keeps his name, and most files embed nothing.

use std::{collections::BTreeMap, sync::LazyLock};

use pdf_writer::{
    Name, Pdf, Rect, Ref, Str,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};
use subsetter::GlyphRemapper;
use ttf_parser::{Face, GlyphId};

/// Thousandths of the font's size that the characters from the space to `~` take (Helvetica's own metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// What every letter of a text that Helvetica lacks is written in. Narrow, so that it takes no more room.
static REGULAR: LazyLock<Option<Face<'static>>> =
    LazyLock::new(|| Face::parse(dejavu::sans_condensed::regular(), 0).ok());
static BOLD: LazyLock<Option<Face<'static>>> =
    LazyLock::new(|| Face::parse(dejavu::sans_condensed::bold(), 0).ok());

const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

/// How wide a text is, in points.
pub(super) fn width(text: &str, size: i16, is_bold: bool) -> i16 {
    let thousandths: u32 = match in_helvetica(text) {
        Some(bytes) => bytes.iter().map(|byte| helvetica_width(*byte)).sum(),
        None => text
            .chars()
            .map(|character| advance(is_bold, glyph(is_bold, character)))
            .sum(),
    };
    let points = thousandths * u32::from(size.unsigned_abs()) / 1000;
    i16::try_from(points).unwrap_or(i16::MAX)
}

fn helvetica_width(byte: u8) -> u32 {
    let known = byte
        .checked_sub(32)
        .and_then(|index| WIDTHS.get(usize::from(index)));
    // Letters with accents are as wide as letters without, about.
    u32::from(known.copied().unwrap_or(556))
}

/// The text in `WinAnsiEncoding`; none when it lacks a letter.
pub(super) fn in_helvetica(text: &str) -> Option<Vec<u8>> {
    text.chars().map(win_ansi).collect()
}

fn win_ansi(character: char) -> Option<u8> {
    const ABOVE: [(char, u8); 19] = [
        ('€', 0x80),
        ('…', 0x85),
        ('Š', 0x8a),
        ('Œ', 0x8c),
        ('Ž', 0x8e),
        ('‘', 0x91),
        ('’', 0x92),
        ('“', 0x93),
        ('”', 0x94),
        ('•', 0x95),
        ('–', 0x96),
        ('—', 0x97),
        ('š', 0x9a),
        ('œ', 0x9c),
        ('ž', 0x9e),
        // Spaces and hyphens that look the same.
        ('\u{202f}', 0xa0),
        ('\u{2009}', 0xa0),
        ('\u{2010}', b'-'),
        ('\u{2011}', b'-'),
    ];
    if let Ok(byte) = u8::try_from(u32::from(character))
        && (matches!(byte, 0x20..=0x7e) || byte >= 0xa0)
    {
        return Some(byte);
    }
    let (_, byte) = ABOVE.iter().find(|(known, _)| *known == character)?;
    Some(*byte)
}

fn face(is_bold: bool) -> Option<&'static Face<'static>> {
    if is_bold { &BOLD } else { &REGULAR }.as_ref()
}

/// The glyph of a character, or of a question mark.
fn glyph(is_bold: bool, character: char) -> GlyphId {
    let find = |character| face(is_bold)?.glyph_index(character);
    find(character).or_else(|| find('?')).unwrap_or_default()
}

/// Thousandths of the font's size.
fn advance(is_bold: bool, glyph: GlyphId) -> u32 {
    let Some(face) = face(is_bold) else { return 0 };
    let advance = face.glyph_hor_advance(glyph).unwrap_or_default();
    u32::from(advance) * 1000 / u32::from(face.units_per_em())
}

/// As much of a font as a file needs.
pub(super) struct Embedded {
    is_bold: bool,
    glyphs: GlyphRemapper,
    /// What each glyph of the subset stands for, so that the text can be searched and copied.
    characters: BTreeMap<u16, char>,
}

impl Embedded {
    pub(super) fn new(is_bold: bool) -> Self {
        Self {
            is_bold,
            glyphs: GlyphRemapper::new(),
            characters: BTreeMap::new(),
        }
    }

    /// Whether anything was written in it.
    pub(super) fn is_used(&self) -> bool {
        !self.characters.is_empty()
    }

    /// The text as glyphs of the subset.
    pub(super) fn encode(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = Vec::new();
        for character in text.chars() {
            let id = self.glyphs.remap(glyph(self.is_bold, character).0);
            self.characters.entry(id).or_insert(character);
            bytes.extend(id.to_be_bytes());
        }
        bytes
    }

    /// Writes the font into the file as `font`.
    pub(super) fn write(&self, pdf: &mut Pdf, font: Ref, mut next: impl FnMut() -> Ref) {
        let Some(face) = face(self.is_bold) else {
            return;
        };
        let Ok(program) = subsetter::subset(face.raw_face().data, 0, &self.glyphs) else {
            return;
        };
        let (cid, descriptor, file, map) = (next(), next(), next(), next());
        // Six letters and a plus say that it is a subset.
        let name = if self.is_bold {
            Name(b"AMZOFF+DejaVuSansCondensed-Bold")
        } else {
            Name(b"AMZOFF+DejaVuSansCondensed")
        };
        pdf.type0_font(font)
            .base_font(name)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(map);
        let mut descendant = pdf.cid_font(cid);
        descendant
            .subtype(CidFontType::Type2)
            .base_font(name)
            .system_info(IDENTITY)
            .font_descriptor(descriptor)
            .cid_to_gid_map_predefined(Name(b"Identity"));
        let widths = self.glyphs.remapped_gids();
        let widths = widths.map(|glyph| {
            let advance = advance(self.is_bold, GlyphId(glyph));
            f32::from(u16::try_from(advance).unwrap_or(u16::MAX))
        });
        descendant.widths().consecutive(0, widths);
        drop(descendant);
        let scaled = |units: i16| {
            let thousandths = i32::from(units) * 1000 / i32::from(face.units_per_em());
            f32::from(i16::try_from(thousandths).unwrap_or(i16::MAX))
        };
        let bounds = face.global_bounding_box();
        pdf.font_descriptor(descriptor)
            .name(name)
            .flags(FontFlags::SYMBOLIC)
            .bbox(Rect::new(
                scaled(bounds.x_min),
                scaled(bounds.y_min),
                scaled(bounds.x_max),
                scaled(bounds.y_max),
            ))
            .italic_angle(0.0)
            .ascent(scaled(face.ascender()))
            .descent(scaled(face.descender()))
            .cap_height(scaled(
                face.capital_height().unwrap_or_else(|| face.ascender()),
            ))
            .stem_v(if self.is_bold { 140.0 } else { 80.0 })
            .font_file2(file);
        pdf.stream(file, &program);
        let mut unicode = UnicodeCmap::new(Name(b"Amazoff"), IDENTITY);
        for (glyph, character) in &self.characters {
            unicode.pair(*glyph, *character);
        }
        pdf.cmap(map, &unicode.finish());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_needs_no_other_font() {
        for (text, expected) in [
            (
                "Été à l’œuvre, 5 €",
                Some(&b"\xc9t\xe9 \xe0 l\x92\x9cuvre, 5 \x80"[..]),
            ),
            ("1\u{202f}234", Some(b"1\xa0234")),
            ("Łukasz Wiśniewski", None),
            ("日本", None),
        ] {
            assert_eq!(in_helvetica(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn other_letters_have_a_width_and_what_no_font_has_is_a_question_mark() {
        for is_bold in [false, true] {
            let name = width("Łukasz Wiśniewski", 9, is_bold);
            assert!((60..=100).contains(&name), "{name} points");
            assert_eq!(glyph(is_bold, '日'), glyph(is_bold, '?'));
            assert_ne!(glyph(is_bold, 'Ł'), glyph(is_bold, '?'));
        }
    }

    #[test]
    fn the_same_letter_is_one_glyph_of_the_subset() {
        let mut font = Embedded::new(false);
        assert!(!font.is_used());
        let bytes = font.encode("ŁŁő");
        assert_eq!(bytes, [0, 1, 0, 1, 0, 2]);
        assert_eq!(font.characters, BTreeMap::from([(1, 'Ł'), (2, 'ő')]));
    }
}
