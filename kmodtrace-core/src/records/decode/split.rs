//! Cutting a run of records into records.

use kmodtrace_common::record;
use zerocopy::FromBytes as _;

/// Where a run of concatenated records stops making sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: a record of {size} bytes where {left} are left")]
pub struct SplitError {
    /// Offset of the record in the run.
    pub offset: usize,
    /// What its header says, 0 when there is not even a whole header.
    pub size: usize,
    /// Bytes from there to the end of the run.
    pub left: usize,
}

/// The records of a run, one after the other; see [`split`].
#[derive(Clone, Debug)]
pub struct Records<'a> {
    rest: &'a [u8],
    offset: usize,
}

/// Cuts a run of concatenated records by the sizes that they state. After an error nothing more comes: where the next
/// record would begin is not known.
pub fn split(bytes: &[u8]) -> Records<'_> {
    Records { rest: bytes, offset: 0 }
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<&'a [u8], SplitError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let size = record::Header::read_from_prefix(self.rest).map_or(0, |(header, _)| usize::from(header.size));
        if let Some((record, rest)) = self
            .rest
            .split_at_checked(size)
            .filter(|_| size >= size_of::<record::Header>())
        {
            self.rest = rest;
            self.offset += size;
            return Some(Ok(record));
        }
        let left = std::mem::take(&mut self.rest).len();
        Some(Err(SplitError {
            offset: self.offset,
            size,
            left,
        }))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a failed step fails the test")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blank(size: u16) -> Vec<u8> {
        super::super::tests::blank(999, size.into())
    }

    #[test]
    fn split_stops_where_a_size_is_wrong() {
        let mut run = [blank(32), blank(40)].concat();
        assert_eq!(
            split(&run).collect::<Result<Vec<_>, _>>().unwrap(),
            [&run[..32], &run[32..]]
        );
        run[32 + 2] = 41;
        assert_eq!(
            split(&run).last(),
            Some(Err(SplitError {
                offset: 32,
                size: 41,
                left: 40
            }))
        );
        run[32 + 2] = 31;
        assert_eq!(
            split(&run).nth(1),
            Some(Err(SplitError {
                offset: 32,
                size: 31,
                left: 40
            }))
        );
        assert_eq!(
            split(&run[..31]).next(),
            Some(Err(SplitError {
                offset: 0,
                size: 0,
                left: 31
            }))
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let cut: usize = split(&bytes).map_while(Result::ok).map(<[u8]>::len).sum();
            prop_assert!(cut <= bytes.len());
        }

        #[test]
        fn what_was_joined_comes_apart(sizes in prop::collection::vec(32_u16..300, 0..20)) {
            let records: Vec<_> = sizes.into_iter().map(blank).collect();
            let run = records.concat();
            prop_assert_eq!(split(&run).collect::<Result<Vec<_>, _>>()?, records);
        }
    }
}
