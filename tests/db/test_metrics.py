"""Samples are merged by the database, within a metric of a project, and leave it when they are old."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from stackd.db import metrics
from stackd.db.database import Database
from stackd.db.journal import Journal
from stackd.db.metrics import Metric, Sample, SeenMetric
from tests.support.records import START

CPU = Metric("system/linux", "CPU", (("Host", "a"),), "Percent")


def value(metric_id: int, at: int, number: float) -> Sample:
    return Sample(metric_id, at, 1.0, number, number, number)


async def known(database: Database, journal: Journal, *wanted: Metric, project: str = "p") -> list[int]:
    await journal.write(*(SeenMetric(project, each, START) for each in wanted))
    found = await metrics.numbers(database, project, wanted)
    return [found[each] for each in wanted]


async def test_a_metric_has_one_number_in_a_project(database: Database, journal: Journal) -> None:
    await asyncio.gather(*(journal.write(SeenMetric("p", CPU, START)) for _ in range(3)))
    first = await metrics.numbers(database, "p", [CPU])
    again = await known(database, journal, CPU)
    other = await known(database, journal, CPU, project="q")
    assert [first[CPU]] == again != other
    assert await metrics.count(database, "p") == 1


async def test_more_metrics_than_a_statement_names_are_found(database: Database, journal: Journal) -> None:
    wanted = [Metric("n", f"m{number}", (), "None") for number in range(600)]
    assert len(set(await known(database, journal, *wanted))) == 600


async def test_samples_of_a_time_are_merged_and_keep_values_that_differ(
    database: Database, journal: Journal
) -> None:
    (number,) = await known(database, journal, CPU)
    await journal.write(value(number, 60, 2.5), value(number, 60, 2.5))
    (flat,) = await metrics.buckets(database, [number], 0, 120, 60, spread=True)
    assert (flat.count, flat.total, flat.spread) == (2.0, 5.0, None)
    await journal.write(value(number, 60, 4.0))
    await journal.write(Sample(number, 60, 2.0, 3.0, 1.0, 2.0, "1.0*1.0;2.0*1.0;"))
    (merged,) = await metrics.buckets(database, [number], 0, 120, 60, spread=True)
    assert (merged.count, merged.total, merged.lowest, merged.highest) == (5.0, 12.0, 1.0, 4.0)
    assert merged.spread is not None
    pairs = [each.split("*") for each in merged.spread.rstrip(";").split(";")]
    assert [(float(number), float(count)) for number, count in pairs] == [
        (2.5, 2),
        (4.0, 1),
        (1.0, 1),
        (2.0, 1),
    ]


async def test_values_of_a_time_are_kept_up_to_a_bound(database: Database, journal: Journal) -> None:
    (number,) = await known(database, journal, CPU)
    for start in range(0, 2000, 100):
        await journal.write(*(value(number, 0, start + each + 0.5) for each in range(100)))
    (bucket,) = await metrics.buckets(database, [number], 0, 60, 60, spread=True)
    assert bucket.count == 2000
    assert len(bucket.spread or "") < 5000


async def test_periods_begin_at_their_multiples_and_end_before_the_end(
    database: Database, journal: Journal
) -> None:
    one, two = await known(database, journal, CPU, Metric("n", "m", (), "None"))
    await journal.write(*(value(one, at, 1.0) for at in (59, 60, 119, 120, 180)), value(two, 61, 5.0))
    found = await metrics.buckets(database, [one, two], 60, 180, 60)
    assert [(each.at, each.count, each.highest) for each in found] == [(60, 3.0, 5.0), (120, 1.0, 1.0)]
    found = await metrics.buckets(database, [one], 0, 240, 120)
    assert [(each.at, each.total) for each in found] == [(0, 3.0), (120, 2.0)]


async def test_metrics_are_found_by_name_and_exact_dimensions(database: Database, journal: Journal) -> None:
    plain = Metric("system/linux", "CPU", (), "Percent")
    await known(database, journal, CPU, plain)
    both = await metrics.named(database, "p", "system/linux", "CPU")
    exact = await metrics.named(database, "p", "system/linux", "CPU", (("Host", "a"),))
    assert {each.metric for each in both} == {CPU, plain}
    assert [each.metric for each in exact] == [CPU]
    assert await metrics.named(database, "q", "system/linux", "CPU") == []


async def test_lists_go_on_after_a_metric_and_leave_out_what_was_not_seen(
    database: Database, journal: Journal
) -> None:
    wanted = [Metric("n", f"m{number}", (), "None") for number in range(5)]
    numbers = await known(database, journal, *wanted)
    page = await metrics.listed(database, "p", START, limit=2)
    assert [each.id for each in page] == numbers[:2]
    rest = await metrics.listed(database, "p", START, after=numbers[1], limit=9)
    assert [each.metric.name for each in rest] == ["m2", "m3", "m4"]
    assert await metrics.listed(database, "p", START + timedelta(seconds=1), limit=9) == []


async def test_old_samples_and_metrics_are_purged(database: Database, journal: Journal) -> None:
    numbers = await known(database, journal, *(Metric("n", f"m{each}", (), "None") for each in range(300)))
    second = int(START.timestamp())
    await journal.write(
        *(value(number, second - 100, 1.0) for number in numbers), value(numbers[0], second, 1.0)
    )
    after: int | None = 0
    pages = 0
    while after is not None:
        after = await metrics.purge(database, START, after)
        pages += 1
    assert pages == 3
    left = await metrics.buckets(database, numbers[:1], 0, second + 60, 60)
    assert [each.at for each in left] == [second]
    assert await metrics.count(database, "p") == 300
    await metrics.purge(database, START + timedelta(seconds=1))
    assert await metrics.count(database, "p") == 100


async def test_size_of_values_is_known_before_they_are_read(database: Database, journal: Journal) -> None:
    (number,) = await known(database, journal, CPU)
    await journal.write(value(number, 60, 2.5), value(number, 120, 2.5), value(number, 120, 4.5))
    assert await metrics.spread_size(database, [number], 0, 120) == 1
    (_, spread) = await metrics.buckets(database, [number], 0, 180, 60, spread=True)
    assert spread.spread is not None
    assert await metrics.spread_size(database, [number], 0, 180) == 1 + len(spread.spread)
    assert await metrics.spread_size(database, [number], 180, 240) == 0
