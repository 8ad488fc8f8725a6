//! `docs/MCP.md`: its table is the table of tools, and its lines are such as connect.

use deeds::mcp::{TOOLS, ToolRow};

const PAGE: &str = include_str!("../../docs/MCP.md");

#[test]
fn the_page_has_the_tools_as_they_are() {
    let line = |tool: &ToolRow| format!("| `{}` | {} |", tool.name, tool.says);
    let lines = TOOLS.iter().map(line).collect::<Vec<String>>().join("\n");
    let table = format!("| tool | what the model is told |\n|---|---|\n{lines}\n\n");
    assert!(PAGE.contains(&table), "docs/MCP.md should have\n{table}");
}

/// Three lines at most, each with the address and without a token in it.
#[test]
fn connecting_takes_three_lines() {
    let blocks: Vec<&str> = PAGE.split("```").skip(1).step_by(2).collect();
    assert_eq!(blocks.len(), 5, "Claude Code, VS Code, Codex, whatever starts its tools, Python");
    for block in blocks {
        let lines = block.trim().lines().count() - 1;
        assert!(lines <= 3, "{block}");
        assert!(block.contains("mcp") && !block.contains("deeds_agent_"), "{block}");
    }
}
