//! kmodtrace's command line.

fn main() {}
