//! Text on paper: pages of lines.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use super::letters::{Embedded, in_helvetica, width};

const WIDTH: i16 = 595;
const HEIGHT: i16 = 842;
/// Below this a new page begins.
const BOTTOM: i16 = 60;
const TOP: i16 = 790;
const REGULAR: Name<'static> = Name(b"F1");
const BOLD: Name<'static> = Name(b"F2");
const OTHER_REGULAR: Name<'static> = Name(b"F3");
const OTHER_BOLD: Name<'static> = Name(b"F4");

/// A document under way.
pub(super) struct Paper {
    pages: Vec<Content>,
    y: i16,
    /// For what Helvetica can't write.
    other_regular: Embedded,
    other_bold: Embedded,
}

impl Paper {
    pub(super) fn new() -> Self {
        Self {
            pages: vec![Content::new()],
            y: TOP,
            other_regular: Embedded::new(false),
            other_bold: Embedded::new(true),
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
        let page = self.pages.len() - 1;
        self.write(page, (x, self.y), size, is_bold, text);
    }

    fn write(&mut self, page: usize, at: (i16, i16), size: i16, is_bold: bool, text: &str) {
        let (font, bytes) = match (in_helvetica(text), is_bold) {
            (Some(bytes), false) => (REGULAR, bytes),
            (Some(bytes), true) => (BOLD, bytes),
            (None, false) => (OTHER_REGULAR, self.other_regular.encode(text)),
            (None, true) => (OTHER_BOLD, self.other_bold.encode(text)),
        };
        let Some(page) = self.pages.get_mut(page) else {
            return;
        };
        page.begin_text()
            .set_font(font, f32::from(size))
            .next_line(f32::from(at.0), f32::from(at.1))
            .show(Str(&bytes))
            .end_text();
    }

    /// Writes up to `x`.
    pub(super) fn right(&mut self, x: i16, size: i16, is_bold: bool, text: &str) {
        self.left(x - width(text, size, is_bold), size, is_bold, text);
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
        let (catalog, tree, info) = (next(), next(), next());
        let (regular, bold, other_regular, other_bold) = (next(), next(), next(), next());
        let count = self.pages.len();
        let ids: Vec<(Ref, Ref)> = (0..count).map(|_| (next(), next())).collect();
        pdf.catalog(catalog).pages(tree).lang(TextStr(lang));
        pdf.document_info(info).title(TextStr(title));
        let kids = ids.iter().map(|(page, _)| *page);
        pdf.pages(tree)
            .kids(kids)
            .count(i32::try_from(count).unwrap_or(1));
        for page in 0..count {
            self.write(page, (50, 35), 7, false, foot);
            let place = format!("{} / {count}", page + 1);
            let x = 545 - width(&place, 7, false);
            self.write(page, (x, 35), 7, false, &place);
        }
        let others = [
            (OTHER_REGULAR, other_regular, &self.other_regular),
            (OTHER_BOLD, other_bold, &self.other_bold),
        ]
        .into_iter()
        .filter(|(.., font)| font.is_used());
        for ((page, contents), content) in ids.iter().zip(self.pages) {
            let mut writer = pdf.page(*page);
            writer.parent(tree).contents(*contents);
            writer.media_box(Rect::new(0.0, 0.0, f32::from(WIDTH), f32::from(HEIGHT)));
            let mut resources = writer.resources();
            let mut fonts = resources.fonts();
            fonts.pair(REGULAR, regular).pair(BOLD, bold);
            for (name, id, _) in others.clone() {
                fonts.pair(name, id);
            }
            fonts.finish();
            resources.finish();
            writer.finish();
            pdf.stream(*contents, &content.finish());
        }
        for (id, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            pdf.type1_font(id)
                .base_font(Name(name))
                .encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (_, id, font) in others {
            font.write(&mut pdf, id, &mut next);
        }
        pdf.finish()
    }
}

/// As much of a text as fits in `most` points.
pub(super) fn fit(text: &str, size: i16, most: i16) -> String {
    if width(text, size, false) <= most {
        return text.to_owned();
    }
    let mut shorter = text.to_owned();
    while width(&shorter, size, false) + width("…", size, false) > most && shorter.pop().is_some()
    {
    }
    shorter.push('…');
    shorter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_cut() {
        assert_eq!(fit("short", 9, 100), "short");
        let cut = fit("a very long name of a product that goes on", 9, 100);
        assert!(cut.ends_with('…') && width(&cut, 9, false) <= 100, "{cut}");
    }
}
