"""Keys of clouds, hosting and infrastructure."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

RULE = family(
    "cloud_key",
    (
        r"(?:A3T[A-Z0-9]|AKIA|ASIA|ABIA|ACCA|AROA|AIDA|AGPA|APKA)[A-Z0-9]{16}",
        r"ABSK[A-Za-z0-9+/]{60,}={0,2}",  # Bedrock
        r"bedrock-api-key-[A-Za-z0-9+/]{20,}={0,2}",
        r"LTAI[A-Za-z0-9]{12,30}",  # Alibaba
        r"AKID[A-Za-z0-9]{24,40}",  # Tencent
        r"AKLT[A-Za-z0-9+/]{24,}={0,2}",  # Volcengine
        r"ya29\.[A-Za-z0-9_\-]{20,}",  # Google OAuth
        r"GOCSPX-[A-Za-z0-9_\-]{20,}",
        r"1//0[A-Za-z0-9_\-]{24,}",
        r"do[opr]_v1_[a-f0-9]{20,}",  # DigitalOcean
        r"v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}",  # Cloudflare origin CA
        r"dapi[a-f0-9]{32}(?:-[0-9])?",  # Databricks
        r"hv[sbr]\.[A-Za-z0-9_\-]{20,}",  # Vault
        r"pul-[a-f0-9]{40}",
        r"dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[A-Za-z0-9_\-]{2,40}\.)?[A-Za-z0-9]{24,}",  # Doppler
        r"sbp_[A-Za-z0-9_]{20,}",  # Supabase
        r"sb_secret_[A-Za-z0-9_\-]{16,}",
        r"pscale_(?:tkn|oauth|pw)_[A-Za-z0-9_=.\-]{20,}",
        r"HRKU-[A-Za-z0-9_\-]{20,}",  # Heroku
        r"fo1_[A-Za-z0-9_\-]{40,}",  # Fly
        r"fm(?:1[ar]|2)_[A-Za-z0-9+/]{60,}={0,3}",  # Fly
        r"tskey-[a-z]{2,10}-[A-Za-z0-9_\-]{12,}",  # Tailscale
        r"SCW[A-Z0-9]{17}",
        r"nf[pcou]_[A-Za-z0-9]{32,}",  # Netlify
        r"rnd_[A-Za-z0-9]{24,}",  # Render
        r"napi_[a-z0-9]{40,}",  # Neon
        r"AGE-SECRET-KEY-1[A-Z0-9]{30,}",
        r"AVNS_[A-Za-z0-9_\-]{16,}",  # Aiven, DigitalOcean databases
        r"sha256~[A-Za-z0-9_\-]{40,}",  # OpenShift
        r"AQVN[A-Za-z0-9_\-]{32,}",  # Yandex
        r"y0_[A-Za-z0-9_\-]{40,}",  # Yandex
        r"t1\.[A-Za-z0-9_\-]{40,}={0,2}\.[A-Za-z0-9_\-]{80,}={0,2}",  # Yandex
        r"ops_eyJ[A-Za-z0-9+/_\-]{60,}={0,3}",  # 1Password
        r"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}",
        r"CCloud_[A-Za-z0-9]{20,}",  # Confluent
        r"cflt[A-Za-z0-9+/]{50,}",  # Confluent
        r"K10[a-f0-9]{40,}::[a-z0-9:]{8,}",  # k3s
    ),
    "the vendors' own pages (AWS: IAM unique identifiers); gitleaks' rules (MIT)",
)
