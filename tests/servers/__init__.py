"""Real servers for tests: each starts the server's own program on free ports and leaves nothing running behind it."""
