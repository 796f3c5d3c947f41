//! One module: its numbers, where time went, histograms, GOING windows, who asked, and why it failed.

use kmodtrace_core::model::{Ktime, Zero};
use kmodtrace_core::monitor::{Bars, ModuleDetail};
use kmodtrace_core::report::outcomes_text;
use kmodtrace_core::text::{bytes_text, printable, span_text};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::wrapped;
use crate::view::columns::{NONE, NOT_OBSERVED, UNKNOWN};
use crate::view::theme::Theme;

/// Characters of the longest bar.
const BAR: usize = 40;
/// Requesters that are listed.
const REQUESTERS: usize = 12;

/// All of it, to scroll in.
pub(in crate::view) fn lines(detail: Option<&ModuleDetail>, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let Some(detail) = detail else {
        return vec![Line::from(Span::styled(
            "no module is chosen, or nothing is known of it: choose one in Modules and press Enter",
            theme.dim(),
        ))];
    };
    let mut lines = summary(detail, width, theme);
    stages(&mut lines, detail, width, theme);
    for bars in &detail.bars {
        histogram(&mut lines, bars, width, theme);
    }
    going(&mut lines, detail, width, theme);
    requesters(&mut lines, detail, theme);
    why(&mut lines, detail, width, theme);
    inside(&mut lines, detail, width, theme);
    lines
}

fn title(lines: &mut Vec<Line<'static>>, text: String, theme: Theme) {
    lines.push(Line::default());
    lines.push(Line::from(Span::styled(text, theme.title())));
}

fn summary(detail: &ModuleDetail, width: usize, theme: Theme) -> Vec<Line<'static>> {
    let row = &detail.now.row;
    let name = printable(row.name.as_deref().unwrap_or(UNKNOWN)).into_owned();
    let errors = outcomes_text(&row.outcomes, row.unfinished);
    let loaded = row.outcomes.get("OK").copied().unwrap_or_default();
    let wasted = row.wasted_bytes.map_or_else(|| NOT_OBSERVED.to_owned(), bytes_text);
    let collisions = row.collisions.named();
    let met: Vec<String> = collisions
        .iter()
        .filter(|(_, count)| *count != Some(0))
        .map(|(state, count)| {
            format!(
                "{state} {}",
                count.map_or_else(|| NOT_OBSERVED.to_owned(), |count| count.to_string())
            )
        })
        .collect();
    let text = format!(
        "attempts {}, loaded {loaded}, errors {errors}; in flight {}, waiting {}; unloads {}; wasted {wasted}; collisions: {}",
        row.attempts,
        detail.now.in_flight,
        detail.now.waiting,
        row.unloads.count,
        if met.is_empty() {
            NONE.to_owned()
        } else {
            met.join(", ")
        },
    );
    let mut lines = vec![Line::from(Span::styled(name, theme.name()))];
    lines.extend(wrapped(&text, width, 0).into_iter().map(Line::from));
    let unobserved: Vec<&str> = row
        .waits
        .iter()
        .filter(|wait| wait.count.is_none())
        .map(|wait| wait.kind.name())
        .collect();
    if !unobserved.is_empty() {
        let text = format!("waits that nobody watched: {}", unobserved.join(", "));
        lines.push(Line::from(Span::styled(text, theme.dim())));
    }
    lines
}

/// One bar for the time of all loads, and what its letters mean.
fn stages(lines: &mut Vec<Line<'static>>, detail: &ModuleDetail, width: usize, theme: Theme) {
    let total = detail
        .stages
        .iter()
        .fold(0_u64, |sum, share| sum.saturating_add(share.total_ns));
    if total == 0 {
        return;
    }
    title(
        lines,
        format!("STAGES of all loads, {} together", span_text(total)),
        theme,
    );
    let room = width.clamp(10, 100) as u64;
    let mut bar = Vec::new();
    let mut legend: Vec<(String, Style)> = Vec::new();
    let (mut done, mut drawn) = (0_u64, 0_u64);
    for share in &detail.stages {
        done = done.saturating_add(share.total_ns);
        // Rounding the ends and not the pieces: together they fill the bar.
        let end = scaled(done, total, room);
        let cells = usize::try_from(end.saturating_sub(drawn)).unwrap_or_default();
        drawn = end;
        let sign = share.stage.letter();
        bar.push(Span::styled(sign.to_string().repeat(cells), theme.stage(share.stage)));
        let percent = scaled(share.total_ns, total, 100);
        let text = format!(
            "{sign} {} {} ({percent} %)",
            share.stage.name(),
            span_text(share.total_ns)
        );
        legend.push((text, theme.stage(share.stage)));
    }
    lines.push(Line::from(bar));
    legend.sort_by_key(|(text, _)| text.len());
    let column = legend.last().map_or(0, |(text, _)| text.len()) + 3;
    for row in legend.chunks((width / column).max(1)) {
        let spans = row.iter().flat_map(|(text, style)| {
            let (sign, rest) = text.split_at(1);
            let pad = column - text.len();
            [
                Span::styled(sign.to_owned(), *style),
                Span::raw(format!("{rest}{}", " ".repeat(pad))),
            ]
        });
        lines.push(Line::from(spans.collect::<Vec<_>>()));
    }
}

fn scaled(part: u64, whole: u64, to: u64) -> u64 {
    let scaled = u128::from(part) * u128::from(to) / u128::from(whole.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

/// Bars by powers of two, their length by the logarithm of the count: one of a thousand shows beside the thousand.
fn histogram(lines: &mut Vec<Line<'static>>, bars: &Bars, width: usize, theme: Theme) {
    title(
        lines,
        format!("{} ({}), bars on a log scale", bars.title, bars.count),
        theme,
    );
    let most = bars.rows.iter().map(|row| row.count).max().unwrap_or_default();
    let room = BAR.min(width.saturating_sub(30)).max(4);
    for row in &bars.rows {
        let log = |count: u64| {
            if count == 0 {
                0
            } else {
                u64::from(count.ilog2()) * 2 + 2 + u64::from(count & (count >> 1) != 0)
            }
        };
        let length = usize::try_from(scaled(log(row.count), log(most), room as u64)).unwrap_or_default();
        lines.push(Line::from(vec![
            Span::raw(format!(
                "{:>7} -> {:<7} {:>7} ",
                span_text(row.lower),
                span_text(row.upper),
                row.count
            )),
            Span::styled(theme.signs().bar.to_string().repeat(length), theme.bar()),
        ]));
    }
}

/// A line of time with the windows, and below it the loads that met them.
fn going(lines: &mut Vec<Line<'static>>, detail: &ModuleDetail, width: usize, theme: Theme) {
    let Some(row) = &detail.now.row.going else {
        title(lines, "GOING windows: not observed".to_owned(), theme);
        return;
    };
    if row.windows == 0 {
        return;
    }
    let longest = row.longest_ns.map_or_else(|| NONE.to_owned(), span_text);
    let often = match row.windows {
        1 => "once".to_owned(),
        windows => format!("{windows} times"),
    };
    title(
        lines,
        format!(
            "GOING {often}, {} in all, longest {longest}; the last {}:",
            span_text(row.total_ns),
            detail.going.len()
        ),
        theme,
    );
    let end = |start: u64, long: Option<u64>| start.saturating_add(long.unwrap_or(1));
    let windows: Vec<(u64, u64)> = detail
        .going
        .iter()
        .map(|window| (window.start_ns, end(window.start_ns, window.duration_ns)))
        .collect();
    let hits: Vec<(u64, &str)> = detail.hits.iter().map(|hit| (hit.start_ns, hit.state.name())).collect();
    let first = windows
        .iter()
        .map(|(from, _)| *from)
        .chain(hits.iter().map(|(at, _)| *at))
        .min();
    let last = windows
        .iter()
        .map(|(_, to)| *to)
        .chain(hits.iter().map(|(at, _)| *at))
        .max();
    let (Some(first), Some(last)) = (first, last) else {
        return;
    };
    let room = width.clamp(20, 120);
    let place =
        |at: u64| usize::try_from(scaled(at - first, (last - first).max(1), room as u64 - 1)).unwrap_or_default();
    let mut line = vec!['.'; room];
    for (from, to) in &windows {
        line[place(*from)..=place(*to)].fill(theme.signs().window);
    }
    let mut below = vec![' '; room];
    for (at, state) in &hits {
        let cell = &mut below[place(*at)];
        // The first letter of the state, or a plus where several met it there.
        *cell = if *cell == ' ' {
            state.chars().next().unwrap_or('?')
        } else {
            '+'
        };
    }
    lines.push(Line::from(line.into_iter().collect::<String>()));
    lines.push(Line::from(below.into_iter().collect::<String>()));
    let time = |at: u64| Zero::Boot.number(Ktime(at));
    let text = format!(
        "from {} to {}; below the line loads by the state they met: U C G L I(N_FLIGHT), + several",
        time(first),
        time(last)
    );
    lines.extend(
        wrapped(&text, width, 0)
            .into_iter()
            .map(|line| Line::from(Span::styled(line, theme.dim()))),
    );
}

fn requesters(lines: &mut Vec<Line<'static>>, detail: &ModuleDetail, theme: Theme) {
    if detail.requesters.is_empty() {
        return;
    }
    title(lines, "REQUESTERS of the loads that are kept".to_owned(), theme);
    for (by, count) in detail.requesters.iter().take(REQUESTERS) {
        lines.push(Line::from(format!("{count:>7} {}", printable(by))));
    }
    let more = detail.requesters.len().saturating_sub(REQUESTERS);
    if more > 0 {
        lines.push(Line::from(format!("        and {more} more")));
    }
}

/// As `kmodtrace drill` shows it.
fn inside(lines: &mut Vec<Line<'static>>, detail: &ModuleDetail, width: usize, theme: Theme) {
    if detail.inside.is_empty() {
        return;
    }
    title(lines, "INSIDE the last load that is kept".to_owned(), theme);
    for line in &detail.inside {
        let indent = line.len() - line.trim_start().len();
        lines.extend(wrapped(line, width, indent + 2).into_iter().map(Line::from));
    }
}

/// In the words of `kmodtrace why`.
fn why(lines: &mut Vec<Line<'static>>, detail: &ModuleDetail, width: usize, theme: Theme) {
    if detail.why.is_empty() {
        return;
    }
    title(lines, "WHY, of the loads that are kept".to_owned(), theme);
    for reason in &detail.why {
        lines.extend(
            wrapped(&printable(&reason.headline), width, 2)
                .into_iter()
                .map(|line| Line::from(Span::styled(line, theme.bad()))),
        );
        for sentence in reason.sentences.iter().chain(&reason.what_to_do) {
            let sentence = format!("  - {}", printable(sentence));
            lines.extend(wrapped(&sentence, width, 4).into_iter().map(Line::from));
        }
    }
}
