"""AxBench: a paper's steering table and its reproduction."""

import pytest

from mi.sample import Sample


def per_layer(other_tables, told_by, method):
    table = other_tables["axbench"]
    return Sample(table[told_by][method], table["layers"], params={"told_by": told_by})


@pytest.mark.claim("axbench.prompt-beats-sae")
def test_prompt_beats_sae(judge, other_tables, told_by):
    judge(per_layer(other_tables, told_by, "Prompt") - per_layer(other_tables, told_by, "SAE"), above=0.0)


@pytest.mark.claim("axbench.reft-r1-beats-sae")
def test_reft_r1_beats_sae(judge, other_tables, told_by):
    judge(per_layer(other_tables, told_by, "ReFT-r1") - per_layer(other_tables, told_by, "SAE"), above=0.0)
