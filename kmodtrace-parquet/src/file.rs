//! The file of a table: groups of rows.

use std::fs::File;
use std::io;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

use crate::column::{Column, schema};
use crate::export::Export;
use crate::rows::Rows;

/// Rows of a group: what engines read at once, and what waits in memory.
const ROWS: usize = 1 << 16;
/// About as many bytes of texts and lists.
const BYTES: usize = 16 << 20;

/// A table of a set of recordings. Rows come from many threads: the one that fills a group writes it, and the others go on meanwhile.
pub(crate) struct Table<A: 'static, B: 'static = ()> {
    columns: &'static [Column<A, B>],
    rows: Mutex<Rows>,
    file: Mutex<SerializedFileWriter<File>>,
}

impl<A, B> Table<A, B> {
    /// A file of this export, for this day.
    pub(crate) fn begin(export: &Export, name: &str, columns: &'static [Column<A, B>], day: &str) -> io::Result<Self> {
        let schema = schema(name, columns)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_created_by(concat!("kmodtrace version ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        let file = export.create(name, day)?;
        Ok(Self {
            columns,
            rows: Mutex::default(),
            file: Mutex::new(SerializedFileWriter::new(file, schema, Arc::new(properties))?),
        })
    }

    /// Adds rows of a recording.
    pub(crate) fn add<'r>(&self, recording: &str, rows: impl Iterator<Item = (&'r A, &'r B)>) -> io::Result<()> {
        let mut waiting = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        for (a, b) in rows {
            waiting.push(self.columns, recording, a, b);
            if waiting.count >= ROWS || waiting.bytes() >= BYTES {
                let full = mem::take(&mut *waiting);
                drop(waiting);
                self.write(&full)?;
                waiting = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
            }
        }
        Ok(())
    }

    /// Writes what waits, and brings all to the disk.
    pub(crate) fn finish(self) -> io::Result<()> {
        let rest = self.rows.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut file = self.file.into_inner().unwrap_or_else(PoisonError::into_inner);
        if rest.count > 0 {
            write(&mut file, &rest)?;
        }
        file.into_inner()?.sync_all()
    }

    fn write(&self, rows: &Rows) -> io::Result<()> {
        write(&mut self.file.lock().unwrap_or_else(PoisonError::into_inner), rows)
    }
}

fn write(file: &mut SerializedFileWriter<File>, rows: &Rows) -> io::Result<()> {
    let mut group = file.next_row_group()?;
    rows.write(|leaf| group.next_column()?.map_or(Ok(()), leaf))?;
    group.close()?;
    Ok(())
}
