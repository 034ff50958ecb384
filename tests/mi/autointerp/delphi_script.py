"""delphi's explainer and classifiers, really run, with a scripted client instead of a model."""

import json
import re

GARBAGE = "I would rather not say."


class Script:
    """Answers questions by ``behave(latent, texts)``, which returns what a model would say; remembers what it said."""

    def __init__(self, behave):
        self.behave, self.said = behave, []

    async def generate(self, prompt, **_):
        from mi.autointerp.delphi_engine import load

        asked = prompt[-1]["content"]
        if "Text examples" not in asked:  # the explainer: windows with their activations
            latent = int(re.findall(r"latent(\d+)", asked)[-1])
            text = GARBAGE if latent == 2 else f"Some thought. [EXPLANATION]: windows of latent{latent}"
        else:
            texts = re.findall(r"^Example \d+: (.*)$", asked.rpartition("Text examples")[2], re.MULTILINE)
            text = self.behave(int(re.search(r"latent(\d+)", asked.rpartition("Text examples")[2])[1]), texts)
            self.said.append((texts, text))
        return load("delphi.clients.client").Response(text=text)


def listed(texts):
    """The truth."""
    return [int("fires" in t) for t in texts]


def perfect(latent, texts):
    return json.dumps(listed(texts))


def record(latent, hookpoint, n_firing, n_silent):
    """A latent whose windows say which latent they are of and whether it fires; silent window 0 comes twice."""
    import torch

    from mi.autointerp.delphi_engine import load

    d = load("delphi.latents.latents")

    def example(kind, i, word, **about):
        tokens = [f"latent{latent}", f" window{i}", f" {word}", " here"]
        activations = torch.tensor([0.0, 0.0, 2.0 if word == "fires" else 0.0, 0.0])
        return kind(tokens=torch.arange(4), activations=activations, str_tokens=tokens, **about)

    firing = [example(d.ActivatingExample, i, "fires", quantile=i % 10) for i in range(2 * n_firing)]
    for e in firing:
        e.normalized_activations = e.activations * 5
    silent = [example(d.NonActivatingExample, max(0, i - 1), "rests", distance=-1.0) for i in range(n_silent)]
    found = d.LatentRecord(
        d.Latent(hookpoint, latent), train=firing[n_firing:], test=firing[:n_firing], not_active=silent
    )
    return found


async def run_delphi(folder, behave, records, shown):
    """What ``delphi.__main__.process_cache`` does with each record."""
    import orjson

    from mi.autointerp.delphi_engine import load

    client = Script(behave)
    explain = load("delphi.explainers").DefaultExplainer(client, threshold=0.3)
    scorers = load("delphi.scorers")
    asked = {
        "detection": scorers.DetectionScorer(client, n_examples_shown=shown),
        "fuzz": scorers.FuzzingScorer(client, n_examples_shown=shown),
    }
    for of in records:
        result = await explain(of)
        (folder / "explanations").mkdir(parents=True, exist_ok=True)
        (folder / f"explanations/{of.latent}.txt").write_bytes(orjson.dumps(result.explanation))
        of.explanation = result.explanation
        for name, scorer in asked.items():
            scored = await scorer(of)
            path = folder / "scores" / name / f"{of.latent}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(orjson.dumps(scored.score))
    return client
