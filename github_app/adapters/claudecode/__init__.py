"""Claude Code, of the Claude Agent SDK's wheel, as the program of `core.programs`."""
