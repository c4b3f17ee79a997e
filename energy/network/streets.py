"""Courses for pipes: a graph of lines with substations tied to it, and the tree that joins them.

The tree is Mehlhorn's approximation of the least Steiner tree (Information Processing Letters 27, 1988): at
most twice as long as the shortest one, usually within some percent of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import cKDTree
from shapely.geometry import LineString, Point
from shapely.ops import substring

from energy.network.water import Array, Indices

_SAME_M = 0.05  # points nearer than this are one


@dataclass(frozen=True, eq=False)
class Graph:
    """Lines between nodes.

    xy : shape (node, 2). [m]  start, end : node numbers, shape (edge,).  course : from start to end, shape
    (edge,).  origin : number of the line that an edge is a piece of, −1 for ties and bridges; shape (edge,).
    terminal : node of each place that was tied, shape (place,).
    """

    xy: Array
    start: Indices
    end: Indices
    course: npt.NDArray[Any]
    origin: Indices
    terminal: Indices

    @property
    def length_m(self) -> Array:
        return np.asarray(shapely.length(self.course))

    def matrix(self, keep: Indices | None = None) -> csr_array:
        """Lengths between nodes, the shortest where edges are parallel, of all edges or those in `keep`."""
        rows = np.arange(len(self.start)) if keep is None else keep
        a, b = np.minimum(self.start, self.end)[rows], np.maximum(self.start, self.end)[rows]
        length = np.maximum(self.length_m[rows], 1e-6)
        kept = _shortest(a, b, length)
        kept = kept[a[kept] != b[kept]]
        size = (len(self.xy), len(self.xy))
        return coo_array((length[kept], (a[kept], b[kept])), shape=size).tocsr()

    def components(self) -> Indices:
        """Number of the connected part that each node belongs to."""
        return np.asarray(connected_components(self.matrix(), directed=False)[1], np.intp)

    def edges_of(self, pairs: csr_array) -> Indices:
        """The shortest edge of each pair of nodes that has an entry, shape (entry,)."""
        wanted = coo_array(pairs)
        low, high = np.minimum(*wanted.coords), np.maximum(*wanted.coords)
        size = len(self.xy)
        key = np.minimum(self.start, self.end) * size + np.maximum(self.start, self.end)
        order = np.lexsort((self.length_m, key))
        return np.asarray(order[np.searchsorted(key[order], low * size + high)], np.intp)


def graph(lines: Sequence[LineString], places: Sequence[Point], *, crossings: bool = True) -> Graph:
    """Nodes where lines end, cross and where places are tied to the nearest line.

    lines, places : in a metric system (EPSG:25832).
    crossings : lines are joined where they cross; else only where ends or places touch.
    """
    pieces, origin = _noded(lines) if crossings else (list(lines), list(range(len(lines))))
    tree = shapely.STRtree(pieces)
    cuts: dict[int, list[float]] = {}
    ties: list[LineString | Point] = []
    for place in places:
        nearest = int(tree.nearest(place))
        along = float(pieces[nearest].project(place))
        foot = pieces[nearest].interpolate(along)
        cuts.setdefault(nearest, []).append(along)
        ties.append(LineString([foot, place]) if foot.distance(place) > _SAME_M else foot)
    edges: list[LineString] = []
    origins: list[int] = []
    for number, piece in enumerate(pieces):
        for part in _cut(piece, cuts.get(number, [])):
            edges.append(part)
            origins.append(origin[number])
    for tie in ties:
        if isinstance(tie, LineString):
            edges.append(tie)
            origins.append(-1)
    ends = np.array([[line.coords[0], line.coords[-1]] for line in edges])[..., :2]
    targets = np.array([(p.x, p.y) for p in places]).reshape(-1, 2)
    every = np.concatenate([ends.reshape(-1, 2), targets])
    merged, xy = _merge(every)
    pair = merged[: 2 * len(edges)].reshape(-1, 2)
    course = np.empty(len(edges), object)
    course[:] = edges
    real = pair[:, 0] != pair[:, 1]
    return Graph(
        xy, pair[real, 0], pair[real, 1], course[real], np.array(origins, np.intp)[real],
        merged[2 * len(edges) :],
    )  # fmt: skip


def bridged(net: Graph) -> tuple[Graph, list[float]]:
    """The graph with its parts that hold terminals joined by straight lines, and their lengths. [m]"""
    lengths: list[float] = []
    part = net.components()
    needed = [number for number in np.unique(part[net.terminal]) if number != part[net.terminal[0]]]
    joined = part == part[net.terminal[0]]
    while needed:
        rest = np.flatnonzero(np.isin(part, needed))
        home = np.flatnonzero(joined)
        away, nearest = cKDTree(net.xy[home]).query(net.xy[rest])
        best = int(np.argmin(away))
        a, b = home[nearest[best]], rest[best]
        line = np.empty(1, object)
        line[0] = LineString([net.xy[a], net.xy[b]])
        net = Graph(
            net.xy, np.append(net.start, a), np.append(net.end, b), np.concatenate([net.course, line]),
            np.append(net.origin, -1), net.terminal,
        )  # fmt: skip
        lengths.append(float(away[best]))
        joined |= part == part[b]
        needed.remove(part[b])
    return net, lengths


def steiner(net: Graph) -> Indices:
    """Edges of a short tree that joins all terminals, which must be connected; shape (edge,)."""
    matrix = net.matrix()
    distance, before, source = dijkstra(
        matrix, directed=False, indices=np.unique(net.terminal), min_only=True, return_predecessors=True
    )
    # which neighbouring terminals meet in which edge, at what length
    length = np.maximum(net.length_m, 1e-6)
    a, b = source[net.start], source[net.end]
    across = np.flatnonzero((a != b) & np.isfinite(distance[net.start]) & np.isfinite(distance[net.end]))
    total = distance[net.start[across]] + length[across] + distance[net.end[across]]
    low, high = np.minimum(a, b)[across], np.maximum(a, b)[across]
    chosen = _shortest(low, high, total)
    size = (len(net.xy), len(net.xy))
    between = coo_array((total[chosen], (low[chosen], high[chosen])), shape=size).tocsr()
    meeting = {(int(low[i]), int(high[i])): int(across[i]) for i in chosen}
    used: set[int] = set()
    steps: set[tuple[int, int]] = set()
    tree = coo_array(minimum_spanning_tree(between))
    for u, v in zip(*tree.coords, strict=True):
        edge = meeting[(min(int(u), int(v)), max(int(u), int(v)))]
        used.add(edge)
        for node in (int(net.start[edge]), int(net.end[edge])):
            while before[node] >= 0:
                steps.add((node, int(before[node])))
                node = int(before[node])
    if steps:
        nodes = np.array(sorted(steps))
        path = coo_array((np.ones(len(nodes)), (nodes[:, 0], nodes[:, 1])), shape=size).tocsr()
        used |= set(net.edges_of(path).tolist())
    kept = np.array(sorted(used), np.intp)
    return spanning(net, kept) if kept.size else kept


def spanning(net: Graph, edges: Indices) -> Indices:
    """Those of `edges` that join the same nodes without a loop; shape (edge,)."""
    return net.edges_of(csr_array(minimum_spanning_tree(net.matrix(edges))))


@dataclass(frozen=True, eq=False)
class Rooted:
    """A tree, numbered from the root outwards.

    node : node of the graph, shape (node,).  parent : shape (node,), −1 for the root.  course, length_m,
    origin : of the pipe to the parent, running away from the root; shape (node − 1,).  number : of each node
    of the graph in the tree, −1 outside.
    """

    node: Indices
    parent: Indices
    course: npt.NDArray[Any]
    origin: Indices
    number: Indices

    @property
    def length_m(self) -> Array:
        return np.asarray(shapely.length(self.course))


def rooted(net: Graph, edges: Indices, root: int, *, keep: Indices, merge: bool) -> Rooted:
    """The tree of `edges` seen from `root`: ends without a node of `keep` are cut off.

    merge : pieces between branches and nodes of `keep` become one, where they come from the same line.
    """
    size = len(net.xy)
    both = np.concatenate([net.start[edges], net.end[edges]])
    other = np.concatenate([net.end[edges], net.start[edges]])
    via = coo_array((np.tile(np.arange(len(edges)) + 1.0, 2), (both, other)), shape=(size, size)).tocsr()
    order, before = breadth_first_order(via, root, directed=False)
    needed = np.zeros(size, bool)
    needed[keep] = True
    for node in order[::-1]:
        if needed[node] and node != root:
            needed[before[node]] = True
    needed[root] = True
    order = order[needed[order]]
    children = np.bincount(before[order[1:]], minlength=size)
    stay = np.zeros(size, bool)
    stay[keep] = True
    edge_to = {int(n): int(edges[int(via[int(before[n]), int(n)]) - 1]) for n in order[1:]}
    # where a node is passed through, its pipe goes on in that of its only child
    passed = np.zeros(size, bool)
    if merge:
        for node in order[1:]:
            passed[node] = children[node] == 1 and not stay[node]
    start: dict[int, int] = {}  # the first node upstream that stays
    line: dict[int, list[tuple[float, float]]] = {}
    number = np.full(size, -1, np.intp)
    number[root] = 0
    nodes, parents, courses, origins = [int(root)], [-1], [], []
    for item in order[1:]:
        node, up, edge = int(item), int(before[item]), edge_to[int(item)]
        piece = (
            list(net.course[edge].coords) if net.start[edge] == up else list(net.course[edge].coords)[::-1]
        )
        piece = [(c[0], c[1]) for c in piece]
        start[node] = start[up] if passed[up] else up
        line[node] = line.pop(up)[:-1] + piece if passed[up] else piece
        if passed[node]:
            continue
        number[node] = len(nodes)
        nodes.append(node)
        parents.append(int(number[start[node]]))
        courses.append(LineString(line[node]))
        origins.append(int(net.origin[edge]))
    course = np.empty(len(courses), object)
    course[:] = courses
    return Rooted(
        np.array(nodes, np.intp), np.array(parents, np.intp), course, np.array(origins, np.intp), number
    )


def _noded(lines: Sequence[LineString]) -> tuple[list[LineString], list[int]]:
    """Pieces of the lines between their crossings, and the line that each comes from."""
    parts = list(shapely.get_parts(shapely.union_all(list(lines))))
    tree = shapely.STRtree(list(lines))
    origin = [int(tree.nearest(part.interpolate(0.5, normalized=True))) for part in parts]
    return parts, origin


def _shortest(a: Indices, b: Indices, length: Array) -> Indices:
    """Row of the shortest of each pair (a, b), in the order of the pairs."""
    order = np.lexsort((length, b, a))
    first = np.ones(len(order), bool)
    first[1:] = (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)
    return np.asarray(order[first], np.intp)


def _cut(line: LineString, places: list[float]) -> list[LineString]:
    marks = [0.0]
    for place in sorted(places):
        if marks[-1] + _SAME_M < place < line.length - _SAME_M:
            marks.append(place)
    marks.append(line.length)
    return [substring(line, a, b) for a, b in pairwise(marks)]


def _merge(points: Array) -> tuple[Indices, Array]:
    """Points nearer than `_SAME_M` become one: number of each, and their places."""
    tree = cKDTree(points)
    pairs = tree.query_pairs(_SAME_M, output_type="ndarray")
    size = len(points)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    count, number = connected_components(links.tocsr(), directed=False)
    first = np.full(count, size, np.intp)
    np.minimum.at(first, number, np.arange(size))
    return np.asarray(number, np.intp), points[first]
