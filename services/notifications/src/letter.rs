//! A mail as it is read: plain text for some, HTML for others, the same words in both.

use askama::Template;

use crate::{
    language::Language,
    messages::{self, Labels, Words},
    money::format_money,
    occasion::{Notice, NoticeLine, Occasion, OrderNews, Totals, What},
};

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shop {
    /// What the shop is called.
    pub name: String,
    /// Where shoppers reach it, without a slash at the end.
    pub url: String,
}

/// A mail, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The subject.
    pub subject: String,
    /// For readers of plain text.
    pub text: String,
    /// For everyone else.
    pub html: String,
}

/// What the templates show.
struct Letter<'a> {
    language: Language,
    shop: &'a str,
    home: String,
    greeting: String,
    words: Words,
    button: Option<Button>,
    bill: Option<Bill>,
    labels: &'static Labels,
    footer: String,
}

struct Button {
    text: &'static str,
    url: String,
}

/// Lines and sums of an order.
struct Bill {
    lines: Vec<BillLine>,
    sums: Vec<Sum>,
    total: Option<Sum>,
    tax_included: Option<Sum>,
}

struct BillLine {
    name: String,
    pieces: String,
    total: String,
}

struct Sum {
    label: &'static str,
    amount: String,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    letter: &'a Letter<'a>,
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Text<'a> {
    letter: &'a Letter<'a>,
}

/// Writes a mail.
pub fn write(occasion: &Occasion, shop: &Shop) -> Result<Written, askama::Error> {
    let language = occasion.language;
    let labels = messages::labels(language);
    let words = messages::words(occasion, &shop.name);
    let button = words.button.and_then(|text| {
        let url = target(&occasion.what, language, shop)?;
        Some(Button { text, url })
    });
    let letter = Letter {
        language,
        shop: &shop.name,
        home: format!("{}/{}/", shop.url, language.code()),
        greeting: (labels.greeting)(occasion.name.as_deref()),
        words,
        button,
        bill: bill(&occasion.what, language, labels),
        labels,
        footer: (labels.footer)(&shop.name),
    };
    Ok(Written {
        text: Text { letter: &letter }.render()?,
        html: Html { letter: &letter }.render()?,
        subject: letter.words.subject,
    })
}

/// Where the button leads.
fn target(what: &What, language: Language, shop: &Shop) -> Option<String> {
    match what {
        What::VerifyAddress { url } | What::PasswordReset { url } => Some(url.clone()),
        What::RegistrationRepeated | What::PasswordChanged => {
            Some(format!("{}/{}/account", shop.url, language.code()))
        }
        What::AccountErased => None,
        What::Order(OrderNews::Shipped, notice) => {
            let tracking = notice.tracking_url.as_ref();
            Some(tracking.unwrap_or(&notice.order_url).clone())
        }
        What::Order(_, notice) => Some(notice.order_url.clone()),
    }
}

fn bill(what: &What, language: Language, labels: &Labels) -> Option<Bill> {
    let What::Order(news, notice) = what else {
        return None;
    };
    let Notice { lines, totals, .. } = &**notice;
    // What a parcel or a return holds is a part of the order: its sums would be those of something else.
    let is_whole = matches!(news, OrderNews::Confirmed | OrderNews::Canceled);
    let lines = lines.iter().map(|line| bill_line(line, language));
    let total = |amount| Sum {
        label: labels.total,
        amount,
    };
    let tax = |label| Sum {
        label,
        amount: format_money(totals.tax_total, language),
    };
    Some(Bill {
        lines: lines.collect(),
        sums: if is_whole {
            sums(totals, language, labels)
        } else {
            Vec::new()
        },
        total: is_whole.then(|| total(format_money(totals.total, language))),
        tax_included: (is_whole && totals.tax_included).then(|| tax(labels.tax_included)),
    })
}

fn bill_line(line: &NoticeLine, language: Language) -> BillLine {
    let price = format_money(line.unit_price, language);
    BillLine {
        name: line.name.text(language).to_owned(),
        pieces: format!("{}\u{a0}×\u{a0}{price}", line.quantity),
        total: format_money(line.total, language),
    }
}

fn sums(totals: &Totals, language: Language, labels: &Labels) -> Vec<Sum> {
    let money = |amount| format_money(amount, language);
    let mut sums = vec![Sum {
        label: labels.subtotal,
        amount: money(totals.subtotal),
    }];
    if totals.discount_total.amount != 0 {
        // Told as a positive amount by orders, whatever sign it has there.
        let amount = kit::money::Money::new(
            totals
                .discount_total
                .amount
                .saturating_abs()
                .saturating_neg(),
            totals.discount_total.currency,
        );
        sums.push(Sum {
            label: labels.discount,
            amount: money(amount),
        });
    }
    sums.push(Sum {
        label: labels.shipping,
        amount: if totals.shipping_total.amount == 0 {
            labels.free.to_owned()
        } else {
            money(totals.shipping_total)
        },
    });
    if !totals.tax_included {
        sums.push(Sum {
            label: labels.tax_added,
            amount: money(totals.tax_total),
        });
    }
    sums
}
