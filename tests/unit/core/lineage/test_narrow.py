"""The rows that a query is said to need are enough: from them alone comes the same answer."""

from __future__ import annotations

import duckdb
import pytest
from finks.lineage.demand import Demand, Within, added
from finks.lineage.narrow import Narrower
from finks.lineage.sql import read_query
from hypothesis import given, settings
from hypothesis import strategies as st

TABLES = {("memory", "main", "t"): ("k", "d", "x"), ("memory", "main", "u"): ("k", "d", "z")}
T, U = "memory.main.t", "memory.main.u"
SMALL = st.integers(0, 3)
ROWS = st.lists(st.tuples(SMALL, SMALL, st.integers(0, 9)), max_size=8)

QUERIES = [
    f"select k, d, x from {T}",
    f"select k, d, sum(x) as x from {T} group by k, d",
    f"select k, max(d) as d, sum(x) as x from {T} group by k",
    f"select k, d, sum(x) over (partition by k order by d) as x from {T}",
    f"select k, d, sum(x) over (order by d rows between unbounded preceding and current row) as x from {T}",
    f"select k, d, lag(x) over (partition by k order by d, x) as x from {T}",
    f"select k, d, lead(x) over (partition by k order by d, x) as x from {T}",
    f"select k, d, x, row_number() over (partition by k order by d desc, x) as n from {T}",
    f"select t.k, t.d, u.z as x from {T} as t join {U} as u on t.k = u.k and u.d <= t.d",
    f"select t.k, u.d, t.x from {T} as t left join {U} as u on t.k = u.k and t.d = u.d",
    f"select t.k, t.d, sum(u.z) as x from {T} as t left join {U} as u on t.k = u.k and u.d > t.d group by t.k, t.d",
    f"select u.k, t.d, t.x from {T} as t right join {U} as u on t.k = u.k",
    f"select coalesce(t.k, u.k) as k, t.d, u.z as x from {T} as t full join {U} as u on t.k = u.k and t.d = u.d",
    f"select k, d, x from {T} union all select k, d, z as x from {U}",
    f"select k, d, x from {T} union select k, d, z as x from {U}",
    f"select distinct k, d, 0 as x from {T}",
    f"select k, d, x from {T} where k in (select k from {U} where z > 4)",
    f"select k, d, x from {T} where k not in (select k from {U} where z > 4)",
    f"select k, d, x from {T} where x = (select max(z) from {U})",
    f"select k, d, x from {T} order by x, k, d limit 3",
    f"with best as (select k, d, x from {T} qualify row_number() over (partition by k order by x desc, d) = 1) "
    "select * from best",
    f"with s as (select k, d, sum(z) as z from {U} group by k, d), f as (select * from {T}) "
    "select f.k, f.d, f.x from f left join s on f.k = s.k and f.d = s.d",
    f"with s as (select k, sum(z) as z from {U} group by k), f as (select * from {T} where x > 2) "
    "select f.k, f.d, f.x + s.z as x from f join s on s.k = f.k",
    f"select t.k, t.d, t.x from {T} as t anti join {U} as u on t.k = u.k",
    f"select t.k, t.d, t.x from {T} as t semi join {U} as u on t.k = u.k and t.d = u.d",
]


def answer(query: str, k: int | None, d: int | None) -> str:
    limits = [f"{name} = {value}" for name, value in (("k", k), ("d", d)) if value is not None]
    return f"select k, d, x from ({query}) as q where {' and '.join(limits) or 'true'} order by all"


def filled(t: list, u: list) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create table t (k int, d int, x int); create table u (k int, d int, z int)")
    for name, rows in (("t", t), ("u", u)):
        if rows:
            connection.executemany(f"insert into {name} values (?, ?, ?)", rows)
    return connection


@pytest.mark.parametrize("query", QUERIES)
@settings(max_examples=40)
@given(t=ROWS, u=ROWS, k=SMALL | st.none(), d=SMALL | st.none())
def test_the_rows_asked_for_alone_give_the_same_answer(query, t, u, k, d):
    with filled(t, u) as whole:
        expected = whole.execute(answer(query, k, d)).fetchall()
        limits = {n: Within.of([v]) for n, v in (("k", k), ("d", d)) if v is not None}
        demand = Demand(frozenset({"k", "d", "x"}), limits)
        ask = lambda sql: [value for (value,) in whole.execute(sql).fetchall()]  # noqa: E731
        narrower = Narrower(read_query(query, "duckdb", TABLES), ask, witnesses=True)
        kept: dict[str, list[tuple]] = {"t": [], "u": []}
        demands: dict[str, list[Demand]] = {"t": [], "u": []}
        for (_, _, name), asked in narrower.tables(demand):
            demands[name] = added(demands[name], asked)
        for name, asked in demands.items():
            condition = " or ".join(f"({one.sql()})" for one in asked) or "false"
            kept[name] = whole.execute(f"select * from {name} where {condition}").fetchall()
    with filled(kept["t"], kept["u"]) as part:
        assert part.execute(answer(query, k, d)).fetchall() == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (QUERIES[1], "(\"d\" in (2)) and (\"k\" in (1))"),
        (QUERIES[3], "(\"d\" <= 2) and (\"k\" in (1))"),
        (QUERIES[6], "(\"k\" in (1))"),
    ],
)  # fmt: skip
def test_a_limit_goes_through_keys_and_backward_windows(query, expected):
    asked = Demand(frozenset({"k", "d", "x"}), {"k": Within.of([1]), "d": Within.of([2])})
    ((_, found),) = Narrower(read_query(query, "duckdb", TABLES), list, witnesses=True).tables(asked)
    assert found.sql() == expected


VALUES = st.sets(st.integers(0, 5)).map(Within.of) | st.builds(
    Within, low=st.none() | st.integers(0, 5), high=st.none() | st.integers(0, 5)
)


def allowed(within: Within) -> set[int]:
    found = range(6) if within.values is None else within.values
    low, high = within.low, within.high
    return {v for v in found if (low is None or v >= low) and (high is None or v <= high)}


@given(VALUES, VALUES)
def test_limits_meet_and_join_as_the_sets_that_they_allow(one, other):
    assert allowed(one.meet(other)) == allowed(one) & allowed(other)
    assert allowed(one.join(other)) >= allowed(one) | allowed(other)
    assert not one.covers(other) or allowed(one) >= allowed(other)


@given(
    st.lists(
        st.builds(
            Demand, st.sets(st.sampled_from("xy")).map(frozenset), st.dictionaries(st.sampled_from("kd"), VALUES)
        ),
        max_size=20,
    )
)
def test_few_demands_cover_all(demands):
    kept: list[Demand] = []
    for demand in demands:
        kept = added(kept, demand)
    assert len(kept) <= 12
    for demand in demands:
        assert any(one.covers(demand) for one in kept) or len(kept) == 1
