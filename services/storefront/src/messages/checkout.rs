//! What is said at the checkout and while paying.

/// The words of one language.
pub struct CheckoutMessages {
    pub title: &'static str,
    pub description: &'static str,
    pub steps: &'static str,
    pub step_address: &'static str,
    pub step_delivery: &'static str,
    pub step_review: &'static str,
    pub change: &'static str,
    pub change_what: fn(step: &str) -> String,
    pub guest_note: &'static str,
    pub have_account: &'static str,
    pub log_in: &'static str,
    pub saved_addresses: &'static str,
    pub deliver_here: &'static str,
    pub another_address: &'static str,

    // Fields
    pub email: &'static str,
    pub email_hint: &'static str,
    pub email_wrong: &'static str,
    pub name: &'static str,
    pub name_missing: &'static str,
    pub country: &'static str,
    pub country_missing: &'static str,
    pub line1: &'static str,
    pub line1_missing: &'static str,
    pub line2: &'static str,
    pub postal_code: &'static str,
    pub postal_code_missing: &'static str,
    pub city: &'static str,
    pub city_missing: &'static str,
    pub region: &'static str,
    pub phone: &'static str,
    pub phone_hint: &'static str,
    pub phone_wrong: &'static str,
    pub too_long: fn(most: usize) -> String,
    pub all_too_long: &'static str,
    pub billing_differs: &'static str,
    pub billing_address: &'static str,
    pub delivery_address: &'static str,
    pub to_delivery: &'static str,

    // Delivery
    pub delivery_method: &'static str,
    pub days: fn(least: u16, most: u16) -> String,
    pub free: &'static str,
    pub no_delivery: &'static str,
    pub method_missing: &'static str,
    pub to_review: &'static str,

    // Review
    pub delivery: &'static str,
    pub discount: &'static str,
    pub total: &'static str,
    pub tax_in_total: fn(tax: &str) -> String,
    pub tax: &'static str,
    pub pay_with: &'static str,
    pub provider: fn(provider: &str) -> Option<&'static str>,
    pub provider_hint: fn(provider: &str) -> Option<&'static str>,
    pub place: fn(total: &str) -> String,
    pub terms: &'static str,
    pub total_moved: fn(before: &str, now: &str) -> String,
    pub total_moved_title: &'static str,
    pub place_later: &'static str,
    pub place_later_title: &'static str,
    pub no_payment: &'static str,
    pub refused_title: &'static str,
    pub refused_text: &'static str,

    // Paying
    pub pay_title: fn(number: &str) -> String,
    pub pay_lead: &'static str,
    pub pay: fn(total: &str) -> String,
    pub kept_until: fn(time: &str) -> String,
    pub declined_title: &'static str,
    pub declined_text: &'static str,
    pub interrupted_title: &'static str,
    pub interrupted_text: &'static str,
    pub waiting_title: &'static str,
    pub waiting_text: &'static str,
    pub waiting_check: &'static str,
    pub card_title: &'static str,
    pub card_text: &'static str,
    pub card_without_script: &'static str,
    pub card_hosted: &'static str,
    pub card_problem: &'static str,
    pub order_over_title: &'static str,
    pub order_over_text: &'static str,
}

/// English.
pub static EN: CheckoutMessages = CheckoutMessages {
    title: "Checkout",
    description: "Delivery, summary and payment of your order.",
    steps: "Steps of your order",
    step_address: "Your details",
    step_delivery: "Delivery",
    step_review: "Review and payment",
    change: "Change",
    change_what: |step| format!("Change: {step}"),
    guest_note: "You order as a guest. After the order you can create an account if you like.",
    have_account: "Already have an account?",
    log_in: "Log in",
    saved_addresses: "Your addresses",
    deliver_here: "Deliver here",
    another_address: "Or to another address",

    email: "E-mail",
    email_hint: "For the confirmation and news of your order. Nothing else.",
    email_wrong: "Enter an e-mail address, such as ada@example.com.",
    name: "First and last name",
    name_missing: "Enter the name that stands on the door.",
    country: "Country",
    country_missing: "Choose a country.",
    line1: "Street and number",
    line1_missing: "Enter the street and the number.",
    line2: "Floor, building, company",
    postal_code: "Postcode",
    postal_code_missing: "Enter the postcode.",
    city: "Town or city",
    city_missing: "Enter the town or city.",
    region: "State or region",
    phone: "Phone",
    phone_hint: "Only if the carrier can’t find you.",
    phone_wrong: "Enter a phone number of digits, such as +33 6 12 34 56 78, or leave it empty.",
    too_long: |most| format!("Use one line of at most {most} characters."),
    all_too_long: "Together these are too long. Shorten the address.",
    billing_differs: "The invoice goes to another address",
    billing_address: "Invoice address",
    delivery_address: "Delivery address",
    to_delivery: "Continue to delivery",

    delivery_method: "How it reaches you",
    days: |least, most| {
        if least == most && most == 1 {
            "the next working day".to_owned()
        } else if least == most {
            format!("in {most} working days")
        } else {
            format!("in {least} to {most} working days")
        }
    },
    free: "Free",
    no_delivery: "We don’t deliver to this country yet. Choose another address.",
    method_missing: "Choose how it should reach you.",
    to_review: "Continue to review and payment",

    delivery: "Delivery",
    discount: "Discount",
    total: "Total",
    tax_in_total: |tax| format!("including {tax} tax"),
    tax: "Tax",
    pay_with: "Pay with",
    provider: |provider| {
        Some(match provider {
            "stripe" => "Card",
            "paypal" => "PayPal",
            "test" => "Test payment",
            _ => return None,
        })
    },
    provider_hint: |provider| {
        Some(match provider {
            "stripe" => "Your card number goes to Stripe directly. We never see it.",
            "paypal" => "You confirm at PayPal and come back here.",
            "test" => "Takes no money: to try the shop out.",
            _ => return None,
        })
    },
    place: |total| format!("Order and pay {total}"),
    terms: "By ordering you conclude a contract of purchase. You can withdraw from it within 14 days after delivery, without giving a reason, from the foot of every page.",
    total_moved: |before, now| {
        format!(
            "It was {before} and is now {now}. Nothing was ordered. Look at it again and order if it suits you."
        )
    },
    total_moved_title: "The total has changed",
    place_later: "Nothing was charged. What you filled in is kept: please try again in a moment. If the first try did get through, you won’t be charged twice.",
    place_later_title: "We couldn’t place your order just now",
    no_payment: "Paying is not possible for a moment. What you filled in is kept: reload this page shortly.",
    refused_title: "We couldn’t accept this order",
    refused_text: "Please check your details and the delivery, then try again. Nothing was charged.",

    pay_title: |number| format!("Pay for order {number}"),
    pay_lead: "Your order is kept for you. Choose how to pay.",
    pay: |total| format!("Pay {total}"),
    kept_until: |time| format!("We keep the goods for you until {time}."),
    declined_title: "The payment was refused",
    declined_text: "Nothing was charged, and your order is kept. Try again, or pay another way.",
    interrupted_title: "The payment was not completed",
    interrupted_text: "Nothing was charged, and your order is kept. You can try again whenever you are ready.",
    waiting_title: "We are waiting for your payment to be confirmed",
    waiting_text: "This usually takes a few seconds. The page looks again by itself. You may also close it: we send you a mail as soon as it is settled.",
    waiting_check: "Look again",
    card_title: "Pay by card",
    card_text: "The fields below belong to Stripe: your card number never reaches us.",
    card_without_script: "Paying on this page needs JavaScript. You can pay on Stripe’s own page instead.",
    card_hosted: "Pay on Stripe’s page",
    card_problem: "The card fields can’t be loaded.",
    order_over_title: "This order can’t be paid any more",
    order_over_text: "It was not paid in time or was canceled. Nothing was charged. You can order again.",
};

/// French.
pub static FR: CheckoutMessages = CheckoutMessages {
    title: "Commande",
    description: "Livraison, récapitulatif et paiement de votre commande.",
    steps: "Étapes de votre commande",
    step_address: "Vos coordonnées",
    step_delivery: "Livraison",
    step_review: "Récapitulatif et paiement",
    change: "Modifier",
    change_what: |step| format!("Modifier\u{a0}: {step}"),
    guest_note: "Vous commandez en tant qu’invité. Vous pourrez créer un compte après la commande si vous le souhaitez.",
    have_account: "Vous avez déjà un compte\u{202f}?",
    log_in: "Se connecter",
    saved_addresses: "Vos adresses",
    deliver_here: "Livrer ici",
    another_address: "Ou à une autre adresse",

    email: "E-mail",
    email_hint: "Pour la confirmation et le suivi de votre commande. Rien d’autre.",
    email_wrong: "Saisissez une adresse e-mail, comme ada@exemple.fr.",
    name: "Prénom et nom",
    name_missing: "Saisissez le nom qui figure sur la porte.",
    country: "Pays",
    country_missing: "Choisissez un pays.",
    line1: "Numéro et rue",
    line1_missing: "Saisissez le numéro et la rue.",
    line2: "Étage, bâtiment, société",
    postal_code: "Code postal",
    postal_code_missing: "Saisissez le code postal.",
    city: "Ville",
    city_missing: "Saisissez la ville.",
    region: "Région ou État",
    phone: "Téléphone",
    phone_hint: "Seulement si le transporteur ne vous trouve pas.",
    phone_wrong: "Saisissez un numéro de téléphone en chiffres, comme +33 6 12 34 56 78, ou laissez vide.",
    too_long: |most| format!("Utilisez une seule ligne de {most}\u{a0}caractères au plus."),
    all_too_long: "Le tout est trop long. Raccourcissez l’adresse.",
    billing_differs: "La facture va à une autre adresse",
    billing_address: "Adresse de facturation",
    delivery_address: "Adresse de livraison",
    to_delivery: "Continuer vers la livraison",

    delivery_method: "Comment vous livrer",
    days: |least, most| {
        if least == most && most == 1 {
            "le prochain jour ouvré".to_owned()
        } else if least == most {
            format!("en {most}\u{a0}jours ouvrés")
        } else {
            format!("en {least} à {most}\u{a0}jours ouvrés")
        }
    },
    free: "Offerte",
    no_delivery: "Nous ne livrons pas encore dans ce pays. Choisissez une autre adresse.",
    method_missing: "Choisissez un mode de livraison.",
    to_review: "Continuer vers le récapitulatif et le paiement",

    delivery: "Livraison",
    discount: "Remise",
    total: "Total",
    tax_in_total: |tax| format!("dont {tax} de TVA"),
    tax: "Taxes",
    pay_with: "Payer avec",
    provider: |provider| {
        Some(match provider {
            "stripe" => "Carte bancaire",
            "paypal" => "PayPal",
            "test" => "Paiement d’essai",
            _ => return None,
        })
    },
    provider_hint: |provider| {
        Some(match provider {
            "stripe" => "Votre numéro de carte va directement à Stripe. Nous ne le voyons jamais.",
            "paypal" => "Vous confirmez chez PayPal, puis revenez ici.",
            "test" => "Ne prélève rien\u{a0}: pour essayer le magasin.",
            _ => return None,
        })
    },
    place: |total| format!("Commander et payer {total}"),
    terms: "En commandant, vous concluez un contrat d’achat. Vous pouvez vous en rétracter dans les 14\u{a0}jours suivant la livraison, sans donner de motif, depuis le bas de chaque page.",
    total_moved: |before, now| {
        format!(
            "Il était de {before} et il est maintenant de {now}. Rien n’a été commandé. Vérifiez-le et commandez s’il vous convient."
        )
    },
    total_moved_title: "Le total a changé",
    place_later: "Rien n’a été prélevé. Vos saisies sont conservées\u{a0}: réessayez dans un instant. Si le premier essai a abouti, vous ne paierez pas deux fois.",
    place_later_title: "Nous n’avons pas pu enregistrer votre commande",
    no_payment: "Le paiement n’est pas possible pour le moment. Vos saisies sont conservées\u{a0}: rechargez bientôt cette page.",
    refused_title: "Nous n’avons pas pu accepter cette commande",
    refused_text: "Vérifiez vos coordonnées et la livraison, puis réessayez. Rien n’a été prélevé.",

    pay_title: |number| format!("Payer la commande {number}"),
    pay_lead: "Votre commande vous est réservée. Choisissez comment payer.",
    pay: |total| format!("Payer {total}"),
    kept_until: |time| format!("Nous vous réservons ces articles jusqu’à {time}."),
    declined_title: "Le paiement a été refusé",
    declined_text: "Rien n’a été prélevé et votre commande est conservée. Réessayez, ou payez autrement.",
    interrupted_title: "Le paiement n’a pas abouti",
    interrupted_text: "Rien n’a été prélevé et votre commande est conservée. Réessayez quand vous le souhaitez.",
    waiting_title: "Nous attendons la confirmation de votre paiement",
    waiting_text: "Cela prend en général quelques secondes. La page vérifie d’elle-même. Vous pouvez aussi la fermer\u{a0}: nous vous écrivons dès que c’est réglé.",
    waiting_check: "Vérifier à nouveau",
    card_title: "Payer par carte",
    card_text: "Les champs ci-dessous appartiennent à Stripe\u{a0}: votre numéro de carte ne nous parvient jamais.",
    card_without_script: "Payer sur cette page demande JavaScript. Vous pouvez payer sur la page de Stripe.",
    card_hosted: "Payer sur la page de Stripe",
    card_problem: "Les champs de la carte ne se chargent pas.",
    order_over_title: "Cette commande ne peut plus être payée",
    order_over_text: "Elle n’a pas été payée à temps ou a été annulée. Rien n’a été prélevé. Vous pouvez commander à nouveau.",
};
