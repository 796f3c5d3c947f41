//! zstd frames. Where there is no memory for a context, that is an error: the wrappers of the library panic.

use std::io;

use zstd::zstd_safe::{CCtx, CParameter, DCtx, compress_bound, get_error_name, get_frame_content_size};

/// zstd's fastest regular level; records repeat so much that higher ones gain little.
const LEVEL: i32 = 1;

/// What packs: frames with their size and a check.
pub(super) fn packer() -> io::Result<CCtx<'static>> {
    let mut context = CCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?;
    for parameter in [CParameter::CompressionLevel(LEVEL), CParameter::ChecksumFlag(true)] {
        context.set_parameter(parameter).map_err(said)?;
    }
    Ok(context)
}

/// What unpacks.
pub(super) fn unpacker() -> io::Result<DCtx<'static>> {
    Ok(DCtx::try_create().ok_or(io::ErrorKind::OutOfMemory)?)
}

/// A frame of this content.
pub(super) fn pack(packer: &mut CCtx<'_>, content: &[u8]) -> io::Result<Vec<u8>> {
    let mut frame = Vec::with_capacity(compress_bound(content.len()));
    packer.compress2(&mut frame, content).map_err(said)?;
    Ok(frame)
}

/// How long the content of a frame is, as it says.
pub(super) fn content_length(frame: &[u8]) -> Option<usize> {
    usize::try_from(get_frame_content_size(frame).ok()??).ok()
}

/// The content of a frame, in place of what `content` holds: so many bytes at the most.
pub(super) fn unpack(unpacker: &mut DCtx<'_>, frame: &[u8], most: usize, content: &mut Vec<u8>) -> io::Result<()> {
    content.clear();
    content.reserve_exact(most);
    unpacker.decompress(content, frame).map_err(said)?;
    Ok(())
}

fn said(code: usize) -> io::Error {
    io::Error::other(get_error_name(code))
}
