//! Numbers with a unit that fits, three digits of them.

/// `812ns`, `1.20us`, `12.3ms`, `412s`.
pub fn span_text(nanos: u64) -> String {
    scaled(nanos, 1000, &["ns", "us", "ms", "s"])
}

/// `812B`, `1.20KiB`, `12.3MiB`.
pub fn bytes_text(bytes: u64) -> String {
    scaled(bytes, 1024, &["B", "KiB", "MiB", "GiB", "TiB"])
}

fn scaled(value: u64, step: u64, units: &[&str]) -> String {
    let (mut divisor, mut unit) = (1_u64, 0);
    // What would be rounded up to a whole step takes the next unit.
    while unit + 1 < units.len() && value >= divisor.saturating_mul(step) - divisor / 2 {
        divisor = divisor.saturating_mul(step);
        unit += 1;
    }
    if unit == 0 {
        return format!("{value}{}", units[0]);
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let scaled = value as f64 / divisor as f64;
    let digits = usize::from(scaled < 9.995) + usize::from(scaled < 99.95);
    format!("{scaled:.digits$}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_and_a_unit() {
        for (nanos, text) in [
            (0, "0ns"),
            (999, "999ns"),
            (1_000, "1.00us"),
            (9_994, "9.99us"),
            (9_996, "10.0us"),
            (99_960, "100us"),
            (999_499, "999us"),
            (999_500, "1.00ms"),
            (12_345_678, "12.3ms"),
            (6_500_000_000, "6.50s"),
            (5_000_000_000_000, "5000s"),
        ] {
            assert_eq!(span_text(nanos), text);
        }
        assert_eq!(
            [0, 1023, 1024, 2_498_560, u64::MAX].map(bytes_text),
            ["0B", "1023B", "1.00KiB", "2.38MiB", "16777216TiB"]
        );
    }
}
