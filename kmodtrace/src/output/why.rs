//! Where errnos came from.

use kmodtrace_core::analysis::why::{Why, write_text};
use kmodtrace_core::text::write_json;

use super::{Printed, Writer};

impl Printed for Why {
    const FORMATS: &'static [Writer<Self>] = &[
        Writer::text(|why, mut out| write_text(why, &mut out)),
        Writer::json("One JSON object", |why, out| write_json(why, out)),
    ];
}
