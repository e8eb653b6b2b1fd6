"""The image: who it runs as, what is in its layers, and what it is built from."""

import re
from pathlib import Path

import yaml

_ROOT = Path(__file__).parents[3]
_PATH = Path("infra/deploy/Dockerfile")
_DOCKERFILE = (_ROOT / _PATH).read_text()


def test_it_is_what_compose_builds() -> None:
    compose = yaml.safe_load((_ROOT / "docker-compose.yml").read_text())
    assert compose["services"]["topics"]["build"] == {"context": ".", "dockerfile": str(_PATH)}


def test_the_image_runs_as_a_user_whom_kubernetes_can_tell_from_root() -> None:
    (user,) = re.findall(r"^USER (.+)$", _DOCKERFILE, re.MULTILINE)
    number, _, group = user.partition(":")
    assert int(number) > 0
    assert number == group
    assert f"--uid {number} --user-group " in _DOCKERFILE
    # A new volume takes its owner from the folder that it is mounted over.
    assert f"install -d -o {number} -g {group} /data" in _DOCKERFILE


def test_a_change_of_the_code_leaves_the_layer_of_the_packages_alone() -> None:
    """It is more than a hundred times as large as that of the code, and would be copied and shipped again with it."""
    stages = dict(re.findall(r"^FROM \S+(?: AS (\w+))?\n(.*?)(?=^FROM |\Z)", _DOCKERFILE, re.MULTILINE | re.DOTALL))
    assert re.findall(r"^COPY (.+)$", stages["packages"], re.MULTILINE) == ["requirements.lock /build/"]
    assert re.findall(r"^COPY (.+)$", stages[""], re.MULTILINE) == ["--from=packages /opt/impact /opt/impact"]
    assert stages[""].index("COPY --from=packages") < stages[""].index("--mount=type=bind,from=wheel")


def test_the_image_declares_no_volume() -> None:
    """Each container without a volume of its own at that place would leave a nameless one behind."""
    assert not re.search(r"^VOLUME", _DOCKERFILE, re.MULTILINE)


def test_the_image_is_built_from_files_that_exist_and_are_not_ignored() -> None:
    ignore = (_ROOT / ".dockerignore").read_text().splitlines()
    copied = [source for line in re.findall(r"^COPY (?!--from)(.+)$", _DOCKERFILE, re.MULTILINE) for source in line.split()[:-1]]
    assert copied
    for source in copied:
        assert (_ROOT / source).exists(), source
        assert f"!{source}" in ignore, source
