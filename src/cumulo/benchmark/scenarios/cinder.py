"""Scenarios of volume types, their encryption and QoS, and of incremental backups."""

from typing import Any

from cumulo.benchmark.actions import cinder
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.registry import number, scenario

Args = dict[str, Any] | None

_ADMIN: Any = {"services": ("cinder",), "admin": True, "admin_cleanup": ("cinder",)}
_TYPES: Any = {**_ADMIN, "contexts": ("volume_types",)}


@scenario("CinderVolumeTypes.create_and_delete_volume_type", **_ADMIN)
async def create_and_delete_volume_type(
    run: Run, description: str | None = None, is_public: bool = True
) -> None:
    """Create a volume type and delete it"""
    made = await cinder.create_type(run, description, is_public)
    await cinder.delete_type(run, made["id"])


@scenario("CinderVolumeTypes.create_and_get_volume_type", **_ADMIN)
async def create_and_get_volume_type(
    run: Run, description: str | None = None, is_public: bool = True
) -> None:
    """Create a volume type and show it"""
    made = await cinder.create_type(run, description, is_public)
    await cinder.get_type(run, made["id"])


@scenario("CinderVolumeTypes.create_and_update_volume_type", **_ADMIN)
async def create_and_update_volume_type(
    run: Run,
    description: str | None = None,
    is_public: bool = True,
    update_name: bool = False,
    update_description: str | None = None,
    update_is_public: bool | None = None,
) -> None:
    """Create a volume type and change it"""
    made = await cinder.create_type(run, description, is_public)
    nothing = not update_name and not update_description and not update_is_public
    name = run.name() if update_name else (made["name"] if nothing else None)
    public = not is_public if update_is_public else None
    await cinder.update_type(
        run, made["id"], name=name, description=update_description, is_public=public
    )


@scenario("CinderVolumeTypes.create_and_list_volume_types", **_ADMIN)
async def create_and_list_volume_types(
    run: Run, description: str | None = None, is_public: bool = True
) -> None:
    """Create a volume type and find it in the list of all"""
    made = await cinder.create_type(run, description, is_public)
    listed = await cinder.list_types(run)
    run.check(
        any(each["id"] == made["id"] for each in listed),
        f"type not included into list of available types created type: {made['id']}",
    )


@scenario("CinderVolumeTypes.create_and_set_volume_type_keys", **_ADMIN)
async def create_and_set_volume_type_keys(
    run: Run,
    volume_type_key: dict[str, Any],
    description: str | None = None,
    is_public: bool = True,
) -> None:
    """Create a volume type and give it extra specs"""
    made = await cinder.create_type(run, description, is_public)
    await cinder.set_type_keys(run, made["id"], volume_type_key)


@scenario("CinderVolumeTypes.create_volume_type_add_and_list_type_access", **_ADMIN)
async def create_volume_type_add_and_list_type_access(
    run: Run, description: str | None = None, is_public: bool = False
) -> None:
    """Create a volume type, let a project use it, list who may"""
    made = await cinder.create_type(run, description, is_public)
    await cinder.add_type_access(run, made["id"], run.tenant["id"])
    await cinder.list_type_access(run, made["id"])


def _specs(
    given: Args, provider: str | None, cipher: str | None, size: int | None, place: str | None
) -> dict[str, Any]:
    if given is not None:
        return given
    return {
        "provider": provider,
        "cipher": cipher,
        "key_size": size,
        "control_location": place,
    }


def _type(run: Run) -> str:
    """One of the context's types, by turns."""
    made = run.surroundings.data["volume_types"]
    id: str = made[run.number % len(made)]["id"]
    return id


@scenario("CinderVolumeTypes.create_volume_type_and_encryption_type", **_ADMIN)
async def create_volume_type_and_encryption_type(
    run: Run,
    create_specs: Args = None,
    provider: str | None = None,
    cipher: str | None = None,
    key_size: int | None = None,
    control_location: str = "front-end",
    description: str | None = None,
    is_public: bool = True,
) -> None:
    """Create a volume type and its encryption"""
    made = await cinder.create_type(run, description, is_public)
    specs = _specs(create_specs, provider, cipher, key_size, control_location)
    await cinder.create_encryption(run, made["id"], specs)


@scenario("CinderVolumeTypes.create_and_list_encryption_type", **_TYPES)
async def create_and_list_encryption_type(
    run: Run,
    create_specs: Args = None,
    provider: str | None = None,
    cipher: str | None = None,
    key_size: int | None = None,
    control_location: str = "front-end",
    search_opts: Args = None,
) -> None:
    """Give a volume type encryption and list that of all types"""
    specs = _specs(create_specs, provider, cipher, key_size, control_location)
    await cinder.create_encryption(run, _type(run), specs)
    await cinder.list_encryptions(run)


@scenario("CinderVolumeTypes.create_get_and_delete_encryption_type", **_TYPES)
async def create_get_and_delete_encryption_type(
    run: Run,
    provider: str | None = None,
    cipher: str | None = None,
    key_size: int | None = None,
    control_location: str = "front-end",
) -> None:
    """Give a volume type encryption, show it, take it away"""
    id = _type(run)
    specs = _specs(None, provider, cipher, key_size, control_location)
    await cinder.create_encryption(run, id, specs)
    await cinder.get_encryption(run, id)
    await cinder.delete_encryption(run, id)


@scenario("CinderVolumeTypes.create_and_delete_encryption_type", **_TYPES)
async def create_and_delete_encryption_type(
    run: Run,
    create_specs: Args = None,
    provider: str | None = None,
    cipher: str | None = None,
    key_size: int | None = None,
    control_location: str = "front-end",
) -> None:
    """Give a volume type encryption and take it away"""
    id = _type(run)
    specs = _specs(create_specs, provider, cipher, key_size, control_location)
    await cinder.create_encryption(run, id, specs)
    await cinder.delete_encryption(run, id)


@scenario("CinderVolumeTypes.create_and_update_encryption_type", **_TYPES)
async def create_and_update_encryption_type(
    run: Run,
    create_provider: str | None = None,
    create_cipher: str | None = None,
    create_key_size: int | None = None,
    create_control_location: str = "front-end",
    update_provider: str | None = None,
    update_cipher: str | None = None,
    update_key_size: int | None = None,
    update_control_location: str | None = None,
) -> None:
    """Give a volume type encryption and change it"""
    id = _type(run)
    first = _specs(None, create_provider, create_cipher, create_key_size, create_control_location)
    then = _specs(None, update_provider, update_cipher, update_key_size, update_control_location)
    await cinder.create_encryption(run, id, first)
    await cinder.update_encryption(run, id, then)


def _limits(consumer: str, write: int, read: int) -> dict[str, Any]:
    return {"consumer": consumer, "write_iops_sec": write, "read_iops_sec": read}


@scenario("CinderQos.create_and_list_qos", **_ADMIN)
async def create_and_list_qos(
    run: Run, consumer: str, write_iops_sec: int, read_iops_sec: int
) -> None:
    """Create QoS specs and find them in the list of all"""
    made = await cinder.create_qos(run, _limits(consumer, write_iops_sec, read_iops_sec))
    listed = await cinder.list_qos(run)
    run.check(
        any(each["id"] == made["id"] for each in listed),
        f"Qos not included into list of available qos created qos: {made['id']}",
    )


@scenario("CinderQos.create_and_get_qos", **_ADMIN)
async def create_and_get_qos(
    run: Run, consumer: str, write_iops_sec: int, read_iops_sec: int
) -> None:
    """Create QoS specs and show them"""
    made = await cinder.create_qos(run, _limits(consumer, write_iops_sec, read_iops_sec))
    await cinder.get_qos(run, made["id"])


@scenario("CinderQos.create_and_set_qos", **_ADMIN)
async def create_and_set_qos(
    run: Run,
    consumer: str,
    write_iops_sec: int,
    read_iops_sec: int,
    set_consumer: str,
    set_write_iops_sec: int,
    set_read_iops_sec: int,
) -> None:
    """Create QoS specs and change them"""
    made = await cinder.create_qos(run, _limits(consumer, write_iops_sec, read_iops_sec))
    wanted = _limits(set_consumer, set_write_iops_sec, set_read_iops_sec)
    await cinder.set_qos(run, made["id"], wanted)


@scenario("CinderQos.create_qos_associate_and_disassociate_type", **_TYPES)
async def create_qos_associate_and_disassociate_type(
    run: Run, consumer: str, write_iops_sec: int, read_iops_sec: int
) -> None:
    """Create QoS specs, give them to a volume type, take them away"""
    made = await cinder.create_qos(run, _limits(consumer, write_iops_sec, read_iops_sec))
    await cinder.associate_qos(run, made["id"], _type(run))
    await cinder.disassociate_qos(run, made["id"], _type(run))


@scenario(
    "CinderVolumeBackups.create_incremental_volume_backup",
    services=("cinder",),
    cleanup=("cinder",),
    numbers={"size": number(1, whole=True)},
)
async def create_incremental_volume_backup(
    run: Run,
    size: int,
    do_delete: bool = True,
    create_volume_kwargs: Args = None,
    create_backup_kwargs: Args = None,
) -> None:
    """Create a volume, back it up, and once more what has changed"""
    volume = await cinder.create_volume(run, size, **(create_volume_kwargs or {}))
    first = await cinder.create_backup(run, volume["id"], **(create_backup_kwargs or {}))
    second = await cinder.create_backup(run, volume["id"], incremental=True)
    if do_delete:
        await cinder.delete_backup(run, second["id"])
        await cinder.delete_backup(run, first["id"])
        await cinder.delete_volume(run, volume["id"])
