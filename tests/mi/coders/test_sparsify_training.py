"""Training by sparsify from stored activations."""

import io
import json
from contextlib import redirect_stderr, redirect_stdout

import pytest
import torch
from coder_samples import OTHER, SITE, SITE_IN, write_activations

from mi.coders.coder import CoderFacts, CoderFault
from mi.coders.fidelity_checks import check_coder
from mi.coders.last_look import last_look
from mi.coders.load import load_bundle, load_coder
from mi.coders.native import load_native
from mi.coders.sparsify_run import auxk_reaches_encoder, default_lr
from mi.coders.train_sparsify import fit_coders, train
from mi.progress import SILENT

pytestmark = pytest.mark.filterwarnings("ignore::mi.coders.advice.CoderAdvice")

SIZE = {"k": 4, "n_latents": 48}
KINDS = {
    "sae0": {"kind": "sae", "seed": 0, **SIZE},
    "sae1": {"kind": "sae", "seed": 1, **SIZE},
    "tc0": {"kind": "transcoder", "seed": 0, **SIZE},
    "skip0": {"kind": "skip-transcoder", "seed": 0, **SIZE},
}
SETTINGS = {"progress": SILENT, "site_in": SITE_IN, "site_out": SITE, "batch_rows": 256, "lr": 1e-2}


@pytest.fixture(scope="module")
def trained(world, tmp_path_factory):
    """All kinds, in one pass: the folder and the builder's facts."""
    out = tmp_path_factory.mktemp("trained")
    facts = train(out, activations=world["path"], coders=KINDS, tokens=98_304, optimizer="adam", **SETTINGS)
    return out, facts["coders"]


@pytest.fixture(scope="module")
def signum(world, tmp_path_factory):
    """Two schedule-free runs that still hold their weights in memory."""
    out = tmp_path_factory.mktemp("signum")
    coders = {name: KINDS[name] for name in ("sae0", "skip0")}
    runs = fit_coders(out, activations=world["path"], coders=coders, tokens=16_384, **SETTINGS)
    return out, {run.name: run for run in runs}


def test_error_falls_and_the_facts_say_so(trained):
    out, facts = trained
    for name in KINDS:
        curve = json.loads((out / name / "coder.json").read_text())["training"]["curve"]
        assert len(curve["fvu"]) == 64
        assert curve["step"][-1] == 384
        assert curve["fvu"][-1] < 0.6 * curve["fvu"][0]
        assert facts[name]["fvu"] < 0.5


def test_facts_are_those_of_the_saved_coder(trained, world):
    out, facts = trained
    for name, coder in load_bundle(out).items():
        look = last_look({name: coder}, [world["sites"]])[name]
        assert facts[name]["fvu"] == pytest.approx(look["fvu"], rel=1e-3)
        assert facts[name]["l0"] == pytest.approx(look["l0"], rel=1e-3)
        assert coder.facts.training["on_training_rows"]["fvu"] == facts[name]["fvu"]


def test_planted_directions_are_found(trained, world):
    """An SAE of SITE finds the images of what SITE_IN was made of; one of random directions does not."""
    out, _ = trained
    planted = torch.nn.functional.normalize(world["directions"] @ world["A"].T, dim=1)
    found = torch.nn.functional.normalize(load_coder(out / "sae0").W_dec, dim=1)
    chance = torch.nn.functional.normalize(torch.randn(found.shape, generator=torch.Generator().manual_seed(0)), dim=1)
    recovered, by_chance = ((planted @ d.T).amax(1).mean() for d in (found, chance))
    assert recovered > 0.9
    assert recovered - by_chance > 0.2


def test_a_transcoder_predicts_its_output_and_not_its_input(trained, world):
    """E05: with the target swapped for the input, training looks just as well."""
    out, _ = trained
    x, y = world["sites"][SITE_IN], world["sites"][SITE]
    coder = load_coder(out / "tc0")
    assert (coder.site_in, coder.site_out) == (SITE_IN, SITE)
    fvu = {
        n: float((t - coder.reconstruct(x)).square().sum() / (t - t.mean(0)).square().sum())
        for n, t in (("y", y), ("x", x))
    }
    assert fvu["y"] < 0.5 < 0.9 < fvu["x"]


def test_an_sae_reads_what_it_writes(trained):
    out, _ = trained
    assert CoderFacts.read(out / "sae0").site_in == SITE
    assert CoderFacts.read(out / "skip0").site_in == SITE_IN


def test_matched_l0(trained):
    _, facts = trained
    assert all(f["l0"] == pytest.approx(4, abs=0.2) for f in facts.values())


def test_seeds_matter_and_nothing_else_does(trained, world, tmp_path):
    """A coder trained alone, under another name's place in the order, is the coder trained among others, to the last bit (E11)."""
    out, _ = trained
    again = {"zz": KINDS["tc0"], "a": KINDS["sae0"]}
    train(tmp_path, activations=world["path"], coders=again, tokens=98_304, optimizer="adam", **SETTINGS)
    for new, old in (("zz", "tc0"), ("a", "sae0")):
        one, other = load_coder(tmp_path / new).tensors(), load_coder(out / old).tensors()
        assert all(torch.equal(one[t], other[t]) for t in one)
    assert not torch.equal(load_coder(out / "sae0").W_dec, load_coder(out / "sae1").W_dec)


def test_other_sites_in_the_same_pass_change_nothing(signum, world, tmp_path):
    out, _ = signum
    coders = {"sae0": KINDS["sae0"], "elsewhere": {**KINDS["sae1"], "site_out": OTHER}}
    fit_coders(tmp_path, activations=world["path"], coders=coders, tokens=16_384, **SETTINGS)
    assert torch.equal(load_coder(tmp_path / "sae0").W_dec, load_coder(out / "sae0").W_dec)
    assert CoderFacts.read(tmp_path / "elsewhere").site_in == OTHER


def test_one_pass_equals_the_engines_own_seeds(world, signum, tmp_path):
    """sparsify trains several seeds in one trainer; ours, one trainer each, gives the same weights."""
    import sparsify.trainer as engine
    from sparsify import SparseCoder, SparseCoderConfig, TrainConfig, Trainer

    from mi.coders.quiet_engine import quiet_engine
    from mi.coders.replay import POINT, ReplayModel, ReplayRows
    from mi.coders.stream import training_batches

    batches = iter(list(training_batches(world["path"], [SITE], 256, 64, 0)))
    model = ReplayModel(lambda step: (next(batches)[SITE],) * 2, 16, 256, "cpu")
    config = TrainConfig(
        SparseCoderConfig(num_latents=48, k=4),
        batch_size=1,
        hookpoints=[POINT],
        init_seeds=[0, 1],
        lr=1e-2,
        log_to_wandb=False,
        run_name="r",
        save_dir=str(tmp_path),
    )
    with quiet_engine(1, engine):
        Trainer(config, ReplayRows(64, 256), model).fit()
    theirs = SparseCoder.load_from_disk(tmp_path / "r" / POINT / "seed0")
    assert torch.equal(theirs.W_dec, load_coder(signum[0] / "sae0").W_dec)


def test_what_is_in_memory_is_another_coder(signum, real):
    """A6-23: after a schedule-free run the weights in memory are not those of the checkpoint, and the gate tells them apart."""
    out, runs = signum
    for name, run in runs.items():
        saved, native = load_coder(out / name), load_native(out / name)
        x = real[saved.site_in]
        assert float((run.in_memory().W_dec - saved.W_dec).abs().max()) > 1e-3
        rows = last_look({name: saved}, [real])[name]
        assert rows["fvu"] != pytest.approx(last_look({name: run.in_memory()}, [real])[name]["fvu"], rel=1e-3)
        assert "real: values" in check_coder(run.in_memory(), native, x, real).failed
        assert not [f for f in check_coder(saved, native, x, real).failed if "FVU" not in f]


def test_decoder_norms_of_a_schedule_free_sae_are_off_one(signum):
    """The engine normalises the weights that train; it saves their running mean."""
    norms = load_coder(signum[0] / "sae0").W_dec.norm(dim=1)
    assert float((norms - 1).abs().max()) > 1e-3


def test_nothing_of_the_engine_shows_or_stays(world, tmp_path):
    said = io.StringIO()
    torch.set_float32_matmul_precision("highest")
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    with redirect_stdout(said), redirect_stderr(said):
        train(tmp_path, activations=world["path"], coders={"a": KINDS["sae0"]}, tokens=1024, **SETTINGS)
    assert torch.rand(1) == expected
    assert "Saving checkpoint" not in said.getvalue()
    assert "Training" not in said.getvalue()
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.is_grad_enabled()
    assert {p.name for p in (tmp_path / "a").iterdir()} == {"cfg.json", "sae.safetensors", "coder.json"}


def test_progress_counts_rows_once(world, tmp_path):
    class Bar:
        def __init__(self):
            self.rows, self.notes = [], []

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

        def update(self, n):
            self.rows.append(n)

        def note(self, text):
            self.notes.append(text)

    bar, started = Bar(), []
    settings = {**SETTINGS, "progress": lambda *about: started.append(about) or bar}
    train(tmp_path, activations=world["path"], coders=KINDS, tokens=5120, **settings)
    assert started == [("train coders (sparsify)", 5120, "tokens")]
    assert bar.rows == [256] * 20
    assert any("FVU" in n for n in bar.notes)


def test_engines_default_learning_rate(world, tmp_path):
    settings = {**SETTINGS, "lr": None}
    train(tmp_path, activations=world["path"], coders={"a": KINDS["sae0"]}, tokens=512, **settings)
    training = CoderFacts.read(tmp_path / "a").training
    assert training["lr"] == training["default_lr"] == pytest.approx(5e-3 / (48 / 16384) ** 0.5)
    assert default_lr("adam", 16384) == 2e-4


def test_the_engines_auxiliary_loss_is_no_help_and_that_is_said(world, tmp_path):
    """sparsify 1.3.3 drops the gradient of the pre-activations. When this fails, the engine was repaired: change the advice."""
    assert not auxk_reaches_encoder()
    train(
        tmp_path,
        activations=world["path"],
        coders={"a": {"kind": "sae", "k": 2, "n_latents": 256, "seed": 0}},
        tokens=16_384,
        auxk_alpha=1 / 32,
        **SETTINGS,
    )
    training = CoderFacts.read(tmp_path / "a").training
    assert training["auxk_alpha"] == 1 / 32
    assert any("misses the encoder" in w for w in training["warnings"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"coders": {"a": {"kind": "sae", "k": 4, "n_latents": 8, "sed": 0}}}, "unexpected keyword"),
        ({"coders": {"a": {"kind": "crosscoder", "k": 4, "n_latents": 8, "seed": 0}}}, "crosscoder"),
        ({"coders": {"a": {"kind": "sae", "k": 9, "n_latents": 8, "seed": 0}}}, "k = 9 of 8"),
        ({"coders": {"../a": KINDS["sae0"]}}, "coder names"),
        ({"coders": {}}, "coder names"),
        ({"site_out": "blocks.9.hook_mlp_out"}, "Harvest them"),
        ({"tokens": 100}, "at least two batches"),
        ({"optimizer": "muon"}, "signum or adam"),
        ({"batch_rows": 20_000, "tokens": 40_000}, "Harvest more texts"),
    ],
)
def test_settings_that_cannot_be_trained(world, tmp_path, change, said):
    given = {"activations": world["path"], "coders": {"a": KINDS["sae0"]}, "tokens": 1024, **SETTINGS, **change}
    with pytest.raises(CoderFault, match=said):
        train(tmp_path, **given)


def test_unequal_widths_are_refused(tmp_path):
    path = write_activations(tmp_path / "a", {SITE_IN: torch.randn(600, 8), SITE: torch.randn(600, 16)})
    with pytest.raises(CoderFault, match="from width 8 to 16"):
        train(tmp_path / "o", activations=path, coders={"a": KINDS["tc0"]}, tokens=512, **SETTINGS)


def test_a_failing_trainer_stops_the_others(world, tmp_path, monkeypatch):
    from mi.coders.sparsify_run import SparsifyRun

    take = SparsifyRun._take

    def broken(self, step):
        if self.name == "sae1" and step == 3:
            raise OSError("disk on fire")
        return take(self, step)

    monkeypatch.setattr(SparsifyRun, "_take", broken)
    with pytest.raises(OSError, match="disk on fire"):
        train(tmp_path, activations=world["path"], coders=KINDS, tokens=98_304, **SETTINGS)
