"""Vocabularies for the docs of a streamed corpus, which are freed with them.

spaCy's vocabulary keeps each word that any doc has, so it grows with the corpus. Words made in
`Language.memory_zone` are freed at its end, but docs in a buffer or a batch may live longer than that.
"""

from spacy.language import Language
from spacy.tokens import Doc
from spacy.vocab import Vocab

from ..corpus.unpacking import DOCS_PER_VOCAB
from ..pipeline.component import Component
from ..tokenizer import Tokenizer


class VocabSupply:
    """Supplies the vocabularies of docs that are trained on.

    Components of other packages may look for the words of docs in the pipeline's own vocabulary, or its
    vectors. With any of these, all docs get the pipeline's own.

    Args:
        nlp: The pipeline.
    """

    def __init__(self, nlp: Language) -> None:
        self._nlp = nlp
        self._vocab = nlp.vocab
        self._n_docs = 0
        trainable = [pipe for _, pipe in nlp.pipeline if getattr(pipe, "is_trainable", False)]
        are_ours = all(isinstance(pipe, Component) for pipe in trainable)
        self._is_apart = are_ours and not nlp.vocab.vectors_length

    def next_vocab(self) -> Vocab:
        """Return the vocabulary of the next doc."""
        if self._is_apart and self._n_docs % DOCS_PER_VOCAB == 0:
            self._vocab = copy_settings(self._nlp)
        self._n_docs += 1
        return self._vocab


def copy_settings(nlp: Language) -> Vocab:
    """Make a vocabulary as that of a pipeline, without its words; it has the labels."""
    own = nlp.vocab
    vocab = Vocab(
        lex_attr_getters=own.lex_attr_getters,  # type: ignore[attr-defined]  # missing in spaCy's stubs
        lookups=own.lookups,
        writing_system=own.writing_system,
        get_noun_chunks=own.get_noun_chunks,
    )
    for labels in nlp.pipe_labels.values():
        for label in labels:
            vocab.strings.add(label)
    return vocab


def tokenize_apart(nlp: Language, text: str, vocab: Vocab) -> Doc:
    """Tokenize a text with a pipeline's tokenizer, in another vocabulary than its own."""
    if isinstance(nlp.tokenizer, Tokenizer):
        words, spaces = nlp.tokenizer.split(text)
        return Doc(vocab, words=words, spaces=spaces)
    with nlp.memory_zone():
        doc = nlp.make_doc(text)
        words, spaces = [token.text for token in doc], [bool(token.whitespace_) for token in doc]
    return Doc(vocab, words=words, spaces=spaces)
