"""Embeddings by a random model of the architecture of all-mpnet-base-v2."""

from pathlib import Path

import pytest
import torch  # noqa: TID253
from transformers import MPNetConfig, MPNetModel  # noqa: TID253

from evol_core.errors import ModelError
from evol_core.score.models.embeddings import Embedder
from tests.integration.engine_scores.tiny import VOCABULARY, tokenizer

pytestmark = pytest.mark.engine

TEXTS = ["the theatre", "a\0b", "", "one two three " * 40, "\N{SNOWMAN}", "the theatre"]


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Embedder:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    torch.manual_seed(0)
    parts, whole = tmp_path_factory.mktemp("parts"), tmp_path_factory.mktemp("whole")
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    MPNetModel(MPNetConfig(vocab_size=VOCABULARY, max_position_embeddings=130, **sizes)).save_pretrained(parts)
    words = tokenizer(bos=True)
    words.pad_token = "</s>"
    words.save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=128)
    SentenceTransformer(modules=[transformer, Pooling(32)]).save(str(whole))
    return Embedder(whole, device="cpu")


def test_vectors_have_length_one_and_come_in_order(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)

    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 32), torch.float32)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))
    torch.testing.assert_close(vectors[0], vectors[-1])
    assert embedder.max_tokens == 128


def test_company_and_padding_change_no_vector(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS, batch_rows=4)

    alone = torch.cat([embedder.embed([text]) for text in TEXTS])

    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 32)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no sentence-transformers model \(it has no modules\.json\)"):
        Embedder(tmp_path)
