"""What an ear makes of RTP packets."""

import pytest

from lab.ear import PCMA, drops_of, listen, maybe_packet
from lab.tones import AGENT_HZ, CALLER_HZ, SILENCE, tone

pytestmark = pytest.mark.unit


def _packets(sound: bytes, first: int = 0, payload_type: int = PCMA) -> list[bytes]:
    cut = [sound[at : at + 160] for at in range(0, len(sound), 160)]
    return [
        bytes((0x80, payload_type)) + (first + number & 0xFFFF).to_bytes(2) + bytes(8) + payload
        for number, payload in enumerate(cut)
    ]


def test_each_side_is_known_by_its_tone() -> None:
    heard = listen(_packets(bytes([SILENCE]) * 8000 + tone(AGENT_HZ, 2) + tone(CALLER_HZ, 1)), menu_s=1.0)
    assert (heard.packets, heard.missing, heard.foreign) == (200, 0, 0)
    assert (heard.speech_s, heard.agent_s, heard.own_s) == (0.0, 2.0, 1.0)


def test_sound_in_the_menu_is_speech() -> None:
    assert listen(_packets(tone(300, 1) + bytes([SILENCE]) * 8000), menu_s=1.5).speech_s == 1.0


def test_packets_out_of_order_and_over_the_end_of_the_counter_are_put_right() -> None:
    packets = _packets(tone(AGENT_HZ, 1), first=0xFFF0)
    packets[3], packets[20] = packets[20], packets[3]
    heard = listen(packets, menu_s=1.0)
    assert (heard.missing, heard.agent_s) == (0, 1.0)


def test_what_never_came_is_missing() -> None:
    packets = _packets(tone(AGENT_HZ, 1))
    del packets[10:13]
    assert listen(packets, menu_s=1.0).missing == 3


def test_what_is_no_sound_is_foreign() -> None:
    heard = listen([*_packets(tone(AGENT_HZ, 1)), *_packets(bytes(4), payload_type=101), b"x"], menu_s=1.0)
    assert (heard.packets, heard.foreign) == (50, 2)


def test_silence_is_no_sound_at_all() -> None:
    assert listen([], menu_s=1.0).packets == 0


def test_extensions_sources_and_padding_are_left_out() -> None:
    head = bytes((0xB1, PCMA)) + bytes(10) + bytes(4)
    packet = maybe_packet(head + b"\xbe\xde\x00\x01" + bytes(4) + b"sound" + b"\x00\x00\x03")
    assert packet is not None
    assert packet.payload == b"sound"


@pytest.mark.parametrize("raw", [b"", bytes(11), b"\x00" + bytes(20), bytes((0x8F, PCMA)) + bytes(10)])
def test_what_is_no_rtp_is_no_packet(raw: bytes) -> None:
    assert maybe_packet(raw) is None


def test_the_kernels_table_tells_what_was_dropped() -> None:
    names = (
        "sl local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode ref pointer drops"
    )
    row = "101: 0119267F:A902 00000000:0000 07 00000000:00000300 00:00000000 00000000 0 0 2192314 2 00d 317"
    table = f"   {names}\n  {row}\n"
    assert drops_of(table) == {"2192314": (0x300, 317)}
