//! French. Typography: no-break space before `:` and `%`, narrow no-break space before `?`, `!` and `;`, guillemets with no-break spaces.

use super::{Messages, Plural, account, cart, checkout, order, security};
use crate::unit_price::Unit;

/// French.
pub static FR: Messages = Messages {
    og_locale: "fr_FR",
    this_language: "Français",
    other_language: "English",
    language: "Langue",
    skip_to_content: "Aller au contenu",
    logo_label: "Amazoff, accueil",
    home: "Accueil",
    breadcrumbs: "Fil d’Ariane",
    departments: "Rayons",
    all_departments: "Tous les rayons",
    department: "Rayon",
    close: "Fermer",
    search_label: "Rechercher dans le magasin",
    search_placeholder: "Que cherchez-vous\u{202f}?",
    search_button: "Rechercher",
    suggestions_label: "Suggestions",
    suggestions_count: "# suggestions. Choisissez avec les flèches du clavier.",
    footer_departments: "Rayons, en fin de page",
    footer_text: "Le comptoir d’une épicerie et les étages d’un grand magasin, sous un même auvent.",
    footer_software: "Ce magasin fonctionne avec Amazoff, un logiciel libre sous licence Apache.",

    home_title: "Amazoff\u{a0}: épicerie, maison et produits du quotidien",
    home_description: "Épicerie, maison, beauté, fleurs et bien plus, à prix clairs, rayon par rayon.",
    hero_title: "De bonnes choses pour la table, la maison et ceux qui l’habitent",
    hero_text: "Les courses de tous les jours et tout ce qui va autour, à prix clairs.",
    hero_text_counted: |products, departments| {
        format!(
            "{products}\u{a0}produits dans {departments}\u{a0}rayons, du lait du matin aux fleurs du soir, à prix clairs."
        )
    },
    hero_button: "Parcourir les rayons",
    shop_by_department: "Nos rayons",
    newest: "Nouveautés en rayon",
    reduced: "Ces prix viennent de baisser",
    see_all: "Tout voir",
    departments_description: "Tous les rayons du magasin et ce qu’on y trouve.",

    products: "Produits",
    product_count: |count, plural| match plural {
        Plural::One => format!("{count}\u{a0}produit"),
        Plural::Other => format!("{count}\u{a0}produits"),
    },
    variant_count: |count| format!("{count}\u{a0}choix possibles"),
    price: "Prix",
    price_from: "Dès",
    price_now: "Maintenant",
    price_was: "au lieu de",
    price_unknown: "Pas de prix en ce moment",

    category_description: |name| {
        format!("{name}, à prix clairs. Filtrez par marque, taille et prix.")
    },
    category_description_counted: |name, count| {
        format!("{name}\u{a0}: {count}, à prix clairs. Filtrez par marque, taille et prix.")
    },
    subcategories: "Catégories de ce rayon",
    search_title: |query| format!("Résultats pour «\u{a0}{query}\u{a0}»"),
    search_everything: "Tout le magasin",
    search_description: "Cherchez dans tous les rayons du magasin.",
    corrected: ("Voici les résultats pour ", |query| {
        format!(". Rien ne correspondait à «\u{a0}{query}\u{a0}».")
    }),
    filters: "Filtres",
    active_filters: "Filtres actifs",
    apply_filters: "Voir les produits",
    clear_filters: "Tout effacer",
    remove_filter: "Retirer le filtre",
    more_choices: "Voir plus",
    products_in_choice: "produits",
    category: "Catégorie",
    brand: "Marque",
    price_min: "Au moins",
    price_max: "Au plus",
    price_at_least: |amount| format!("À partir de {amount}"),
    price_at_most: |amount| format!("Jusqu’à {amount}"),
    sort: "Trier par",
    sort_usual: "Notre sélection",
    sort_relevance: "Pertinence",
    sort_price: "Prix croissant",
    sort_price_descending: "Prix décroissant",
    sort_name: "Nom",
    sort_newest: "Nouveautés",
    pages: "Pages",
    shown: |from, to, total| format!("{from} à {to} sur {total}"),
    first_page: "Revenir à la première page",
    next_page: "Voir plus de produits",
    nothing_found: |query| format!("Nous n’avons rien trouvé pour «\u{a0}{query}\u{a0}»"),
    nothing_here: "Il n’y a encore rien ici",
    empty_text: "Vérifiez l’orthographe, essayez un mot plus général, ou flânez dans les rayons.",
    empty_suggestions: "Vous pourriez essayer\u{a0}:",
    filtered_out_title: "Aucun produit ne réunit tout cela",
    filtered_out_text: "Retirez un filtre pour voir plus de produits.",

    product_description: |name, category| {
        format!("{name}, au rayon {category}. Voyez son prix, ses tailles et ses caractéristiques.")
    },
    choose: |option| format!("Choisissez\u{a0}: {option}"),
    choose_variant: "Choisissez une option",
    show_choice: "Afficher ce choix",
    description: "Description",
    details: "Caractéristiques",
    sku: "Référence",
    unit_price: |price, unit| format!("{price} / {unit}"),
    related: |category| format!("Aussi dans {category}"),
    related_without_category: "Dans le même genre",
    attribute: |key| {
        Some(match key {
            "brand_type" => "Type de marque",
            "color" => "Couleur",
            "diet" => "Régime",
            "flavor" => "Parfum",
            "pack" => "Conditionnement",
            "size" => "Format",
            "sold_by" => "Vendu",
            "storage" => "Conservation",
            "type" => "Type",
            _ => return None,
        })
    },
    attribute_value: |key, value| {
        Some(match (key, value) {
            ("brand_type", "national") => "Grande marque",
            ("brand_type", "store") => "Notre marque",
            ("brand_type", "unbranded") => "Sans marque",
            ("diet", "decaf") => "Décaféiné",
            ("diet", "light") => "Allégé",
            ("diet", "organic") => "Bio",
            ("diet", "plant-based") => "Végétal",
            ("pack", "multipack") => "Lot",
            ("sold_by", "weight") => "Au poids",
            ("storage", "ambient") => "À température ambiante",
            ("storage", "chilled") => "Au frais",
            ("storage", "frozen") => "Surgelé",
            _ => return None,
        })
    },
    unit: |unit| match unit {
        Unit::Kilogram => "kg",
        Unit::Liter => "l",
        Unit::Ounce => "oz",
        Unit::Piece => "pièce",
    },

    unavailable_title: "Les rayons sont hors de portée un instant",
    unavailable_text: "Nous ne pouvons pas montrer ces produits pour le moment. Ils devraient revenir très vite.",
    retry: "Réessayer",
    back_home: "Aller à l’accueil",
    not_found_title: "Cette page n’est pas dans nos rayons",
    not_found_text: "Elle a peut-être changé d’adresse, ou le produit n’est plus vendu. Cherchez-le ci-dessus, ou flânez dans les rayons.",
    bad_request_title: "Nous n’avons pas compris cette adresse",
    bad_request_text: "Quelque chose n’y est pas à sa place\u{a0}: un filtre, un prix ou une page. Cherchez ci-dessus, ou repartez de l’accueil.",
    failed_title: "Quelque chose s’est mal passé de notre côté",
    failed_text: "Vous n’y êtes pour rien et nous sommes prévenus. Réessayez dans un instant.",

    cart: &cart::FR,
    checkout: &checkout::FR,
    order: &order::FR,
    account: &account::FR,
    security: &security::FR,
};
