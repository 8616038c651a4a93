"""What an observed schedule shows, worked out from the names of its nodes."""

import re


def nodes_of(text):
    """Names in a list as Slurm writes it: dgx[001-003,007]."""
    names = []
    for prefix, many in re.findall(r"([^,\[]+)(?:\[([^\]]*)\])?,?", text):
        for part in many.split(",") if many else [""]:
            first, _, last = part.partition("-")
            width = len(first)
            numbers = range(int(first), int(last or first) + 1) if part else [None]
            names += [prefix if number is None else f"{prefix}{number:0{width}d}" for number in numbers]
    return names


def busiest_gpus(rows):
    """The most GPUs of one node that were given at one time; a second in which one job ends and the next starts is no overlap."""
    changes = {}
    for row in rows:
        for name in nodes_of(row["nodelist"]):
            gpus = int(row["gpus_per_node"])
            changes.setdefault(name, []).extend([(int(row["start_s"]), gpus), (int(row["end_s"]), -gpus)])
    most = 0
    for each in changes.values():
        held = 0
        for _, gpus in sorted(each):
            held += gpus
            most = max(most, held)
    return most
