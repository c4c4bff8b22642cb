"""Products, declared properties and indicator feeds in the database."""

from collections.abc import Mapping, Sequence

from stratapolis.chassis.db import Row, Tx
from stratapolis.data.domain.feed import Feed, Indicator
from stratapolis.data.domain.product import Classification, Product, ProductState

INSERT = """
    insert into product (name, owner, title, description, classification, properties, things, thing_prefix, zone, earliest_at, retention_days,
                         consumers, state, created_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) on conflict (name) do nothing"""
SEARCH = """
    select * from product
    where (state = 'published' or $1::text[] is null or owner = any($1))
      and ($2 = '' or position(lower($2) in lower(name || ' ' || title || ' ' || description)) > 0)
      and (cardinality($3::text[]) = 0 or classification = any($3)) and ($4 = '' or properties ? $4) and ($5 = '' or owner = $5)
      and ($6::text is null or name > $6)
    order by name limit $7"""
FEEDS = "select f.*, p.zone from indicator_feed f join product p on p.name = f.product"
LIST_FEEDS = f"""{FEEDS} where ($1 = '' or f.product = $1) and ($2::timestamptz is null or (f.created_at, f.feed_id) < ($2, $3))
    order by f.created_at desc, f.feed_id desc limit $4"""


async def put_product(tx: Tx, product: Product) -> bool:
    """Store a new product; False where the name is taken."""
    tag = await tx.execute(
        INSERT, product.name, product.owner, product.title, product.description, product.classification.value, dict(product.properties),
        list(product.things), product.thing_prefix, product.zone, product.earliest, product.retention_days, list(product.consumers),
        product.state.value, product.created_at,
    )  # fmt: skip
    return tag == "INSERT 0 1"


async def product_named(tx: Tx, name: str, *, lock: bool = False) -> Product | None:
    """The product, whoever owns it."""
    row = await tx.row("select * from product where name = $1 for update" if lock else "select * from product where name = $1", name)
    return _product(row) if row else None


async def products_named(tx: Tx, names: Sequence[str]) -> Mapping[str, Product]:
    """The products that there are of these names."""
    return {row["name"]: _product(row) for row in await tx.fetch("select * from product where name = any($1)", list(names))}


async def products_of(tx: Tx, owners: Sequence[str]) -> list[Product]:
    """All products of some owners, drafts too."""
    return [_product(row) for row in await tx.fetch("select * from product where owner = any($1)", list(owners))]


async def owners_with_retention(tx: Tx) -> list[str]:
    """Owners of whom some product is not kept for ever."""
    return [row["owner"] for row in await tx.fetch("select distinct owner from product where retention_days > 0 order by owner")]


async def publish(tx: Tx, name: str) -> None:
    """Put a product into the catalogue."""
    await tx.execute("update product set state = 'published' where name = $1", name)


async def search(
    tx: Tx,
    *,
    owners: tuple[str, ...] | None,
    text: str,
    classifications: Sequence[Classification],
    prop: str,
    owner: str,
    after: tuple[str, ...] | None,
    limit: int,
) -> list[Product]:
    """Published products and those of `owners`, by name."""
    wanted = [classification.value for classification in classifications]
    shown = list(owners) if owners is not None else None
    rows = await tx.fetch(SEARCH, shown, text, wanted, prop, owner, after[0] if after else None, limit)
    return [_product(row) for row in rows]


async def declared_properties(tx: Tx) -> dict[str, str]:
    """Canonical units of the properties that products have declared."""
    return {row["name"]: row["unit"] for row in await tx.fetch("select name, unit from property")}


async def declare(tx: Tx, units: Mapping[str, str], *, by: str) -> dict[str, str]:
    """Declare properties; returns the units that hold, which may be another's who was first."""
    names = sorted(units)
    await tx.execute(
        "insert into property (name, unit, declared_by) select n, u, $3 from unnest($1::text[], $2::text[]) t(n, u) on conflict do nothing",
        names, [units[name] for name in names], by,
    )  # fmt: skip
    return {row["name"]: row["unit"] for row in await tx.fetch("select name, unit from property where name = any($1)", names)}


async def put_feed(tx: Tx, feed: Feed) -> str | None:
    """Store a feed; returns the product that feeds the indicator already, if one does."""
    key = feed.indicator
    tag = await tx.execute(
        "insert into indicator_feed (feed_id, product, property, framework, code, measure, unit, created_at) "
        "values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (framework, code, measure) do nothing",
        feed.feed_id, feed.product, feed.prop, key.framework, key.code, key.measure, feed.unit, feed.created_at,
    )  # fmt: skip
    if tag == "INSERT 0 1":
        return None
    found = await tx.value("select product from indicator_feed where framework = $1 and code = $2 and measure = $3", key.framework, key.code, key.measure)
    return str(found)


async def feeds_of(tx: Tx, products: Sequence[str]) -> list[Feed]:
    """The feeds of some products."""
    return [_feed(row) for row in await tx.fetch(f"{FEEDS} where f.product = any($1)", list(products))]


async def feeds_by_id(tx: Tx, feed_ids: Sequence[str]) -> dict[str, Feed]:
    """Feeds by their ids."""
    return {row["feed_id"]: _feed(row) for row in await tx.fetch(f"{FEEDS} where f.feed_id = any($1)", list(feed_ids))}


async def list_feeds(tx: Tx, *, product: str, after: tuple[object, ...] | None, limit: int) -> list[Feed]:
    """Feeds, newest first."""
    created_at, feed_id = after or (None, None)
    return [_feed(row) for row in await tx.fetch(LIST_FEEDS, product, created_at, feed_id, limit)]


def _product(row: Row) -> Product:
    return Product(
        name=row["name"],
        owner=row["owner"],
        title=row["title"],
        description=row["description"],
        classification=Classification(row["classification"]),
        properties=row["properties"],
        things=tuple(row["things"]),
        thing_prefix=row["thing_prefix"],
        zone=row["zone"],
        earliest=row["earliest_at"],
        retention_days=row["retention_days"],
        consumers=tuple(row["consumers"]),
        state=ProductState(row["state"]),
        created_at=row["created_at"],
    )


def _feed(row: Row) -> Feed:
    return Feed(
        feed_id=row["feed_id"],
        product=row["product"],
        prop=row["property"],
        indicator=Indicator(framework=row["framework"], code=row["code"], measure=row["measure"]),
        unit=row["unit"],
        zone=row["zone"],
        created_at=row["created_at"],
    )
