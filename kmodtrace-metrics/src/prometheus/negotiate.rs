//! Which format a client wants.

use super::Format;

/// The format that the value of an HTTP `Accept` header likes best, [`Format::Text`] where it names none that there is.
pub fn accepted(accept: &str) -> Format {
    let mut best = (0.0, Format::Text);
    for range in accept.split(',') {
        let mut words = range.split(';').map(str::trim);
        let kind = words.next().unwrap_or_default();
        let parameters: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
        let is = |name: &str, wanted: &str| {
            let mut named = parameters.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            named.all(|(_, value)| value.trim_matches('"') == wanted)
        };
        let has = |name: &str| parameters.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        let format = match kind {
            "application/vnd.google.protobuf"
                if has("proto") && is("proto", "io.prometheus.client.MetricFamily") && is("encoding", "delimited") =>
            {
                Format::Protobuf
            }
            "application/openmetrics-text" if is("version", "1.0.0") => Format::OpenMetrics,
            "text/plain" if is("version", "0.0.4") => Format::Text,
            _ => continue,
        };
        let weight = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case("q"));
        let weight: f64 = weight.map_or(Ok(1.0), |(_, value)| value.parse()).unwrap_or_default();
        if weight > best.0 {
            best = (weight, format);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_that_there_is_is_taken() {
        let native = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited,\
                      application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        for (accept, format) in [
            ("", Format::Text),
            ("*/*", Format::Text),
            (native, Format::Protobuf),
            (
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5",
                Format::OpenMetrics,
            ),
            (
                "text/plain;version=0.0.4, application/openmetrics-text;q=0.1",
                Format::Text,
            ),
            ("application/vnd.google.protobuf", Format::Text),
            ("application/openmetrics-text; version=\"2.0.0\"", Format::Text),
            ("application/openmetrics-text;q=0", Format::Text),
            ("application/openmetrics-text;q=x;;;,,=", Format::Text),
        ] {
            assert_eq!(accepted(accept), format, "{accept}");
        }
    }
}
