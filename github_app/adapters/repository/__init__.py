"""Git and the files: mirrors, checkouts, the workspaces of sessions, what changed in them, and pushing it."""
