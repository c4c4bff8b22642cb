"""Areas on the map. The earth is a sphere of 6 371 008.8 m here, the mean radius of IUGG's reference: wrong by 0.6 % at most."""

from dataclasses import dataclass
from math import asin, cos, degrees, hypot, isfinite, radians, sin, sqrt

EARTH_METERS = 6_371_008.8


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """WGS 84, degrees."""

    latitude: float
    longitude: float

    @property
    def on_earth(self) -> bool:
        """Whether there is such a place."""
        return isfinite(self.latitude) and isfinite(self.longitude) and abs(self.latitude) <= 90 and abs(self.longitude) <= 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle on the map, borders included; west is greater than east where it crosses the date line."""

    south: float
    west: float
    north: float
    east: float

    def holds(self, place: Place) -> bool:
        """Whether a place is in it."""
        if not self.south <= place.latitude <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= place.longitude <= self.east
        return place.longitude >= self.west or place.longitude <= self.east


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """All within a distance of a place."""

    center: Place
    radius_meters: float

    def holds(self, place: Place) -> bool:
        """Whether a place is in it."""
        return distance_meters(self.center, place) <= self.radius_meters

    @property
    def box(self) -> Box:
        """A box that has all of the circle in it; around a pole, all longitudes."""
        angle = self.radius_meters / EARTH_METERS
        south, north = self.center.latitude - degrees(angle), self.center.latitude + degrees(angle)
        if south <= -90 or north >= 90:
            return Box(south=max(south, -90.0), west=-180.0, north=min(north, 90.0), east=180.0)
        reach = degrees(asin(min(1.0, sin(angle) / cos(radians(self.center.latitude))))) * 1.000001
        return Box(south=south - 1e-9, west=_turn(self.center.longitude - reach), north=north + 1e-9, east=_turn(self.center.longitude + reach))


def distance_meters(one: Place, other: Place) -> float:
    """The way along the surface, by the haversine formula."""
    north, south = radians(one.latitude), radians(other.latitude)
    chord = hypot(sin((north - south) / 2), sqrt(cos(north) * cos(south)) * sin(radians(one.longitude - other.longitude) / 2))
    return 2 * EARTH_METERS * asin(min(1.0, chord))


def _turn(longitude: float) -> float:
    return (longitude + 180) % 360 - 180
