"""From the tokens of a doc to words that can be cut into pieces."""

from spacy.tokens import Doc

from ..nn.encoder.pieces import Word


def doc_words(doc: Doc) -> list[Word]:
    """List a doc's tokens, with whether white space or the text's beginning stands before each."""
    words = []
    has_space = True
    for token in doc:
        text = token.text
        words.append(Word(text, has_space))
        has_space = bool(token.whitespace_) or text.isspace()
    return words
