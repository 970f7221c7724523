//! Platforms: each room turns one platform's callbacks into messages and verdicts into its replies.

pub mod tencent;
