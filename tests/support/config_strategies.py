"""Random valid configurations, drawn by reflection over the whole schema: a new key is drawn as soon as it is there."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from neuromf.config.load import validate
from neuromf.config.schema import LEAST_SPLIT, Config
from neuromf.flow.block_counts import masked_blocks

SMALLEST, LARGEST = 1e-4, 1e4
"""Where the schema allows more, a number is drawn between these: laws turn within, and runs end in reasonable time."""
LADDERS: dict[str, tuple[Any, ...]] = {
    "divergence_warn_ratio": (10.0, 30.0),
    "divergence_threshold": (None, 20.0, 100.0, 1e9),
    "demo_subjects": (3, 5, 8, 40, 200),
    "factory": (None,),
    "factory_options": ({},),
    "small_options": ({},),
    "init_from": (None,),
    "init_weights": ("average",),
    "columns": ([], ["age=20..90"], ["sex=F|M", "weight=1..300"]),
}
"""Keys whose every new value costs a replay or a ranking of subjects, or needs code or a run of somebody's own."""


def configs(**fixed: Any) -> st.SearchStrategy[Config]:
    """Valid configurations; `fixed` gives values of keys by name, where several sections have it in all of them."""
    sections = {name: _section(field.annotation) for name, field in Config.model_fields.items()}
    return st.fixed_dictionaries(sections).map(lambda tree: validate(_consistent(tree, fixed)))


def _section(model: Any) -> st.SearchStrategy[dict[str, Any]]:
    assert issubclass(model, BaseModel)
    return st.fixed_dictionaries({name: _field(name, field) for name, field in model.model_fields.items()})


def _field(name: str, field: FieldInfo) -> st.SearchStrategy[Any]:
    if name in LADDERS:
        return st.sampled_from(LADDERS[name])
    return _values(field.annotation, field.metadata)


def _values(annotation: Any, limits: Iterable[Any]) -> st.SearchStrategy[Any]:
    """Values of one type; an annotation that is met for the first time is an error, so that no key is left out."""
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        inner = [limit for part in parts[1:] for limit in getattr(part, "metadata", [part])]
        return _values(parts[0], [*limits, *inner])
    if origin in (Union, types.UnionType):
        return st.one_of([_values(part, limits) for part in parts])
    if origin is Literal:
        return st.sampled_from(parts)
    if origin is tuple:
        if parts[-1] is Ellipsis:
            return st.lists(_values(parts[0], []), min_size=1, max_size=4)
        return st.tuples(*(_values(part, []) for part in parts)).map(list)
    numbers: dict[Any, Callable[[Iterable[Any]], st.SearchStrategy[Any]]] = {int: _whole, float: _real}
    plain = {bool: st.booleans(), str: st.sampled_from(["demo", "mine.pt"]), type(None): st.none()}
    return numbers[annotation](limits) if annotation in numbers else plain[annotation]


def _bounds(limits: Iterable[Any]) -> tuple[float, float]:
    low, high = -math.inf, math.inf
    for limit in limits:
        if isinstance(limit, Ge | Gt):
            low = float(limit.ge if isinstance(limit, Ge) else limit.gt)
        elif isinstance(limit, Le | Lt):
            high = float(limit.le if isinstance(limit, Le) else limit.lt)
        else:
            assert isinstance(limit, MinLen) or hasattr(limit, "allow_inf_nan"), limit
    return low, high


def _whole(limits: Iterable[Any]) -> st.SearchStrategy[int]:
    """Small numbers as often as large ones."""
    low, high = _bounds(limits)
    span = min(high - low, LARGEST)
    return st.floats(0, math.log1p(span)).map(lambda log: int(low) + round(math.expm1(log)))


def _real(limits: Iterable[Any]) -> st.SearchStrategy[float]:
    """Four significant digits, as people type them; small numbers as often as large ones, 0 and 1 where allowed."""
    limits = list(limits)
    low, high = _bounds(limits)
    if low < 0 or high <= 1:  # a share, or a number of either sign
        shares = st.floats(max(low, -3.0), min(high, 3.0)).map(lambda value: round(value, 3))
        ends = [end for end, kind in ((low, Ge), (high, Le)) if any(isinstance(limit, kind) for limit in limits)]
        within = shares.filter(lambda value: low < value < high)
        return st.one_of(within, within, within, st.sampled_from(ends)) if ends and low == 0 else within
    scale = st.floats(math.log(max(low, SMALLEST)), math.log(min(high, LARGEST)))
    drawn = scale.map(lambda log: min(max(float(f"{math.exp(log):.4g}"), low), high))
    return st.one_of(drawn, drawn, drawn, st.just(0.0)) if low == 0 else drawn


def _consistent(tree: dict[str, Any], fixed: dict[str, Any]) -> dict[str, Any]:
    """The same values where keys depend on each other, moved to the nearest that may stand together."""
    for section in tree.values():
        section.update({name: value for name, value in fixed.items() if name in section})
    data, unet, flow, training = (tree[name] for name in ("data", "unet", "meanflow", "training"))
    _consistent_guidance(flow, tree["covariates"])
    unet["norm_num_groups"] = 2 ** (unet["norm_num_groups"] % 3)
    unet["head_channels"] = 2 ** (1 + unet["head_channels"] % 3)
    step = max(unet["norm_num_groups"], unet["head_channels"])
    unet["channels"] = [step * (1 + size % 4) for size in unet["channels"]]
    levels = len(unet["channels"])
    unet["attention_levels"] = [unet["attention_levels"][i % len(unet["attention_levels"])] for i in range(levels)]
    vae = tree["vae"]
    vae["latent_channels"], vae["stride"] = 1 + vae["latent_channels"] % 8, 1 + vae["stride"] % 8
    voxels = vae["stride"] * 2 ** (levels - 1)
    data["shape"] = [voxels * (1 + size % 7) for size in data["shape"]]
    data["root"] = None if data["source"] == "demo" else "/scans"
    _consistent_parts(vae, data["shape"][1] // vae["stride"])
    if isinstance(flow["channel_weights"], list):
        given = flow["channel_weights"]
        flow["channel_weights"] = [given[index % len(given)] for index in range(vae["latent_channels"])]
    low, high = sorted(abs(value) * 30 for value in data["intensity_percentiles"])
    data["intensity_percentiles"] = [low, min(high + 0.5, 100.0)]
    first, second, _ = data["split_ratios"]
    data["split_ratios"] = [first, (1 - first) * second, 1 - first - (1 - first) * second]
    flow["fd_step"] = None if flow["jvp"] == "exact" else flow["fd_step"] or 1e-3
    if round(1e3 * flow["t_min"]) % 3 == 0:
        tree["time_sampling"]["t_min"] = flow["t_min"]
    micro_batches = training["epochs"] * training["micro_batches_per_epoch"]
    training["gradient_accumulation_steps"] = min(training["gradient_accumulation_steps"], micro_batches)
    _consistent_validation(training)
    _consistent_mask(flow, [size // vae["stride"] for size in data["shape"]])
    return tree


def _consistent_validation(training: dict[str, Any]) -> None:
    """What is said of validations only where there are any, and of an early stop only where it may come."""
    if training["validate_every_epochs"] % 2:
        training["validate_every_epochs"] = 0
    if not training["validate_every_epochs"]:
        training |= {"validation_scans": 32, "validation_metric": "val_total", "early_stop_patience": None}
    if training["early_stop_patience"] is None:
        training["early_stop_min_improvement"] = 0.0


def _consistent_guidance(flow: dict[str, Any], covariates: dict[str, Any]) -> None:
    """Guidance needs covariates that are dropped, and an interval of times that is not empty."""
    if not covariates["columns"]:
        covariates["dropout"] = 0.1
        flow["guidance_scale"], flow["guidance_mixing"] = 1.0, 0.0
    guided = (flow["guidance_scale"], flow["guidance_mixing"]) != (1.0, 0.0)
    if guided:
        covariates["dropout"] = covariates["dropout"] or 0.1
    low, high = sorted(flow["guidance_interval"])
    flow["guidance_interval"] = [low, high] if guided and low < high else [0.0, 1.0]


def _consistent_mask(flow: dict[str, Any], cells: list[int]) -> None:
    """A mask that leaves out a block at least, or none."""
    flow["mask_block"] = 1 + flow["mask_block"] % max(cells)
    if not masked_blocks(cells, flow["mask_block"], flow["mask_share"]):
        flow |= {"mask_share": 0.0, "mask_block": 4}


def _consistent_parts(vae: dict[str, Any], cells: int) -> None:
    """Splits that divide a latent, tiles of whole cells, and an overlap of tiles only where there are any."""
    splits = 1 + vae["num_splits"] % 4
    vae["num_splits"] = splits if cells % splits == 0 and cells // splits >= LEAST_SPLIT else 1
    if vae["tile_voxels"] is None:
        vae["tile_overlap"] = 0.25
    else:
        edge = 4 * vae["stride"]
        vae["tile_voxels"] = edge * (-(-16 // edge) + vae["tile_voxels"] % 8)
        cells = vae["tile_voxels"] // vae["stride"]
        vae["tile_overlap"] = round(4 * vae["tile_overlap"]) / 4 if cells % 4 == 0 else 0.0
