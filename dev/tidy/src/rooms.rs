//! Where things stand: the rooms of a service, what is pure, who may know whom.

use crate::tree::{File, files, nothing_to_say, root, services};

/// Crates that reach outside the process, or wait.
const IO: [&str; 7] = [
    "axum",
    "sqlx",
    "mongodb",
    "reqwest",
    "tokio",
    "hyper",
    "kube::Api",
];

/// The rooms of a service that may reach outside; every other single-word file in `src` is a noun: rules without IO.
const ROOMS_WITH_IO: [&str; 7] = ["main", "lib", "config", "routes", "db", "clients", "events"];

/// Single-word files that are not rules, and why.
const NOT_RULES: [(&str, &str); 0] = [];

#[test]
fn every_service_has_the_same_rooms() {
    let mut complaints = Vec::new();
    for service in services() {
        for room in [
            "src/main.rs",
            "src/lib.rs",
            "src/config.rs",
            "src/routes.rs",
            "tests/api/main.rs",
            "README.md",
            "Dockerfile",
        ] {
            if !root().join("services").join(&service).join(room).exists() {
                complaints.push(format!("services/{service} lacks {room}"));
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn main_is_start_up_only() {
    let long = |file: &File| {
        file.path.starts_with("services/")
            && file.path.ends_with("/src/main.rs")
            && file.code().count() > 30
    };
    let complaints: Vec<String> = files(&["main.rs"])
        .iter()
        .filter(|file| long(file))
        .map(|file| {
            format!(
                "{}: more than 30 lines; move what it does to lib.rs",
                file.path
            )
        })
        .collect();
    nothing_to_say(&complaints);
}

#[test]
fn no_file_is_two_ideas() {
    const MOST: usize = 400;
    let complaints: Vec<String> = files(&[".rs", ".sh", ".py"])
        .iter()
        .filter(|file| !file.path.contains("/tests/") && !file.path.ends_with("tests.rs"))
        .filter(|file| {
            file.code().count() > MOST
                && !file.text.starts_with("// long:")
                && !file.text.contains("\n# long:")
        })
        .map(|file| {
            format!(
                "{}: {} lines; split it, or say why not on its first line (`// long: …`)",
                file.path,
                file.code().count()
            )
        })
        .collect();
    nothing_to_say(&complaints);
}

#[test]
fn rules_reach_nothing_outside() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"]).iter().filter(|file| is_pure(&file.path)) {
        for line in file.statements() {
            for io in IO {
                if line.contains(&format!("{io}::"))
                    || line.trim_start().starts_with(&format!("use {io}"))
                {
                    complaints.push(format!(
                        "{}: rules import no IO, but this does: {}",
                        file.path,
                        line.trim()
                    ));
                }
            }
        }
    }
    nothing_to_say(&complaints);
}

fn is_pure(path: &str) -> bool {
    if NOT_RULES.iter().any(|(except, _)| *except == path) {
        return false;
    }
    if let Some(inside) = path.strip_prefix("operator/src/") {
        return inside.starts_with("desired/")
            || inside.ends_with("plan.rs")
            || matches!(inside, "validate.rs" | "status.rs");
    }
    let noun = path
        .strip_prefix("services/")
        .and_then(|inside| inside.split_once("/src/"))
        .and_then(|(_, room)| room.strip_suffix(".rs"));
    noun.is_some_and(|noun| {
        !noun.contains(['/', '_']) && !ROOMS_WITH_IO.contains(&noun) && !is_use_case(noun)
    })
}

/// Use cases are verbs: they hold a handler, and so they import axum.
fn is_use_case(name: &str) -> bool {
    const VERBS: [&str; 12] = [
        "browse", "import", "edit", "search", "suggest", "read", "write", "list", "serve",
        "forward", "proxy", "refresh",
    ];
    VERBS.contains(&name)
}

#[test]
fn dependencies_point_one_way() {
    let mut complaints = Vec::new();
    for file in files(&["Cargo.toml"]) {
        let own = |line: &str| {
            line.trim_start().starts_with("amazoff-")
                && !line.trim_start().starts_with("amazoff-kit")
        };
        let allowed_kit = file.path.starts_with("services/")
            || file.path.starts_with("kit/")
            || file.path == "Cargo.toml";
        for line in file.text.lines() {
            if file.path != "Cargo.toml" && own(line) {
                complaints.push(format!(
                    "{}: a crate knows no other but kit: {line}",
                    file.path
                ));
            }
            if line.starts_with("amazoff-kit") && !allowed_kit {
                complaints.push(format!("{}: only services use kit", file.path));
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn kit_names_no_word_of_the_domain() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"])
        .iter()
        .filter(|file| file.path.starts_with("kit/src/"))
    {
        for line in file.statements() {
            let words: Vec<String> = line
                .split(|c: char| !c.is_alphabetic())
                .map(str::to_lowercase)
                .collect();
            for word in [
                "product", "products", "sku", "cart", "invoice", "shipment", "coupon", "variant",
                "variants",
            ] {
                if words.iter().any(|found| found == word) && !file.path.contains("/tests") {
                    complaints.push(format!(
                        "{}: kit knows nothing of a {word}: {}",
                        file.path,
                        line.trim()
                    ));
                }
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn dockerfiles_of_services_differ_only_in_the_name() {
    let dockerfiles: Vec<(String, String)> = services()
        .into_iter()
        .filter_map(|service| {
            let text =
                std::fs::read_to_string(root().join("services").join(&service).join("Dockerfile"))
                    .ok()?;
            let neutral = text.replace(&service, "<service>");
            Some((service, neutral))
        })
        .collect();
    let complaints: Vec<String> = dockerfiles
        .iter()
        .filter(|(_, text)| *text != dockerfiles[0].1)
        .map(|(service, _)| {
            format!(
                "services/{service}/Dockerfile differs from services/{}/Dockerfile",
                dockerfiles[0].0
            )
        })
        .collect();
    nothing_to_say(&complaints);
}
