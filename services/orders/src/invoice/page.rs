//! Text on paper: pages of lines in Helvetica, which every reader of PDF has, so that nothing is embedded.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

const WIDTH: i16 = 595;
const HEIGHT: i16 = 842;
/// Below this a new page begins.
const BOTTOM: i16 = 60;
const TOP: i16 = 790;
const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");

/// Thousandths of the font's size that the characters from the space to `~` take (Helvetica's own metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// A document under way.
pub(super) struct Paper {
    pages: Vec<Content>,
    y: i16,
}

impl Paper {
    pub(super) fn new() -> Self {
        Self {
            pages: vec![Content::new()],
            y: TOP,
        }
    }

    /// Goes down, to a new page where this one ends; says whether it is a new one.
    pub(super) fn down(&mut self, by: i16) -> bool {
        self.y -= by;
        let is_full = self.y < BOTTOM;
        if is_full {
            self.pages.push(Content::new());
            self.y = TOP;
        }
        is_full
    }

    /// Writes from `x` on.
    pub(super) fn left(&mut self, x: i16, size: i16, is_bold: bool, text: &str) {
        let y = self.y;
        if let Some(page) = self.pages.last_mut() {
            write(page, x, y, size, is_bold, text);
        }
    }

    /// Writes up to `x`.
    pub(super) fn right(&mut self, x: i16, size: i16, is_bold: bool, text: &str) {
        self.left(x - width(text, size), size, is_bold, text);
    }

    /// Draws a line across the page.
    pub(super) fn rule(&mut self) {
        let y = f32::from(self.y + 9);
        if let Some(page) = self.pages.last_mut() {
            page.move_to(50.0, y).line_to(545.0, y).stroke();
        }
    }

    /// The file. Each page's foot holds `foot` and its number.
    pub(super) fn finish(mut self, title: &str, lang: &str, foot: &str) -> Vec<u8> {
        let mut pdf = Pdf::new();
        let mut last = 0;
        let mut next = || {
            last += 1;
            Ref::new(last)
        };
        let (catalog, tree, info, regular, bold) = (next(), next(), next(), next(), next());
        let count = self.pages.len();
        let ids: Vec<(Ref, Ref)> = (0..count).map(|_| (next(), next())).collect();
        pdf.catalog(catalog).pages(tree).lang(TextStr(lang));
        pdf.document_info(info).title(TextStr(title));
        let kids = ids.iter().map(|(page, _)| *page);
        pdf.pages(tree)
            .kids(kids)
            .count(i32::try_from(count).unwrap_or(1));
        for (number, ((page, contents), content)) in (1..).zip(ids.iter().zip(&mut self.pages)) {
            write(content, 50, 35, 7, false, foot);
            let place = format!("{number} / {count}");
            write(content, 545 - width(&place, 7), 35, 7, false, &place);
            let mut writer = pdf.page(*page);
            writer.parent(tree).contents(*contents);
            writer.media_box(Rect::new(0.0, 0.0, f32::from(WIDTH), f32::from(HEIGHT)));
            let mut resources = writer.resources();
            resources.fonts().pair(REGULAR, regular).pair(BOLD, bold);
            resources.finish();
            writer.finish();
            let content = std::mem::replace(content, Content::new());
            pdf.stream(*contents, &content.finish());
        }
        for (id, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(id)
                .base_font(Name(name))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        pdf.finish()
    }
}

fn write(page: &mut Content, x: i16, y: i16, size: i16, is_bold: bool, text: &str) {
    let font = if is_bold { BOLD } else { REGULAR };
    page.begin_text()
        .set_font(font, f32::from(size))
        .next_line(f32::from(x), f32::from(y))
        .show(Str(&encode(text)))
        .end_text();
}

/// How wide a text is, in points.
fn width(text: &str, size: i16) -> i16 {
    let thousandths: u32 = encode(text)
        .iter()
        .map(|byte| {
            let known = byte
                .checked_sub(32)
                .and_then(|index| WIDTHS.get(usize::from(index)));
            // Letters with accents are as wide as letters without, about.
            u32::from(known.copied().unwrap_or(556))
        })
        .sum();
    let points = thousandths * u32::from(size.unsigned_abs()) / 1000;
    i16::try_from(points).unwrap_or(i16::MAX)
}

/// As much of a text as fits in `most` points.
pub(super) fn fit(text: &str, size: i16, most: i16) -> String {
    if width(text, size) <= most {
        return text.to_owned();
    }
    let mut shorter = text.to_owned();
    while width(&shorter, size) + width("…", size) > most && shorter.pop().is_some() {}
    shorter.push('…');
    shorter
}

/// The bytes of a text in `WinAnsiEncoding`. A letter that it lacks loses its accent; what has no likeness becomes a question mark.
fn encode(text: &str) -> Vec<u8> {
    text.chars().map(encode_character).collect()
}

fn encode_character(character: char) -> u8 {
    const LIKENESSES: [(&str, u8); 30] = [
        ("ĀĂĄǍ", b'A'),
        ("āăąǎ", b'a'),
        ("ĆĈĊČ", b'C'),
        ("ćĉċč", b'c'),
        ("ĎĐ", b'D'),
        ("ďđ", b'd'),
        ("ĒĔĖĘĚ", b'E'),
        ("ēĕėęě", b'e'),
        ("ĜĞĠĢ", b'G'),
        ("ĝğġģ", b'g'),
        ("ĪĬĮİ", b'I'),
        ("īĭįı", b'i'),
        ("ĹĻĽŁ", b'L'),
        ("ĺļľł", b'l'),
        ("ŃŅŇ", b'N'),
        ("ńņň", b'n'),
        ("ŌŎŐ", b'O'),
        ("ōŏő", b'o'),
        ("ŔŖŘ", b'R'),
        ("ŕŗř", b'r'),
        ("ŚŜŞȘ", b'S'),
        ("śŝşș", b's'),
        ("ŢŤȚ", b'T'),
        ("ţťț", b't'),
        ("ŨŪŬŮŰŲ", b'U'),
        ("ũūŭůűų", b'u'),
        ("ŹŻ", b'Z'),
        ("źż", b'z'),
        ("\u{202f}\u{2009}", 0xa0),
        ("\u{2010}\u{2011}", b'-'),
    ];
    const ABOVE: [(char, u8); 15] = [
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
    ];
    if let Ok(byte) = u8::try_from(u32::from(character))
        && (matches!(byte, 0x20..=0x7e) || byte >= 0xa0)
    {
        return byte;
    }
    if let Some((_, byte)) = ABOVE.iter().find(|(known, _)| *known == character) {
        return *byte;
    }
    let likeness = LIKENESSES
        .iter()
        .find(|(letters, _)| letters.contains(character));
    likeness.map_or(b'?', |(_, byte)| *byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_keep_what_the_font_has() {
        for (text, expected) in [
            (
                "Été à l’œuvre, 5 €",
                &b"\xc9t\xe9 \xe0 l\x92\x9cuvre, 5 \x80"[..],
            ),
            ("Łukasz Wiśniewski", b"Lukasz Wisniewski"),
            ("1\u{202f}234", b"1\xa0234"),
            ("日本", b"??"),
        ] {
            assert_eq!(encode(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(fit("short", 9, 100), "short");
        let cut = fit("a very long name of a product that goes on", 9, 100);
        assert!(cut.ends_with('…') && width(&cut, 9) <= 100, "{cut}");
    }
}
