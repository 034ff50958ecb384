"""Laws of recipes: what is in a digest, what is not, and what cannot be described at all."""

import json
import math
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from runners.canonical import canonical, checked
from runners.errors import RecipeError
from runners.recipe import Recipe, Resources

FEW = settings(max_examples=40, deadline=None)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(), v, max_size=3), max_leaves=8
)
NAMES = st.from_regex(r"[a-n][a-z_]{0,5}", fullmatch=True)
PARAMS = st.dictionaries(NAMES, VALUES, max_size=4)


def recipe(**about):
    return Recipe(**{"build": "mi.a:b", "version": 1, **about})


def reordered(value):
    if isinstance(value, dict):
        return {k: reordered(value[k]) for k in reversed(list(value))}
    return [reordered(v) for v in value] if isinstance(value, list) else value


@FEW
@given(PARAMS)
def test_order_of_keys_does_not_matter(params):
    assert recipe(params=params).digest == recipe(params=reordered(params)).digest


@FEW
@given(PARAMS, PARAMS)
def test_equal_digest_means_equal_params(a, b):
    same = recipe(params=a).digest == recipe(params=b).digest
    assert same == (canonical(a) == canonical(b))


@FEW
@given(PARAMS, NAMES, VALUES)
def test_a_changed_param_changes_the_digest(params, name, value):
    changed = {**params, name: value}
    assume(name not in params or canonical(params[name]) != canonical(value))
    assert recipe(params=changed).digest != recipe(params=params).digest


@FEW
@given(PARAMS, st.integers(2, 10**9))
def test_version_and_builder_are_in_the_digest(params, version):
    digests = {
        recipe(params=params).digest,
        recipe(params=params, version=version).digest,
        recipe(params=params, build="mi.a:c").digest,
        recipe(params=params, build="mi.b:b").digest,
    }
    assert len(digests) == 4


@FEW
@given(PARAMS, PARAMS)
def test_an_input_changes_the_digest_however_deep(a, b):
    assume(canonical(a) != canonical(b))

    def pile(params):
        found = recipe(params=params)
        for _ in range(3):
            found = recipe(inputs={"x": found})
        return found

    assert pile(a).digest != pile(b).digest
    assert recipe(inputs={"x": pile(a)}).digest != recipe(inputs={"y": pile(a)}).digest


@FEW
@given(PARAMS, PARAMS)
def test_round_trip(a, b):
    shared = recipe(params=a, label="shared", resources=Resources(gpu="any", minutes=3.5))
    top = recipe(params=b, inputs={"p": shared, "q": recipe(build="mi.c:d", inputs={"r": shared})}, label="top")
    wire = json.loads(json.dumps(top.to_json()))
    back = Recipe.from_json(wire)
    assert back == top
    assert back.to_json() == top.to_json()
    assert [r.label for r in back.walk()] == [r.label for r in top.walk()]
    assert back.inputs["p"].resources == Resources(gpu="any", minutes=3.5)
    assert back.inputs["p"] is back.inputs["q"].inputs["r"]


def test_a_known_digest():
    """Digests name what lies in stores out there: they may not change from one version of this package to the next."""
    bare = b'{"build":"mi.a:b","inputs":{},"params":{},"version":1}'
    assert recipe().digest == sha256(bare).hexdigest()
    params = b'{"a":"\\u00e4","k":[1,2.5,null,true]}'
    full = b'{"build":"mi.a:b","inputs":{"x":"%s"},"params":%s,"version":1}' % (recipe().digest.encode(), params)
    made = recipe(params={"k": (1, 2.5, None, True), "a": "ä"}, inputs={"x": recipe()}, label="x")
    assert made.digest == sha256(full).hexdigest()


def test_label_and_resources_are_not_in_the_digest():
    assert recipe().digest == recipe(label="a", resources=Resources(gpu="h100", minutes=9)).digest
    assert recipe() == recipe(label="a")
    assert len({recipe(), recipe(label="a")}) == 1
    assert recipe() != recipe(version=2)
    assert recipe() != "recipe"


def test_later_changes_of_what_was_given_do_not_reach_it():
    sites = ["a"]
    made = recipe(params={"sites": sites})
    sites.append("b")
    assert made.params == {"sites": ["a"]}
    assert made.digest == recipe(params={"sites": ("a",)}).digest


def test_walk_is_in_dependency_order_and_has_each_once():
    a = recipe(params={"n": 1})
    b = recipe(inputs={"a": a})
    c = recipe(inputs={"a": a, "b": b})
    assert list(c.walk()) == [a, b, c]


def test_a_tower_of_diamonds_stays_small():
    top = recipe()
    for _ in range(60):
        top = recipe(inputs={"left": top, "right": top})
    assert len(list(top.walk())) == 61
    assert len(top.to_json()["recipes"]) == 61
    assert Recipe.from_json(top.to_json()) == top


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (math.nan, "is nan: expected a finite number"),
        (-math.inf, "is -inf"),
        (np.float64(0.5), "numpy.float64"),
        (np.int64(5), "numpy.int64"),
        (np.zeros(2), "numpy.ndarray"),
        ({1: "a"}, "the key 1 (int): expected a string. Write '1'"),
        ({"a": {None: 1}}, "['a'] has the key None"),
        ({1, 2}, "sorted(a_set)"),
        (b"x", "bytes"),
        (object, "expected None, a bool, int, float, str, list or dict"),
        ([1, [2, math.inf]], "params of mi.a:b['p'][1][1] is inf"),
    ],
)
def test_what_is_not_json_is_refused_with_its_place(value, says):
    with pytest.raises(RecipeError) as caught:
        recipe(params={"p": value})
    assert says in str(caught.value)
    assert "params of mi.a:b['p']" in str(caught.value)


@pytest.mark.parametrize(
    ("about", "says"),
    [
        ({"build": "mi.a"}, "expected 'package.module:function'"),
        ({"build": "mi.a:b.c"}, "expected 'package.module:function'"),
        ({"build": math.sqrt}, "a name and no object"),
        ({"version": 0}, "a whole number from 1 up"),
        ({"version": True}, "a whole number from 1 up"),
        ({"version": 1.0}, "a whole number from 1 up"),
        ({"params": ["k"]}, "by name"),
        ({"inputs": {"x": "mi.a:b"}}, "input 'x' of mi.a:b is str: expected a Recipe"),
        ({"params": {"out": 1}}, "'out' of mi.a:b cannot be a keyword"),
        ({"params": {"progress": 1}}, "'progress' of mi.a:b cannot be a keyword"),
        ({"params": {"a b": 1}}, "'a b' of mi.a:b cannot be a keyword"),
        ({"params": {"x": 1}, "inputs": {"x": recipe()}}, "is both a parameter and an input"),
    ],
)
def test_what_is_no_recipe(about, says):
    with pytest.raises(RecipeError) as caught:
        recipe(**about)
    assert says in str(caught.value)


def test_altered_wire_forms_are_refused():
    wire = recipe(inputs={"x": recipe(params={"k": 1})}).to_json()
    below = wire["recipes"][wire["root"]]["inputs"]["x"]

    def altered(change):
        data = json.loads(json.dumps(wire))
        change(data["recipes"])
        return data

    for change, says in (
        (lambda r: r[below]["params"].update(k=2), "it was altered"),
        (lambda r: r.pop(below), "no recipe"),
        (lambda r: r[below]["inputs"].update(x=wire["root"]), "needs itself"),
        (lambda r: r[below].update(resources={"gpus": 1}), "no recipe"),
        (lambda r: r.update({below: None}), "no recipe"),
    ):
        with pytest.raises(RecipeError, match=says):
            Recipe.from_json(altered(change))
    for nothing in ({}, [], None, {"root": 1, "recipes": []}):
        with pytest.raises(RecipeError):
            Recipe.from_json(nothing)


def test_checked_copies():
    given_value = {"a": [1, (2,)]}
    copy = checked(given_value, "x")
    assert copy == {"a": [1, [2]]}
    copy["a"].append(3)
    assert given_value == {"a": [1, (2,)]}


def test_names_for_people():
    assert recipe().name == "b"
    assert str(recipe(label="topk 8")) == f"topk 8 ({recipe().digest[:12]})"
