//! What was measured, to be printed or written as JSON.

use std::fmt::Write as _;

use serde::Serialize;

/// Everything one run measured.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    /// What it was measured on.
    pub(super) title: String,
    pub(super) figures: Vec<Figure>,
    pub(super) aims: Vec<Aim>,
}

/// Samples of one quantity.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure {
    group: &'static str,
    name: String,
    unit: &'static str,
    pub(super) median: f64,
    pub(super) samples: Vec<f64>,
}

/// What was wanted, and whether it came.
#[derive(Debug, Serialize)]
pub(super) struct Aim {
    wanted: String,
    figure: String,
    met: bool,
}

impl Figure {
    /// Nothing without samples: what was not measured is not shown as 0.
    pub(super) fn new(group: &'static str, name: &str, unit: &'static str, samples: Vec<f64>) -> Option<Self> {
        let median = quantile(&samples, 0.5)?;
        Some(Self {
            group,
            name: name.to_owned(),
            unit,
            median,
            samples,
        })
    }

    /// One line, and one of all samples where there are several.
    fn print(&self) {
        let Self {
            name,
            unit,
            median,
            samples,
            ..
        } = self;
        let (low, high) = spread(samples);
        println!(
            "  {name:<26} {:>9} {unit:<4} {:>9} .. {:<9}",
            short(*median),
            short(low),
            short(high)
        );
        if samples.len() > 1 {
            let all: Vec<_> = samples.iter().map(|sample| short(*sample)).collect();
            for line in all.chunks(20) {
                println!("      {}", line.join(" "));
            }
        }
    }
}

impl Report {
    /// One with no figure yet.
    pub(super) fn of(title: String) -> Self {
        Self {
            title,
            ..Self::default()
        }
    }

    /// Adds a figure, if it was measured. Gives it back for aims.
    pub(super) fn add(&mut self, figure: Option<Figure>) -> Option<Figure> {
        self.figures.extend(figure.clone());
        figure
    }

    /// Adds an aim.
    pub(super) fn aim(&mut self, wanted: &str, figure: String, met: bool) {
        self.aims.push(Aim {
            wanted: wanted.to_owned(),
            figure,
            met,
        });
    }

    /// For people: a line each, with all samples below it, and the aims last.
    pub(super) fn print(&self) {
        println!("{}", self.title);
        println!("{:>39}          10th .. 90th percentile; all samples below", "median");
        let mut group = "";
        for figure in &self.figures {
            if figure.group != group {
                group = figure.group;
                println!("\n{group}");
            }
            figure.print();
        }
        println!("\naims");
        for Aim { wanted, figure, met } in &self.aims {
            println!("  {:<7} {wanted}: {figure}", if *met { "met" } else { "MISSED" });
        }
    }
}

/// A number with three or more significant digits, or a whole one.
pub(super) fn short(value: f64) -> String {
    let decimals = match value.abs() {
        _ if value.fract() == 0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 2.0 => 2,
        _ => 3,
    };
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(text, "{value:.decimals$}");
    text
}

/// The sample below which this part of them lies; none of no samples.
pub(super) fn quantile(samples: &[f64], part: f64) -> Option<f64> {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    #[expect(clippy::cast_precision_loss, reason = "few samples")]
    let place = part * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of samples"
    )]
    let (below, above) = (sorted.get(place.floor() as usize)?, sorted.get(place.ceil() as usize)?);
    Some(below + (above - below) * place.fract())
}

/// The 10th and the 90th percentile: what a sample usually is.
pub(super) fn spread(samples: &[f64]) -> (f64, f64) {
    (
        quantile(samples, 0.1).unwrap_or(f64::NAN),
        quantile(samples, 0.9).unwrap_or(f64::NAN),
    )
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_lie_between_samples() {
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(quantile(&[3.0, 1.0], 0.5), Some(2.0));
        assert_eq!(quantile(&[5.0, 1.0, 2.0, 3.0, 4.0], 0.5), Some(3.0));
        assert_eq!(quantile(&[5.0, 1.0, 2.0, 3.0, 4.0], 1.0), Some(5.0));
    }
}
