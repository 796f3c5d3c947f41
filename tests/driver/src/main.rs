//! Makes module system calls in forced arrangements and logs what it got.

fn main() {}
