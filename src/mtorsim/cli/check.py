"""``mtorsim check``: what is to be said about a file, errors first."""

from dataclasses import asdict

from mtorsim.check import Report, check_file
from mtorsim.cli import screen
from mtorsim.errors import InputError


def check(file: str, *, quiet: bool, as_json: bool) -> None:
    """Carry out the command.

    Raises
    ------
    InputError
        When the file is not sound; the findings are printed before.
    """
    report = check_file(file)
    if as_json:
        findings = [asdict(finding) for finding in report.findings]
        kind = {"file": report.path, "kind": report.kind, "sound": report.is_sound}
        screen.say_json({**kind, "findings": findings})
    elif not quiet:
        _print(report)
    if not report.is_sound:
        raise InputError(f"{report.path} is not sound: {_count(len(report.of('error')), 'error')}.")


def _print(report: Report) -> None:
    for severity in ("error", "warning", "note"):
        for finding in report.of(severity):
            screen.say(f"{severity}, {finding.topic}: {finding.message}")
    if report.is_sound:
        warnings = len(report.of("warning"))
        screen.say(f"{report.path}: sound {report.kind}, {_count(warnings, 'warning')}.")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number or 'no'} {thing}s"
