"""Keys of shops, trackers, documents and other hosted services."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

RULE = family(
    "service_key",
    (
        r"shp(?:at|ca|pa|ss|ua)_[a-fA-F0-9]{20,}",  # Shopify
        r"lin_(?:api|oauth)_[A-Za-z0-9]{20,}",  # Linear
        r"secret_[A-Za-z0-9]{32,}",  # Notion
        r"ntn_[A-Za-z0-9]{24,}",  # Notion
        r"fig[dor]_[A-Za-z0-9_\-]{20,}",  # Figma
        r"pat[A-Za-z0-9]{14}\.[a-f0-9]{32,}",  # Airtable
        r"PMAK-[A-Za-z0-9]{16,}-[A-Za-z0-9]{20,}",  # Postman
        r"pat-(?:na|eu)[0-9]-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",  # HubSpot
        r"[sp]k\.eyJ[A-Za-z0-9_\-]{20,}\.[A-Za-z0-9_\-]{16,}",  # Mapbox
        r"tfp_[A-Za-z0-9_.=\-]{40,}",  # Typeform
        r"p8e-[a-z0-9]{32}",  # Adobe
        r"pk_[0-9]{6,10}_[A-Z0-9]{24,}",  # ClickUp
        r"pnu_[A-Za-z0-9]{30,}",  # Prefect
        r"fio-u-[A-Za-z0-9_=\-]{40,}",  # Frame.io
        r"tk-us-[A-Za-z0-9_\-]{40,}",  # Scalingo
        r"ico-[A-Za-z0-9]{32}",  # Infracost
        r"sl\.(?:u\.)?[A-Za-z0-9_=\-]{80,}",  # Dropbox
        r"[12]/[0-9]{14,18}(?:/[0-9]{14,18})?:[0-9a-f]{32}",  # Asana
        r"4b1d[A-Za-z0-9]{38}",  # ClickHouse
        r"00D[A-Za-z0-9]{12,15}![A-Za-z0-9_.]{40,}",  # Salesforce
    ),
    "the vendors' own pages; gitleaks' rules (MIT)",
)
