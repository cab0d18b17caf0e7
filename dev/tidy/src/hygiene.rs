//! What no file of the project holds.

use crate::tree::{files, nothing_to_say, root};

const TEXT: [&str; 12] = [
    ".rs",
    ".sh",
    ".py",
    ".md",
    ".yaml",
    ".yml",
    ".toml",
    ".tf",
    ".html",
    ".mjs",
    "Makefile",
    "Dockerfile",
];

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let mut complaints = Vec::new();
    for file in files(&TEXT)
        .iter()
        .filter(|file| !file.path.starts_with("dev/tidy/"))
    {
        for (number, line) in file.text.lines().enumerate() {
            for (mark, mend) in [
                ("TODO", "do it, or file an issue"),
                ("FIXME", "mend it, or file an issue"),
                ("#[ignore", "a test that never runs guards nothing"),
            ] {
                if line.contains(mark) {
                    complaints.push(format!("{}:{}: {mark}: {mend}", file.path, number + 1));
                }
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn no_path_of_one_machine() {
    let mut complaints = Vec::new();
    for file in files(&TEXT)
        .iter()
        .filter(|file| !file.path.starts_with("dev/tidy/"))
    {
        for (number, line) in file.text.lines().enumerate() {
            for path in ["/root/", "/work/", "/home/", "../shared"] {
                // A department of the shop is called home.
                let department = line.contains("/v1/categories/home/");
                if line.contains(path) && !department && !line.contains("/var/") {
                    complaints.push(format!(
                        "{}:{}: {path} exists on one machine only",
                        file.path,
                        number + 1
                    ));
                }
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn tests_wait_for_conditions_and_never_for_time() {
    let mut complaints = Vec::new();
    for file in files(&[".rs"])
        .iter()
        .filter(|file| file.path.contains("/tests/") || file.path.starts_with("e2e/"))
    {
        let lines: Vec<&str> = file.text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            // A sleep is fine inside a loop that looks at a condition; it says so in the line before.
            let explained = number > 0 && lines[number - 1].trim_start().starts_with("//");
            if line.contains("sleep(") && !explained {
                complaints.push(format!("{}:{}: a sleep in place of a wait; use wait_for, or say why in a comment above", file.path, number + 1));
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn every_variable_a_service_reads_is_in_the_example() {
    let example = std::fs::read_to_string(root().join(".env.example")).unwrap_or_default();
    let mut complaints = Vec::new();
    let configs = files(&["config.rs"]);
    for file in configs
        .iter()
        .filter(|file| file.path.starts_with("services/") || file.path.starts_with("kit/"))
    {
        for variable in file
            .text
            .split("env = \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
        {
            if !example.lines().any(|line| {
                line.trim_start_matches(['#', ' '])
                    .starts_with(&format!("{variable}="))
            }) {
                complaints.push(format!(
                    "{}: {variable} is missing in .env.example",
                    file.path
                ));
            }
        }
    }
    nothing_to_say(&complaints);
}

#[test]
fn every_task_of_the_makefile_calls_a_script_that_is_there() {
    let tasks = std::fs::read_to_string(root().join("Makefile")).unwrap_or_default();
    let mut complaints = Vec::new();
    for (number, line) in tasks.lines().enumerate() {
        let scripts = line
            .split(|sign: char| sign.is_whitespace() || sign == '@')
            .filter(|word| line.starts_with('\t') && word.contains('/'))
            .filter(|word| ["dev/", "services/"].iter().any(|at| word.starts_with(at)));
        for script in scripts.filter(|script| !root().join(script).is_file()) {
            complaints.push(format!("Makefile:{}: there is no {script}", number + 1));
        }
    }
    nothing_to_say(&complaints);
}
