"""The normalizations of a Keras 3 script: Keras' own layers, or those of the snippets."""

from bn_core.config import Config
from bn_core.export import script
from bn_core.export.plan import Part, first_values, recurrent_norms

SMALL_BATCH = 32
"""Below it Keras' running average of the biased variance is over 3 % too small: then batch norm
is written out."""


def _learned(config: Config, part: Part, own: bool) -> str:
    """Return what of gamma and beta is not learned, or begins with other values than 1 and 0.

    ``own`` layers of the script take numbers, those of Keras initializers.
    """
    found = "" if config.bn_scale else ", scale=False"
    found += "" if config.learns_beta else ", center=False"
    names = "gamma", "beta"
    for name, first, usual in zip(names, first_values(config, part), (1, 0), strict=True):
        if first != usual and own:
            found += f", {name}={first!r}"
        elif first != usual:
            found += f", {name}_initializer=keras.initializers.Constant({first!r})"
    return found


def norm_of_channels(config: Config, part: Part) -> str:
    """Return the call for images, channels last; layer norm is one group of all channels."""
    if config.value_norm == "rms":
        return f"RMSNorm(epsilon={config.bn_epsilon!r}{_learned(config, part, own=True)})"
    groups = {"layer": 1, "group": config.groups, "instance": -1}.get(config.value_norm)
    if groups is None:
        return norm_of_units(config, part)
    settings = f"{groups}, epsilon={config.bn_epsilon!r}{_learned(config, part, own=False)}"
    return f"keras.layers.GroupNormalization({settings})"


def norm_of_units(config: Config, part: Part) -> str:
    """Return the call that makes the norm of a layer of units."""
    learned, own = (_learned(config, part, own=own) for own in (False, True))
    epsilon = f"epsilon={config.bn_epsilon!r}"
    untracked = "" if config.has_running_statistics else ", tracked=False"
    share = f"share={None if config.bn_cumulative else config.bn_momentum!r}"
    match config.value_norm:
        case "batch" if not _writes_out(config):
            momentum = f"momentum={round(1 - config.bn_momentum, 9)!r}"
            return f"keras.layers.BatchNormalization({momentum}, {epsilon}{learned})"
        case "batch":
            return f"BatchNorm({epsilon}, {share}{untracked}{own})"
        case "ghost":
            return f"BatchNorm({epsilon}, {share}, ghost_size={config.ghost_size}{own})"
        case "renorm":
            limits = f"r_max={config.renorm_rmax!r}, d_max={config.renorm_dmax!r}"
            return f"BatchRenorm({limits}, {epsilon}, {share}{own})"
        case "rms" if (config.bn_scale, first_values(config, part)[0]) == (True, 1):
            return f"keras.layers.RMSNormalization({epsilon})"
        case "rms":
            return f"RMSNorm({epsilon}{own})"
        case "layer":
            return f"keras.layers.LayerNormalization({epsilon}{learned})"
        case "group" if config.groups < part.units:
            return f"keras.layers.GroupNormalization({config.groups}, {epsilon}{learned})"
        case _:  # groups of one unit are instance norm
            return f"InstanceNorm({own.removeprefix(', ')})"


def _writes_out(config: Config) -> bool:
    """Return whether Keras' own batch norm is not the Lab's: then this file's is taken."""
    small = script.smallest_batch(config) < SMALL_BATCH
    frozen = config.freezes_statistics or config.freezes_parameters
    changed = config.bn_cumulative or not config.has_running_statistics
    return small or frozen or changed or config.is_recurrent


def recurrent_layer(config: Config, part: Part) -> str:
    """Return the call that makes a recurrent layer, with the norms inside it."""
    image = config.data_spec.input_shape
    without = "" if part.bias else ", use_bias=False"
    settings = [config, config.changed({"bn_shift": False}), config]  # W h has no beta
    made = [
        norm_of_units(own, norm)
        for own, norm in zip(settings, recurrent_norms(config), strict=False)
    ]
    norms = f", norms=[{', '.join(f'lambda: {one}' for one in made)}]" if made else ""
    apart = config.time_norm == "steps" and config.has_running_statistics
    shared = ", shared=True" if made and not apart else ""
    return f'Recurrent("{config.cell}", linear, {image}, {part.units}{without}{norms}{shared})'
