"""Random models of a few thousand weights, and tokenizers of a few hundred tokens, each odd in its own way."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch  # noqa: TID253
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import (  # noqa: TID253
    Gemma2Config,
    Gemma2ForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MPNetConfig,
    MPNetModel,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

CONTEXT = 512
SPECIAL = ("<s>", "</s>")
MERGES = (("?", "Ċ"), ("Ċ", "b"), ("t", "h"), ("th", "e"), ("Ġ", "a"), ("Ċ", "Ċ"))
"""With these, a tokenizer that does not split words first merges the joining newline with what stands beside it."""

VOCABULARY = 300

CHAT = (
    "<s>{% for message in messages %}[{{ message['role'] }}] {{ message['content'] SAID }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}[assistant] {% endif %}"
)


def tokenizer(
    *, bos: bool, eos: bool = False, merges: bool = False, trims: bool = False, chat: str = ""
) -> PreTrainedTokenizerFast:
    """Bytes as tokens, with a few merges where asked."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*SPECIAL, *alphabet])}
    pairs = MERGES if merges else ()
    for left, right in pairs:
        vocabulary[left + right] = len(vocabulary)
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=list(pairs)))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, special=True) for token in SPECIAL])
    steps: list[Any] = [processors.ByteLevel(trim_offsets=True)] if trims else []
    if bos or eos:
        single = " ".join(["<s>"] * bos + ["$A"] + ["</s>"] * eos)
        steps.append(
            processors.TemplateProcessing(single=single, special_tokens=[(one, vocabulary[one]) for one in SPECIAL])
        )
    if steps:
        backend.post_processor = processors.Sequence(steps)
    wrapped = PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>")
    wrapped.chat_template = chat or None
    return wrapped


TOKENIZERS: Mapping[str, Callable[[], PreTrainedTokenizerFast]] = {
    "bos": lambda: tokenizer(bos=True, chat=CHAT.replace("SAID", "")),
    "no_bos": lambda: tokenizer(bos=False),
    "bos_eos": lambda: tokenizer(bos=True, eos=True),
    "merges": lambda: tokenizer(bos=True, merges=True),
    "trims": lambda: tokenizer(bos=False, merges=True, trims=True),
    "chat_strips": lambda: tokenizer(bos=True, chat=CHAT.replace("SAID", "| trim")),
    "chat_rewrites": lambda: tokenizer(bos=True, chat=CHAT.replace("SAID", "| replace('secret', '')")),
}

SIZES: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.4,
    "bos_token_id": 0,
    "eos_token_id": 1,
}
LONG = {
    "rope_type": "llama3",
    "rope_theta": 10_000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}


def random_model(kind: Any, config: Any) -> Any:
    """A model with weights of its own, norms and biases among them, so that none can be left out unseen."""
    torch.manual_seed(0)
    model = kind(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.add_(torch.randn_like(weight), alpha=0.3 if "norm" in name or "ln" in name else 0.5)
    return model.eval()


MODELS: Mapping[str, Callable[[], Any]] = {
    "llama": lambda: random_model(LlamaForCausalLM, LlamaConfig(**SIZES, tie_word_embeddings=True)),
    "llama_untied": lambda: random_model(LlamaForCausalLM, LlamaConfig(**SIZES, tie_word_embeddings=False)),
    "llama_long": lambda: random_model(LlamaForCausalLM, LlamaConfig(**SIZES, rope_parameters=LONG)),
    "qwen2": lambda: random_model(Qwen2ForCausalLM, Qwen2Config(**SIZES)),
    "mistral_window": lambda: random_model(MistralForCausalLM, MistralConfig(**SIZES, sliding_window=40)),
    "gpt2": lambda: random_model(
        GPT2LMHeadModel,
        GPT2Config(vocab_size=VOCABULARY, n_positions=CONTEXT, n_embd=32, n_layer=2, n_head=4),
    ),
    "gemma2": lambda: random_model(Gemma2ForCausalLM, Gemma2Config(**SIZES, head_dim=8, final_logit_softcapping=5.0)),
}

PACKED = {"llama", "llama_untied", "llama_long", "qwen2"}
"""Builds that the packed pass knows."""


def save(folder: Path, model: Any, tokenizer: PreTrainedTokenizerFast) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def save_embedder(folder: Path, parts: Path) -> None:
    """A sentence-transformers model of MPNet's architecture; `parts` is an empty folder to build it from."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    MPNetModel(MPNetConfig(vocab_size=VOCABULARY, max_position_embeddings=130, **sizes)).save_pretrained(parts)
    words = tokenizer(bos=True)
    words.pad_token = "</s>"
    words.save_pretrained(parts)
    transformer = Transformer(str(parts), max_seq_length=128)
    SentenceTransformer(modules=[transformer, Pooling(32)]).save(str(folder))
