"""A Honk somewhere else, asked by its API: for the command line, and for other agents by MCP."""
