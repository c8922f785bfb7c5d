"""COMBINE archives: a model, what to do with it, and who made it, in one file."""

import zipfile
from collections.abc import Mapping
from io import BytesIO
from xml.sax.saxutils import escape

from mtorsim.annotation import CREATED, FAMILY_NAME, GIVEN_NAME

MODEL, EXPERIMENT, METADATA, MANIFEST = (
    "model.xml",
    "simulation.sedml",
    "metadata.rdf",
    "manifest.xml",
)

_SPECIFICATIONS = "http://identifiers.org/combine.specifications"
_SEDML = f"{_SPECIFICATIONS}/sed-ml"  # with a version 4 libCombine would not know it
_RDF = f"{_SPECIFICATIONS}/omex-metadata"
_BEGINNING = (1980, 1, 1, 0, 0, 0)  # the first date that a zip file knows


def packed(sbml: str, sedml: str, description: str, *, level: tuple[int, int] = (3, 2)) -> bytes:
    """Return a COMBINE archive; the same content gives the same bytes.

    Parameters
    ----------
    sbml, sedml : str
        The model, and the SED-ML that reads it as ``model.xml``.
    description : str
        What is simulated, for the metadata.
    level : (int, int)
        Level and version of the SBML.
    """
    files = {
        MODEL: sbml.encode("utf-8"),
        EXPERIMENT: sedml.encode("utf-8"),
        METADATA: _metadata(description).encode("utf-8"),
    }
    kind = f"{_SPECIFICATIONS}/sbml.level-{level[0]}.version-{level[1]}"
    manifest = _manifest({MODEL: kind, EXPERIMENT: _SEDML, METADATA: _RDF})
    return _zipped({MANIFEST: manifest.encode("utf-8"), **files})


def _manifest(kinds: Mapping[str, str]) -> str:
    import libcombine

    manifest = libcombine.CaOmexManifest()
    _add(manifest, ".", f"{_SPECIFICATIONS}/omex")
    _add(manifest, f"./{MANIFEST}", f"{_SPECIFICATIONS}/omex-manifest")
    for name, kind in kinds.items():
        _add(manifest, f"./{name}", kind, is_master=name == EXPERIMENT)
    return str(libcombine.writeOMEXToString(manifest))


def _add(manifest: object, place: str, kind: str, *, is_master: bool = False) -> None:
    content = manifest.createContent()  # type: ignore[attr-defined]
    content.setLocation(place)
    content.setFormat(kind)
    content.setMaster(is_master)


def _metadata(description: str) -> str:
    """Return creator, dates and description of the archive and of its two files as RDF."""
    import libcombine

    parts = []
    for about, text in (
        (".", description),
        (f"./{MODEL}", "The model: values, state at the start, and dosing as events."),
        (f"./{EXPERIMENT}", "The time course, its read-outs and plots."),
    ):
        one = libcombine.OmexDescription()
        one.setAbout(about)
        one.setDescription(escape(text))  # libCombine does not
        one.setCreated(libcombine.Date(CREATED))
        one.addModification(libcombine.Date(CREATED))
        creator = libcombine.VCard()
        creator.setGivenName(GIVEN_NAME)
        creator.setFamilyName(FAMILY_NAME)
        creator.setOrganization("mtorsim")
        one.addCreator(creator)
        parts.append(one.toXML())
    return _joined(parts)


def _joined(parts: list[str]) -> str:
    """Return several RDF documents of libCombine as one."""
    end = "</rdf:RDF>"
    head = parts[0][: parts[0].index("<rdf:Description")]
    bodies = [part[part.index("<rdf:Description") : part.rindex(end)].strip() for part in parts]
    return head + "\n  ".join(bodies) + f"\n{end}\n"


def _zipped(files: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(name, _BEGINNING)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            archive.writestr(member, content)
    return buffer.getvalue()
