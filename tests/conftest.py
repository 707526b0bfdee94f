# SPDX-License-Identifier: GPL-2.0
"""Fixtures: the labs' boots, two at a time, all those that the chosen tests need."""
import concurrent.futures

import pytest

import lab_fixtures


# A test that asks for one of these needs the lab.
LAB_FIXTURES = {"boot", "boots"}


def pytest_collection_modifyitems(items):
    for item in items:
        if LAB_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.lab)


def boots_of(items):
    wanted = {item.callspec.params["boot"] for item in items
              if "boot" in getattr(item, "fixturenames", ())}
    return [name for name in lab_fixtures.BOOTS if name in wanted]


@pytest.fixture(scope="session")
def boots(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("labs")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(lab_fixtures.boot, name, out / name)
               for name in boots_of(request.session.items)}


@pytest.fixture
def boot(request, boots):
    """One lab's boot by its name: see the parameter "boot" of tests."""
    return boots[request.param].result()
