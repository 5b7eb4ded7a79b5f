"""What the rules of ip find, and what they leave alone."""

from __future__ import annotations

import pytest

from rig.marked import expected, found

FOUND = [
    "⟦10.0.0.1⟧:8080",
    "⟦192.168.100.200⟧",
    "from ⟦83.12.44.201⟧ port 22",
    "⟦83.12.44.201⟧ - - [21/Nov/2026:10:00:07 +0900]",
    "http://⟦192.168.0.10⟧:8080/path",
    "https://⟦83.12.44.201⟧/x?y=1",
    "/⟦10.1.2.30⟧:51234",
    "db.example.com/⟦10.1.2.30⟧",
    "ssh root@⟦10.1.2.30⟧",
    "X-Forwarded-For: ⟦83.12.44.201⟧, ⟦10.1.2.30⟧",
    "ip=⟦10.1.2.30⟧&x",
    '{"ip":"⟦10.1.2.30⟧"}',
    "⟦10.1.2.30⟧에서 접속",
    "⟦10.1.2.30⟧.",
    "⟦10.1.2.30⟧/24",
    "⟦10.0.0.10⟧-⟦10.0.0.50⟧",
    "dns ⟦8.8.8.8⟧",
    "ping ⟦1.1.1.1⟧",
    "⟦1.2.3.4⟧:443",
    "⟦2001:db8::8a2e:370:7334⟧",
    "⟦2001:0db8:85a3:0000:0000:8a2e:0370:7334⟧",
    "[⟦2001:db8::1⟧]:443",
    "⟦fe80::1ff:fe23:4567:890a⟧",
    "⟦fe80::1⟧%eth0",
    "⟦fd12:3456:789a::1⟧",
    "⟦6e40:4041:c617:e898:c11:40d2:c669:2eb4⟧",
    "⟦::ffff:10.1.2.30⟧",
    "⟦64:ff9b::1⟧",
    "⟦2001:db8::⟧/32",
    "addr ⟦2001:DB8::1⟧, ok",
    "⟦１０.1.2.30⟧",
    "host%3D⟦10.1.2.30⟧",
    "id=5 |⟦106.31.73.20⟧",
    "inet ⟦172.16.5.4⟧ netmask 255.255.0.0",
    "a=⟦10.1.2.30⟧;b=⟦10.1.2.31⟧",
    "Jag skrev ⟦203.188.196.124⟧.",
    "IP地址：⟦2a00:a584:6eaf::2d33⟧",
    "ip:⟦2a00:a584:6eaf::2d33⟧",
    "remote address:⟦2001:db8:85a3:8d3:1319:8a2e:370:7348⟧",
    "source:⟦2a02:26f0::5⟧",
]
LEFT = [
    "127.0.0.1:9110",
    "http://127.0.0.1:9110/v1",
    "0.0.0.0:8000",
    "::1",
    "[::1]:8080",
    "::",
    "netmask 255.255.255.0",
    "10.0.0.0/8",
    "Chrome/131.0.0.0",
    "Chrome/131.0.6778.86",
    "Mozilla/5.0 Chrome/120.0.6099.109 Safari/537.36",
    "version 1.22.15.3",
    "version: 10.20.30.40",
    "v1.2.3.4",
    "app-1.22.15.3.tar.gz",
    "1.22.15.3-beta",
    "1.22.15.3.4",
    "300.1.2.3",
    "1.2.3.256",
    "1.2.3",
    "build 10.0.19041.1",
    "OID 1.3.6.1",
    "section 1.2.3.4",
    "see 1.2.3.4",
    "python 3.11.7.0",
    "postgres 14.2.0.1 upgraded",
    "버전 10.20.30.40",
    "firmware 12.1.4.9",
    "upgraded from 10.1.2.3 to 10.1.2.4",
    "lib.1.22.15.3",
    "12:34:56",
    "10:07:52.123",
    "aa:bb:cc:dd:ee:ff",
    "00:1A:2B:3C:4D:5E",
    "aa:bb:cc:dd:ee:ff:00:11",
    "std::cc",
    "a::b",
    "face::beefx",
    "SELECT 1::int",
    "sha1 ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01",
    "2026-11-21T10:07:52",
    "10.0.0.1.nip.io",
    "rev 203.188.196.124",
    "sha1:12:34:56:78:9a:bc:de:f0:12:34:56:78:9a:bc:de:f0:11:22:33:44",
]


@pytest.mark.parametrize("marked", FOUND)
def test_finds(marked: str) -> None:
    text, values = expected("IP", marked)
    assert found(text) == values


@pytest.mark.parametrize("text", LEFT)
def test_leaves_alone(text: str) -> None:
    assert "IP" not in [kind for kind, _ in found(text)]
