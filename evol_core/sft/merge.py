"""LoRA's adapter into the weights that it was trained on: a model folder like any other."""

from pathlib import Path


def merge_adapter(base: Path, adapter: Path, output: Path) -> None:
    """On the CPU, in the dtype in which the base model lies."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model = AutoModelForCausalLM.from_pretrained(base, dtype="auto")
    PeftModel.from_pretrained(model, adapter).merge_and_unload().save_pretrained(output)
    AutoTokenizer.from_pretrained(base).save_pretrained(output)
