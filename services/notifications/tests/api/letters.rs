//! Every mail in every language, as it is read.

use amazoff_notifications::{letter, occasion};
use serde_json::json;

use crate::world::{occasions, order, shop};

#[test]
fn mails_read_as_they_did() {
    for locale in ["en", "fr"] {
        for (kind, data) in occasions(locale) {
            let occasion = occasion::read(kind, &data)
                .expect("a mail")
                .expect("readable");
            let name = format!("{}_{locale}", occasion.what.kind());
            let written = letter::write(&occasion, &shop()).expect("written");
            let text = format!("Subject: {}\n\n{}", written.subject, written.text);
            insta::assert_snapshot!(format!("{name}_text"), text);
            insta::assert_snapshot!(format!("{name}_html"), written.html);
        }
    }
}

#[test]
fn mails_are_safe_and_whole_in_any_reader() {
    for locale in ["en", "fr"] {
        for (kind, data) in occasions(locale) {
            let occasion = occasion::read(kind, &data)
                .expect("a mail")
                .expect("readable");
            let written = letter::write(&occasion, &shop()).expect("written");
            let html = &written.html;
            for never in [
                "<script",
                "<style",
                "<link",
                "<img",
                "<form",
                "javascript:",
                "Earl & Grey>",
            ] {
                assert!(!html.contains(never), "{kind}: {never}");
            }
            assert!(html.contains(&format!("lang=\"{locale}\"")));
            // What can be opened in one form can be opened in the other.
            for url in written
                .text
                .split_whitespace()
                .filter(|word| word.starts_with("http"))
            {
                assert!(html.contains(&url.replace('&', "&#38;")), "{kind}: {url}");
            }
            assert!(!written.subject.contains(['\r', '\n']), "{kind}");
        }
    }
}

#[test]
fn an_order_in_another_currency_and_without_frills_is_written_too() {
    let yen = |amount: i64| json!({"amount": amount, "currency": "JPY"});
    let mut data = order("fr");
    data["lines"] = json!([{"sku": "1", "name": {"en": "Tea", "fr": ""}, "quantity": 2, "unit_price": yen(1200), "total": yen(2400)}]);
    data["totals"] = json!({"subtotal": yen(2400), "discount_total": yen(0), "shipping_total": yen(500), "tax_total": yen(290), "total": yen(3190), "tax_included": false});
    for frill in ["amount", "carrier", "tracking", "tracking_url", "name"] {
        data.as_object_mut().expect("an object").remove(frill);
    }
    for kind in ["confirmed", "shipped", "refunded"] {
        let kind = format!("amazoff.order.{kind}");
        let occasion = occasion::read(&kind, &data)
            .expect("a mail")
            .expect("readable");
        let written = letter::write(&occasion, &shop()).expect("written");
        insta::assert_snapshot!(format!("plain_{}", occasion.what.kind()), written.text);
    }
}
