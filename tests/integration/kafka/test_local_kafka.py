"""The local broker: it starts, keeps what it holds over a kill, and says what is missing."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from infra.kafka import container, jars
from infra.kafka.broker import BrokerError, LocalKafka
from infra.kafka.ready import wait_until_serving
from tests.support.processes import has_ended
from tests.support.waiting import eventually_sync

pytestmark = pytest.mark.kafka


async def _write(address: str, value: bytes) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=address)
    await admin.start()
    await admin.create_topics([NewTopic("kept", 1, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=address, acks="all") as producer:
        await producer.send_and_wait("kept", value)


async def _read(address: str) -> bytes | None:
    async with AIOKafkaConsumer("kept", bootstrap_servers=address, auto_offset_reset="earliest") as consumer:
        value: bytes | None = (await asyncio.wait_for(consumer.getone(), 30)).value
        return value


def test_a_killed_broker_starts_again_with_what_it_held(tmp_path: Path) -> None:
    with LocalKafka(data_dir=tmp_path / "broker") as broker:
        first = broker.bootstrap_servers
        asyncio.run(_write(first, b"before the kill"))
        broker.kill()
        broker.start()  # the kill freed the directory
        with pytest.raises(BrokerError, match="is in use by another broker"):
            LocalKafka(data_dir=tmp_path / "broker").start()
        assert broker.bootstrap_servers == first
        assert asyncio.run(_read(first)) == b"before the kill"


def test_a_parent_that_is_killed_leaves_no_broker_behind(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from infra.kafka.broker import LocalKafka\n"
        "broker = LocalKafka(data_dir=Path(sys.argv[1])); broker.start(); print(broker.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "broker")], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    with parent, parent.stdout as out:
        broker = psutil.Process(int(out.readline()))
        parent.kill()
    eventually_sync(lambda: has_ended(broker), what="the end of the broker")


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=rf"port {port} .* --port"):
            LocalKafka(data_dir=tmp_path, port=port).start()


def test_without_java_the_error_tells_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BrokerError, match=r"java is not on the PATH.*Install Java 17 and Maven.*start Docker"):
        LocalKafka(data_dir=tmp_path).start()


def test_without_java_the_broker_runs_in_a_container_that_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n'
        'if [ "$1" = run ]; then exec "$PYTHON" -m http.server --bind 127.0.0.1 "${6##*:}"; fi\n'
    )
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PYTHON", sys.executable)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    broker = LocalKafka(data_dir=tmp_path / "data")
    with pytest.raises(BrokerError, match="did not answer"):  # what listens there is no Kafka
        broker.start(timeout=3)
    info, image, before, run, after = (tmp_path / "calls").read_text().splitlines()
    name = run.split()[3]
    assert (info, image) == ("info", "image inspect apache/kafka:4.1.0")
    assert (before, after) == (f"rm --force {name}", f"rm --force {name}")
    assert run.startswith(f"run --rm --name {name} --publish 127.0.0.1:{broker.port}:{broker.port} --volume {name}:")
    assert f"KAFKA_ADVERTISED_LISTENERS=PLAINTEXT://127.0.0.1:{broker.port}" in run
    assert run.endswith("apache/kafka:4.1.0")
    assert broker.pid is None


def test_a_port_that_docker_holds_for_a_container_is_not_taken_for_the_broker(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """Each client that tried would log an error, several times a second."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, subprocess.Popen(["sleep", "60"]) as broker:

        def take_and_close() -> None:
            with suppress(OSError):
                while True:
                    proxy.accept()[0].close()

        threading.Thread(target=take_and_close, daemon=True).start()
        with pytest.raises(BrokerError, match="did not answer"):
            wait_until_serving(broker, f"127.0.0.1:{proxy.getsockname()[1]}", tmp_path / "log", timeout=1)
        broker.kill()
        proxy.shutdown(socket.SHUT_RDWR)
    assert not caplog.records


def test_in_the_foreground_a_container_does_not_name_a_log_that_is_not_written(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    script = f"from pathlib import Path; from infra.kafka.broker import run; run(port=0, data_dir=Path({str(tmp_path / 'data')!r}))"
    done = subprocess.run([sys.executable, "-c", script], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=True)
    assert "data in a Docker volume, log below" in done.stderr
    assert str(tmp_path) not in done.stderr


@pytest.mark.parametrize(("own_file", "calls"), [("lock", ["volume rm"]), ("server.properties", [])])
def test_what_a_container_held_is_thrown_away_with_its_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own_file: str, calls: list[str]
) -> None:
    docker, data = tmp_path / "docker", tmp_path / "data"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    data.mkdir()
    (data / own_file).touch()
    container.forget(data)
    told = tmp_path / "calls"
    assert (told.read_text().splitlines() if told.exists() else []) == [f"{call} {container.container_name(data)}" for call in calls]
    assert not data.exists()


def test_an_old_java_is_refused_with_its_version(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'openjdk version \"1.8.0_392\"' >&2\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/bin:/usr/bin")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(BrokerError, match="is Java 8; Apache Kafka needs 17"):
        jars.find_java()


def test_without_maven_the_error_tells_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BrokerError, match=r"mvn is not on the PATH.*Install Java 17 and Maven"):
        jars.ensure_jars(tmp_path / "cache")


def test_first_runs_at_the_same_time_fetch_once_and_see_whole_jars(tmp_path: Path) -> None:
    mvn = tmp_path / "bin" / "mvn"
    mvn.parent.mkdir()
    mvn.write_text(
        "#!/bin/sh\n"
        'for arg; do case "$arg" in -DoutputDirectory=*) target="${arg#-DoutputDirectory=}";; esac; done\n'
        f'echo fetched >> {tmp_path}/fetches; mkdir -p "$target"; : > "$target/a.jar"; sleep 0.3; : > "$target/kafka_2.13.jar"\n'
    )
    mvn.chmod(0o755)
    script = "import sys; from pathlib import Path; from infra.kafka.jars import ensure_jars\n"
    script += "print(sorted(p.name for p in ensure_jars(Path(sys.argv[1])).iterdir()))"
    env = os.environ | {"PATH": f"{mvn.parent}{os.pathsep}{os.environ['PATH']}"}
    runs = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "cache")], env=env, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outputs = {run.communicate(timeout=60)[0].strip() for run in runs}
    assert outputs == {"['a.jar', 'kafka_2.13.jar']"}
    assert (tmp_path / "fetches").read_text() == "fetched\n"


def test_a_failed_fetch_leaves_no_half_filled_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    mvn = tmp_path / "mvn"
    mvn.write_text("#!/bin/sh\necho 'no route to the repository'; exit 1\n")
    mvn.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(BrokerError, match=r"exit 1\)(.|\n)*no route to the repository"):
        jars.ensure_jars(tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["lock"]
