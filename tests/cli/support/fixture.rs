//! Reads the documents of `tests/fixtures`; `README.md` there says where each comes from.

use std::path::Path;

/// The text of the fixture `name`.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
