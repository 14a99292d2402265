"""A stand-in for a payment provider with idempotency keys; its own process, its own SQLite file.

Run it: `python -m playground.payments_api --port N --database FILE [--api-key KEY]`. The first line
on standard output is `listening on http://127.0.0.1:N`; port 0 takes a free one.

Every `/v1/…` call needs `Authorization: Bearer KEY` (`people.PAYMENTS_API_KEY`). Amounts are
integer minor units, currencies ISO 4217 in capitals, times ISO 8601 in UTC.

POST /v1/charges       header Idempotency-Key (1 to 255 characters)
    {account, amount, currency, reference, description?} → 201 charge
    charge: {object: "charge", id: "ch_…", account, amount, currency, reference, description,
             refunded, status: "succeeded", idempotency_key, created_at}
POST /v1/refunds       header Idempotency-Key
    {account, charge | reference, amount, currency, reason?} → 201 refund
    `reference` (an invoice's id) finds the account's oldest charge that has it; `charge` names one.
    refund: {object: "refund", id: "re_…", account, charge, reference, amount, currency,
             reason, status: "succeeded", idempotency_key, created_at}
    The same key with the same body again: the stored answer, header `Idempotent-Replayed: true`.
GET  /v1/effects?idempotency_key=K → {effects: [charge or refund], count: 0 or 1}
GET  /v1/charges?account=&reference=&idempotency_key= → {charges: […], count}
GET  /v1/charges/{id} → charge
GET  /v1/refunds?account=&charge=&idempotency_key= → {refunds: […], count}
GET  /healthz → {"status": "ok"}

Errors: {"error": {"code", "message"}}
    400 invalid_request · idempotency_key_missing    401 unauthorized    404 charge_not_found
    409 idempotency_key_reused (same key, other body; nothing happened)
    422 refund_exceeds_charge (with "remaining") · currency_mismatch
A refusal stores nothing: the same key may be used again. An effect is committed to disk before its
answer is written, so neither a cut connection nor `kill -9` loses it.

Control, for tests and the page (no key needed, loopback origins only)
GET  /playground/payments/state → {charges, refunds, effects: [newest first], charged: {currency:
    minor}, refunded: {currency: minor}, replays}: counts, sums, and answers given a second time
GET|POST|DELETE /playground/payments/faults: see playground/faults.py; `method` is the route, as in
    "POST /v1/refunds", "GET /v1/effects" or "GET /v1/charges/{id}"
GET  /playground/payments/feed → server-sent events {seq, type: "charge" | "refund" | "replay",
    effect}; {type: "reload"} when what was missed is forgotten
"""
