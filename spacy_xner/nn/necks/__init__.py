"""Between encoder and head."""
