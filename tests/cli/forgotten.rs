//! A test file that `main.rs` does not list would pass by never running. It is not about vwh itself.

use std::path::Path;

#[test]
fn every_file_is_listed_in_main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let listed = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    let forgotten: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "main" && !listed.lines().any(|line| line == format!("mod {name};")))
        .collect();
    assert!(forgotten.is_empty(), "not listed in tests/cli/main.rs: {forgotten:?}");
}
