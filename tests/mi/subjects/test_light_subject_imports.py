import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "transformer_lens", "tokenizers", "datasets", "safetensors")


@pytest.mark.parametrize(
    "module",
    ["mi.subjects.registry", "mi.subjects.spec", "mi.texts", "mi.activations.index", "mi.activations.harvest"],
)
def test_nothing_heavy_is_imported(module):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_spec_is_made_without_torch(folder_of):
    code = (
        f"import sys; from mi.subjects.spec import subject_spec; subject_spec({str(folder_of('neox'))!r});"
        f"print([m for m in {HEAVY} if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
