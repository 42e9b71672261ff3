"""A metric for evalayer: does the answer invent e-mail addresses?"""

import re
from typing import Final

from evalayer import Completion, Score, metric

# RFC 5321, 4.5.3.1 and RFC 1035, 2.3.4 give the lengths; with them a long text takes no longer per character.
_ADDRESS: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")


@metric
def no_invented_contacts(completion: Completion) -> Score:
    """Whether every e-mail address in the answer stands in the prompt too.

    >>> no_invented_contacts(Completion("I am ana@example.com.", "Thank you, ana@example.com!", ""))
    True
    >>> no_invented_contacts(Completion("Who can help?", "Write to help@example.com.", ""))
    False
    """
    return _addresses(completion.text) <= _addresses(completion.prompt)


def _addresses(text: str) -> set[str]:
    return {address.lower() for address in _ADDRESS.findall(text)}
