"""What surfaces and points see of sky, sun, ground and each other, by rays on the 3D model (embree).

`of_district` gives a `Visibility` of all exposed surfaces, kept by digest; `update` brings one up to date
after a change; `of_top_storey` takes walls at their upper edge; `of_points` any points with normals, such as
a grid on the ground; `unobstructed` planes that nothing shades. Sky in patches, the sun on a grid over
declination and hour angle: `directions`. `sightlines`, `viewshed` and `panorama` say what is seen from where.
"""

from twin.visibility.crowns import leaf_share
from twin.visibility.directions import patches
from twin.visibility.district import of_district, of_points, update
from twin.visibility.result import Visibility, unobstructed
from twin.visibility.scene import Scene, horizon_of, scene
from twin.visibility.scene import of_district as scene_of_district
from twin.visibility.sight import Panorama, Sightlines, panorama, sightlines, taken, viewshed
from twin.visibility.store import default_folder
from twin.visibility.storey import of_top_storey

__all__ = [
    "Panorama",
    "Scene",
    "Sightlines",
    "Visibility",
    "default_folder",
    "horizon_of",
    "leaf_share",
    "of_district",
    "of_points",
    "of_top_storey",
    "panorama",
    "patches",
    "scene",
    "scene_of_district",
    "sightlines",
    "taken",
    "unobstructed",
    "update",
    "viewshed",
]
