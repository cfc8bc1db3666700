"""A net that is to be frozen after the end of its run is told."""

from bn_core.comparison import Comparison
from bn_core.config import Config
from pages.shared.lab.notices import freezes_too_late


def said(**changes: object) -> list[str]:
    base = Config(steps=100).changed({"freeze": "both", **changes})
    return freezes_too_late(Comparison(base))


def test_a_net_that_is_never_frozen_says_so_and_one_that_is_does_not():
    (sentence,) = said(freeze_at=100)
    assert sentence.startswith("“BN before” is never frozen: the run ends at step 100")
    assert said(freeze_at=99) == []
    assert said(freeze_at=100, freeze="none") == []
