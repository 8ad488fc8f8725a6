//! Deeds as an MCP server, from the other side: the SDK's own client, over HTTP and on standard input and output; the
//! official conformance suite, the inspector, and the clients in Python; and clients that mean no good.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "mcp/client.rs"]
mod client;
#[path = "mcp/doors.rs"]
mod doors;
#[path = "mcp/following.rs"]
mod following;
#[path = "mcp/hostile.rs"]
mod hostile;
#[path = "mcp/official.rs"]
mod official;
#[path = "mcp/page.rs"]
mod page;
#[path = "common/patience.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod patience;
#[path = "common/programs.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod programs;
#[path = "server/support.rs"]
#[expect(dead_code, reason = "shared with other tests, which use the rest of it")]
mod support;
#[path = "mcp/tools.rs"]
mod tools;
#[path = "mcp/waiting.rs"]
mod waiting;
