"""From pieces to token vectors."""
