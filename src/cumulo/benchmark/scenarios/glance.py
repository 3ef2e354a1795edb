"""Scenarios of images."""

from typing import Any

from cumulo.benchmark.actions import glance, nova
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import scenario

Args = dict[str, Any] | None

_FORMATS = {
    "container_format": {"enum": ["ami", "ari", "aki", "bare", "ovf"]},
    "disk_format": {"enum": ["ami", "ari", "aki", "vhd", "vmdk", "raw", "qcow2", "vdi", "iso"]},
}
_OWN: Any = {"services": ("glance",), "cleanup": ("glance",), "numbers": _FORMATS}


@scenario("GlanceImages.list_images", services=("glance",))
async def list_images(run: Run) -> None:
    """List images"""
    await glance.list_images(run)


@scenario("GlanceImages.create_and_list_image", **_OWN)
async def create_and_list_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Args = None,
) -> None:
    """Create an image and find it in the list of all"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        properties=properties,
    )
    listed = await glance.list_images(run)
    run.check(any(i["id"] == image["id"] for i in listed), "the new image is not in the list")


@scenario("GlanceImages.create_and_get_image", **_OWN)
async def create_and_get_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Args = None,
) -> None:
    """Create an image and show it"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        properties=properties,
    )
    found = await glance.get_image(run, image["id"])
    run.check(found["id"] == image["id"], "another image was shown")


@scenario("GlanceImages.create_and_delete_image", **_OWN)
async def create_and_delete_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Args = None,
) -> None:
    """Create an image and delete it"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        properties=properties,
    )
    await glance.delete_image(run, image["id"])


@scenario("GlanceImages.create_and_download_image", **_OWN)
async def create_and_download_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Args = None,
) -> None:
    """Create an image and download its content"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        properties=properties,
    )
    await glance.download_image(run, image["id"])


@scenario("GlanceImages.create_and_deactivate_image", **_OWN)
async def create_and_deactivate_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
) -> None:
    """Create an image and deactivate it"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
    )
    await glance.deactivate_image(run, image["id"])


@scenario("GlanceImages.create_and_update_image", **_OWN)
async def create_and_update_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    remove_props: list[str] | None = None,
    visibility: str = "private",
    create_min_disk: int = 0,
    create_min_ram: int = 0,
    create_properties: Args = None,
    update_min_disk: int = 0,
    update_min_ram: int = 0,
) -> None:
    """Create an image and change it"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=create_min_disk,
        min_ram=create_min_ram,
        properties=create_properties,
    )
    await glance.update_image(
        run,
        image["id"],
        remove=remove_props or (),
        min_disk=update_min_disk,
        min_ram=update_min_ram,
    )


@scenario(
    "GlanceImages.create_image_and_boot_instances",
    services=("glance", "nova"),
    cleanup=("glance", "nova"),
    numbers=_FORMATS,
    finds={"flavor": "flavor"},
)
async def create_image_and_boot_instances(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    flavor: str,
    number_instances: int,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Args = None,
    boot_server_kwargs: Args = None,
    **kwargs: Any,
) -> None:
    """Create an image and boot servers from it"""
    image = await glance.create_image(
        run,
        container_format,
        image_location,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        properties=properties,
    )
    args = boot_server_kwargs or kwargs
    await nova.boot_servers(run, image["id"], flavor, number_instances, **args)


@scenario(
    "GlanceImages.import_and_delete_image",
    services=("glance",),
    cleanup=("glance",),
    numbers={**_FORMATS, "import_method": {"enum": ["glance-direct", "web-download"]}},
)
async def import_and_delete_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Args = None,
    stores: list[str] | None = None,
    all_stores: bool = True,
    import_method: str = "glance-direct",
) -> None:
    """Import an image by one of the two ways and delete it"""
    image = await glance.create_for_import(
        run,
        container_format,
        disk_format,
        visibility=visibility,
        min_disk=min_disk,
        min_ram=min_ram,
        properties=properties,
    )
    if import_method == "glance-direct":
        await glance.stage_data(run, image["id"], image_location)
    await glance.import_image(
        run,
        image["id"],
        import_method,
        uri=image_location if import_method == "web-download" else None,
        stores=stores,
        all_stores=all_stores,
    )
    await glance.delete_image(run, image["id"])
