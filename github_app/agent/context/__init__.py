"""What a repository has on an issue: files ranked for it, their definitions, instructions, commands."""
