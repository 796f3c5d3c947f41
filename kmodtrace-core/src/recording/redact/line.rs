//! Lines of the kernel log.

use super::Redactor;
use crate::kernel::log::{OOPS, is_of_request, named_by};

impl Redactor {
    /// A line: the loader's own about a module stays, and those about requests; of others what the kernel writes in each such line.
    pub(super) fn line(&mut self, text: &str) -> String {
        let line = text.trim_end();
        let of_loader = named_by(line).is_some() || is_of_request(line);
        // With a line feed in it there is another one behind it.
        if line.is_empty() || of_loader && !line.contains('\n') {
            return text.to_owned();
        }
        let stand_in = self.stand_ins.of("log line ", line);
        let begins = OOPS.iter().filter(|begin| line.starts_with(**begin));
        let words = self.log_words.iter().filter(|words| line.contains(**words));
        let stay: Vec<&str> = begins.chain(words).copied().collect();
        if stay.is_empty() {
            stand_in
        } else {
            format!("{} ({stand_in})", stay.join(", "))
        }
    }
}
