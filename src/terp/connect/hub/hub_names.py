"""A hub's id, folder or file -> the config.json that stands there, or the shipped model that it names.

Nothing is fetched: an id such as "meta-llama/Llama-3.1-8B" is looked up among what ships, and a folder is one of this
machine.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

from terp.describe import shipped_names
from terp.errors import did_you_mean

CONFIG: Final = "config.json"
"""The file of a hub's folder that says a model's shape."""
_ID: Final = re.compile(r"[A-Za-z0-9][\w.\-]*/[A-Za-z0-9][\w.\-]*/?")
_TAIL: Final = re.compile(
    r"[-_](instruct|chat|base|hf|it|pt|sft|dpo|rlhf|reasoning|fp8|bf16|fp4|nvfp4|awq|gptq|gguf|4bit|8bit|int4|int8|cased|uncased"
    r"|tokens|v\d+(\.\d+)?|\d{4}|\d+k|\d+b-a\d+b|\d+b-\d+e)$"
)
"""What makers hang behind a model's name that does not change its shape: tuning, number formats, versions, dates, length of
context, and how many parameters are active or experts there are.
"""
_OTHER_NAMES: Final[dict[str, str]] = {
    "bloom": "bloom-176b",
    "esm2_t33_650m_ur50d": "esm2-650m",
    "esm2_t36_3b_ur50d": "esm2-3b",
    "esm2_t48_15b_ur50d": "esm2-15b",
    "nnunet": "nnunet-brats",
    "vit-base-patch16-224": "vit-b-16",
    "vit-large-patch16-224": "vit-l-16",
}
"""Names that a hub or a paper has for what ships under another; of nnU-Nets it is that of volumes of BraTS."""


def config_of(source: object) -> Path | None:
    """The config.json that a source names: a path that ends with .json, or a folder that holds one; else None.

    source   a path or a text; anything else names none
    """
    if not isinstance(source, str | os.PathLike):
        return None
    path = Path(os.fspath(source))
    if path.suffix == ".json":
        return path
    try:
        return path / CONFIG if os.fspath(source).strip("/. ") and path.is_dir() and (path / CONFIG).exists() else None
    except (OSError, ValueError):
        return None


def is_hub_config(source: object) -> bool:
    """True for a path of a config.json, or of a folder with one."""
    return config_of(source) is not None


def is_hub_id(source: object) -> bool:
    """True for a text of a hub's form, `owner/name`, that is no path on this machine."""
    if not isinstance(source, str) or not _ID.fullmatch(source):
        return False
    return Path(source).suffix not in (".yaml", ".yml", ".json") and not Path(source).exists()


def hub_model_name(source: str) -> str | None:
    """The name of the shipped model that a hub's id or name means; None where it means none.

    source   such as "meta-llama/Llama-3.1-8B-Instruct"; what tells tunings and number formats apart is left out of it

    >>> hub_model_name("mistralai/Mixtral-8x7B-Instruct-v0.1")
    'mixtral-8x7b'
    """
    name = source.rstrip("/").rpartition("/")[2].lower().removeprefix("meta-").removeprefix("nvidia-")
    known = {_bare(other): shipped for other, shipped in _OTHER_NAMES.items()}
    known |= {_bare(shipped): shipped for shipped in shipped_names("models")}
    while name:
        if _bare(name) in known:
            return known[_bare(name)]
        shorter = _TAIL.sub("", name)
        if shorter == name:
            return None
        name = shorter
    return None


def what_would_name(source: str) -> str:
    """What to write for a model that does not ship: a near name, and the folder from the hub."""
    name = source.rstrip("/").rpartition("/")[2]
    return f"{did_you_mean(name, shipped_names('models'))} or name the folder of its {CONFIG}, downloaded from the hub"


def _bare(name: str) -> str:
    """A name without what people spell differently."""
    return name.lower().translate(str.maketrans("", "", ".-_ "))
