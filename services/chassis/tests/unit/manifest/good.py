"""A manifest that is right, and a way to change a line of it."""

from __future__ import annotations

import textwrap

GOOD = textwrap.dedent(
    """\
    apiVersion: city/v1
    kind: Service
    metadata:
      name: traffic-guide
      title: Traffic guide
      description: Says which way is quick now.
    spec:
      category: mobility
      stakeholders: [resident, visitor]
      outcomes:
        - name: less time in traffic
          indicator: {framework: city, code: delay}
          target: 25.50
      price:
        currency: EUR
        plans:
          - name: by-use
            model: pay-per-use
            tiers:
              - {upTo: 100, unitPrice: 0.05}
              - unitPrice: "0.02"
      partnership:
        agreement: a-1
        shares: [{party: north, basisPoints: 6000}, {party: city, basisPoints: 4000}]
      data:
        - {product: traffic, purpose: finding the quickest way, start: 2026-01-31, end: 2027-01-31}
      accessibility: {wcagLevel: AA, languages: [no, de]}
      place: {latitude: 52.5, longitude: 13}
      runtime:
        none: {}
    """
)
