"""Texts as unit vectors, by a sentence-transformers model (all-mpnet-base-v2 in the paper).

A text beyond the model's limit is cut there, as everywhere with these models: 384 tokens of all-mpnet-base-v2.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import normalize

from evol_core.errors import ModelError
from evol_core.score.models.forward import dtype_of


class Embedder:
    """Turns texts into float32 vectors of length 1; the same text has the same vector in any company."""

    def __init__(self, folder: Path, *, device: str = "auto", dtype: str = "float32") -> None:
        """`dtype` is of weights and arithmetic; `auto` is that of the folder's weights.

        Raises:
            ModelError: the folder holds no sentence-transformers model.
        """
        from sentence_transformers import SentenceTransformer

        if not (folder / "modules.json").is_file():
            raise ModelError(
                f"{folder} is no sentence-transformers model (it has no modules.json); "
                "save one there, for example all-mpnet-base-v2"
            )
        chosen = None if device == "auto" else device
        self._model = SentenceTransformer(
            str(folder), device=chosen, local_files_only=True, model_kwargs={"dtype": dtype_of(dtype)}
        ).eval()

    @property
    def max_tokens(self) -> int | None:
        """Where a text is cut."""
        limit: int | None = self._model.max_seq_length
        return limit

    def embed(self, texts: Sequence[str], *, batch_rows: int = 32) -> Tensor:
        """N x D, on the processor, in the order of the texts."""
        if not texts:
            return torch.empty(0, int(self._model.get_embedding_dimension() or 0))
        vectors: Tensor = self._model.encode(
            list(texts),
            batch_size=batch_rows,
            convert_to_tensor=True,
            show_progress_bar=False,
        )
        return normalize(vectors.float(), dim=1).cpu()
