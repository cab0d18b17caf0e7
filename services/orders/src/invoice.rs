//! The invoice, as French law wants it (code général des impôts, annexe II, article 242 nonies A; code de commerce, article L441-9).

pub mod credit_note;
mod letters;
mod page;

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use kit::money::{Currency, round_ratio};

use self::page::{Paper, fit};
use crate::{
    address::Address,
    terms::{Seller, WHOLE},
    text::Locale,
};

/// What an invoice says.
#[derive(Debug, Clone)]
pub struct Invoice<'a> {
    /// Its place in the sequence of invoices.
    pub number: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The number of the order.
    pub order_number: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Who sells.
    pub seller: &'a Seller,
    /// Who buys; nobody once personal data was erased.
    pub buyer: Option<&'a Address>,
    /// Where it was sent.
    pub ship_to: Option<&'a Address>,
    /// What was bought.
    pub lines: Vec<InvoiceLine<'a>>,
    /// Shipping with its tax.
    pub shipping: InvoiceLine<'a>,
    /// What was charged.
    pub total: i64,
    /// What of it was given back.
    pub refunded: i64,
    /// Of all amounts.
    pub currency: Currency,
    /// Whether `unit_price` holds the tax.
    pub tax_included: bool,
    /// In which language.
    pub locale: Locale,
}

/// A line of an invoice.
#[derive(Debug, Clone, Copy)]
pub struct InvoiceLine<'a> {
    /// What.
    pub name: &'a str,
    /// How many.
    pub quantity: i64,
    /// What one costs, before discounts.
    pub unit_price: i64,
    /// What was taken off.
    pub discount: i64,
    /// In basis points.
    pub tax_rate: i64,
    /// The tax in `total`.
    pub tax: i64,
    /// What was paid.
    pub total: i64,
}

/// The words of an invoice.
struct Words {
    invoice: &'static str,
    date: &'static str,
    order: &'static str,
    billed_to: &'static str,
    sent_to: &'static str,
    erased: &'static str,
    columns: [&'static str; 5],
    discount: &'static str,
    rate: &'static str,
    net: &'static str,
    tax: &'static str,
    total: &'static str,
    paid: &'static str,
    refunded: &'static str,
    mentions: [&'static str; 3],
}

const ENGLISH: Words = Words {
    invoice: "Invoice",
    date: "Date of issue",
    order: "Order",
    billed_to: "Billed to",
    sent_to: "Sent to",
    erased: "Personal data was erased on request.",
    columns: [
        "Description",
        "Qty",
        "Unit price excl. VAT",
        "VAT",
        "Total incl. VAT",
    ],
    discount: "Discount",
    rate: "VAT rate",
    net: "Excl. VAT",
    tax: "VAT",
    total: "Total incl. VAT",
    paid: "Paid when the order was placed. No early payment discount.",
    refunded: "Refunded since",
    mentions: [
        "Businesses: late payment bears three times the legal interest rate and a fixed compensation of 40 EUR for recovery costs.",
        "Consumers may withdraw within 14 days of delivery without giving a reason.",
        "Legal guarantee of conformity: 2 years from delivery.",
    ],
};

const FRENCH: Words = Words {
    invoice: "Facture",
    date: "Date d’émission",
    order: "Commande",
    billed_to: "Facturé à",
    sent_to: "Livré à",
    erased: "Données personnelles effacées à la demande du client.",
    columns: ["Désignation", "Qté", "Prix unitaire HT", "TVA", "Total TTC"],
    discount: "Remise",
    rate: "Taux de TVA",
    net: "Total HT",
    tax: "TVA",
    total: "Total TTC",
    paid: "Payée à la commande. Pas d’escompte pour paiement anticipé.",
    refunded: "Remboursé depuis",
    mentions: [
        "Professionnels : tout retard entraîne des pénalités de trois fois le taux d’intérêt légal et une indemnité forfaitaire de 40 EUR pour frais de recouvrement.",
        "Le consommateur dispose de 14 jours après la livraison pour se rétracter, sans donner de motif.",
        "Garantie légale de conformité : 2 ans à compter de la livraison.",
    ],
};

/// The invoice as PDF.
pub fn print(invoice: &Invoice<'_>) -> Vec<u8> {
    let words = match invoice.locale {
        Locale::En => &ENGLISH,
        Locale::Fr => &FRENCH,
    };
    let mut paper = Paper::new();
    head(&mut paper, invoice, words);
    lines(&mut paper, invoice, words);
    sums(&mut paper, invoice, words);
    paper.down(24);
    paper.left(50, 9, true, words.paid);
    for mention in words.mentions {
        paper.down(12);
        paper.left(50, 7, false, mention);
    }
    let title = format!("{} {}", words.invoice, invoice.number);
    paper.finish(&title, invoice.locale.code(), &invoice.seller.foot())
}

impl Seller {
    /// Who sells, as the law wants it on everything that is sent.
    fn foot(&self) -> String {
        format!(
            "{} – {} – SIREN {} – {} – TVA {}",
            self.name, self.legal_form, self.siren, self.register, self.vat_number
        )
    }
}

fn head(paper: &mut Paper, invoice: &Invoice<'_>, words: &Words) {
    let seller = invoice.seller;
    paper.left(50, 16, true, &seller.name);
    paper.right(545, 16, false, words.invoice);
    let facts = [
        invoice.number.clone(),
        format!(
            "{} : {}",
            words.date,
            day(invoice.issued_at, invoice.locale)
        ),
        format!(
            "{} : {} ({})",
            words.order,
            invoice.order_number,
            day(invoice.placed_at, invoice.locale)
        ),
    ];
    let mut facts = facts.iter();
    for line in [&seller.legal_form]
        .into_iter()
        .chain(&seller.address)
        .chain([&seller.email])
    {
        paper.down(13);
        paper.left(50, 9, false, line);
        if let Some(fact) = facts.next() {
            paper.right(545, 9, false, fact);
        }
    }
    for fact in facts {
        paper.down(13);
        paper.right(545, 9, false, fact);
    }
    paper.down(28);
    paper.left(50, 9, true, words.billed_to);
    paper.left(300, 9, true, words.sent_to);
    let (left, right) = (
        address(invoice.buyer, words),
        address(invoice.ship_to, words),
    );
    for index in 0..left.len().max(right.len()) {
        paper.down(13);
        for (x, side) in [(50, &left), (300, &right)] {
            if let Some(line) = side.get(index) {
                paper.left(x, 9, false, &fit(line, 9, 235));
            }
        }
    }
    paper.down(30);
}

fn address(address: Option<&Address>, words: &Words) -> Vec<String> {
    let Some(address) = address else {
        return vec![words.erased.to_owned()];
    };
    let mut lines = vec![address.name.clone(), address.line1.clone()];
    lines.extend(address.line2.clone());
    lines.push(format!("{} {}", address.postal_code, address.city));
    lines.extend(address.region.clone());
    lines.push(address.country.clone());
    lines
}

fn columns(paper: &mut Paper, words: &Words) {
    let [what, quantity, price, rate, total] = words.columns;
    paper.left(50, 8, true, what);
    for (x, word) in [(330, quantity), (430, price), (470, rate), (545, total)] {
        paper.right(x, 8, true, word);
    }
    paper.down(16);
    paper.rule();
}

fn lines(paper: &mut Paper, invoice: &Invoice<'_>, words: &Words) {
    let money = |amount| amount_text(amount, invoice.currency, invoice.locale);
    columns(paper, words);
    for line in invoice.lines.iter().chain([&invoice.shipping]) {
        let unit = if invoice.tax_included {
            round_ratio(line.unit_price, WHOLE, WHOLE + line.tax_rate).unwrap_or(line.unit_price)
        } else {
            line.unit_price
        };
        paper.left(50, 9, false, &fit(line.name, 9, 245));
        paper.right(330, 9, false, &line.quantity.to_string());
        paper.right(430, 9, false, &money(unit));
        paper.right(470, 9, false, &rate_text(line.tax_rate, invoice.locale));
        paper.right(545, 9, false, &money(line.total));
        if line.discount > 0 {
            paper.down(11);
            let text = format!("{} : -{}", words.discount, money(line.discount));
            paper.left(60, 8, false, &text);
        }
        if paper.down(14) {
            columns(paper, words);
        }
    }
}

fn sums(paper: &mut Paper, invoice: &Invoice<'_>, words: &Words) {
    let money = |amount| amount_text(amount, invoice.currency, invoice.locale);
    let mut by_rate: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    for line in invoice.lines.iter().chain([&invoice.shipping]) {
        let sums = by_rate.entry(line.tax_rate).or_default();
        sums.0 += line.total - line.tax;
        sums.1 += line.tax;
    }
    paper.rule();
    paper.down(14);
    for (x, word) in [
        (300, words.rate),
        (380, words.net),
        (460, words.tax),
        (545, words.total),
    ] {
        paper.right(x, 8, true, word);
    }
    for (rate, (net, tax)) in &by_rate {
        paper.down(13);
        let cells = [
            (300, rate_text(*rate, invoice.locale)),
            (380, money(*net)),
            (460, money(*tax)),
            (545, money(net + tax)),
        ];
        for (x, cell) in cells {
            paper.right(x, 9, false, &cell);
        }
    }
    paper.down(18);
    let net: i64 = by_rate.values().map(|(net, _)| net).sum();
    let tax: i64 = by_rate.values().map(|(_, tax)| tax).sum();
    for (x, amount) in [(380, net), (460, tax), (545, invoice.total)] {
        paper.right(x, 10, true, &money(amount));
    }
    paper.left(50, 10, true, words.total);
    if invoice.refunded > 0 {
        paper.down(14);
        paper.left(50, 9, false, words.refunded);
        paper.right(545, 9, false, &money(invoice.refunded));
    }
}

/// `1 234,56 EUR` or `1,234.56 EUR`: the code, because that is what an invoice is about.
fn amount_text(amount: i64, currency: Currency, locale: Locale) -> String {
    let (group, point) = match locale {
        Locale::En => (',', '.'),
        Locale::Fr => ('\u{a0}', ','),
    };
    let digits = usize::try_from(currency.minor_unit_digits()).unwrap_or(2);
    let plain = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, fraction) = plain.split_at(plain.len() - digits);
    let mut text = String::new();
    if amount < 0 {
        text.push('-');
    }
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    if digits > 0 {
        text.push(point);
        text.push_str(fraction);
    }
    text.push('\u{a0}');
    text.push_str(currency.code());
    text
}

/// `20 %` or `5,5 %`.
fn rate_text(rate: i64, locale: Locale) -> String {
    let (whole, rest) = (rate / 100, rate % 100);
    let point = if locale == Locale::Fr { ',' } else { '.' };
    let fraction = format!("{rest:02}");
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return format!("{whole} %");
    }
    format!("{whole}{point}{fraction} %")
}

/// The day in France, within an hour.
fn day(at: Timestamp, locale: Locale) -> String {
    let date = at.to_zoned(TimeZone::fixed(Offset::constant(1))).date();
    match locale {
        Locale::En => date.to_string(),
        Locale::Fr => format!("{:02}/{:02}/{}", date.day(), date.month(), date.year()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terms::{DEFAULT, Terms};

    #[test]
    fn amounts_read_as_people_write_them() {
        let yen = "JPY".parse().expect("a currency");
        let dinar = "KWD".parse().expect("a currency");
        for (amount, currency, locale, expected) in [
            (123_456, Currency::EUR, Locale::Fr, "1\u{a0}234,56\u{a0}EUR"),
            (
                123_456_789,
                Currency::EUR,
                Locale::En,
                "1,234,567.89\u{a0}EUR",
            ),
            (5, Currency::EUR, Locale::En, "0.05\u{a0}EUR"),
            (-5, Currency::EUR, Locale::Fr, "-0,05\u{a0}EUR"),
            (1234, yen, Locale::En, "1,234\u{a0}JPY"),
            (1234, dinar, Locale::En, "1.234\u{a0}KWD"),
        ] {
            assert_eq!(amount_text(amount, currency, locale), expected);
        }
        assert_eq!(
            [550, 2000, 210].map(|rate| rate_text(rate, Locale::Fr)),
            ["5,5 %", "20 %", "2,1 %"]
        );
    }

    fn line(name: &str) -> InvoiceLine<'_> {
        InvoiceLine {
            name,
            quantity: 2,
            unit_price: 1055,
            discount: 10,
            tax_rate: 550,
            tax: 109,
            total: 2100,
        }
    }

    fn buyer(name: &str) -> Address {
        Address {
            name: name.to_owned(),
            line1: "1 rue du Bac".to_owned(),
            line2: None,
            postal_code: "75007".to_owned(),
            city: "Paris".to_owned(),
            region: None,
            country: "FR".to_owned(),
            phone: None,
        }
    }

    fn printed(seller: &Seller, buyer: &Address, lines: usize) -> Vec<u8> {
        print(&Invoice {
            number: "2026-000042".to_owned(),
            issued_at: Timestamp::UNIX_EPOCH,
            order_number: "06ADZ-89NPD".to_owned(),
            placed_at: Timestamp::UNIX_EPOCH,
            seller,
            buyer: Some(buyer),
            ship_to: Some(buyer),
            lines: vec![line("Lait entier"); lines],
            shipping: line("Livraison"),
            total: 4200,
            refunded: 100,
            currency: Currency::EUR,
            tax_included: true,
            locale: Locale::Fr,
        })
    }

    /// Whether the file holds a text. One with accents is written in hexadecimal.
    fn holds(pdf: &[u8], text: &[u8]) -> bool {
        let hex = text.iter().map(|byte| format!("{byte:02X}"));
        let hex = hex.collect::<Vec<_>>().concat();
        let found = |text: &[u8]| pdf.windows(text.len()).any(|window| window == text);
        found(text) || found(hex.as_bytes())
    }

    #[test]
    fn a_name_keeps_its_letters_and_only_then_is_a_font_embedded() {
        let terms = Terms::parse(DEFAULT).expect("sound");
        let french = printed(&terms.seller, &buyer("Zoé Lefèvre"), 3);
        let polish = printed(&terms.seller, &buyer("Łukasz Wiśniewski"), 3);
        assert!(!holds(&french, b"FontFile2") && french.len() < 10_000);
        assert!(holds(&polish, b"FontFile2") && polish.len() < 40_000);
        // What a reader copies and searches by: Ł is U+0141.
        assert!(holds(&polish, b"<0141>"));
    }

    #[test]
    fn says_what_the_law_wants_and_goes_on_over_pages() {
        let terms = Terms::parse(DEFAULT).expect("sound");
        let buyer = buyer("Zoé Lefèvre");
        for (count, pages) in [(1, 1), (200, 8)] {
            let pdf = printed(&terms.seller, &buyer, count);
            let holds = |text: &[u8]| holds(&pdf, text);
            assert!(pdf.starts_with(b"%PDF-") && holds(b"%%EOF"));
            for wanted in [
                &b"2026-000042"[..],
                b"SIREN 000 000 000",
                b"TVA FR00",
                b"RCS Lyon",
                b"Prix unitaire HT",
                b"Total TTC",
                b"5,5 %",
                b"06ADZ-89NPD",
            ] {
                assert!(holds(wanted), "{:?}", String::from_utf8_lossy(wanted));
            }
            let counted = (1..20).find(|number| holds(format!("{number} / {number}").as_bytes()));
            assert_eq!(counted, Some(pages), "{count} lines");
        }
    }
}
