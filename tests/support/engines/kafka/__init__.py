"""Apache Kafka from its published jars: one KRaft node on loopback, for tests, drills and bench."""

import re
import shutil
import subprocess
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.support.engines import cache
from tests.support.engines.engine import EngineUnavailable
from tests.support.engines.native import NativeEngine, is_open

_RECIPE = Path(__file__).parent
_CLUSTER = "carelogTestsCluster0AA"  # 16 bytes in base64, as Kafka wants them
_OLDEST_JAVA = 17
_YOUNG = "-XX:TieredStopAtLevel=1"
"""Only the fast compiler: the other one takes a core for the first minutes, which are all that a broker lives here."""

# Topics are made on purpose, with their partitions; one made by a typing error would hide it. A killed broker is let in
# again only when its session has run out, hence a short one. What it has to read of committed offsets when it starts is
# kept small, too: a broker that was killed after a million events loaded its groups again and again for minutes.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
log.retention.ms=-1
broker.heartbeat.interval.ms=400
broker.session.timeout.ms=2000
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
offsets.topic.segment.bytes=1048576
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


class NativeKafka(NativeEngine):
    """A broker over the folder `home`. A killed one finds its data again at its next start."""

    @property
    def address(self) -> str:
        """The bootstrap address."""
        return f"127.0.0.1:{self._port()}"

    def _line(self) -> list[str]:
        java = [_java(), _YOUNG, "-cp", f"{jars()}/*", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"]
        settings = self.home / "server.properties"
        data = self.home / "data"
        ports = {"port": self._port(), "controller": self._port(name="controller-port")}
        settings.write_text(_PROPERTIES.format(data=data, **ports))
        if not (data / "meta.properties").exists():
            format_data = ["kafka.tools.StorageTool", "format", "-t", _CLUSTER, "-c", str(settings)]
            cache.run(line=[*java, *format_data], folder=self.home)
        return [*java, "-Xms128m", "-Xmx512m", "-XX:+UseSerialGC", "kafka.Kafka", str(settings)]

    def _answers(self) -> bool:
        if not is_open(port=self._port()):
            return False
        try:
            return bool(AdminClient({"bootstrap.servers": self.address}).list_topics(timeout=2).brokers)
        except KafkaException:
            return False


def jars() -> Path:
    """The folder of Kafka's jars, fetched once by Maven."""
    return cache.kept(name="kafka", recipe=_RECIPE, make=_fetch_jars)


def _fetch_jars(folder: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    cache.run(line=["mvn", "-q", "-B", "-f", str(_RECIPE / "pom.xml"), *goal], folder=folder)


def _java() -> str:
    java = shutil.which("java")
    if java is None:
        raise EngineUnavailable("Apache Kafka needs Java 17, and java is not installed")
    said = subprocess.run([java, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\d+", said)
    if version is None or int(version[0]) < _OLDEST_JAVA:
        raise EngineUnavailable(f"Apache Kafka needs Java 17, and this one is: {said.partition(chr(10))[0] or 'older'}")
    return java
