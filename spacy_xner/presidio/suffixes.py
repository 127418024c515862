"""E-mail addresses without the network."""

from functools import cache

from presidio_analyzer.predefined_recognizers import EmailRecognizer
from tldextract import TLDExtract


class OfflineEmailRecognizer(EmailRecognizer):  # type: ignore[misc]
    """Presidio's recognizer of e-mail addresses, with the domains that tldextract brings along.

    Presidio's own downloads a list of domains when it sees the first address.
    """

    def validate_result(self, pattern_text: str) -> bool:
        """Return whether an address ends in a known domain."""
        return bool(_get_extractor()(pattern_text).fqdn)


@cache
def _get_extractor() -> TLDExtract:
    return TLDExtract(cache_dir=None, suffix_list_urls=())
