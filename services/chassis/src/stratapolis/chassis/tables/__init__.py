"""Tables that ship with the chassis: facts from outside the city that every app needs alike."""
