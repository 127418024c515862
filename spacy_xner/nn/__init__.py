"""Torch modules: from pieces to entities. No spaCy, no thinc, no files."""
