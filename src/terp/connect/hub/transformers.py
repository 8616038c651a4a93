"""A hub's config.json of a transformer -> the record of a model file.

`model_from` is what the verbs call: it takes a config.json wherever a model may be named.  The record is
checked as one of a model file is, and what is wrong is told by the JSON keys.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from terp.connect.hub import later_shapes as later
from terp.connect.hub import shape_keys as shapes
from terp.connect.hub import state_layers
from terp.connect.hub.config_json import Config, found_text, parse_config
from terp.connect.hub.hub_names import CONFIG, config_of, hub_model_name, is_hub_id, what_would_name
from terp.connect.hub.shape_keys import ENCODER, GPT, TIED, UNGATED, Shape
from terp.connect.hub.small_parameters import small_parameters_count
from terp.connect.hub.text_parts import TEXT_KEYS, language_part
from terp.describe import DescriptionSource, ModelFile, TransformerModel, read_model, shipped_names
from terp.describe.checks.model_checks import wrong_shapes
from terp.errors import Problem, Problems, UnknownName
from terp.reader import Tree, Written, read_text

MODEL_TYPES: Final[dict[str, Callable[[Config], Shape]]] = {
    "bert": partial(shapes.plain, names=ENCODER),
    "bloom": partial(shapes.plain, names=shapes.BLOOM),
    "cohere": partial(shapes.plain, names=TIED),
    "cohere2": later.cohere2,
    "deepseek_v2": shapes.deepseek,
    "deepseek_v3": shapes.deepseek,
    "ernie4_5": shapes.plain,
    "esm": shapes.esm,
    "falcon": shapes.falcon,
    "gemma": partial(shapes.plain, names=TIED),
    "gemma2": shapes.alternating,
    "gemma3_text": later.gemma3,
    "glm": shapes.plain,
    "glm4": shapes.plain,
    "glm4_moe": later.glm_moe,
    "gpt2": partial(shapes.plain, names=GPT),
    "gpt_bigcode": shapes.gpt_bigcode,
    "gpt_neox": partial(shapes.plain, names=UNGATED),
    "gpt_oss": shapes.gpt_oss,
    "granite": shapes.plain,
    "granitemoe": shapes.mixtral,
    "grok-1": shapes.grok,
    "internlm": shapes.plain,
    "internlm2": shapes.plain,
    "kimi_k2": shapes.deepseek,
    "llama": shapes.plain,
    "llama4_text": shapes.llama4,
    "mamba2": shapes.mamba2,
    "minimax_m2": later.minimax,
    "ministral3": shapes.windowed,
    "mistral": shapes.windowed,
    "mixtral": shapes.mixtral,
    "mpt": shapes.mpt,
    "nemotron": partial(shapes.plain, names=UNGATED),
    "arcee": partial(shapes.plain, names=UNGATED),
    "nemotron_h": state_layers.nemotron_h,
    "olmo": shapes.plain,
    "olmo2": shapes.plain,
    "olmo3": later.olmo3,
    "olmoe": shapes.mixtral,
    "opt": later.opt,
    "phi": partial(shapes.plain, names=UNGATED),
    "phi3": shapes.windowed,
    "phimoe": shapes.mixtral,
    "qwen2": shapes.qwen,
    "qwen2_5_vl": shapes.qwen,
    "qwen2_5_vl_text": shapes.qwen,
    "qwen2_moe": shapes.qwen_moe,
    "qwen2_vl": shapes.qwen,
    "qwen2_vl_text": shapes.qwen,
    "qwen3": shapes.qwen,
    "qwen3_5_moe_text": later.qwen_next,
    "qwen3_5_text": later.qwen_dense_next,
    "qwen3_moe": shapes.qwen_moe,
    "qwen3_next": later.qwen_next,
    "qwen3_vl_moe_text": shapes.qwen_moe,
    "qwen3_vl_text": shapes.qwen,
    "roberta": partial(shapes.plain, names=ENCODER),
    "seed_oss": shapes.plain,
    "smollm3": partial(shapes.plain, names=TIED),
    "stablelm": shapes.plain,
    "starcoder2": partial(shapes.windowed, names=shapes.STARCODER),
    "xlm-roberta": partial(shapes.plain, names=ENCODER),
    "vit": shapes.vit,
}
"""`model_type` of a config.json -> what reads the shape from its keys.

An entry is a function of `shape_keys`, or one of them with the keys of the family.
"""


def model_from(source: DescriptionSource | ModelFile | Written[ModelFile], read_as: str | None = None) -> Written[ModelFile]:
    """A model by shipped name, path or mapping; or by a hub's folder, its config.json, or the id of one that ships.

    source    as `read_model` takes it; a path that ends with .json, or a folder with a config.json, is read as a hub's, and
              "meta-llama/Llama-3.1-8B" is looked up among what ships
    read_as   a `model_type` in whose words a config.json is read, if not in its own

    Raises Problems or UnknownName.
    """
    path = config_of(source)
    if path is not None and not (isinstance(source, str) and _ships(source)):
        return Written(read_config(path, read_as), str(path), {}, Tree(str(path)))
    if read_as is not None:
        found, would_do = str(source)[:60], "name a folder with a config.json, or leave it out"
        raise Problems([Problem("", 0, 0, "as", "is of a hub's config.json alone", repr(found), would_do)])
    if isinstance(source, str) and not _ships(source) and Path(source).suffix not in (".yaml", ".yml"):
        name = hub_model_name(source)
        if name is not None and (is_hub_id(source) or "/" not in source):
            return read_model(name)
        if is_hub_id(source):
            raise Problems([Problem("", 0, 0, "", f"no model {source!r} ships", would_do=what_would_name(source))])
        if Path(source).is_dir():
            would_do = "name the folder of a model, as a hub has it"
            raise Problems([Problem(source, 0, 0, "", f"a folder without a {CONFIG}", would_do=would_do)])
    return read_model(source)


def _ships(name: str) -> bool:
    """True for the very name of a model that ships, whatever lies beside it."""
    return "/" not in name and name in shipped_names("models")


def read_config(path: str | Path, read_as: str | None = None) -> TransformerModel:
    """The model that a hub's config.json describes, named after its folder.

    path   of the file; its title is `_name_or_path` if it says so, else the folder, as in
           Llama-3.1-8B/config.json
    read_as   a type of `MODEL_TYPES` in whose words it is read, where its own is none of them

    Where the text is one part of a model of more (`text_config`), that part is read.  Raises Problems with
    every mistake at once: a type of model that is not known, keys that are missing, shapes that cannot be.
    """
    path = Path(path)
    if read_as is not None and read_as not in MODEL_TYPES:
        raise UnknownName("type of model", read_as, MODEL_TYPES)
    whole = parse_config(read_text(path), str(path))
    config, kind = language_part(whole, read_as, MODEL_TYPES)
    if kind not in MODEL_TYPES:
        raise Problems(_unknown(whole, config, kind))
    shape = MODEL_TYPES[kind](config)
    if config.flag("add_cross_attention", default=False):
        would_do = "name the config of a model that reads no other's states"
        config.wrong(
            "add_cross_attention", "attention to what an encoder gives, which no model file can say", "true", would_do
        )
    if config is not whole and read_as is None and shape.get("causal") is False:
        raise Problems(_not_of_language(whole, kind))
    title = _title(config, path)
    named = {"kind": "model", "name": _name(title), "title": title, "family": "transformer"}
    told = {"left_out": tuple(config.left_out), "by_default": tuple(config.by_default)}
    try:
        model = TransformerModel.model_validate(named | told | _without_nothing(shape))
    except ValidationError as error:
        raise Problems([*config.problems, *_problems_of(error, config)]) from None
    if not config.problems:
        config.problems += [
            _problem(config, ".".join(place), what, "", would_do) for place, what, would_do in wrong_shapes(model)
        ]
    small = small_parameters_count(config, kind, model)
    if config.problems:
        raise Problems(config.problems)
    return model.model_copy(update={"small_parameters_count": small})


def _unknown(whole: Config, config: Config, kind: str) -> list[Problem]:
    """What is wrong with a type that is not known, or missing; nothing more where a part of it was told already.

    whole   the file;  config   the object whose type it is;  kind   the type
    """
    told = any(problem.path.endswith(("model_type", *TEXT_KEYS)) for problem in config.problems)
    if kind not in MODEL_TYPES and not told:
        known = "known: " + ", ".join(MODEL_TYPES)
        if kind:
            config.wrong("model_type", "no such type of model", found_text(kind), known)
        elif config.data.get("model_type") in (None, ""):
            config.wrong("model_type", "missing", would_do=known)
    return whole.problems


def _not_of_language(whole: Config, kind: str) -> list[Problem]:
    """The problem of a model of which an encoder of text is a part, such as a detector.

    whole   the file, which is refused by its own type;  kind   the encoder's type, as which its part can be read
    """
    what = f"its text is read by an encoder ({kind}), a part of a model of something else"
    found = found_text(whole.data.get("model_type"))
    whole.wrong("model_type", what, found, f"--as {kind} would predict that part alone")
    return whole.problems


def _title(config: Config, path: Path) -> str:
    """What the config calls its model, or the folder or file it stands in; letters that print, at most 200."""
    own = config.data.get("_name_or_path")
    place = path.resolve().parent.name if path.stem == "config" else path.stem
    name = own.rstrip("/").rpartition("/")[2] if isinstance(own, str) and own.strip("/. ") else place
    return "".join(letter for letter in name if letter.isprintable())[:200] or "model"


def _name(title: str) -> str:
    """A title as a short name of small letters, digits, dots and dashes, at most 64; "model" where nothing is
    left.
    """
    return re.sub(r"[^a-z0-9.\-]+", "-", title.lower()).strip("-.")[:64] or "model"


def _without_nothing(shape: dict[str, object]) -> dict[str, object]:
    """A shape without the keys that nothing is known of, for which the record's defaults hold.

    Objects inside, such as `experts`, are cleaned likewise and stay even if nothing is left in them.
    """
    return {
        key: _without_nothing(value) if isinstance(value, dict) else value
        for key, value in shape.items()
        if value is not None
    }


def _problems_of(error: ValidationError, config: Config) -> list[Problem]:
    """What the record refuses, by JSON key; what is missing was said before.

    error   pydantic's, of the record of a model file
    config  where the values came from

    A value out of the record's bounds is told with the bound that would do.
    """
    problems = []
    for item in error.errors(include_url=False):
        place = ".".join(str(step) for step in item["loc"])
        limits = item.get("ctx", {})
        if item["type"] == "missing":
            if not config.problems:
                problems.append(_problem(config, place, "missing", "", "a config of this type has it"))
        elif "ge" in limits or "le" in limits:
            would_do = f"at least {limits['ge']} would do" if "ge" in limits else f"at most {limits['le']} would do"
            problems.append(_problem(config, place, "out of range", found_text(item["input"]), would_do))
        else:
            problems.append(_problem(config, place, item["msg"][:1].lower() + item["msg"][1:], found_text(item["input"])))
    return problems


def _problem(config: Config, place: str, what: str, written: str = "", would_do: str = "") -> Problem:
    """A problem with a place in the record, told by the JSON key that it came from; by the place itself where
    none did.
    """
    return Problem(config.file, 0, 0, config.keys.get(place, config.inside + place), what, written, would_do)
