import numpy as np

from spacy_xner.models.execution import get_execution

from ..conftest import SLIPS
from ..models.test_sharing import annotate, make_pair

TEXTS = ["", *(text for text, _ in SLIPS), "Anna " * 40]


def test_text_vectors_are_means_of_token_vectors(trained):
    docs = [trained.make_doc(text) for text in TEXTS]
    pipe = trained.get_pipe("xner")
    vectors = pipe.text_vectors(docs)
    assert vectors.shape == (len(TEXTS), get_execution(pipe.model).network.encoder.width)
    assert not vectors[0].any()
    for doc, vector in zip(docs[1:], vectors[1:], strict=True):
        rows, _ = get_execution(pipe.model).encode([doc], is_train=False)
        np.testing.assert_allclose(vector, rows[0].mean(dim=0).detach().numpy(), atol=1e-5)


def test_shared_encoder_gives_the_vectors_of_its_owner(tiny):
    nlp = make_pair(tiny)
    nlp.initialize(lambda: annotate(nlp))
    docs = [nlp.make_doc(text) for text in TEXTS]
    own, borrowed = (nlp.get_pipe(name).text_vectors(docs) for name in ("xner", "xcat"))
    np.testing.assert_allclose(own, borrowed, atol=1e-5)


def test_texts_without_tokens_have_no_width(trained):
    assert trained.get_pipe("xner").text_vectors([trained.make_doc("")]).shape == (1, 0)
