"""The catalogue of data products."""

from city.data.v1 import data_products_service_pb2 as pb
from stratapolis.chassis import outbox
from stratapolis.chassis.paging import Page
from stratapolis.chassis.rpc import Call
from stratapolis.data.codec import products as codec
from stratapolis.data.domain.errors import ProductExists, ProductNotFound
from stratapolis.data.domain.product import Product, check, publish
from stratapolis.data.store import products
from stratapolis.data.tables.properties import Properties, PropertyHasAnotherUnit, UnknownProperty, city_properties


class DataProducts:
    """DataProductsService."""

    async def register_data_product(self, request: pb.RegisterDataProductRequest, call: Call) -> pb.RegisterDataProductResponse:
        """Register a draft; properties nobody knew yet are declared with it."""
        product = codec.drafted(request.product, owner=call.caller.owner, at=call.at)
        check(product)
        product = await _with_units(product, call)
        if not await products.put_product(call.tx, product):
            raise ProductExists(product.name)
        return pb.RegisterDataProductResponse(product=codec.product_shown(product))

    async def publish_data_product(self, request: pb.PublishDataProductRequest, call: Call) -> pb.PublishDataProductResponse:
        """Put a product into the catalogue."""
        product = await products.product_named(call.tx, request.name, lock=True)
        if product is None or (call.owners is not None and product.owner not in call.owners):
            raise ProductNotFound(request.name)
        published = publish(product)
        if published is not product:
            await products.publish(call.tx, product.name)
            await outbox.append(call.tx, codec.published(published))
        return pb.PublishDataProductResponse(product=codec.product_shown(published))

    async def get_data_product(self, request: pb.GetDataProductRequest, call: Call) -> pb.GetDataProductResponse:
        """One product."""
        product = await products.product_named(call.tx, request.name)
        if product is None or not product.visible_to(call.caller.owners):
            raise ProductNotFound(request.name)
        return pb.GetDataProductResponse(product=codec.product_shown(product))

    async def search_data_products(self, request: pb.SearchDataProductsRequest, call: Call) -> pb.SearchDataProductsResponse:
        """A page of products."""
        page = Page.of(request, str)
        found = await products.search(
            call.tx,
            owners=call.caller.owners,
            text=request.text.strip(),
            classifications=[codec.CLASSIFICATION_OF[one] for one in request.classifications],
            prop=request.property,
            owner=request.owner,
            after=page.after,
            limit=page.size + 1,
        )
        fitting, token = page.fit(found, codec.product_shown, lambda product: (product.name,))
        return pb.SearchDataProductsResponse(products=fitting, next_page_token=token)


async def _with_units(product: Product, call: Call) -> Product:
    """The product with canonical units: the known ones, and those it declares itself."""
    known = Properties({**await products.declared_properties(call.tx), **city_properties().canonical})
    own = {name: unit for name, unit in product.properties.items() if unit}
    for name, unit in product.properties.items():
        if not unit and name not in known.canonical:
            raise UnknownProperty(name)
    known = known.declaring(own)
    new = {name: unit for name, unit in own.items() if name not in city_properties().canonical}
    for name, unit in (await products.declare(call.tx, new, by=product.name)).items():
        if own[name] != unit:
            raise PropertyHasAnotherUnit(name, unit, own[name])
    return codec.with_units(product, known.canonical)
