"""The names of every button and form, so that who draws one and who decides it agree."""

from typing import Final

# On a proposal's card; the value is the proposal's id.
CONFIRM: Final = "proposal.confirm"
CANCEL: Final = "proposal.cancel"
APPROVE: Final = "proposal.approve"
DECLINE: Final = "proposal.decline"

# On a refusal. ASK_OWNER: the value is the proposal's id; ASK_ACCESS: the conversation's.
ASK_OWNER: Final = "proposal.ask_owner"
ASK_ACCESS: Final = "access.ask"
# To an owner, about somebody who asked for access; the value is `CONVERSATION|IDENTITY`.
GIVE_ACCESS: Final = "access.give"
DENY_ACCESS: Final = "access.deny"

# On a receipt, and where a plan stopped: takes an effect back. The value is its ledger key.
UNDO: Final = "receipt.undo"

# On what a person gets who wants to join their accounts: shows them a code, and nobody else.
JOIN_CODE: Final = "join.code"

# For the customer; the value is the conversation's id.
ASK_SUPPORT: Final = "support.ask"

# On a running turn's progress; the value is the conversation's id.
STOP: Final = "turn.stop"

# On a question which account is meant; the value is `CONVERSATION|ACCOUNT`.
CHOOSE_ACCOUNT: Final = "account.choose"

# On a case's card and posts; the value is the case's id.
CLAIM: Final = "case.claim"
REPLY: Final = "case.reply"
HAND_BACK: Final = "case.hand_back"
RESOLVE: Final = "case.resolve"
# On the private hint after a remark in the support thread; the value is `CASE|MESSAGE ID`.
SEND_TO_CUSTOMER: Final = "case.send"

REPLY_FORM: Final = "case.reply_form"  # value: the case's id; input `text`
REPLY_TEXT: Final = "text"
