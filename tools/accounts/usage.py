"""What an account used, against what its plan and seats allow."""

from tools.accounts.types import AccountState, PlanId, Usage

# (storage in MB, API calls a period), for each seat.
_ALLOWANCES = {
    PlanId.STARTER: (2_000, 1_000),
    PlanId.TEAM: (10_000, 5_000),
    PlanId.BUSINESS: (25_000, 25_000),
}


def usage_of(state: AccountState) -> Usage:
    """Limits grow with the seats."""
    account = state.account
    storage, calls = _ALLOWANCES[account.plan]
    return Usage(
        account_id=account.id,
        period_start=account.period_start,
        period_end=account.period_end,
        seats=account.seats,
        seats_used=len(state.members),
        storage_mb=state.meters.storage_mb,
        storage_limit_mb=storage * account.seats,
        api_calls=state.meters.api_calls,
        api_call_limit=calls * account.seats,
    )
