"""Resource types by declaration: the entity of a REST API, and how properties are written in requests.

    class Region(RestResource[RegionProps]):
        entity = Entity("identity", "/regions", "region", "regions", update="PATCH")
        fields = same("id", "description") | {"parent_region": "parent_region_id"}

From this follow create, finding what an interrupted create has made, update of what changed, delete and
check. A type writes a method only for what is odd about it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from stackd.clients.service import Service
from stackd.resources.base import P, ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.entity import Entity, find_made
from stackd.resources.rules import check_value_specs
from stackd.resources.schema import Properties

AS_IT_IS: Final = object()
KEEP: Final = object()
VALUE_SPECS = "value_specs"
_NOTHING = (None, "")  # a null in a template arrives as an empty text


@dataclass(frozen=True, slots=True)
class Field:
    """A property in requests: the API's name for it, and what is sent when its value is taken away.

    By default that is the null or empty text itself. ``KEEP`` sends nothing then: the API has no value that
    would mean "as if never set". ``convert`` gives the value its form in the API.
    """

    api: str
    cleared: Any = AS_IT_IS
    convert: Callable[[Any], Any] | None = None

    def sent(self, value: Any) -> Any:
        """A value as the request has it."""
        return without_nulls(value) if self.convert is None else self.convert(value)


Fields = Mapping[str, str | Field]


def same(*names: str) -> dict[str, str | Field]:
    """A table of properties that are called the same in the API."""
    return {name: name for name in names}


class RestResource(ResourceType[P]):
    """A type whose object is one entity of a REST API.

    ``fields`` maps properties to their names in the API or to ``Field``s. An object that ``survives`` the
    failure of its resource is updated afterwards, unless its own status is ERROR; else it is replaced.
    """

    entity: ClassVar[Entity]
    fields: ClassVar[Fields] = {}
    survives: ClassVar[bool] = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if unknown := cls.fields.keys() - cls.properties.schema.keys():
            raise TypeError(f"{cls.__name__}: no property is called {', '.join(sorted(unknown))}")
        cls.shown_by = {**_shown_by(cls), **cls.shown_by}

    def validate(self, props: P) -> None:
        """The names in ``value_specs`` are not those of properties."""
        check_value_specs(props)

    def broken(self, live: JSON) -> bool:
        """See ``ResourceType``."""
        return not self.survives or live.get(self.status_field) == "ERROR"

    def observed(self, props: P, live: JSON) -> Mapping[str, tuple[Any, Any]] | None:
        """The fields of the object; one that stands for another object by its id."""
        pairs = {
            name: (field.sent(value), _of_field(live, field.api))
            for name, field in _table(self.fields)
            if (value := props.data.get(name)) not in _NOTHING and _shows(live, field.api)
        }
        if self.entity.tags and props.data.get("tags") and "tags" in live:
            pairs["tags"] = (list(props.data["tags"]), live["tags"])
        return pairs

    # --- bodies of requests -----------------------------------------------------------------------

    def body(self, ctx: Context, props: P) -> JSON:
        """The properties that have a value, with what the object is found by and ``value_specs``."""
        entity = self.entity
        known = {entity.name_field: ctx.physical_name} if entity.name_field else {}
        if entity.mark:
            known[entity.mark] = ctx.resource.id
        given = {
            field.api: field.sent(props.data[name])
            for name, field in _table(self.fields)
            if props.data.get(name) not in _NOTHING
        }
        return known | given | (props.data.get(VALUE_SPECS) or {})

    async def creation(self, ctx: Context, props: P) -> JSON:
        """The body of the request that makes the object."""
        return self.body(ctx, props)

    async def change(self, ctx: Context, old: P, new: P) -> JSON:
        """The body of an update: what differs, empty when nothing does."""
        changed = new.changed(old)
        body: JSON = {}
        for name, field in _table(self.fields):
            value = new.data.get(name)
            if name not in changed or (value in _NOTHING and field.cleared is KEEP):
                continue
            if value not in _NOTHING:
                body[field.api] = field.sent(value)
            elif field.api == self.entity.name_field:
                body[field.api] = ctx.physical_name
            else:
                body[field.api] = value if field.cleared is AS_IT_IS else field.cleared
        return body | _changed_specs(old, new)

    # --- with the cloud ---------------------------------------------------------------------------

    async def create(self, ctx: Context, props: P) -> None:
        """Make the object."""
        made = await self.make(ctx, props)
        await ctx.created(str(made[self.entity.id_field]), made)

    async def make(self, ctx: Context, props: P) -> JSON:
        """The object that the service makes; its id must be stored next."""
        entity, body = self.entity.of(ctx.resource), await self.creation(ctx, props)
        return entity.unwrap(await self.service_of(ctx).post(entity.path, entity.wrap(body)))

    async def configure(self, ctx: Context, props: P) -> None:
        """Set tags."""
        if self.entity.tags and props.data.get("tags"):
            await self.put_tags(ctx, props.data["tags"])

    async def find(self, ctx: Context, props: P) -> Sequence[JSON]:
        """See ``ResourceType``."""
        return await find_made(ctx, self.entity.of(ctx.resource), self.body(ctx, props))

    async def update(self, ctx: Context, old: P, new: P) -> None:
        """Send what differs."""
        await self.write(ctx, await self.change(ctx, old, new))
        if self.entity.tags and new.data.get("tags") != old.data.get("tags"):
            await self.put_tags(ctx, new.data.get("tags"))

    async def write(self, ctx: Context, body: JSON) -> None:
        """Change the object, if there is anything to change."""
        if not body or self.entity.update is None:
            return
        service, path = self.service_of(ctx), self.entity.of(ctx.resource).at(ctx.physical_id)
        send = service.patch if self.entity.update == "PATCH" else service.put
        await send(path, self.entity.wrap(body))

    async def put_tags(self, ctx: Context, wanted: Iterable[str] | None) -> None:
        """Give the object exactly these tags."""
        path = f"{self.entity.of(ctx.resource).at(ctx.physical_id)}/tags"
        await self.service_of(ctx).put(path, {"tags": list(wanted or ())})

    def service_of(self, ctx: Context) -> Service:
        """The service of the entity."""
        return ctx.cloud.service(self.entity.service)


def _shown_by(kind: type[RestResource[Any]]) -> dict[str, frozenset[str]]:
    """The attributes that show each property, as both are the same field of the API.

    Value specs can be any fields.
    """
    return {VALUE_SPECS: frozenset(kind.attributes)} | {
        name: frozenset(
            shown for shown, each in kind.attributes.items() if (each.source or shown) == field.api
        )
        for name, field in _table(kind.fields)
    }


_POINTER = "Ref"  # what requests have at the end of the names of some fields that point to other objects


def _shows(live: JSON, api: str) -> bool:
    """Whether an object shows a field: one that points to another object does if it has that object's id."""
    if api in live:
        return True
    target = live.get(api.removesuffix(_POINTER))
    return isinstance(target, Mapping) and "id" in target


def _of_field(live: JSON, api: str) -> Any:
    return live[api] if api in live else live[api.removesuffix(_POINTER)]["id"]


def _table(fields: Fields) -> Iterable[tuple[str, Field]]:
    return ((name, Field(api) if isinstance(api, str) else api) for name, api in fields.items())


def _changed_specs(old: Properties, new: Properties) -> JSON:
    before, after = old.data.get(VALUE_SPECS) or {}, new.data.get(VALUE_SPECS) or {}
    return {key: value for key, value in after.items() if key not in before or before[key] != value}


def without_nulls(value: Any) -> Any:
    """The value without the keys that have none, at any depth."""
    if isinstance(value, Mapping):
        return {key: without_nulls(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return [without_nulls(each) for each in value]
    return value


def renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> JSON:
    """A map with the API's names for some of its keys, without those that have no value."""
    return {names.get(key, key): each for key, each in value.items() if each not in _NOTHING}
