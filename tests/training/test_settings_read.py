"""A setting that a net does not read changes nothing that it computes."""

import pytest

from bn_core.arms import Arm
from bn_core.comparison import Comparison
from bn_core.config import SETTINGS, Config
from bn_core.training import run
from tests.runs import assert_equal_runs

SHORT = Config(depth=2, width=8, steps=3, batch_size=16, replicas=1)
OTHER = {
    "data": None,  # read by every net
    "noise": 0.4,
    "points": 50,
    "train_examples": 100,
    "pooling": True,
    "depth": None,  # held to the number of layers where it is not read
    "width": None,  # another width replaces the widths of single layers
    "widths": (6, 5),
    "cell": "lstm",
    "activation": "gelu",
    "time_norm": "shared",
    "channels": (3, 2),
    "dense": (6,),
    "branch_start": "skipinit",
    "init_std": 0.5,
    "normalized_layers": (1,),
    "placement": "after",
    "moved_layers": (1,),
    "bn_momentum": 0.7,
    "bn_cumulative": True,
    "bn_epsilon": 0.1,
    "bn_scale": False,
    "bn_shift": False,
    "initial_gamma": 0.5,
    "initial_beta": 0.5,
    "groups": 2,
    "standardized_groups": True,
    "ghost_size": 4,
    "renorm_rmax": 2.0,
    "renorm_dmax": 2.0,
    "evaluate_with": "batch",
    "bn_track": False,
    "freeze": "both",
    "freeze_at": 1,
    "input_norm": True,
}
"""Another value of each setting that some net does not read."""

CONFIGS = {
    "no norm": {},
    "batch": {"normalization": "batch"},
    "batch, cumulative, no gamma": {
        "normalization": "batch",
        "bn_cumulative": True,
        "bn_scale": False,
        "bn_shift": False,
    },
    "layer": {"normalization": "layer"},
    "batch, untracked": {"normalization": "batch", "bn_track": False},
    "rms": {"normalization": "rms"},
    "weightnorm": {"normalization": "weightnorm"},
    "weightstd": {"normalization": "weightstd"},
    "group": {"normalization": "group", "groups": 4},
    "conv": {"architecture": "conv", "channels": (4,), "normalization": "batch"},
    "conv_residual": {"architecture": "conv_residual", "channels": (2, 4)},
    "recurrent": {"architecture": "recurrent", "cell": "gru"},
    "recurrent, layer": {"architecture": "recurrent", "normalization": "layer"},
    "points": {"data": "moons", "widths": (8, 4)},
}


def trained(config: Config):
    return run(Comparison(config, (Arm("net", "Net"),)))


@pytest.mark.parametrize("name", CONFIGS)
def test_what_a_net_does_not_read_changes_nothing(name):
    config = SHORT.changed(CONFIGS[name])
    record = trained(config)
    unread = [field for field in SETTINGS if not config.reads(field)]
    assert unread and set(unread) <= set(OTHER)
    for field in unread:
        if OTHER[field] is not None:
            assert OTHER[field] != getattr(config, field)
            changed = config.changed({field: OTHER[field]})
            assert changed.settings_read == config.settings_read
            assert_equal_runs(record, trained(changed))
