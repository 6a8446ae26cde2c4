"""A forward pass of our own for decoders built like Llama: rows end to end, no padding, fewer and larger products.

Exact up to rounding: the same float32 products in another order. Weights of norms are folded into what follows,
query, key and value come from one product, gate and up from another, and rotation is one complex product.

Shapes: T tokens of all rows, D hidden, W width of a product's result. Heads: Q of queries, K of keys and values,
G queries that share a key, E a head's width.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention, silu

from evol_core.score.models.forward import plain_head, probe_ids, scored_positions, split
from evol_core.score.models.head import Head
from evol_core.score.models.sides import Text

SAME = 2e-4
"""How far hidden states may be from transformers' own, as a share of their size, to be taken for the same."""

ARCHITECTURES = {"llama", "mistral", "qwen2"}

ROTATIONS = {"default", "llama3", "linear"}
"""Kinds of rotary position whose angles do not depend on the text's length."""


FEWEST_TOKENS = 64
"""Of one pass, filled up where there are fewer: products of very few rows are rounded in another order, and a short
text would have another loss alone than in company."""


class Layer(NamedTuple):
    """One block's weights, each turned so that it stands on the right of a product."""

    qkv_DW: Tensor
    qkv_bias_W: Tensor | None
    out_WD: Tensor
    gate_up_DW: Tensor
    down_WD: Tensor


class Row(NamedTuple):
    """Views of one row's queries, keys and values, and of where its attention goes; keys are the batch axis."""

    queries_KGTE: Tensor
    keys_KGTE: Tensor
    values_KGTE: Tensor
    attended_KGTE: Tensor


class PackedForward:
    """Satisfies Forward. Takes the model apart: afterwards only this can run it."""

    def __init__(self, model: Any) -> None:
        config, core = model.config, model.model
        self.name = "packed"
        self.device = model.device
        self.context = int(config.max_position_embeddings)
        self._n_queries, self._n_keys = config.num_attention_heads, config.num_key_value_heads
        self._width = core.layers[0].self_attn.head_dim
        self._eps, self._inner = config.rms_norm_eps, config.intermediate_size
        self._frequencies = core.rotary_emb.inv_freq.float()
        self._embedding = core.embed_tokens.weight.detach()
        self._norm_D = core.norm.weight.detach()
        self._head = Head(model.get_output_embeddings().weight.detach())
        self._layers = [_take(block, self._width) for block in core.layers]
        self._buffers: list[Tensor] = []

    def __call__(self, texts: Sequence[Text]) -> list[list[float]]:
        lengths = [len(text.ids) for text in texts]
        filler = [[0] * (FEWEST_TOKENS - sum(lengths))] if sum(lengths) < FEWEST_TOKENS else []
        with torch.inference_mode():
            hidden_TD = self.hidden([text.ids for text in texts] + filler)
            rows, columns, targets_N = scored_positions(texts, self.device)
            starts = torch.tensor([0, *accumulate(lengths)])
            return split(self._head(hidden_TD[starts[rows] + columns - 1], targets_N), texts)

    def hidden(self, rows: Sequence[Sequence[int]]) -> Tensor:
        """The last hidden states of all rows' tokens, one row after the other."""
        lengths = [len(row) for row in rows]
        x_TD = self._embedding[torch.tensor([token for row in rows for token in row])]
        normed_TD, qkv_TW, attended_TW, gate_up_TW = self._room(len(x_TD))
        attending = list(self._attending(lengths, qkv_TW, attended_TW))
        turned, turns = self._turned(qkv_TW), self._turns(lengths)
        gate, up = gate_up_TW.split(self._inner, dim=1)
        for layer in self._layers:
            self._product(self._normed(x_TD, normed_TD), layer.qkv_DW, layer.qkv_bias_W, qkv_TW)
            turned.mul_(turns)
            for row in attending:
                row.attended_KGTE.copy_(scaled_dot_product_attention(*row[:3], is_causal=True))
            x_TD.addmm_(attended_TW, layer.out_WD)
            torch.mm(self._normed(x_TD, normed_TD), layer.gate_up_DW, out=gate_up_TW)
            x_TD.addmm_(silu(gate, inplace=True).mul_(up), layer.down_WD)
        return self._normed(x_TD, normed_TD) * self._norm_D

    def _product(self, x_TD: Tensor, weight_DW: Tensor, bias_W: Tensor | None, out_TW: Tensor) -> None:
        if bias_W is None:
            torch.mm(x_TD, weight_DW, out=out_TW)
        else:
            torch.addmm(bias_W, x_TD, weight_DW, out=out_TW)

    def _normed(self, x_TD: Tensor, out_TD: Tensor) -> Tensor:
        """RMS norm without its weight, which is folded into the next product."""
        squares_T1 = torch.linalg.vector_norm(x_TD, dim=1, keepdim=True).square_().div_(x_TD.shape[1])
        return torch.mul(x_TD, squares_T1.add_(self._eps).rsqrt_(), out=out_TD)

    def _room(self, n_tokens: int) -> list[Tensor]:
        """Buffers for so many tokens, used again and again."""
        if not self._buffers or n_tokens > len(self._buffers[0]):
            heads = self._n_queries + 2 * self._n_keys
            widths = (len(self._norm_D), heads * self._width, self._n_queries * self._width, 2 * self._inner)
            self._buffers = [torch.empty(n_tokens, width) for width in widths]
        return [buffer[:n_tokens] for buffer in self._buffers]

    def _turned(self, qkv_TW: Tensor) -> Tensor:
        """Queries and keys as complex numbers."""
        heads = self._n_queries + self._n_keys
        return torch.view_as_complex(qkv_TW[:, : heads * self._width].unflatten(1, (heads, self._width // 2, 2)))

    def _turns(self, lengths: Sequence[int]) -> Tensor:
        """By how much each token's pairs are turned; every row counts its positions from 0."""
        angles = torch.cat([torch.arange(length) for length in lengths])[:, None].float() * self._frequencies
        return torch.polar(torch.ones_like(angles), angles)[:, None]

    def _attending(self, lengths: Sequence[int], qkv_TW: Tensor, attended_TW: Tensor) -> Iterator[Row]:
        keys = (self._n_keys, self._n_queries // self._n_keys, self._width)
        widths = [self._n_queries * self._width, self._n_keys * self._width, self._n_keys * self._width]
        for qkv, attended in zip(qkv_TW.split(lengths), attended_TW.split(lengths), strict=True):
            query, key, value = qkv.split(widths, dim=1)
            yield Row(
                queries_KGTE=query.unflatten(1, keys).permute(1, 2, 0, 3),
                keys_KGTE=self._shared(key, keys),
                values_KGTE=self._shared(value, keys),
                attended_KGTE=attended.unflatten(1, keys).permute(1, 2, 0, 3),
            )

    def _shared(self, x_TW: Tensor, keys: tuple[int, int, int]) -> Tensor:
        """Keys or values, seen by every query of their group without a copy."""
        return x_TW.unflatten(1, (keys[0], 1, keys[2])).permute(1, 2, 0, 3).expand(-1, keys[1], -1, -1)


def _take(block: Any, width: int) -> Layer:
    """A block's weights, folded and joined; the block keeps none of them."""
    attention, mlp = block.self_attn, block.mlp
    projections = attention.q_proj, attention.k_proj, attention.v_proj
    before, between = block.input_layernorm.weight.detach(), block.post_attention_layernorm.weight.detach()
    parts = [projection.weight.detach() for projection in projections]
    biases = [projection.bias.detach() for projection in projections if projection.bias is not None]
    layer = Layer(
        qkv_DW=(torch.cat([_paired(parts[0], width), _paired(parts[1], width), parts[2]]) * before).t(),
        qkv_bias_W=torch.cat([_paired(biases[0], width), _paired(biases[1], width), biases[2]]) if biases else None,
        out_WD=attention.o_proj.weight.detach().t(),
        gate_up_DW=(torch.cat([mlp.gate_proj.weight.detach(), mlp.up_proj.weight.detach()]) * between).t(),
        down_WD=mlp.down_proj.weight.detach().t(),
    )
    for part in (*projections, mlp.gate_proj, mlp.up_proj):
        part.weight = None
    return layer


def _paired(weight: Tensor, width: int) -> Tensor:
    """The rows of each head in another order, so that the two halves that turn together stand side by side."""
    order = torch.arange(width).view(2, width // 2).t().reshape(-1)
    return weight.unflatten(0, (-1, width))[:, order].reshape(weight.shape)


def is_packable(model: Any) -> bool:
    """Whether a model looks like Llama, part by part; `packed_or_none` then compares what comes out."""
    config, core = model.config, model.base_model
    rope = getattr(config, "rope_parameters", None) or {}
    if model.device.type != "cpu" or model.dtype != torch.float32 or not hasattr(core, "layers"):
        return False
    return (
        config.model_type in ARCHITECTURES
        and getattr(config, "hidden_act", "") == "silu"
        and rope.get("rope_type") in ROTATIONS
        and float(rope.get("partial_rotary_factor", 1.0)) == 1.0
        and not getattr(config, "mlp_bias", False)
        and core.layers[0].self_attn.o_proj.bias is None
        and not _slides(config)
    )


def _slides(config: Any) -> bool:
    """Whether attention is held to a window that texts may outgrow."""
    kinds = set(getattr(config, "layer_types", None) or ())
    return kinds > {"full_attention"} or (not kinds and bool(getattr(config, "sliding_window", None)))


def packed_or_none(model: Any) -> PackedForward | None:
    """The packed pass over a model, where it is known to say the same as transformers; else None.

    The model is used up where the answer is not None, and may be where it is: load it again.
    """
    if not is_packable(model) or plain_head(model) is None:
        return None
    ids_BT = probe_ids(model)
    with torch.inference_mode():
        expected_TD = model.base_model(input_ids=ids_BT, use_cache=False)[0][0]
        packed = PackedForward(model)
        found_TD = packed.hidden(ids_BT.tolist())
    far = (found_TD - expected_TD).abs().max() / expected_TD.abs().max()
    return packed if float(far) <= SAME else None
