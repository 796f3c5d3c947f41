//! Bars by powers of two, as bcc draws them.

use std::io::{self, Write};

use super::{ModuleRow, Report};
use crate::analysis::histogram::Histogram;
use crate::model::WaitKind;
use crate::text::{printable, span_text};

/// Characters of the longest bar.
const WIDTH: u64 = 40;

/// Writes the load, wait and init times of each module; what did not happen has no bars.
pub fn write_histograms(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for row in &report.modules {
        for (what, histogram) in distributions(row).iter().filter(|(_, histogram)| histogram.count() > 0) {
            let name = row.name.as_deref().unwrap_or("(unknown)");
            writeln!(out, "\n{}: {what} ({})", printable(name), histogram.count())?;
            write_bars(histogram, out)?;
        }
    }
    Ok(())
}

pub(crate) fn distributions(row: &ModuleRow) -> Vec<(String, &Histogram)> {
    let stats = &row.stats;
    let wait = |kind: WaitKind| Some((format!("{} waits", kind.name()), stats.waits.get(&kind)?));
    let mut all = vec![("load time".to_owned(), &stats.load)];
    all.extend(WaitKind::ALL.into_iter().filter_map(wait));
    all.push(("init time".to_owned(), &stats.init));
    all
}

fn write_bars(histogram: &Histogram, out: &mut impl Write) -> io::Result<()> {
    let rows = histogram.octaves();
    let most = rows.iter().map(|row| row.count).max().unwrap_or_default().max(1);
    writeln!(out, "{:>10}    {:<10} : {:<8} distribution", "above", "up to", "count")?;
    for row in rows {
        // At least one star for what is there at all.
        let stars = (row.count.saturating_mul(WIDTH) / most).max(u64::from(row.count > 0));
        let bar = "*".repeat(usize::try_from(stars).unwrap_or_default());
        let (above, up_to) = (span_text(row.lower), span_text(row.upper));
        writeln!(out, "{above:>10} -> {up_to:<10} : {:<8} |{bar:<40}|", row.count)?;
    }
    Ok(())
}
