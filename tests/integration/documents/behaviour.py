"""What every document store does, said once; `test_documents.py` says it of each."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from shared.runtime.documents.port import (
    AnyOf,
    Collection,
    Document,
    Documents,
    Equal,
    In,
    Order,
    Prefix,
    Query,
    Range,
    Term,
    Value,
    Write,
)
from shared.runtime.json import canonical, loads

PEOPLE = Collection(
    "people.v-1",
    {"name": "words", "family": "text", "tags": "texts", "born": "time", "visits": "number", "well-known": "flag"},
    indexes=[["family", "born"], ["born"], ["visits"]],
)
NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
HUGE = "ß" * 50_000
NASTY = [
    "'; DROP TABLE x; --",
    '"',
    "\\",
    "{a,b}",
    "$gt",
    "$where: 1",
    "%",
    "_",
    ".*",
    "^",
    "a\x00b",
    "\ud800",
    "",
    HUGE,
]


def person(id: str, *, revision: int = 1, body: bytes = b"{}", visible: bool = True, **fields: Value) -> Document:
    return Document(id=id, body=body, revision=revision, visible=visible, fields=fields)


def new(*documents: Document) -> list[Write]:
    return [Write(document, None) for document in documents]


class DocumentsBehaviour:
    """Inherit it and give `documents`: an empty store."""

    @pytest.fixture
    async def documents(self) -> Any:
        raise NotImplementedError

    @pytest.fixture
    async def people(self, documents: Documents) -> Documents:
        await documents.prepare(PEOPLE)
        return documents

    async def found(self, people: Documents, *where: Term) -> str:
        """The ids found, counted too, in one word."""
        found = await people.find(PEOPLE, Query(where=where))
        assert await people.count(PEOPLE, where) == len(found)
        return "".join(document.id for document in found)

    # Guarded writes

    async def test_a_new_document_is_stored_as_it_is(self, people: Documents) -> None:
        document = Document(id="a", body=b'{"n":51.30}', revision=3, sources=b'{"s":[1,2]}')
        assert await people.write(PEOPLE, new(document)) == set()
        assert await people.read(PEOPLE, ["a"]) == {"a": document}
        assert await people.get(PEOPLE, "a") == document

    async def test_a_write_at_the_revision_that_was_read_wins(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a", revision=3)))
        assert await people.write(PEOPLE, [Write(person("a", revision=5, body=b"[5]", visits=5), 3)]) == set()
        assert (await people.read(PEOPLE, ["a"]))["a"] == person("a", revision=5, body=b"[5]", visits=5)

    async def test_a_write_at_another_revision_loses_and_changes_nothing(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a", revision=3)))
        for base in (None, 2, 4):
            assert await people.write(PEOPLE, [Write(person("a", revision=9, body=b"[9]"), base)]) == {"a"}
        assert (await people.read(PEOPLE, ["a"]))["a"] == person("a", revision=3)

    async def test_a_write_over_a_document_that_is_not_there_loses(self, people: Documents) -> None:
        assert await people.write(PEOPLE, [Write(person("a", revision=2), 1)]) == {"a"}
        assert await people.read(PEOPLE, ["a"]) == {}

    async def test_two_writers_of_the_same_revision_do_not_both_win(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a", revision=4)))
        mine, theirs = person("a", revision=5, body=b'"mine"'), person("a", revision=5, body=b'"theirs"')
        assert await people.write(PEOPLE, [Write(theirs, 4)]) == set()
        assert await people.write(PEOPLE, [Write(mine, 4)]) == {"a"}

    async def test_in_one_batch_each_write_wins_or_loses_alone(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("b"), person("d")))
        batch = [Write(person(id, revision=2), base) for id, base in (("d", 7), ("c", None), ("b", 1), ("a", 1))]
        assert await people.write(PEOPLE, batch) == {"a", "d"}
        revisions = {id: each.revision for id, each in (await people.read(PEOPLE, "abcd")).items()}
        assert revisions == {"b": 2, "c": 2, "d": 1}

    async def test_an_empty_batch_is_no_write(self, people: Documents) -> None:
        assert await people.write(PEOPLE, []) == set()
        await people.insert(PEOPLE, [])
        assert await people.read(PEOPLE, []) == {}

    async def test_a_batch_with_the_same_document_twice_is_a_mistake(self, people: Documents) -> None:
        with pytest.raises(ValueError):
            await people.write(PEOPLE, new(person("a"), person("a")))

    async def test_concurrent_writers_lose_no_update_and_do_not_deadlock(self, people: Documents) -> None:
        ids = [f"{number:02}" for number in range(40)]

        async def add_one(name: str, missing: Sequence[str]) -> None:
            while missing:
                there = await people.read(PEOPLE, missing)
                missing = sorted(await people.write(PEOPLE, [_counted(there.get(id), id, name) for id in missing]))

        await asyncio.gather(*(add_one(str(n), ids[:: 1 if n % 2 else -1]) for n in range(6)))
        for document in (await people.read(PEOPLE, ids)).values():
            assert Counter(loads(document.body)) == Counter(str(n) for n in range(6))
            assert document.revision == 6

    # Inserts

    async def test_insert_leaves_what_is_there(self, people: Documents) -> None:
        await people.insert(PEOPLE, [person("a", body=b"1"), person("b", body=b"1")])
        await people.insert(PEOPLE, [person("c", body=b"2"), person("b", body=b"2", revision=9)])
        bodies = {id: each.body for id, each in (await people.read(PEOPLE, "abc")).items()}
        assert bodies == {"a": b"1", "b": b"1", "c": b"2"}

    async def test_insert_by_several_at_once_stores_each_document_once(self, people: Documents) -> None:
        rows = [person(f"{number:03}") for number in range(100)]
        await asyncio.gather(*(people.insert(PEOPLE, rows[:: 1 if n % 2 else -1]) for n in range(6)))
        assert await people.count(PEOPLE, []) == 100

    # What is kept

    async def test_bodies_and_sources_come_back_byte_for_byte(self, people: Documents) -> None:
        values = [1, "51.30", "1e2", "a\x00b", '"', "\\u0000", "$where", "𝔘ñí", {"z": 1, "a": {"$gt": None}}, HUGE]
        raw = canonical({"values": values})[:-1] + b',"decimal":51.300,"power":1e400,"minus":-0.0}'
        await people.write(PEOPLE, new(Document(id="a", body=raw, sources=raw)))
        stored = await people.get(PEOPLE, "a")
        assert stored
        assert (stored.body, stored.sources) == (raw, raw)

    async def test_fields_come_back_and_instants_in_utc(self, people: Documents) -> None:
        born = NOON.replace(microsecond=123456)
        fields: dict[str, Value] = {
            "family": "Ó Sé",
            "tags": ("b", "a"),
            "born": born,
            "visits": 0,
            "well-known": False,
        }
        abroad = fields | {"born": born.astimezone(timezone(timedelta(hours=-9, minutes=-30)))}
        await people.write(PEOPLE, new(Document(id="a", body=b"{}", fields=abroad)))
        (document,) = await people.find(PEOPLE, Query())
        assert document.fields == fields
        assert isinstance(document.fields["born"], datetime)
        assert document.fields["born"].utcoffset() == timedelta(0)

    async def test_a_value_that_is_absent_or_empty_is_no_field(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a", family=None, tags=[], name=[""])))
        (document,) = await people.find(PEOPLE, Query())
        assert document.fields == {}

    async def test_extreme_numbers_and_instants_are_kept_at_the_edge(self, people: Documents) -> None:
        first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))
        last = datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-12)))
        ends = [person("a", born=first, visits=-(10**30)), person("b", born=last, visits=10**30)]
        await people.insert(PEOPLE, ends)
        assert await self.found(people, Range(field="visits", lt=0)) == "a"
        assert await self.found(people, Equal("visits", 10**40)) == "b"
        assert await self.found(people, Range(field="born", gt=NOON)) == "b"

    # What is visible

    async def test_an_invisible_document_is_read_and_scanned_but_not_found(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a", visits=1), person("b", visits=1, visible=False)))
        assert set(await people.read(PEOPLE, "ab")) == {"a", "b"}
        assert [each.id for each in await people.scan(PEOPLE, after="", limit=9)] == ["a", "b"]
        assert await people.get(PEOPLE, "b") is None
        assert await self.found(people, Equal("visits", 1)) == "a"

    async def test_a_document_becomes_visible_and_invisible(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a", visible=False)))
        await people.write(PEOPLE, [Write(person("a", revision=2), 1)])
        assert await self.found(people) == "a"
        await people.write(PEOPLE, [Write(person("a", revision=3, visible=False), 2)])
        assert await self.found(people) == ""

    # Questions

    @pytest.fixture
    async def family(self, people: Documents) -> Documents:
        hour = timedelta(hours=1)
        rows = [
            person("a", family="Abel", name=["Anna", "Ábel"], tags=["x", "y"], born=NOON, visits=1),
            person("b", family="Abe", name=["ANNE-Marie"], tags=["y"], born=NOON + hour, visits=2),
            person("c", family="abel", name=["Bö"], tags=["xy"], born=NOON - hour, visits=-3),
            person("d"),
        ]
        known = {"a": True, "b": False}
        rows = [Document(id=r.id, body=r.body, fields={**r.fields, "well-known": known.get(r.id)}) for r in rows]
        await people.insert(PEOPLE, rows)
        return people

    @pytest.mark.parametrize(
        ("term", "ids"),
        [
            (Equal("family", "Abel"), "a"),
            (Equal("tags", "y"), "ab"),
            (Equal("name", "abel"), "a"),
            (Equal("name", "anne"), ""),
            (Equal("born", NOON), "a"),
            (Equal("visits", -3), "c"),
            (Equal("well-known", False), "b"),
            (In("family", ["Abe", "abel", "none"]), "bc"),
            (In("tags", ["x", "xy"]), "ac"),
            (In("name", ["BÖ", "anna"]), "ac"),
            (In("born", [NOON, NOON - timedelta(hours=1)]), "ac"),
            (In("visits", [1, 2]), "ab"),
            (In("well-known", [True, False]), "ab"),
            (In("visits", []), ""),
            (Prefix("family", "Ab"), "ab"),
            (Prefix("family", ""), "abc"),
            (Prefix("tags", "x"), "ac"),
            (Prefix("tags", ""), "abc"),
            (Prefix("tags", "x."), ""),
            (Prefix("name", "AN"), "ab"),
            (Prefix("name", "anné-m"), "b"),
            (Prefix("name", "bo"), "c"),
            (Prefix("name", ""), "abc"),
            (Range(field="family", ge="Abel"), "ac"),
            (Range(field="born", ge=NOON), "ab"),
            (Range(field="born", gt=NOON), "b"),
            (Range(field="born", gt=NOON - timedelta(hours=1), lt=NOON + timedelta(hours=1)), "a"),
            (Range(field="visits", le=1), "acd"),
            (Range(field="visits", lt=1, ge=-3), "c"),
            (Range(field="well-known", ge=True), "a"),
            (Range(field="visits"), "abcd"),
            (AnyOf([Equal("family", "Abe"), In("tags", ["xy"])]), "bc"),
            (AnyOf([AnyOf([Equal("visits", 1)]), Range(field="visits", lt=-5)]), "ad"),
            (AnyOf([]), ""),
        ],
        ids=repr,
    )
    async def test_a_term_finds(self, family: Documents, term: Term, ids: str) -> None:
        assert await self.found(family, term) == ids

    async def test_several_terms_all_hold(self, family: Documents) -> None:
        scope = AnyOf([Equal("family", "Abel"), In("tags", ["xy", "y"])])
        assert await self.found(family, scope, Prefix("name", "an"), Range(field="visits", ge=2)) == "b"
        assert await self.found(family, Range(field="visits", ge=1), Range(field="visits", le=1)) == "a"
        assert await self.found(family, Equal("tags", "x"), Equal("tags", "y")) == "a"

    async def test_a_word_longer_than_its_index_is_compared_in_full(self, people: Documents) -> None:
        await people.insert(PEOPLE, [person("a", name=["n" * 60]), person("b", name=["n" * 59 + "m"])])
        assert await self.found(people, Prefix("name", "N" * 60)) == "a"
        assert await self.found(people, Equal("name", "N" * 24)) == ""

    async def test_the_last_letters_of_unicode_have_successors(self, people: Documents) -> None:
        await people.insert(PEOPLE, [person("a", family="x\U0010ffff\U0010ffffy"), person("b", family="y")])
        assert await self.found(people, Prefix("family", "x\U0010ffff\U0010ffff")) == "a"
        assert await self.found(people, Prefix("family", "x\ud7ff")) == ""

    @pytest.mark.parametrize("text", NASTY, ids=lambda text: ascii(text[:12]))
    async def test_whatever_a_text_holds_it_is_only_itself(self, people: Documents, text: str) -> None:
        others = [person("b", family="other", tags=["other"], name=["other"]), person("c")]
        await people.insert(PEOPLE, [person("a", family=text, tags=[text, "t"], name=[text]), *others])
        for field in ("family", "tags"):
            assert await self.found(people, Equal(field, text)) == "a"
            assert await self.found(people, In(field, [text])) == "a"
            assert await self.found(people, Prefix(field, text)) == ("a" if text else "ab")
        assert await self.found(people, Prefix("name", text)) == ("a" if text else "b")
        assert await self.found(people, Equal("family", text + "!")) == ""
        following = await people.find(PEOPLE, Query(order=Order("family"), after=(text, "a")))
        assert "a" not in {each.id for each in following}
        assert await people.get(PEOPLE, text) is None
        assert await people.read(PEOPLE, [text]) == {}
        await people.scan(PEOPLE, after=text, limit=1)

    async def test_ids_with_quotes_and_dollars_are_only_themselves(self, people: Documents) -> None:
        ids = [text for text in NASTY if text and text.isprintable() and len(text) < 100]
        await people.insert(PEOPLE, [person(id) for id in ids])
        assert set(await people.read(PEOPLE, ids)) == set(ids)
        assert [each.id for each in await people.find(PEOPLE, Query())] == sorted(ids)

    @pytest.mark.parametrize("id", ["", "a\x00", "\udfff", "a" * 500], ids=ascii)
    async def test_an_id_that_no_store_can_hold_is_refused(self, people: Documents, id: str) -> None:
        with pytest.raises(ValueError):
            await people.write(PEOPLE, new(person(id)))

    @pytest.mark.parametrize(
        "term",
        [
            Equal("family", {"$gt": ""}),  # type: ignore[arg-type]
            Equal("born", "yesterday"),
            Equal("visits", True),
            Equal("visits", "1"),
            Equal("well-known", 1),
            Equal("tags", 1),
            Prefix("born", "2024"),
            Range(field="tags", ge="x"),
            Range(field="name", ge="x"),
            Equal("unknown", "x"),
            Equal("$where", "x"),
            Range(field="born", gt=datetime(2024, 1, 1)),  # noqa: DTZ001
        ],
        ids=repr,
    )
    async def test_a_question_of_the_wrong_type_is_a_mistake(self, people: Documents, term: Term) -> None:
        with pytest.raises((TypeError, ValueError)):
            await people.find(PEOPLE, Query(where=[term]))
        with pytest.raises((TypeError, ValueError)):
            await people.count(PEOPLE, [term])

    # Order and pages

    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("field", [None, "family", "born", "visits", "well-known"])
    @pytest.mark.parametrize("limit", [1, 3, 4])
    async def test_pages_show_every_document_once_in_order(
        self, people: Documents, field: str | None, descending: bool, limit: int
    ) -> None:
        await people.insert(PEOPLE, _equal_and_absent())
        order = Order(field, descending) if field else None
        whole = await people.find(PEOPLE, Query(order=order))
        assert [each.id for each in whole] == [each.id for each in _sorted(_equal_and_absent(), order)]
        assert [each.id for each in await _paged(people, order, limit)] == [each.id for each in whole]

    async def test_pages_of_a_question_show_only_what_it_asks(self, people: Documents) -> None:
        await people.insert(PEOPLE, _equal_and_absent())
        where: list[Term] = [In("family", ["k1", "k2"]), Range(field="visits", le=2)]
        paged = await _paged(people, Order("visits", descending=True), 2, where)
        assert [each.fields["visits"] for each in paged] == [2, 2, 2, 1, 1, 1]
        assert len({each.id for each in paged}) == await people.count(PEOPLE, where) == 6

    async def test_a_page_of_nothing_is_empty(self, family: Documents) -> None:
        assert list(await family.find(PEOPLE, Query(limit=0))) == []
        assert list(await family.find(PEOPLE, Query(after=(None, "z")))) == []
        assert list(await family.scan(PEOPLE, after="", limit=0)) == []

    @pytest.mark.parametrize("field", ["tags", "name", "unknown"])
    async def test_several_values_have_no_order(self, people: Documents, field: str) -> None:
        with pytest.raises(ValueError):
            await people.find(PEOPLE, Query(order=Order(field)))

    async def test_a_scan_goes_through_all_in_order_of_id(self, people: Documents) -> None:
        await people.insert(PEOPLE, [person(id, visible=id != "b", revision=7, visits=1) for id in "dBba"])
        first = await people.scan(PEOPLE, after="", limit=2)
        rest = await people.scan(PEOPLE, after=first[-1].id, limit=9)
        assert [each.id for each in (*first, *rest)] == ["B", "a", "b", "d"]
        assert rest[-1] == person("d", revision=7, visits=1)

    # Collections and aliases

    async def test_a_collection_is_prepared_by_several_at_once_and_again(self, documents: Documents) -> None:
        await asyncio.gather(*(documents.prepare(PEOPLE) for _ in range(6)))
        await documents.insert(PEOPLE, [person("a")])
        await documents.prepare(PEOPLE)
        assert await documents.count(PEOPLE, []) == 1

    async def test_a_dropped_collection_is_empty_when_it_is_made_again(self, people: Documents) -> None:
        await people.write(PEOPLE, new(person("a")))
        await people.drop(PEOPLE.name)
        await people.drop(PEOPLE.name)
        await people.prepare(PEOPLE)
        assert await people.read(PEOPLE, ["a"]) == {}

    async def test_generations_are_apart(self, people: Documents) -> None:
        other = Collection("people.v-2", {"family": "time"})
        await people.prepare(other)
        await people.write(PEOPLE, new(person("a", family="x")))
        assert await people.count(other, []) == 0

    @pytest.mark.parametrize("name", ["", 'a"b', "a b", "$a", "_a", "a\x00", "a" * 64, "1a", "a;b"])
    async def test_a_name_that_no_store_can_quote_is_refused(self, documents: Documents, name: str) -> None:
        for collection in (Collection(name, {}), Collection("a", {name: "text"})):
            with pytest.raises(ValueError):
                await documents.prepare(collection)
        with pytest.raises(ValueError):
            await documents.drop(name)

    async def test_an_index_over_several_values_is_refused(self, documents: Documents) -> None:
        with pytest.raises(ValueError):
            await documents.prepare(Collection("a", {"tags": "texts"}, indexes=[["tags"]]))

    async def test_the_longest_names_work(self, documents: Documents) -> None:
        name = "f" * 60
        long = Collection("c" * 63, {name: "text", name[:-1]: "words", name[:-2]: "texts"}, indexes=[[name]])
        await documents.prepare(long)
        await documents.insert(long, [Document(id="a", body=b"{}", fields={name: "x", name[:-1]: ["y"]})])
        assert await documents.count(long, [Equal(name, "x"), Prefix(name[:-1], "Y")]) == 1

    async def test_an_alias_stands_for_the_collection_it_was_last_pointed_at(self, documents: Documents) -> None:
        assert await documents.aliases() == {}
        await asyncio.gather(*(documents.point("people", "people.v-1") for _ in range(4)))
        await documents.point("other", "other.v-1")
        await documents.point("people", "people.v-2")
        assert await documents.aliases() == {"people": "people.v-2", "other": "other.v-1"}


def _counted(there: Document | None, id: str, name: str) -> Write:
    """One more name in the document's list."""
    names = [*loads(there.body), name] if there else [name]
    return Write(person(id, revision=len(names), body=canonical(names)), there.revision if there else None)


def _equal_and_absent() -> list[Document]:
    """Many equal values, and some that are not there."""
    rows = []
    for number in range(13):
        value = number % 4
        fields: dict[str, Value] = {"family": f"k{value}", "born": NOON + timedelta(value), "visits": value}
        fields["well-known"] = bool(value % 2)
        rows.append(Document(id=f"{(number * 5) % 13:02}", body=b"{}", fields=fields if value else {}))
    return [*rows, person("99", visible=False, family="k1")]


def _sorted(rows: Sequence[Document], order: Order | None) -> list[Document]:
    def place(row: Document) -> tuple[Any, ...]:
        value = row.fields.get(order.field) if order else None
        return (value is not None, value if value is not None else 0, row.id)

    return sorted((row for row in rows if row.visible), key=place, reverse=bool(order and order.descending))


async def _paged(people: Documents, order: Order | None, limit: int, where: Sequence[Term] = ()) -> list[Document]:
    pages: list[Document] = []
    after = None
    while page := await people.find(PEOPLE, Query(where=where, order=order, after=after, limit=limit)):
        assert len(page) <= limit
        pages += page
        value: Any = page[-1].fields.get(order.field) if order else None
        after = (value, page[-1].id)
    return pages
