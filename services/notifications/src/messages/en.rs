use super::{Labels, Words};
use crate::{
    language::Language,
    money::{format_money, format_time},
    occasion::{Notice, OrderNews, What},
};

const LANGUAGE: Language = Language::En;

pub(super) const LABELS: Labels = Labels {
    greeting: |name| name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},")),
    subtotal: "Subtotal",
    discount: "Discount",
    shipping: "Shipping",
    free: "Free",
    tax_included: "Tax included",
    tax_added: "Tax",
    total: "Total",
    colon: ":",
    or_open: "If the button does not work, open this address:",
    footer: |shop| {
        format!(
            "This mail was sent by {shop} because of something that was done in the shop. It is not advertising."
        )
    },
};

pub(super) fn words(what: &What, shop: &str) -> Words {
    match what {
        What::VerifyAddress { .. } => Words {
            subject: "Confirm your e-mail address".to_owned(),
            preview: format!("One click, and your {shop} account is ready."),
            paragraphs: vec![format!("Welcome to {shop}. Please confirm that this address is yours; your account is ready right after.")],
            button: Some("Confirm my address"),
            small: vec![
                "The link works for a limited time.".to_owned(),
                "You did not create an account? Then ignore this mail: without the click, nothing happens.".to_owned(),
            ],
        },
        What::RegistrationRepeated => Words {
            subject: "You already have an account".to_owned(),
            preview: "Someone tried to register with your address.".to_owned(),
            paragraphs: vec![
                format!("Someone, probably you, tried to create a {shop} account with this address. There is one already, so nothing was changed."),
                "You can log in as usual. If you forgot your password, choose “Forgot your password?” there.".to_owned(),
            ],
            button: Some("Log in"),
            small: vec!["It was not you? Then there is nothing to do: nobody got into your account.".to_owned()],
        },
        What::PasswordReset { .. } => Words {
            subject: "Choose a new password".to_owned(),
            preview: "The link works once, for a short time.".to_owned(),
            paragraphs: vec![format!("You asked for a new password for your {shop} account. Choose it here:")],
            button: Some("Choose a new password"),
            small: vec![
                "The link works once, and only for a short time. You will be logged out everywhere.".to_owned(),
                "You did not ask for it? Then ignore this mail: your password stays as it is.".to_owned(),
            ],
        },
        What::PasswordChanged => Words {
            subject: "Your password was changed".to_owned(),
            preview: "If it was not you, act now.".to_owned(),
            paragraphs: vec![
                format!("The password of your {shop} account has just been changed."),
                "If it was you, all is well. If not, someone else is in your account: choose a new password at once with “Forgot your password?”.".to_owned(),
            ],
            button: Some("Go to my account"),
            small: Vec::new(),
        },
        What::AccountErased => Words {
            subject: "Your account is deleted".to_owned(),
            preview: "This is the last mail you get from us.".to_owned(),
            paragraphs: vec![
                format!("Your {shop} account is deleted, and with it all that we kept about you: profile, addresses, carts, this e-mail address."),
                "Only what the law has us keep of past orders stays, for as long as it says, and without your name wherever possible.".to_owned(),
                "This is the last mail you get from us. Thank you, and all the best.".to_owned(),
            ],
            button: None,
            small: Vec::new(),
        },
        What::Order(news, notice) => order(*news, notice, shop),
    }
}

fn order(news: OrderNews, notice: &Notice, shop: &str) -> Words {
    let number = &notice.number;
    let (subject, preview, paragraphs, small) = match news {
        OrderNews::Confirmed => (
            format!("Order {number} is confirmed"),
            "Thank you. We have your payment and are packing.".to_owned(),
            vec!["Thank you for your order. Your payment has arrived, and we are packing. You get another mail when your parcel leaves.".to_owned()],
            vec!["You may withdraw from the contract within 14 days of receiving the goods, without giving a reason: on the page of your order, in two clicks.".to_owned()],
        ),
        OrderNews::Canceled => (
            format!("Order {number} is canceled"),
            "Nothing will be sent.".to_owned(),
            vec!["Your order is canceled, and nothing will be sent. What you have paid goes back the way it came; a mail tells you when.".to_owned()],
            Vec::new(),
        ),
        OrderNews::Shipped => (
            format!("Your parcel is on its way (order {number})"),
            notice.tracking.as_ref().map_or_else(|| "It has just left.".to_owned(), |tracking| format!("Tracking number {tracking}")),
            vec![shipped(notice)],
            Vec::new(),
        ),
        OrderNews::ReturnRequested => (
            format!("Your return for order {number}"),
            "How to send it back.".to_owned(),
            vec!["We expect the return of what is listed below. The page of your order says how to send it, and where to.".to_owned()],
            vec!["As soon as it arrives, you get another mail.".to_owned()],
        ),
        OrderNews::ReturnReceived => (
            format!("Your return has arrived (order {number})"),
            "We take care of the refund.".to_owned(),
            vec!["What you sent back has arrived. We look at it and take care of the refund; a mail tells you when the money is on its way.".to_owned()],
            Vec::new(),
        ),
        OrderNews::Refunded => (
            format!("A refund for order {number}"),
            notice.amount.map_or_else(|| "The money is on its way.".to_owned(), |amount| format!("{} is on its way to you.", format_money(amount, LANGUAGE))),
            vec![notice.amount.map_or_else(
                || "We have refunded your order. The money goes back the way it came.".to_owned(),
                |amount| format!("We have refunded {}. The money goes back the way it came.", format_money(amount, LANGUAGE)),
            )],
            vec!["Depending on your bank it shows up within a few days.".to_owned()],
        ),
        OrderNews::Withdrawn => (
            format!("Receipt of your withdrawal (order {number})"),
            "We have received your declaration.".to_owned(),
            vec![
                format!("We confirm that on {} we received your declaration to withdraw from the contract for order {number}, for what is listed below.", format_time(notice.at, LANGUAGE)),
                "Please send the goods back within 14 days. We refund all payments for them, standard delivery included, within 14 days at the latest; we may wait until the goods, or proof that they were sent, have arrived.".to_owned(),
            ],
            vec![format!("Keep this mail: it is the receipt that the law has {shop} give you.")],
        ),
    };
    let button = match news {
        OrderNews::Shipped if notice.tracking_url.is_some() => "Track my parcel",
        _ => "See my order",
    };
    Words {
        subject,
        preview,
        paragraphs,
        button: Some(button),
        small,
    }
}

fn shipped(notice: &Notice) -> String {
    match (&notice.carrier, &notice.tracking) {
        (Some(carrier), Some(tracking)) => {
            format!("Your parcel has left. {carrier} brings it; the tracking number is {tracking}.")
        }
        (Some(carrier), None) => format!("Your parcel has left. {carrier} brings it."),
        (None, Some(tracking)) => {
            format!("Your parcel has left. The tracking number is {tracking}.")
        }
        (None, None) => "Your parcel has left.".to_owned(),
    }
}
