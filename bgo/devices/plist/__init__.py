"""An app's Info.plist against what its background work needs: the first cause of work that never runs on iOS.

    findings(read("ios/Runner/Info.plist"), profile("ios"))

Nothing is asked of Apple's tools: XML and binary files are read as they are, on any computer.
"""

from __future__ import annotations

from bgo.devices.plist.check import findings
from bgo.devices.plist.finding import Finding
from bgo.devices.plist.reading import read

__all__ = ["Finding", "findings", "read"]
