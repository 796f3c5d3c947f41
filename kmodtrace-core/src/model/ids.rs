//! Numbers of what the session follows.

use serde::{Deserialize, Serialize};

/// A map by numbers. Its hash is quick, and seeded anew in every run, so no recording can be made that slows it down. What strangers
/// write, as the names of modules, is for std's map: that withstands those who see how long it takes as well.
pub(crate) type ByNumber<Number, Value> = foldhash::HashMap<Number, Value>;

/// Numbers attempts in the order in which they were first seen, from 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct AttemptId(pub u64);

/// Numbers requests in the order in which they were first seen, from 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct RequestId(pub u64);
