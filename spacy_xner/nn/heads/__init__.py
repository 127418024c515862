"""From vectors to entities and labels."""
