"""What an exposure is, in words: the body, what it is given, and when blood is drawn."""

from collections.abc import Iterable, Sequence

from mtorsim import perturbation
from mtorsim.pharmacology.exposure import Exposure
from mtorsim.symbols import symbols
from mtorsim.units import say_time

MATRIX = {"blood": "whole blood", "plasma": "plasma"}


def body_in_words(one: Exposure) -> str:
    """Return ``"temsirolimus in a human of 70 kg, 1.8 m², haematocrit 0.4"``."""
    table = symbols(one.compiled.sbml)
    weight, surface, haematocrit = (
        one.compiled.settings.get(id, table[id].value or 0.0)
        for id in ("body_weight", "body_surface", "haematocrit")
    )
    mass = f"{weight:.4g} kg" if weight >= 1 else f"{1000 * weight:.4g} g"
    area = f"{surface:.4g} m²" if surface >= 0.1 else f"{1e4 * surface:.4g} cm²"
    return (
        f"{one.drug} in a {one.compiled.species} of {mass}, {area}, haematocrit {haematocrit:.3g}"
    )


def regimen_in_words(one: Exposure) -> str:
    """Return ``"25 mg every week, 4 times; IV over 30 min; followed for 28 d"``."""
    words = [one.regimen.in_words().removesuffix("; from 0 h")]
    given = one.regimen.doses(one.compiled.end)
    ways = {(dose.route, dose.infusion) for dose in one.doses}
    if len(ways) == 1 and given != one.doses:  # the regimen leaves it to the drug
        ((route, infusion),) = ways
        told = "" if given[0].route else f"{route}"
        over = f"over {say_time(infusion)}" if infusion else ""
        words.append(" ".join(word for word in (told, over) if word))
    number = len(one.doses)
    if not one.regimen.is_open and len(one.regimen.doses(float("inf"))) > number:
        words.append(f"the first {number} of these doses" if number > 1 else "only the first dose")
    return "; ".join([*words, f"followed for {say_time(one.compiled.end)}"])


def modifier_in_words(name: str) -> str:
    """Return ``"ketoconazole: strong inhibitor of CYP3A; CYP3A_activity × 0.1"``."""
    known = perturbation.load(name)
    changes = "; ".join(change.in_words() for change in known.changes)
    return f"{name}: {known.description.rstrip('.')}; {changes}"


def samples_in_words(exposures: Sequence[Exposure]) -> str:
    """Return ``"Whole blood is drawn 30 min, 1 h, 24 h after a dose"``, and before the next one."""
    minutes = sorted({time for one in exposures for time in _drawn(one)})
    matrix = MATRIX[exposures[0].facts.matrix].capitalize()
    if not minutes:
        return f"{matrix} is drawn once, when the run ends"
    is_repeated = any(len(one.doses) > 1 for one in exposures)
    more = ", as far as the next dose, and right before that" if is_repeated else ""
    return f"{matrix} is drawn {', '.join(map(say_time, minutes))} after a dose{more}"


def _drawn(one: Exposure) -> list[float]:
    """Return the samples that the run reaches after some dose [min]."""
    windows = [one.window(place) for place in range(len(one.doses))]
    longest = max(end - start for start, end in windows)
    return [time for time in one.samples.tolist() if time <= longest]


def labels(exposures: Sequence[Exposure]) -> list[str]:
    """Return the labels of exposures, longer where they are the same: with what makes them differ.

    Two of ``"25 mg weekly x4"``, say, become ``"25 mg weekly x4, from 0 h"`` and one from 24 h.
    """
    found = [one.label for one in exposures]
    for say in (_whose, _begin, _end, _draws):
        said = [say(one) for one in exposures]
        found = [
            f"{label}, {own}" if _has_other(label, own, found, said) else label
            for label, own in zip(found, said, strict=True)
        ]
    return found


def _has_other(label: str, own: str, found: Sequence[str], said: Sequence[str]) -> bool:
    """Return whether the same label stands for something else too."""
    return any(one == label and other != own for one, other in zip(found, said, strict=True))


def _whose(one: Exposure) -> str:
    return f"{one.drug} in {one.compiled.species}"


def _begin(one: Exposure) -> str:
    return f"from {say_time(one.regimen.start)}"


def _end(one: Exposure) -> str:
    return f"followed for {say_time(one.compiled.end)}"


def _draws(one: Exposure) -> str:
    return f"drawn at {', '.join(map(say_time, one.samples.tolist()))}"


def limits_in_words(one: Exposure) -> str:
    """Return ``"temsirolimus 0.25 ng/mL, sirolimus 0.1 ng/mL"``."""
    limits = one.facts.limits
    return ", ".join(f"{name} {limits[name].value * 1e6:.4g} ng/mL" for name in one.analytes)


def settings_in_words(one: Exposure) -> str:
    """Return what was set: ``"haematocrit = 0.3"``; empty if nothing."""
    return ", ".join(f"{id} = {value}" for id, value in one.set.items())


def letters(number: int) -> list[str]:
    """Return names for arms: A, B, ... Z, A2, B2, ..."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return [
        alphabet[place % 26] + (str(place // 26 + 1) if place >= 26 else "")
        for place in range(number)
    ]


def in_words(exposures: Sequence[Exposure]) -> list[str]:
    """Return lines that say what is simulated: body, arms, modifiers, samples, limits."""
    first = exposures[0]
    lines = [f"{body_in_words(first)}."]
    if first.set:
        lines.append(f"Set: {settings_in_words(first)}.")
    names = [f"{letter}: " for letter in letters(len(exposures))] if len(exposures) > 1 else [""]
    lines += [f"{name}{_arm(one)}." for name, one in zip(names, exposures, strict=True)]
    lines += [f"{modifier_in_words(name)}." for name in _modifiers(exposures)]
    lines.append(f"{samples_in_words(exposures)}.")
    lines.append(f"Limits of quantification: {limits_in_words(first)}.")
    return lines


def _arm(one: Exposure) -> str:
    modifiers = ", ".join(one.compiled.modifiers)
    return regimen_in_words(one) + (f"; with {modifiers}" if modifiers else "")


def _modifiers(exposures: Iterable[Exposure]) -> list[str]:
    return list(dict.fromkeys(name for one in exposures for name in one.compiled.modifiers))
