"""A server made with the protocol's own library."""

from mcp.server import MCPServer

server = MCPServer("official", log_level="ERROR")


@server.tool()
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


if __name__ == "__main__":
    server.run()
