"""``python -m spacy_xner.cli``."""

from . import main

if __name__ == "__main__":
    main()
