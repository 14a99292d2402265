"""Which of a database's objects are ours: the engine keeps its own tables beside them."""


def ours(_item: object, name: str | None, kind: str, _reflected: bool, _compare_to: object) -> bool:
    """Alembic's `include_object`: skips every table that does not begin with `hr_`."""
    return kind != "table" or (name or "").startswith("hr_")
