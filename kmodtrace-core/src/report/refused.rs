//! Calls that were only counted, in words.

use crate::model::Refused;

/// Users and programs that are named.
const NAMED: usize = 3;

/// `900 calls without CAP_SYS_MODULE were counted, and are not listed: 800 of insmod (uid 1000), 100 of others`; none where there are
/// none. Those with the most calls come first.
pub fn refused_text(all: &[Refused]) -> Option<String> {
    let sum = |rows: &[Refused]| rows.iter().map(|row| row.calls).fold(0, u64::saturating_add);
    let (named, rest) = all.split_at(all.len().min(NAMED));
    let mut parts: Vec<String> = named
        .iter()
        .map(|row| match (row.uid, row.comm.as_str()) {
            (Some(uid), comm) => format!("{} of {comm} (uid {uid})", row.calls),
            (None, "") => format!("{} of others", row.calls),
            (None, comm) => format!("{} of {comm}", row.calls),
        })
        .collect();
    if !rest.is_empty() {
        parts.push(format!("{} of {} more users and programs", sum(rest), rest.len()));
    }
    let list = parts.join(", ");
    (sum(all) > 0).then(|| {
        format!(
            "{} calls without CAP_SYS_MODULE were counted, and are not listed: {list}",
            sum(all)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_are_named() {
        let row = |uid, comm: &str, calls| Refused {
            uid,
            comm: comm.to_owned(),
            calls,
        };
        assert_eq!(refused_text(&[]), None);
        let all = [
            row(Some(1000), "insmod", 800),
            row(None, "", 100),
            row(None, "a", 3),
            row(Some(0), "b", 2),
            row(Some(1), "b", 1),
        ];
        assert_eq!(
            refused_text(&all).as_deref(),
            Some(
                "906 calls without CAP_SYS_MODULE were counted, and are not listed: 800 of insmod (uid 1000), 100 of others, 3 of a, \
                 3 of 2 more users and programs"
            )
        );
    }
}
