//! The pictures in `docs/screens` are what is drawn.

use std::path::Path;
use std::{env, fs};

use super::stage::{Stage, recording};
use super::svg;
use crate::view::draw::Feed;
use crate::view::theme::{Colours, Theme};

/// What every terminal has, and what a large one has.
const SIZES: [(u16, u16); 2] = [(80, 24), (200, 50)];

/// A recording, and as it was how many milliseconds after its beginning.
type Recorded = (&'static str, Option<u64>);

const STORM: Recorded = ("6.1-stock-storm.kmt", None);
/// While the deadlock lasts.
const NESTED: Recorded = ("6.1-nested.kmt", Some(5_000));
const DRILL: Recorded = ("6.1-drill.kmt", None);

/// Each with its recording, what is pressed, and at how many of the sizes it is drawn.
const PICTURES: [(&str, Recorded, &str, usize); 12] = [
    ("modules", STORM, "1", 2),
    ("module", STORM, "1 Enter", 1),
    ("inside", DRILL, "1 Enter G", 1),
    ("time-line", STORM, "7", 2),
    ("findings", STORM, "6", 1),
    ("evidence", STORM, "6 Enter", 1),
    ("attempt", STORM, "6 Enter Enter", 1),
    ("probes", STORM, "8", 1),
    ("now", NESTED, "2", 2),
    ("graph", NESTED, "4", 1),
    ("requests", NESTED, "5", 1),
    ("help", STORM, "?", 1),
];

#[test]
fn pictures_are_what_is_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/screens");
    for (name, (recorded, at), keys, sizes) in PICTURES {
        for (width, height) in &SIZES[..sizes] {
            let mut stage = Stage::new(recording(recorded, at), *width, *height);
            stage.theme = Theme {
                colours: Colours::Many,
                utf8: true,
            };
            stage.press(keys);
            let feed = Feed {
                name: recorded.to_owned(),
                doing: if at.is_some() { "held" } else { "end" }.to_owned(),
            };
            let name = if *width > 80 {
                format!("{name}-{width}x{height}")
            } else {
                name.to_owned()
            };
            let file = folder.join(format!("{name}.svg"));
            let drawn = svg::picture(&name, &stage.draw(&feed));
            if env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
                fs::write(&file, &drawn).unwrap();
            }
            assert!(
                fs::read_to_string(&file).is_ok_and(|picture| picture == drawn),
                "docs/screens/{name}.svg is not what is drawn: INSTA_UPDATE=always makes it again"
            );
        }
    }
}
