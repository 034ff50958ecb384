import pytest

TEXTS = (
    "the cat sat on a mat and then some more words here",
    " dogs ran from one town to another",
    "nobody was looking",
    "x y z while the dogs ran at them again and again",
    "",
)


@pytest.fixture(autouse=True, scope="session")
def _one_thread(one_thread):
    """For all tests here."""


@pytest.fixture(scope="session")
def texts():
    return TEXTS


@pytest.fixture(scope="session")
def folder_of(tmp_path_factory):
    """Folder of a tiny random model, made once: ``folder_of("neox")``."""
    from mi.subjects.tiny import make_tiny

    made = {}

    def folder(architecture, **settings):
        key = (architecture, repr(sorted(settings.items())))
        if key not in made:
            made[key] = make_tiny(tmp_path_factory.mktemp(architecture), architecture, corpus=TEXTS, **settings)
        return made[key]

    return folder


@pytest.fixture(scope="session")
def subject_of(folder_of):
    """A tiny subject, loaded anew each time, so that a test may break it."""
    from mi.subjects.load import load_subject
    from mi.subjects.spec import subject_spec

    def load(architecture, weights="trained", weights_seed=0, dtype="float32", **settings):
        folder = folder_of(architecture, **settings)
        return load_subject(subject_spec(folder, weights=weights, weights_seed=weights_seed, dtype=dtype))

    return load
