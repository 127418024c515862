"""A plug-in of spacy-xner: a head, a neck and a corpus format."""
