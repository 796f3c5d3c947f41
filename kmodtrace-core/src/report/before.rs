//! What was before the tracer of a boot was attached.

use super::NOT_OBSERVED;
use super::section::{Section, first_of};
use crate::analysis::account::{BeforeTracer, EventNames};
use crate::kernel::ring::Ring;
use crate::model::{Ktime, Zero};

/// Names that are told of each kind.
const NAMES: usize = 8;

pub(super) fn section(before: &BeforeTracer, zero: Zero) -> Section {
    let attached = zero.text(Ktime(before.attached_ns));
    let mut section = Section::new(format!("BEFORE THE TRACER WAS ATTACHED at {attached}"));
    if let Some(ring) = &before.ring {
        let whole = ring.lost == Some(0) && ring.left_out == 0 && ring.unread == 0;
        for (what, names) in [
            ("requests", &before.requests),
            ("loads", &before.loads),
            ("frees", &before.frees),
        ] {
            let names = names.as_ref();
            section.item(
                what,
                names.map_or_else(|| NOT_OBSERVED.to_owned(), |names| told(names, whole)),
            );
        }
        section.sentence(format!(
            "from the kernel's own ring, which does not tell results and waits ({NOT_OBSERVED})"
        ));
        for sentence in lacking(ring) {
            section.sentence(sentence);
        }
    }
    if let Some(why) = &before.unobserved {
        section.sentence(format!("{NOT_OBSERVED}: {why}"));
    }
    section
}

/// `24: crypto-ccm(aes) 2, crypto-hmac(sha256)`.
fn told(names: &EventNames, whole: bool) -> String {
    let least = if whole { "" } else { "at least " };
    let name = |(name, count): &(String, u64)| match count {
        1 => name.clone(),
        count => format!("{name} {count}"),
    };
    match names.count {
        0 => format!("{least}0"),
        count => format!("{least}{count}: {}", first_of(names.names.iter().map(name), NAMES)),
    }
}

/// What the ring lacks of that time.
fn lacking(ring: &Ring) -> Vec<String> {
    let lost = match ring.lost {
        Some(0) => None,
        Some(lost) => Some(format!("the ring lost entries, its oldest: {lost}")),
        None => Some("the ring lost entries, the kernel does not say how many".to_owned()),
    };
    let left_out = (ring.left_out > 0).then(|| format!("events of the ring that are left out: {}", ring.left_out));
    let unread = (ring.unread > 0).then(|| format!("lines of the ring that could not be read: {}", ring.unread));
    [lost, left_out, unread].into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::*;
    use crate::report::TextLayout;

    fn text(before: &BeforeTracer) -> String {
        let mut text = Vec::new();
        let layout = TextLayout::default();
        section(before, layout.zero).write(&layout, &mut text).unwrap();
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn what_the_ring_has_and_lacks_is_told() {
        let names = |names: &[(&str, u64)]| EventNames {
            count: names.iter().map(|(_, count)| count).sum(),
            names: names.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        };
        let mut before = BeforeTracer {
            attached_ns: 9_571_000_000,
            requests: Some(names(&[("crypto-ccm(aes)", 2), ("fs-\u{1b}x", 1)])),
            loads: None,
            frees: Some(names(&[])),
            ring: Some(Ring {
                lost: Some(0),
                ..Ring::default()
            }),
            unobserved: Some("no reason".to_owned()),
        };
        let told = "
BEFORE THE TRACER WAS ATTACHED at 9.571 s
  requests  3: crypto-ccm(aes) 2, fs-?x
  loads     n/o
  frees     0
  from the kernel's own ring, which does not tell results and waits (n/o)
  n/o: no reason
";
        assert_eq!(text(&before), told);
        before.ring = Some(Ring {
            left_out: 5,
            unread: 1,
            ..Ring::default()
        });
        let told = "
BEFORE THE TRACER WAS ATTACHED at 9.571 s
  requests  at least 3: crypto-ccm(aes) 2, fs-?x
  loads     n/o
  frees     at least 0
  from the kernel's own ring, which does not tell results and waits (n/o)
  the ring lost entries, the kernel does not say how many
  events of the ring that are left out: 5
  lines of the ring that could not be read: 1
  n/o: no reason
";
        assert_eq!(text(&before), told);
        before.ring = None;
        let told = "
BEFORE THE TRACER WAS ATTACHED at 9.571 s
  n/o: no reason
";
        assert_eq!(text(&before), told);
    }
}
