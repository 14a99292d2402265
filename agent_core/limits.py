"""How much one turn may use, how much may wait for one, and how long yeses stay open."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of one turn, and of what waits for one. Times in seconds."""

    turns: int = 512  # that one process works on at once
    waiting: int = 2_000  # conversations that wait for the agent or are worked on, in all
    waiting_of_account: int = 500  # of one account, or of one room without an account
    waiting_messages: int = 50  # of one conversation
    attempts: int = 3  # how often a turn is started before a person takes over
    model_calls: int = 10
    replies: int = 20  # answers in one conversation within the window; then people take over
    reply_window_seconds: float = 600.0
    progress_seconds: float = 5.0  # a turn that takes longer says so, with a button to stop it
    tool_calls: int = 20
    tool_failures: int = 3
    turn_seconds: float = 240.0
    tokens: int = 120_000
    discards: int = 2  # drafts thrown away because the person wrote on
    model_seconds: float = 60.0
    output_tokens: int = 1_500
    read_seconds: float = 20.0
    action_seconds: float = 40.0
    look_ups: int = 3  # tries to learn what became of an action
    doubt_seconds: float = 120.0  # a request that got no answer may arrive this much later
    look_up_pause_seconds: float = 1.0  # doubled after each try
    history: int = 12  # transcript entries that the model sees word by word, at least
    history_block: int = 12  # so many older ones at a time give way to a summary of them
    summary_characters: int = 1_200  # of what was said before, in short
    entry_characters: int = 4_000  # of one transcript entry
    result_characters: int = 12_000  # of one tool result
    confirmation_seconds: float = 3_600.0
    approval_seconds: float = 86_400.0
    approval_remind_seconds: float = 14_400.0  # an approval that nobody gives: reminded after this,
    approval_pass_on_seconds: float = 43_200.0  # passed on to support leads after this
    decided_seconds: float = 900.0  # a yes is used this long after it would have expired, at most
    repeat_seconds: float = 86_400.0  # a twin settled within this time asks "again?"
