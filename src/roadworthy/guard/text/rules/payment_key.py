"""Keys of payment services."""

from __future__ import annotations

from roadworthy.guard.text.checks.key import family

RULE = family(
    "payment_key",
    (
        r"(?:sk|rk|pk)_(?:live|test|prod)_[A-Za-z0-9_]{8,}",  # Stripe, Paystack, Clerk
        r"(?:sk|rk)_[A-Za-z0-9]{20,}",
        r"whsec_[A-Za-z0-9+/=]{16,}",
        r"sq0[a-z]{3}-[A-Za-z0-9_\-]{20,}",  # Square
        r"EAAA[A-Za-z0-9_\-]{40,}",
        r"access_token\$(?:production|sandbox)\$[0-9a-z]{12,}\$[0-9a-f]{20,}",  # PayPal, Braintree
        r"(?:test|live)_(?:g?[sc]k|wsk?)_[A-Za-z0-9]{16,}",  # Toss Payments
        r"(?:test|live)_(?:pub_)?[a-f0-9]{31,35}",  # Lob
        r"(?:test|live)_[A-Za-z0-9]{30,}",  # Mollie
        r"rzp_(?:live|test)_[A-Za-z0-9]{12,}",  # Razorpay
        r"FLWSECK(?:_TEST)?-[A-Za-z0-9\-]{12,}",  # Flutterwave
        r"access-(?:sandbox|development|production)-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",  # Plaid
        r"\$aact_[A-Za-z0-9:=+/]{30,}",  # Asaas
        r"EZ[AT]K[A-Za-z0-9]{50,}",  # EasyPost
        r"shippo_(?:live|test)_[a-fA-F0-9]{32,}",
        r"duffel_(?:test|live)_[A-Za-z0-9_\-=]{32,}",
    ),
    "the vendors' own pages (Stripe: API keys; Toss Payments: API keys); gitleaks' rules (MIT)",
)
