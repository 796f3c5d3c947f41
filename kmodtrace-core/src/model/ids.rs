//! Numbers of what the session follows.

use serde::{Deserialize, Serialize};

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
