"""What surfaces and points see of the sky, the sun and the ground, by rays on the 3D model (embree).

`of_district` gives a `Visibility` of all exposed surfaces, kept by digest; `update` brings one up to date
after a change; `of_points` takes any points with normals, such as a grid on the ground; `unobstructed` takes
planes that nothing shades. Sky in patches, the sun on a grid over declination and hour angle: `directions`.
"""

from twin.visibility.crowns import leaf_share
from twin.visibility.directions import patches
from twin.visibility.district import of_district, of_points, update
from twin.visibility.result import Visibility, unobstructed
from twin.visibility.scene import Scene, horizon_of, scene
from twin.visibility.scene import of_district as scene_of_district
from twin.visibility.store import default_folder

__all__ = [
    "Scene",
    "Visibility",
    "default_folder",
    "horizon_of",
    "leaf_share",
    "of_district",
    "of_points",
    "patches",
    "scene",
    "scene_of_district",
    "unobstructed",
    "update",
]
