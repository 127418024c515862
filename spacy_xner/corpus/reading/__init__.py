"""What the readers of all formats share: options, sessions, lines, JSON."""
