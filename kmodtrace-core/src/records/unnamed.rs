//! Addresses of the kernel in what it writes as text.

use std::borrow::Cow;

use kmodtrace_common::{STACK_LEN, SYMBOL_LEN, TEXT_LEN, kind};

/// How an address of the kernel begins that stands where a symbol should (`sprint_symbol_no_offset`, kernel/kallsyms.c).
const ADDRESS: &[u8] = b"0xffff";

/// How an address begins in a line of the kernel log, and the digits from which on a number may be one. An errno in hexadecimal has 8.
const IN_A_LINE: &[u8] = b"ffff";
const DIGITS: usize = 12;

/// A record of the ring as it may be kept, without the addresses that the kernel writes where it knows no symbol: the symbol is an empty
/// one then, and the frame of a stack `?`. Behind the end of a stack lies what the ring held before, which is left out too. In lines of
/// the kernel log an `x` stands for each digit of an address.
pub fn without_addresses(record: &[u8]) -> Cow<'_, [u8]> {
    let kind = record.first_chunk().map_or(0, |kind| u16::from_ne_bytes(*kind));
    let (len, instead): (_, &[u8]) = match kind {
        kind::STACK => (STACK_LEN, b"?\n"),
        // In all of them the symbol is what comes last.
        kind::INIT_START | kind::REQUEST_BEGIN | kind::REQUEST_GRANTED | kind::FS_TYPE_EXIT | kind::EXIT_FUNCTION => {
            (SYMBOL_LEN, b"")
        }
        kind::PRINTK => return Cow::Owned(without_numbers(record)),
        _ => return Cow::Borrowed(record),
    };
    let (head, field) = record.split_at(record.len().saturating_sub(len));
    let text = field.split(|&byte| byte == 0).next().unwrap_or_default();
    let mut kept = head.to_vec();
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line.windows(ADDRESS.len()).position(|part| part == ADDRESS) {
            None => kept.extend(line),
            Some(at) => {
                kept.extend(line.iter().take(at));
                kept.extend(instead);
            }
        }
    }
    kept.resize(record.len(), 0);
    Cow::Owned(kept)
}

/// A line of the kernel log. One that is cut has its NUL in the last byte, and may end in the middle of an address.
fn without_numbers(record: &[u8]) -> Vec<u8> {
    let mut kept = record.to_vec();
    let begin = record.len().saturating_sub(TEXT_LEN);
    let text = kept.get_mut(begin..).unwrap_or_default();
    let mut at = 0;
    for word in text.chunk_by_mut(|one, other| one.is_ascii_hexdigit() == other.is_ascii_hexdigit()) {
        at += word.len();
        if word.starts_with(IN_A_LINE) && (word.len() >= DIGITS || at >= TEXT_LEN - 1) {
            word.fill(b'x');
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, text: &[u8], len: usize) -> Vec<u8> {
        let mut record = kind.to_ne_bytes().to_vec();
        record.resize(40, 7);
        record.extend(text);
        // What the ring held before.
        record.resize(40 + len, b'f');
        record
    }

    fn kept(kind: u16, text: &[u8], len: usize) -> Vec<u8> {
        let record = record(kind, text, len);
        let kept = without_addresses(&record);
        assert_eq!(kept.len(), record.len());
        assert_eq!(kept.get(..40), record.get(..40));
        kept.get(40..)
            .unwrap_or_default()
            .iter()
            .copied()
            .take_while(|&byte| byte != 0)
            .collect()
    }

    #[test]
    fn a_symbol_that_is_an_address_is_none() {
        let kept = |text| kept(kind::EXIT_FUNCTION, text, SYMBOL_LEN);
        assert_eq!(kept(b"0xffffffffc0405200\0"), b"");
        assert_eq!(kept(b"kt_exit [kt]\0"), b"kt_exit [kt]");
    }

    #[test]
    fn a_frame_that_is_an_address_is_told_as_one_without_a_name() {
        // The second half of a long stack follows the first without a line feed.
        let text = b"f\n0xffffffffc0405200\ng [kt]\ntrunca0xffffffffc0405200\nh\n\0";
        assert_eq!(kept(kind::STACK, text, STACK_LEN), b"f\n?\ng [kt]\ntrunca?\nh\n");
        let record = record(kind::STACK, text, STACK_LEN);
        let kept = without_addresses(&record);
        assert!(!kept.windows(2).any(|part| part == b"ff"), "behind the end");
    }

    #[test]
    fn a_line_has_no_number_that_may_be_an_address() {
        let kept = |text| String::from_utf8(kept(kind::PRINTK, text, TEXT_LEN)).unwrap_or_default();
        assert_eq!(
            kept(b"loc 00000000f822d7ed, val ffffffff87a1b2c3, ret ffffffea, at 0xffff888012345678\0"),
            "loc 00000000f822d7ed, val xxxxxxxxxxxxxxxx, ret ffffffea, at 0xxxxxxxxxxxxxxxxx"
        );
        assert_eq!(kept(b"mask: ffff\0"), "mask: ffff");
        let mut cut = vec![b'.'; TEXT_LEN - 6];
        cut.extend(b"fffff\0");
        assert!(kept(&cut).ends_with("..xxxxx"));
    }

    #[test]
    fn other_records_stay_as_they_are() {
        let path = record(kind::HELPER_RUNS, b"/0xffffffffc0405200\0", SYMBOL_LEN);
        assert_eq!(*without_addresses(&path), *path);
        for len in 0..40 {
            let short: Vec<u8> = kind::STACK.to_ne_bytes().into_iter().chain([0; 40]).take(len).collect();
            assert_eq!(without_addresses(&short).len(), len);
        }
    }
}
