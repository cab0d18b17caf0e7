//! The list of all departments, for those who would rather look around than search.

use crate::{
    answer_page::{Outcome, Visit, render},
    assets, drawing,
    language::Language,
    messages::Messages,
    page_error::PageError,
    shell::{Crumb, Link, Shell},
    show_home::Department,
};
use askama::Template;
use axum::response::Response;

#[derive(Template)]
#[template(path = "departments.html", whitespace = "minimize")]
struct DepartmentsPage {
    t: &'static Messages,
    shell: Shell,
    crumbs: Vec<Crumb>,
    departments: Vec<Aisle>,
    retry: String,
}

struct Aisle {
    department: Department,
    children: Vec<Link>,
}

/// `GET /{language}/c/`
pub(crate) async fn show_departments(visit: Visit) -> Response {
    visit.answer(departments(&visit))
}

fn departments(visit: &Visit) -> Result<Outcome, PageError> {
    let (t, language, tree) = (
        visit.language.messages(),
        visit.language,
        visit.tree.as_ref(),
    );
    let href = |language: Language| format!("/{}/c/", language.code());
    let mut shell = visit
        .shell(href)
        .titled(t.all_departments, t.departments_description.to_owned());
    shell.is_departments = true;
    let departments = tree
        .roots()
        .map(|node| Aisle {
            department: Department::new(node, tree, language),
            children: tree
                .children(node)
                .map(|child| Link {
                    name: child.name(language).to_owned(),
                    href: child.href(language),
                    illustration: tree.illustration(&child.key).to_owned(),
                })
                .collect(),
        })
        .collect();
    let page = DepartmentsPage {
        t,
        shell,
        crumbs: vec![Crumb {
            name: t.all_departments.to_owned(),
            href: href(language),
            is_current: true,
        }],
        departments,
        retry: visit.here(),
    };
    Ok(Outcome::Page(render(&page)?))
}
