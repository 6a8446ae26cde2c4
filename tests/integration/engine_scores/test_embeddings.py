"""Embeddings by a random model of the architecture of all-mpnet-base-v2."""

from pathlib import Path

import pytest
import torch  # noqa: TID253
from transformers import AutoModel, AutoTokenizer  # noqa: TID253

from evol_core.errors import ModelError
from evol_core.score.models.embeddings import Embedder

pytestmark = pytest.mark.engine

TEXTS = ["the theatre", "a\0b", "", "one two three " * 40, "\N{SNOWMAN}", "the theatre"]


@pytest.fixture(scope="module")
def embedder(tiny_embedder: Path) -> Embedder:
    return Embedder(tiny_embedder, device="cpu")


def test_vectors_have_length_one_and_come_in_order(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS)

    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), 32), torch.float32)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(TEXTS)))
    torch.testing.assert_close(vectors[0], vectors[-1])
    assert embedder.max_tokens == 128


def test_vectors_are_those_of_a_plain_mean_over_the_tokens(tiny_embedder: Path, embedder: Embedder) -> None:
    words = AutoTokenizer.from_pretrained(tiny_embedder)
    model = AutoModel.from_pretrained(tiny_embedder).eval()

    for text, vector in zip(TEXTS, embedder.embed(TEXTS), strict=True):
        ids = words(text, truncation=True, max_length=embedder.max_tokens, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            mean = model(input_ids=ids)[0][0].double().mean(0)
        expected = mean / mean.norm()
        assert vector.tolist() == pytest.approx(expected.tolist(), abs=3e-5)


def test_company_and_padding_change_no_vector(embedder: Embedder) -> None:
    together = embedder.embed(TEXTS, batch_rows=4)

    alone = torch.cat([embedder.embed([text]) for text in TEXTS])

    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert embedder.embed([]).shape == (0, 32)


def test_a_folder_without_a_model_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no sentence-transformers model \(it has no modules\.json\)"):
        Embedder(tmp_path)


def test_the_papers_own_model_finds_a_paraphrase_nearer_than_another_subject(mpnet_folder: Path) -> None:
    vectors = Embedder(mpnet_folder, device="cpu").embed(
        ["How do I bake bread?", "What is the way to make a loaf of bread?", "Name the moons of Mars."]
    )

    assert vectors.shape == (3, 768)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(3))
    assert float((vectors[0] - vectors[1]).pow(2).sum()) < 0.8 < float((vectors[0] - vectors[2]).pow(2).sum())
