"""Counts the pieces that an encoder's tokenizer makes of a text."""

from spacy.tokens import Doc

from ...hub.encoder import load_pretrained
from ...models.execution import doc_words
from ...nn.encoder.pieces import PieceCutter


class PieceCounter:
    """Counts pieces.

    Args:
        encoder: Hub id or folder.

    Raises:
        OSError: If there is no such encoder.
    """

    def __init__(self, encoder: str) -> None:
        _, tokenizer = load_pretrained(encoder)
        unk_id = tokenizer.unk_token_id
        backend = tokenizer.backend_tokenizer
        backend.no_truncation()
        self.cutter = PieceCutter(backend, prefix_space="text", unk_id=-1 if unk_id is None else unk_id)

    def count(self, doc: Doc) -> tuple[int, int]:
        """Return the number of pieces of a text, and of unknown ones among them."""
        ids = self.cutter.cut(doc_words(doc)).ids
        return len(ids), ids.count(self.cutter.unk_id)
