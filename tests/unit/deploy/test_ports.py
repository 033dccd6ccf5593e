"""Where the embedded mode listens, as it is said on the command line."""

import socket

import pytest

from deploy.embedded.ports import USUAL, chosen_ports, taken
from deploy.trouble import Trouble


def test_nothing_said_means_the_usual_ones() -> None:
    assert chosen_ports() == USUAL
    assert (USUAL["records"], USUAL["notifications"], USUAL["broker"]) == (8101, 8105, 9092)


def test_a_number_is_the_first_of_six() -> None:
    assert list(chosen_ports(said="9000").values()) == [9000, 9001, 9002, 9003, 9004, 9005]


def test_some_can_be_moved_alone() -> None:
    assert chosen_ports(said="records=9001, broker=19092") == {**USUAL, "records": 9001, "broker": 19092}


def test_zero_takes_free_ones_each_another() -> None:
    ports = chosen_ports(said="0")
    assert len({*ports.values()}) == len(USUAL)
    assert taken(ports=ports) == []


@pytest.mark.parametrize("said", ["banana", "records", "records=0", "records=x", "mailbox=1", "records=70000", "65535"])
def test_what_cannot_be_meant_is_told(said: str) -> None:
    with pytest.raises(Trouble):
        chosen_ports(said=said)


def test_a_port_that_another_listens_on_is_taken() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        assert taken(ports={"records": other.getsockname()[1]}) == ["records"]
