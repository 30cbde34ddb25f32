"""Rules every test obeys: a layer marker per module, no leaked tasks, no blocking calls in the event loop."""

import pytest
from hypothesis import settings

settings.register_profile("tieline", deadline=None)  # a busy machine is no fault
settings.load_profile("tieline")

LAYERS = ("unit", "wire", "golden", "component", "live")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fail collection for a test whose module declares no layer, or not the layer of its folder."""
    for item in items:
        layers = [marker.name for marker in item.iter_markers() if marker.name in LAYERS]
        folder = item.path.relative_to(item.config.rootpath).parts[1]
        if len(layers) != 1 or layers[0] != folder:
            message = f"{item.nodeid}: declare `pytestmark = pytest.mark.{folder}` in the module (found {layers})"
            raise pytest.UsageError(message)
