//! What a credit note says, and how it is printed: which part of an invoice a refund takes back, with the tax in it.

use jiff::Timestamp;
use kit::money::{Currency, round_ratio};

use super::{
    ENGLISH, FRENCH, Words, address, amount_text, day,
    page::{Paper, fit},
    rate_text,
};
use crate::{address::Address, terms::Seller, text::Locale};

/// What a credit note says.
#[derive(Debug, Clone)]
pub struct CreditNote<'a> {
    /// Its place in the sequence of credit notes.
    pub number: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// The number of the invoice that it changes.
    pub invoice_number: String,
    /// When that was issued.
    pub invoiced_at: Timestamp,
    /// The number of the order.
    pub order_number: String,
    /// Who sells.
    pub seller: &'a Seller,
    /// Who bought; nobody once personal data was erased.
    pub buyer: Option<&'a Address>,
    /// What is taken back, by rate of tax.
    pub shares: Vec<Share>,
    /// Of all amounts.
    pub currency: Currency,
    /// In which language.
    pub locale: Locale,
}

/// What of an amount is taxed at one rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// In basis points.
    pub rate: i64,
    /// With its tax.
    pub total: i64,
    /// The tax in `total`.
    pub tax: i64,
}

/// Splits a refund over the rates of what it is for, in proportion. To the last unit the shares are the refund; the whole of what it is for
/// gives back exactly the tax that was charged.
pub fn split(refund: i64, of: &[Share]) -> Vec<Share> {
    let whole: i64 = of.iter().map(|share| share.total).sum();
    let (mut seen, mut given) = (0, 0);
    let shares = of.iter().map(|share| {
        seen += share.total;
        // Rounding the sums and not the parts leaves nothing over.
        let until = round_ratio(refund, seen, whole).unwrap_or(refund);
        let total = until - given;
        given = until;
        Share {
            rate: share.rate,
            total,
            tax: round_ratio(total, share.tax, share.total).unwrap_or_default(),
        }
    });
    shares.filter(|share| share.total != 0).collect()
}

/// The words of a credit note that an invoice lacks.
struct More {
    title: &'static str,
    corrects: &'static str,
    of: &'static str,
    returned: &'static str,
}

const MORE_ENGLISH: More = More {
    title: "Credit note",
    corrects: "Corrects invoice",
    of: "of",
    returned: "Refunded by the means of payment of the order.",
};

const MORE_FRENCH: More = More {
    title: "Avoir",
    corrects: "Rectifie la facture",
    of: "du",
    returned: "Remboursé par le moyen de paiement de la commande.",
};

/// The credit note as PDF.
pub fn print(note: &CreditNote<'_>) -> Vec<u8> {
    let (words, more) = match note.locale {
        Locale::En => (&ENGLISH, &MORE_ENGLISH),
        Locale::Fr => (&FRENCH, &MORE_FRENCH),
    };
    let mut paper = Paper::new();
    head(&mut paper, note, words, more);
    sums(&mut paper, note, words);
    paper.down(24);
    paper.left(50, 9, true, more.returned);
    let title = format!("{} {}", more.title, note.number);
    paper.finish(&title, note.locale.code(), &note.seller.foot())
}

fn head(paper: &mut Paper, note: &CreditNote<'_>, words: &Words, more: &More) {
    let date = |at| day(at, note.locale);
    paper.left(50, 16, true, &note.seller.name);
    paper.right(545, 16, false, more.title);
    let facts = [
        note.number.clone(),
        format!("{} : {}", words.date, date(note.issued_at)),
        format!(
            "{} {} {} {}",
            more.corrects,
            note.invoice_number,
            more.of,
            date(note.invoiced_at)
        ),
        format!("{} : {}", words.order, note.order_number),
    ];
    let seller = [&note.seller.legal_form]
        .into_iter()
        .chain(&note.seller.address)
        .chain([&note.seller.email]);
    let seller: Vec<&String> = seller.collect();
    for index in 0..seller.len().max(facts.len()) {
        paper.down(13);
        if let Some(line) = seller.get(index) {
            paper.left(50, 9, false, line);
        }
        if let Some(fact) = facts.get(index) {
            paper.right(545, 9, false, fact);
        }
    }
    paper.down(28);
    paper.left(50, 9, true, words.billed_to);
    for line in address(note.buyer, words) {
        paper.down(13);
        paper.left(50, 9, false, &fit(&line, 9, 235));
    }
    paper.down(30);
}

fn sums(paper: &mut Paper, note: &CreditNote<'_>, words: &Words) {
    let money = |amount: i64| amount_text(-amount, note.currency, note.locale);
    for (x, word) in [
        (300, words.rate),
        (380, words.net),
        (460, words.tax),
        (545, words.total),
    ] {
        paper.right(x, 8, true, word);
    }
    paper.down(16);
    paper.rule();
    let (mut tax, mut total) = (0, 0);
    for share in &note.shares {
        let cells = [
            (300, rate_text(share.rate, note.locale)),
            (380, money(share.total - share.tax)),
            (460, money(share.tax)),
            (545, money(share.total)),
        ];
        for (x, cell) in cells {
            paper.right(x, 9, false, &cell);
        }
        (tax, total) = (tax + share.tax, total + share.total);
        paper.down(14);
    }
    paper.rule();
    paper.down(8);
    paper.left(50, 10, true, words.total);
    for (x, amount) in [(380, total - tax), (460, tax), (545, total)] {
        paper.right(x, 10, true, &money(amount));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn share(rate: i64, total: i64, tax: i64) -> Share {
        Share { rate, total, tax }
    }

    #[test]
    fn a_refund_is_split_over_the_rates_of_what_it_is_for() {
        let of = [share(550, 1055, 55), share(2000, 1200, 200)];
        for (refund, expected) in [
            (2255, vec![share(550, 1055, 55), share(2000, 1200, 200)]),
            (0, vec![]),
            (1, vec![share(2000, 1, 0)]),
            (1000, vec![share(550, 468, 24), share(2000, 532, 89)]),
        ] {
            let shares = split(refund, &of);
            assert_eq!(shares, expected, "{refund}");
            let sum: i64 = shares.iter().map(|share| share.total).sum();
            assert_eq!(sum, refund);
        }
        assert_eq!(split(100, &[]), []);
    }
}
