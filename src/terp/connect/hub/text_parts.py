"""Models of more than text: which object of a config.json is the language model, and what else there is.

Only the language model is predicted.  The other parts are named, so that nobody takes a prediction for that of the whole;
a model whose text is a small part of something else, such as a detector of what a sentence names, is refused.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Final

from terp.connect.hub.config_json import Config, found_text

TEXT_KEYS: Final = ("text_config", "llm_config", "language_config", "thinker_config")
"""Where models of more than text keep their language model; the first that is there counts."""
TEXT_TYPES: Final[dict[str, str]] = {
    "aya_vision": "cohere2",
    "blip-2": "opt",
    "cohere2_vision": "cohere2",
    "deepseek_vl": "llama",
    "fast_vlm": "qwen2",
    "gemma3": "gemma3_text",
    "got_ocr2": "qwen2",
    "granite_speech": "granite",
    "idefics2": "mistral",
    "idefics3": "llama",
    "internvl": "qwen2",
    "internvl_chat": "qwen2",
    "janus": "llama",
    "kimi_k25": "kimi_k2",
    "kimi_vl": "deepseek_v3",
    "llama4": "llama4_text",
    "llava": "llama",
    "llava_llama": "llama",
    "llava_next": "llama",
    "llava_next_video": "llama",
    "llava_onevision": "qwen2",
    "mistral3": "mistral",
    "nemotron_h_omni": "nemotron_h",
    "ovis2": "qwen2",
    "paligemma": "gemma",
    "perception_lm": "llama",
    "qwen2_5_vl": "qwen2_5_vl_text",
    "qwen2_audio": "qwen2",
    "qwen2_vl": "qwen2_vl_text",
    "qwen3_5": "qwen3_5_text",
    "qwen3_5_moe": "qwen3_5_moe_text",
    "qwen3_vl": "qwen3_vl_text",
    "qwen3_vl_moe": "qwen3_vl_moe_text",
    "shieldgemma2": "gemma3_text",
    "smolvlm": "llama",
    "video_llava": "llama",
    "vipllava": "llama",
    "voxtral": "llama",
}
"""Models of language with eyes or ears -> the type of their language model where its own object does not say."""
SIZES: Final = ("hidden_size", "num_hidden_layers", "num_attention_heads", "n_embd", "n_layer")
"""Keys of which an object that describes a language model has at least one."""
_TOWERS: Final = (
    "mm_vision_tower", "vision_tower", "audio_tower", "mm_audio_tower", "speech_encoder", "img_processor", "audio_processor",
)  # fmt: skip
"""Keys of a part that do not end as those of parts do."""
_TIED_BY_WHOLE: Final = ("qwen3_vl_moe_text",)
"""Types whose own word on tied logits is their class's, and not the model's, which the whole says."""
_NOT_PARTS: Final = ("quantization_config", "generation_config", "compression_config", "attn_config", "rope_config")
"""Objects of a config that are no parts of a model."""


def language_part(config: Config, read_as: str | None, known: object) -> tuple[Config, str]:
    """The object of a config that says the language model, and its type; the config itself where it has no parts.

    read_as   the type that it is to be read as, whatever it says
    known     types that are known

    Sizes that the object is silent about are those of its type, and told; what is left out is told too.  Where it does not
    say whether words are tied, the whole does.  A part that states no type, in a model that is not of `TEXT_TYPES`, is noted
    as a problem, and its type is then empty.
    """
    types = known if isinstance(known, dict | frozenset | set) else frozenset()
    outer = config.text("model_type")
    key = next((key for key in TEXT_KEYS if isinstance(config.data.get(key), dict)), None)
    if key is None or (read_as is not None and _states_sizes(config)):
        if read_as is None and outer in TEXT_TYPES and outer not in types:
            found = next((name for name in TEXT_KEYS if config.data.get(name) is not None), TEXT_KEYS[0])
            value, would_do = config.data.get(found), f"{outer} keeps its language model there"
            what = ("missing", "") if value is None else ("not an object of keys and values", found_text(value))
            config.wrong(found, *what, would_do)
        _note_parts(config, config, None)
        return config, read_as or outer
    part = config.below(key)
    if key == "thinker_config" and isinstance(part.data.get("text_config"), dict):
        part = part.below("text_config")
    stated = part.text("model_type")
    kind = read_as or stated or TEXT_TYPES.get(outer, "")
    if kind not in types and outer in types and _states_sizes(config):
        return config, outer  # both say it, and the part only in a form of its own
    if not kind:
        would_do = 'state it, such as "llama", or read it with --as'
        part.wrong("model_type", f"missing, and {found_text(outer)} has no language model of one type", would_do=would_do)
    if kind in types and (outer in TEXT_TYPES or _states_sizes(part)):
        _fill(part, kind)
    _note_parts(config, part, key)
    own = None if kind in _TIED_BY_WHOLE else part.data.get("tie_word_embeddings")
    if own is None and config.data.get("tie_word_embeddings") is not None:
        part.data["tie_word_embeddings"] = config.data["tie_word_embeddings"]
    return part, kind


def _states_sizes(config: Config) -> bool:
    """Whether an object states any of the sizes that a language model has.

    One that states none describes nothing by itself: all of it is then left to defaults.
    """
    return any(config.data.get(size) is not None for size in SIZES)


def _fill(part: Config, kind: str) -> None:
    """Sizes that an object inside is silent about: those of its type, which the library that saves it leaves out.

    part   the object, which is given them;  kind   its type, of `family_defaults`
    """
    for key, value in family_defaults().get(kind, {}).items():
        if key not in part.data:
            part.data[key] = value
            if isinstance(value, int) and not isinstance(value, bool):
                part.by_default.append(f"{part.inside}{key} {value}")


def _note_parts(config: Config, part: Config, key: str | None) -> None:
    """Note what a config has beside its language model: objects whose name ends as those of parts do, and other files.

    config   the whole;  part   the language model in it, which remembers what is noted
    key      under which that stands; None where it is the whole
    """
    others = [
        name
        for name, value in config.data.items()
        if name != key and name.endswith("_config") and isinstance(value, dict) and name not in _NOT_PARTS
    ]
    others += [name for name in _TOWERS if config.data.get(name)]
    if key is not None and not others:
        others = [f"all but {key}"]
    part.left_out += others


@cache
def family_defaults() -> dict[str, dict[str, int | bool]]:
    """Type of model -> sizes that hold where an object inside another does not say, as its configuration class has them.

    Read from `family_defaults.json`.
    """
    text = resources.files("terp.connect.hub").joinpath("family_defaults.json").read_text("utf-8")
    return json.loads(text)  # type: ignore[no-any-return]
