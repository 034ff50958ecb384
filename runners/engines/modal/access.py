"""Access to Modal from here: the package, a token, the network."""

from __future__ import annotations

import threading

from ...errors import RunnersError
from ...text import clean

PATIENCE = 15.0  # seconds that Modal's server may take for the first answer; its client alone would try for a minute
_answered = False
_WITHOUT = "or build on this machine: --runner=local."


def require_modal() -> None:
    """Return once Modal's server has answered to the user's token; it is asked until it has, once in a process.

    Raises:
        RunnersError: one line that says what is missing and what to do.
    """
    global _answered
    if _answered:
        return
    try:
        import modal
    except ImportError:
        raise RunnersError(
            f'the runner modal needs the package modal, which is not installed: pip install "mi-assay[modal]", {_WITHOUT}'
        ) from None
    wrong: list[RunnersError] = []

    def ask() -> None:
        try:
            client = modal.Client.from_env()
        except Exception as exc:
            wrong.append(RunnersError(f"no usable token for Modal ({_first(exc)}): run `modal token new`, {_WITHOUT}"))
            return
        try:
            client.hello()
        except (modal.exception.AuthError, modal.exception.PermissionDeniedError) as exc:
            wrong.append(RunnersError(f"Modal refused the token ({_first(exc)}): run `modal token new`, {_WITHOUT}"))
        except Exception as exc:
            wrong.append(_unreachable(_first(exc)))

    thread = threading.Thread(target=ask, daemon=True)  # nothing ends a client's attempts but the end of the process
    thread.start()
    thread.join(PATIENCE)
    if thread.is_alive():
        raise _unreachable(f"no answer within {PATIENCE:.0f} s")
    if wrong:
        raise wrong[0]
    _answered = True


def _unreachable(why: str) -> RunnersError:
    return RunnersError(
        f"Modal's server cannot be reached ({why}): look at the network and status.modal.com, {_WITHOUT}"
    )


def _first(exc: BaseException) -> str:
    """The first sentence of an error, without its last dot."""
    return (clean(exc) or type(exc).__name__).partition(". ")[0].rstrip(".")
