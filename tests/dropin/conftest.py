"""Both import names of the AWS SDK, as a function finds them when `layer/dropin` is on its path."""

import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

DROPIN = Path(__file__).parents[2] / "layer" / "dropin"
NAMES = ("nova_custom_evaluation_sdk", "llm_eval_kit")
MODULES = (
    "processors.decorators",
    "processors.pre_processor",
    "processors.post_processor",
    "processors.processor",
    "processors.exceptions",
    "lambda_handler",
    "model.models",
)


@pytest.fixture(scope="session")
def sdks() -> Iterator[dict[str, SimpleNamespace]]:
    """For each import name, all public names of its modules; the key `modules` holds the modules."""
    sys.path.insert(0, str(DROPIN))
    found: dict[str, SimpleNamespace] = {}
    for name in NAMES:
        modules = {path: import_module(f"{name}.{path}") for path in MODULES}
        public = {each: getattr(module, each) for module in modules.values() for each in module.__all__}
        found[name] = SimpleNamespace(modules=modules, **public)
    yield found
    sys.path.remove(str(DROPIN))


@pytest.fixture(scope="session", params=NAMES)
def sdk(request: pytest.FixtureRequest, sdks: dict[str, SimpleNamespace]) -> SimpleNamespace:
    """One of the two."""
    return sdks[request.param]
