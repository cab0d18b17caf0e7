//! Packs what browsers fetch once and keep: compresses it, names it by its content, and writes `assets.rs` with what was packed.

use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};
use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    println!("cargo::rerun-if-changed=assets");
    let mut packer = Packer {
        out: PathBuf::from(env::var("OUT_DIR")?),
        code: String::new(),
        constants: Vec::new(),
    };
    let (sprite, illustrations) = sprite(Path::new("assets"))?;
    packer.pack(
        "SPRITE",
        "sprite",
        "svg",
        "image/svg+xml",
        sprite.as_bytes(),
    )?;
    packer.pack(
        "STYLE",
        "style",
        "css",
        "text/css; charset=utf-8",
        minify_css(&fs::read_to_string("assets/style.css")?).as_bytes(),
    )?;
    packer.pack(
        "SCRIPT",
        "script",
        "js",
        "text/javascript; charset=utf-8",
        &fs::read("assets/script.js")?,
    )?;
    packer.pack(
        "PAY",
        "pay",
        "js",
        "text/javascript; charset=utf-8",
        &fs::read("assets/pay.js")?,
    )?;
    packer.pack(
        "PASSKEY",
        "passkey",
        "js",
        "text/javascript; charset=utf-8",
        &fs::read("assets/passkey.js")?,
    )?;
    packer.pack(
        "ICON",
        "icon",
        "svg",
        "image/svg+xml",
        &fs::read("assets/icon.svg")?,
    )?;
    packer.finish(&illustrations)
}

struct Packer {
    out: PathBuf,
    code: String,
    constants: Vec<&'static str>,
}

impl Packer {
    fn pack(
        &mut self,
        constant: &'static str,
        name: &str,
        extension: &str,
        content_type: &str,
        content: &[u8],
    ) -> Outcome<()> {
        let digest = Sha256::digest(content)
            .iter()
            .take(6)
            .fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
        let mut gzip = GzEncoder::new(Vec::new(), flate2::Compression::best());
        gzip.write_all(content)?;
        let mut brotli = Vec::new();
        brotli::BrotliCompress(
            &mut &*content,
            &mut brotli,
            &brotli::enc::BrotliEncoderParams::default(),
        )?;
        fs::write(self.out.join(name), content)?;
        fs::write(self.out.join(format!("{name}.gz")), gzip.finish()?)?;
        fs::write(self.out.join(format!("{name}.br")), brotli)?;
        writeln!(
            self.code,
            r#"pub static {constant}: Asset = Asset {{
    path: "/assets/{name}.{digest}.{extension}",
    content_type: "{content_type}",
    plain: include_bytes!(concat!(env!("OUT_DIR"), "/{name}")),
    gzip: include_bytes!(concat!(env!("OUT_DIR"), "/{name}.gz")),
    brotli: include_bytes!(concat!(env!("OUT_DIR"), "/{name}.br")),
}};"#
        )?;
        self.constants.push(constant);
        Ok(())
    }

    fn finish(mut self, illustrations: &[String]) -> Outcome<()> {
        let all: Vec<String> = self
            .constants
            .iter()
            .map(|constant| format!("&{constant}"))
            .collect();
        writeln!(
            self.code,
            "pub static ALL: &[&Asset] = &[{}];",
            all.join(", ")
        )?;
        writeln!(
            self.code,
            "pub static ILLUSTRATIONS: &[&str] = &{illustrations:?};"
        )?;
        Ok(fs::write(self.out.join("assets.rs"), self.code)?)
    }
}

/// One document with a symbol for each drawing: `dairy` for `illustrations/dairy.svg`, `i-close` for `icons/close.svg`.
fn sprite(assets: &Path) -> Outcome<(String, Vec<String>)> {
    let mut sprite = String::from(r#"<svg xmlns="http://www.w3.org/2000/svg">"#);
    let illustrations = add_symbols(&mut sprite, &assets.join("illustrations"), "")?;
    add_symbols(&mut sprite, &assets.join("icons"), "i-")?;
    sprite.push_str("</svg>");
    Ok((sprite, illustrations))
}

fn add_symbols(sprite: &mut String, folder: &Path, prefix: &str) -> Outcome<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .ok_or("a drawing's name must be UTF-8")?;
        names.push(name.to_owned());
    }
    names.sort();
    for name in &names {
        let drawing = fs::read_to_string(folder.join(format!("{name}.svg")))?;
        let inner = drawing
            .trim()
            .strip_prefix(r#"<svg xmlns="http://www.w3.org/2000/svg" "#)
            .and_then(|rest| rest.strip_suffix("</svg>"))
            .ok_or_else(|| {
                format!("{name}.svg must be one svg element that starts with its xmlns")
            })?;
        let inner: String = inner.lines().map(str::trim).collect();
        write!(sprite, r#"<symbol id="{prefix}{name}" {inner}</symbol>"#)?;
    }
    Ok(names)
}

/// Drops comments, indentation and line ends; what is left is compressed anyway.
fn minify_css(css: &str) -> String {
    let mut rest = css;
    let mut without_comments = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        without_comments.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    without_comments.push_str(rest);
    without_comments
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join("\n")
}
