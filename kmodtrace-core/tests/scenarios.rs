//! Every story in tests/scenarios, against what it says comes out of it.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

mod support;

#[test]
fn stories() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let mut wrong = Vec::new();
    let mut told = 0;
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    for path in paths {
        told += 1;
        let story = support::story(&std::fs::read_to_string(&path).unwrap());
        let got = support::show::render(&support::run(story.events), story.show);
        if got != story.expected {
            wrong.push(format!(
                "{}\n-- expected\n{}-- got\n{got}",
                path.display(),
                story.expected
            ));
        }
    }
    assert!(told > 10, "the stories are not there");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
