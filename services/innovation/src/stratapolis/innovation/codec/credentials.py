"""Awards as Open Badges 3.0 credentials (1EdTech), in JSON. There is no proof in them: the city's record is the proof, and nothing is made up."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from stratapolis.innovation.domain.training import Award

CONTEXT = ("https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json")


def credential(award: Award, training_title: str, city: str) -> str:
    """An OpenBadgeCredential: who holds which competency, by which training, since when and until when."""
    competency = award.competency
    said: dict[str, Any] = {
        "@context": list(CONTEXT),
        "id": f"urn:uuid:{award.award_id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "name": competency.name,
        "issuer": {"id": f"urn:stratapolis:{city}", "type": ["Profile"], "name": city},
        "validFrom": _time(award.awarded_at),
        "credentialSubject": {
            "id": f"urn:stratapolis:{city}:{award.subject}",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": f"urn:uuid:{award.programme_id}",
                "type": ["Achievement"],
                "achievementType": "Competency",
                "humanCode": competency.code,
                "name": competency.name,
                "description": training_title,
                "criteria": {"narrative": competency.criteria},
            },
        },
    }
    if award.expires_at is not None:
        said["validUntil"] = _time(award.expires_at)
    return json.dumps(said, ensure_ascii=False, indent=2)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
