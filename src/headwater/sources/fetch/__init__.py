"""Getting bounded samples of open sources. Polite, and closed to addresses that are nobody's public site."""

USER_AGENT = "Headwater/0.1 (language-model data research; honours robots.txt)"
