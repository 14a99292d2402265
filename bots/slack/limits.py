"""Slack's numbers, in one place: what it refuses, what it asks for, how long it waits."""

from typing import Final

# --- messages (characters, unless said otherwise) ---
MESSAGE_BLOCKS: Final = 50
# All blocks of a message together fail somewhere above 11,000, undocumented: split before that.
MESSAGE_CHARACTERS: Final = 10_000
FALLBACK_TEXT: Final = 4_000  # recommended; 40,000 is the hard end
SECTION_TEXT: Final = 3_000
SECTION_FIELDS: Final = 10
FIELD_TEXT: Final = 2_000
HEADER_TEXT: Final = 150
CONTEXT_TEXT: Final = 2_000
BUTTON_TEXT: Final = 75
BUTTON_VALUE: Final = 2_000
BUTTON_LABEL: Final = 75  # the accessibility label
ACTIONS_ELEMENTS: Final = 25
ACTION_ID: Final = 255
LINK_LENGTH: Final = 2_000

# --- forms ---
VIEW_TITLE: Final = 24
VIEW_BUTTON: Final = 24
PRIVATE_METADATA: Final = 3_000
INPUT_LABEL: Final = 2_000
INPUT_HINT: Final = 2_000
INPUT_INITIAL: Final = 3_000
OPTION_TEXT: Final = 75
OPTION_VALUE: Final = 150
OPTIONS: Final = 100
PLACEHOLDER: Final = 150

# --- requests in ---
BODY_BYTES: Final = 1024 * 1024
SIGNATURE_AGE_SECONDS: Final = 300

# --- calls out ---
CALL_SECONDS: Final = 10.0  # an ordinary call; also bounds a hung connection
REQUEST_CALL_SECONDS: Final = 2.0  # a call made inside a request that Slack gives 3 seconds
COURTESY_SECONDS: Final = 1.0  # how long an acknowledgement waits for notices and redrawn cards
LOOKUP_SECONDS: Final = 1.0  # a name or file looked up before the acknowledgement
RETRY_AFTER_SECONDS: Final = 30.0  # where a 429 does not say
PAGE: Final = 100
PAGES: Final = 10
