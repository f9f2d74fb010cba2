# -*- test-case-name: zcons_twisted.test.test_shards -*-
"""
Tests for L{zcons_twisted.shards}: which server serves a zone.
"""

from __future__ import annotations

from collections import Counter

from twisted.trial.unittest import SynchronousTestCase

from ..errors import BadOption
from ..shards import SHARDS_MAX, Shard

ZONES = [f"zone-{n}" for n in range(1000)]


def owner(zone: str, among: int) -> int:
    """
    The shard that has a zone.
    """
    (number,) = [n for n in range(1, among + 1) if Shard(n, among).has(zone)]
    return number


class ShardTests(SynchronousTestCase):
    """
    Each zone is in one shard, and which one never changes without need.
    """

    def test_one(self) -> None:
        """
        One shard has everything.
        """
        self.assertTrue(all(Shard(1, 1).has(zone) for zone in ZONES))

    def test_each(self) -> None:
        """
        Each zone is in exactly one, and none has many more than another.
        """
        counts = Counter(owner(zone, 5) for zone in ZONES)
        self.assertEqual(sorted(counts), [1, 2, 3, 4, 5])
        self.assertLess(max(counts.values()), 250)
        self.assertGreater(min(counts.values()), 150)

    def test_stable(self) -> None:
        """
        Which one it is is the same everywhere and for ever: it is documented how.
        """
        found = [owner(zone, 3) for zone in ("web", "db", "vm1", "vm2", "a.b")]
        self.assertEqual(found, [3, 3, 1, 1, 3])

    def test_oneMore(self) -> None:
        """
        With one shard more, zones move to that one, and to no other.
        """
        before = {zone: owner(zone, 4) for zone in ZONES}
        after = {zone: owner(zone, 5) for zone in ZONES}
        moved = [zone for zone in ZONES if before[zone] != after[zone]]
        self.assertEqual({after[zone] for zone in moved}, {5})
        self.assertLess(len(moved), 250)

    def test_text(self) -> None:
        """
        A shard is written as its number and how many there are; in the name of a
        systemd unit a slash can't be.
        """
        self.assertEqual(Shard.fromText("2/3"), Shard(2, 3))
        self.assertEqual(Shard.fromText("2-3"), Shard(2, 3))
        self.assertEqual(Shard.fromText(f"1/{SHARDS_MAX}"), Shard(1, 256))
        self.assertEqual(str(Shard(2, 3)), "2/3")

    def test_bad(self) -> None:
        """
        All else is refused.
        """
        for text in ("", "1", "0/3", "4/3", "1/257", "-1/3", "1/0", "a/b", "1/3/5"):
            error = self.assertRaises(BadOption, Shard.fromText, text)
            self.assertIn("K from 1 to N and N at most 256", str(error))
