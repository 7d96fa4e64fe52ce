"""The configuration management example as its README tells it."""

from __future__ import annotations

from typing import Any


def test_three_environments_are_changed_healed_and_rolled_back_each_for_itself(story: Any) -> None:
    web = story("configuration-management")

    web.chapter("Deploy")
    deployed = _environments(web)
    assert sorted(deployed["dev"]) == ["hosts", "server.conf", "sites/shop.conf"]
    assert "workers 1;\nlog_level debug;\n" in deployed["dev"]["server.conf"]
    assert "listen 8443;\n" in deployed["dev"]["sites/shop.conf"]
    assert sorted(deployed["staging"]) == sorted(deployed["production"])
    assert "workers 2;\nlog_level info;\n" in deployed["staging"]["server.conf"]
    assert "workers 8;\nlog_level warn;\n" in deployed["production"]["server.conf"]
    assert "domain shop.example.org;\n" in deployed["production"]["sites/shop.conf"]

    web.chapter("A change, planned")
    changed = _environments(web)["production"]
    assert sorted(changed) == ["hosts", "server.conf", "sites/shop.conf"]
    assert changed["hosts"] == "127.0.0.1 shop.example.org\n"
    assert "workers 16;\n" in changed["server.conf"]

    web.chapter("Drift, and it is right")
    accepted = _environments(web)["production"]
    assert accepted == changed | {
        "server.conf": changed["server.conf"].replace("workers 16", "workers 12")
    }

    web.chapter("Drift, and it is wrong")
    assert _environments(web)["production"] == accepted

    web.chapter("A bad change")
    assert "log_level debug;\n" in _environments(web)["production"]["server.conf"]

    web.chapter("Roll back")
    assert _environments(web) == deployed

    web.chapter("Remove it")
    web.assert_over()


def _environments(web: Any) -> dict[str, dict[str, str]]:
    """By environment, its files and what is in them."""
    found: dict[str, dict[str, str]] = {}
    for path, text in web.files().items():
        _, _, rest = path.partition("etc/")
        environment, _, name = rest.partition("/")
        if name and (web.folder / path).is_file():
            found.setdefault(environment, {})[name] = text
    return found
