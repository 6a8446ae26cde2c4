"""A GGUF file, dequantised to a plain Hugging Face folder that every engine loads.

Run by the jobs interpreter, which has the libraries: `python -m evol_core.llm.hf_convert FILE.gguf OUT`.
The weights keep the precision of the quantised file: a converted Q4 model is no full-precision model.
OUT is written in place; whoever calls renames it into its place, so that half a model is never seen.
"""

import os
import sys
from pathlib import Path
from typing import Any


def convert(gguf: Path, out: Path) -> None:
    """Write config, weights (bfloat16, safetensors), generation config and tokenizer of `gguf` to `out`."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    source = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    tokenizer = AutoTokenizer.from_pretrained(**source)
    loaded = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
    plain = _without_quantisation(loaded, torch.bfloat16)
    _set_special_tokens(plain.generation_config, tokenizer)
    plain.save_pretrained(out)
    tokenizer.save_pretrained(out)


def _without_quantisation(loaded: Any, dtype: Any) -> Any:
    """The same weights in a fresh model: one that was loaded from GGUF refuses to be saved."""
    config = loaded.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.dtype = dtype
    plain = type(loaded)(config).to(dtype)
    plain.load_state_dict(loaded.state_dict())
    plain.tie_weights()
    return plain


def _set_special_tokens(generation: Any, tokenizer: Any) -> None:
    generation.bos_token_id = tokenizer.bos_token_id
    generation.eos_token_id = tokenizer.eos_token_id
    generation.pad_token_id = tokenizer.eos_token_id if tokenizer.pad_token_id is None else tokenizer.pad_token_id


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
