# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0
"""Draws the graph of modules as SVG: the same bytes for the same graph."""

from . import modules

WIDTH, BOX_HEIGHT, ROW, GAP, LANE = 116, 30, 72, 18, 14
MARGIN = 16


def draw(graph):
    """The picture."""
    arrows = modules.essential(graph)
    rows, links = _with_lanes(modules.layers(graph), arrows)
    rows = _untangled(rows, links)
    places, width = _placed(rows, links)
    height = 2 * MARGIN + (len(rows) - 1) * ROW + BOX_HEIGHT
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" role="img"'
        ' font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" font-size="14">',
        "<title>The modules of Recount: each line leads down to a module that is used</title>",
        f'<rect width="{width}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    for name in sorted(arrows):
        for below in arrows[name]:
            lines.append(_path([places[step] for step in _way(name, below, rows)]))
    for row in rows:
        for item in row:
            if isinstance(item, str):
                lines += _box(item, *places[item])
    return "\n".join(lines) + "\n</svg>\n"


def _with_lanes(layers, arrows):
    """The rows with a lane in each that an arrow passes, and the links from row to row."""
    row_of = {name: index for index, row in enumerate(layers) for name in row}
    rows, links = [list(row) for row in layers], []
    for name in sorted(arrows):
        for below in arrows[name]:
            last = name
            for row in range(row_of[name] + 1, row_of[below]):
                lane = (name, below, row)
                rows[row].append(lane)
                links.append((last, lane))
                last = lane
            links.append((last, below))
    return rows, links


def _way(name, below, rows):
    """What an arrow passes, from top to bottom."""
    lanes = [item for row in rows for item in row
             if isinstance(item, tuple) and item[:2] == (name, below)]
    return [name, *sorted(lanes, key=lambda lane: lane[2]), below]


def _untangled(rows, links):
    """The rows in the order with the fewest crossings that a few sweeps find."""
    up, down = {}, {}
    for above, below in links:
        up.setdefault(below, []).append(above)
        down.setdefault(above, []).append(below)
    best, fewest = rows, _crossings(rows, down)
    for sweep in range(24):
        downwards = sweep % 2 == 0
        order = range(1, len(rows)) if downwards else range(len(rows) - 2, -1, -1)
        for index in order:
            beside = rows[index - 1] if downwards else rows[index + 1]
            place = {item: number for number, item in enumerate(beside)}
            near = up if downwards else down
            old = {item: number for number, item in enumerate(rows[index])}

            def middle(item, place=place, near=near, old=old, beside=beside, index=index):
                found = [place[other] for other in near.get(item, [])]
                # Who has no link in that direction keeps its part of the row.
                share = old[item] / max(1, len(old) - 1) * max(1, len(beside) - 1)
                return (sum(found) / len(found) if found else share, old[item])

            rows = rows[:index] + [sorted(rows[index], key=middle)] + rows[index + 1:]
        count = _crossings(rows, down)
        if count < fewest:
            best, fewest = rows, count
    return best


def _crossings(rows, down):
    count = 0
    for upper, lower in zip(rows, rows[1:]):
        place = {item: number for number, item in enumerate(lower)}
        ends = [place[below] for item in upper for below in sorted(
            down.get(item, []), key=lambda other: place[other])]
        count += sum(a > b for index, a in enumerate(ends) for b in ends[index + 1:])
    return count


def _placed(rows, links):
    """The middle of each item: as near to what it is linked with as its row has room."""
    size = {item: WIDTH if isinstance(item, str) else LANE for row in rows for item in row}
    near = {}
    for above, below in links:
        near.setdefault(above, []).append(below)
        near.setdefault(below, []).append(above)
    x = {}
    for row in rows:
        at = 0
        for item in row:
            x[item] = at + size[item] / 2
            at += size[item] + GAP
    for _ in range(60):
        for row in rows:
            wanted = [
                sum(x[other] for other in near.get(item, [item]))
                / len(near.get(item, [item])) for item in row
            ]
            x.update(zip(row, _spread(wanted, [size[item] for item in row])))
    left = min(x[item] - size[item] / 2 for item in x)
    places = {
        item: (round(x[item] - left + MARGIN), MARGIN + BOX_HEIGHT // 2 + index * ROW)
        for index, row in enumerate(rows) for item in row
    }
    right = max(places[item][0] + size[item] / 2 for item in places)
    return places, round(right + MARGIN)


def _spread(wanted, sizes):
    """The places nearest to those wanted, in their order and without touching."""
    groups = []
    offset = 0
    for place, size in zip(wanted, sizes):
        offset += size / 2
        groups.append([place - offset, 1, [offset]])
        offset += size / 2 + GAP
        while len(groups) > 1 and groups[-2][0] >= groups[-1][0]:
            start, count, offsets = groups.pop()
            before, counted, others = groups.pop()
            total = counted + count
            groups.append([(before * counted + start * count) / total, total, others + offsets])
    return [start + offset for start, _, offsets in groups for offset in offsets]


def _path(points):
    """A line from the bottom of the first to the top of the last, straight down in lanes."""
    (x, y), last = points[0], points[-1]
    text = f"M{x} {y + BOX_HEIGHT // 2}"
    y += BOX_HEIGHT // 2
    for point in points[1:]:
        top = point[1] - BOX_HEIGHT // 2
        middle = (y + top) // 2
        text += f" C{x} {middle} {point[0]} {middle} {point[0]} {top}"
        x, y = point[0], top
        if point is not last:
            y = point[1] + BOX_HEIGHT // 2
            text += f" V{y}"
    return f'<path d="{text}" fill="none" stroke="#8a94a6" stroke-width="1.5"/>'


def _box(name, x, y):
    is_c = name.startswith("C") and name[1:2].isupper()
    fill, edge = ("#f1f2f4", "#8a94a6") if is_c else ("#e8f0fe", "#3b6fd4")
    return [
        f'<rect x="{x - WIDTH // 2}" y="{y - BOX_HEIGHT // 2}" width="{WIDTH}"'
        f' height="{BOX_HEIGHT}" rx="6" fill="{fill}" stroke="{edge}"/>',
        f'<text x="{x}" y="{y + 5}" text-anchor="middle" fill="#1f2430">{name}</text>',
    ]
