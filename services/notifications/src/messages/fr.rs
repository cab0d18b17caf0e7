use super::{Labels, Words};
use crate::{
    language::Language,
    money::{format_money, format_time},
    occasion::{Notice, OrderNews, What},
};

const LANGUAGE: Language = Language::Fr;

pub(super) const LABELS: Labels = Labels {
    greeting: |name| name.map_or_else(|| "Bonjour,".to_owned(), |name| format!("Bonjour {name},")),
    subtotal: "Sous-total",
    discount: "Remise",
    shipping: "Livraison",
    free: "Offerte",
    tax_included: "Dont TVA",
    tax_added: "TVA",
    total: "Total",
    colon: "\u{a0}:",
    or_open: "Si le bouton ne fonctionne pas, ouvrez cette adresse\u{a0}:",
    footer: |shop| {
        format!(
            "Ce message vous est envoyé par {shop} à la suite d’une action faite dans la boutique. Ce n’est pas une publicité."
        )
    },
};

pub(super) fn words(what: &What, shop: &str) -> Words {
    match what {
        What::VerifyAddress { .. } => Words {
            subject: "Confirmez votre adresse e-mail".to_owned(),
            preview: format!("Un clic, et votre compte {shop} est prêt."),
            paragraphs: vec![format!("Bienvenue chez {shop}. Confirmez que cette adresse est bien la vôtre\u{a0}: votre compte sera prêt aussitôt.")],
            button: Some("Confirmer mon adresse"),
            small: vec![
                "Le lien est valable pour une durée limitée.".to_owned(),
                "Vous n’avez pas créé de compte\u{a0}? Ignorez ce message\u{a0}: sans ce clic, il ne se passe rien.".to_owned(),
            ],
        },
        What::RegistrationRepeated => Words {
            subject: "Vous avez déjà un compte".to_owned(),
            preview: "Quelqu’un a voulu s’inscrire avec votre adresse.".to_owned(),
            paragraphs: vec![
                format!("Quelqu’un, sans doute vous, a voulu créer un compte {shop} avec cette adresse. Il en existe déjà un\u{a0}: rien n’a été modifié."),
                "Vous pouvez vous connecter comme d’habitude. Mot de passe oublié\u{a0}? Choisissez «\u{a0}Mot de passe oublié\u{a0}?\u{a0}» sur la page de connexion.".to_owned(),
            ],
            button: Some("Me connecter"),
            small: vec!["Ce n’était pas vous\u{a0}? Vous n’avez rien à faire\u{a0}: personne n’a pu accéder à votre compte.".to_owned()],
        },
        What::PasswordReset { .. } => Words {
            subject: "Choisissez un nouveau mot de passe".to_owned(),
            preview: "Le lien sert une seule fois, pendant peu de temps.".to_owned(),
            paragraphs: vec![format!("Vous avez demandé un nouveau mot de passe pour votre compte {shop}. Choisissez-le ici\u{a0}:")],
            button: Some("Choisir un nouveau mot de passe"),
            small: vec![
                "Le lien sert une seule fois, et pendant peu de temps. Vous serez déconnecté partout.".to_owned(),
                "Vous n’avez rien demandé\u{a0}? Ignorez ce message\u{a0}: votre mot de passe ne change pas.".to_owned(),
            ],
        },
        What::PasswordChanged => Words {
            subject: "Votre mot de passe a été modifié".to_owned(),
            preview: "Si ce n’était pas vous, agissez maintenant.".to_owned(),
            paragraphs: vec![
                format!("Le mot de passe de votre compte {shop} vient d’être modifié."),
                "Si c’était vous, tout va bien. Sinon, quelqu’un d’autre a accès à votre compte\u{a0}: choisissez tout de suite un nouveau mot de passe avec «\u{a0}Mot de passe oublié\u{a0}?\u{a0}».".to_owned(),
            ],
            button: Some("Aller à mon compte"),
            small: Vec::new(),
        },
        What::AccountErased => Words {
            subject: "Votre compte est supprimé".to_owned(),
            preview: "Ce message est le dernier que nous vous envoyons.".to_owned(),
            paragraphs: vec![
                format!("Votre compte {shop} est supprimé, et avec lui tout ce que nous gardions sur vous\u{a0}: profil, adresses, paniers, et cette adresse e-mail."),
                "Il ne reste que ce que la loi nous oblige à conserver des commandes passées, aussi longtemps qu’elle le demande, et sans votre nom partout où c’est possible.".to_owned(),
                "Ce message est le dernier que nous vous envoyons. Merci, et bonne continuation.".to_owned(),
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
            format!("Votre commande {number} est confirmée"),
            "Merci. Votre paiement est arrivé, nous préparons votre colis.".to_owned(),
            vec!["Merci pour votre commande. Votre paiement est arrivé et nous préparons votre colis. Vous recevrez un autre message à son départ.".to_owned()],
            vec!["Vous pouvez vous rétracter dans les 14 jours qui suivent la réception, sans donner de motif\u{a0}: depuis la page de votre commande, en deux clics.".to_owned()],
        ),
        OrderNews::Canceled => (
            format!("Votre commande {number} est annulée"),
            "Rien ne sera envoyé.".to_owned(),
            vec!["Votre commande est annulée\u{a0}: rien ne sera envoyé. Ce que vous avez payé vous est remboursé par le même moyen\u{a0}; un message vous dira quand.".to_owned()],
            Vec::new(),
        ),
        OrderNews::Shipped => (
            format!("Votre colis est en route (commande {number})"),
            notice.tracking.as_ref().map_or_else(|| "Il vient de partir.".to_owned(), |tracking| format!("Numéro de suivi {tracking}")),
            vec![shipped(notice)],
            Vec::new(),
        ),
        OrderNews::ReturnRequested => (
            format!("Votre retour pour la commande {number}"),
            "Comment nous le renvoyer.".to_owned(),
            vec!["Nous attendons le retour de ce qui est indiqué ci-dessous. La page de votre commande explique comment l’envoyer, et à quelle adresse.".to_owned()],
            vec!["Dès son arrivée, vous recevrez un autre message.".to_owned()],
        ),
        OrderNews::ReturnReceived => (
            format!("Votre retour est arrivé (commande {number})"),
            "Nous nous occupons du remboursement.".to_owned(),
            vec!["Ce que vous nous avez renvoyé est arrivé. Nous l’examinons et nous occupons du remboursement\u{a0}; un message vous dira quand l’argent est parti.".to_owned()],
            Vec::new(),
        ),
        OrderNews::Refunded => (
            format!("Un remboursement pour la commande {number}"),
            notice.amount.map_or_else(|| "L’argent est en route.".to_owned(), |amount| format!("{} sont en route vers vous.", format_money(amount, LANGUAGE))),
            vec![notice.amount.map_or_else(
                || "Nous avons remboursé votre commande, par le moyen de paiement que vous aviez utilisé.".to_owned(),
                |amount| format!("Nous vous avons remboursé {}, par le moyen de paiement que vous aviez utilisé.", format_money(amount, LANGUAGE)),
            )],
            vec!["Selon votre banque, le montant apparaît sous quelques jours.".to_owned()],
        ),
        OrderNews::Withdrawn => (
            format!("Accusé de réception de votre rétractation (commande {number})"),
            "Nous avons bien reçu votre déclaration.".to_owned(),
            vec![
                format!("Nous confirmons avoir reçu le {} votre déclaration de rétractation du contrat portant sur la commande {number}, pour ce qui est indiqué ci-dessous.", format_time(notice.at, LANGUAGE)),
                "Merci de renvoyer les articles dans les 14 jours. Nous vous remboursons tous les paiements correspondants, frais de livraison standard compris, au plus tard dans les 14 jours\u{a0}; nous pouvons attendre d’avoir reçu les articles ou la preuve de leur envoi.".to_owned(),
            ],
            vec![format!("Conservez ce message\u{a0}: c’est l’accusé de réception que la loi demande à {shop} de vous remettre.")],
        ),
    };
    let button = match news {
        OrderNews::Shipped if notice.tracking_url.is_some() => "Suivre mon colis",
        _ => "Voir ma commande",
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
        (Some(carrier), Some(tracking)) => format!(
            "Votre colis est parti, confié à {carrier}. Son numéro de suivi est {tracking}."
        ),
        (Some(carrier), None) => format!("Votre colis est parti, confié à {carrier}."),
        (None, Some(tracking)) => {
            format!("Votre colis est parti. Son numéro de suivi est {tracking}.")
        }
        (None, None) => "Votre colis est parti.".to_owned(),
    }
}
