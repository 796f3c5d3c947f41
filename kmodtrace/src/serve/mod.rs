//! Metrics over HTTP, beside whatever else the event loop does.
//!
//! All of it has bounds, because anybody may connect: how many connections there are, how long each lasts, how long its request is, and how
//! often a page is made, which others get too as long as it is fresh.

mod answer;
mod listening;
mod sending;
mod shared;

pub(crate) use listening::Listening;
pub(crate) use sending::Sending;
pub(crate) use shared::Shared;
