"""A verdict in one plain sentence, which stands before its numbers."""

from bn_core.results import EffectOutcome, Verdict


def verdict_sentence(verdict: Verdict) -> str:
    """Return what the numbers say of the claim: "So: ...", with the number that says it."""
    match verdict.kind:
        case "holds":
            return f"So: in these runs the claim holds. {_sentence(verdict, 'holds')}".rstrip()
        case "fails":
            said = _sentence(verdict, "fails")
            return f"So: in these runs the claim does not hold. {said}".rstrip()
        case "untested":
            return "So: these runs could not test the claim; why stands below."
        case _ if not verdict.settled:
            more = "A full run may settle it" if verdict.quick else "More seeds may settle it"
            return f"So: these runs do not decide it. {verdict.summary} {more}.".replace("  ", " ")
        case _:
            return f"So: it depends. {_both_sides(verdict)}"


def _both_sides(verdict: Verdict) -> str:
    if verdict.summary:
        return verdict.summary
    said = [_number(verdict, "holds"), _number(verdict, "fails")]
    for_it, against = ("For it" if said[0] else "", "against it" if said[1] else "")
    return (
        "; ".join(
            f"{side}: {words.rstrip('.')}"
            for side, words in zip((for_it, against), said, strict=True)
            if words
        )
        + "."
    )


def _sentence(verdict: Verdict, kind: str) -> str:
    words = _number(verdict, kind)
    return f"F{words[1:]}" if words.startswith("for ") else words


def _number(verdict: Verdict, kind: str) -> str:
    """Return the first effect of a kind with its median; nothing if there is none."""
    for effect in (one for part in verdict.parts for one in part.effects):
        if effect.kind == kind:
            return f"{_of_part(verdict, effect)}{effect.label}: {_median(effect)}."
    return ""


def _of_part(verdict: Verdict, effect: EffectOutcome) -> str:
    return f"for {effect.part}: " if effect.part and len(verdict.parts) > 1 else ""


def _median(effect: EffectOutcome) -> str:
    """Return the number as the effect's own words have it, in front of its range."""
    return effect.words.removeprefix(f"{effect.label}: ").split(" (")[0].split(";")[0]
