"""Where the parts come from: bill of materials, licences, advisories, workflows, pins, revision."""
