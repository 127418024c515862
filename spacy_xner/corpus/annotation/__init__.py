"""Tags and character offsets of a corpus, read as entities."""
