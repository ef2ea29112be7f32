"""
Settings, read once by an entry point from the environment, checked whole, and handed down as values.

Every problem is reported at once and by name, never with a value: a value may be a secret.
There is no default for a secret in any environment; `rsolv up` makes one per installation.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rsolv.kernel.secret import Secret

ENVIRONMENTS = ("development", "test", "production")
_PLACEHOLDERS = re.compile(r"^(change.?me|placeholder|secret|password|example|todo|xxx+|0+|<.*>)$", re.IGNORECASE)
_HEX_64 = re.compile(r"[0-9a-fA-F]{64}")
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
_STRIPE_API_KEY = re.compile(r"(?:sk|rk)_(live|test)_[0-9A-Za-z_]{8,240}")
_STRIPE_WEBHOOK_SECRET = re.compile(r"whsec_[0-9A-Za-z+/=_-]{8,240}")
_TOKEN = re.compile(r"[0-9A-Za-z._~+/=-]{20,500}")
_URL = re.compile(r"https?://[0-9A-Za-z.\-\[\]:]+(/[^\s]*)?")
_PUBLIC_URL = re.compile(r"https?://([0-9A-Za-z.\-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?(/[0-9A-Za-z._~\-/]*)?")
_LOG_LEVELS = ("debug", "info", "warning", "error")


@dataclass(frozen=True, slots=True)
class Settings:
    """
    All that can be configured.

    Names in the environment are the field names in capitals, `RSOLV_ENV` and
    `RSOLV_HOME` for the first two; docs/reference/settings.md lists them.
    """

    environment: str
    home: Path
    host: str
    port: int
    public_url: str
    database_url: Secret | None
    secret_key_base: Secret | None
    stripe_api_key: Secret | None
    stripe_api_base: str | None
    stripe_calls_per_second: int
    stripe_calls_per_second_per_endpoint: int
    stripe_webhook_secrets: tuple[Secret, ...]
    metrics_token: Secret | None
    web_workers: int
    workers: int
    jobs_at_once: int
    database_pool_size: int
    max_body_bytes: int
    api_key_cache_ttl_seconds: int
    api_key_cache_size: int
    strict_repository_ownership: bool
    billing_enabled: bool
    charges_per_hour_max_cents: int
    charges_per_day_max_cents: int
    card_setups_per_hour_max: int
    card_setups_per_day_max: int
    card_attaches_per_hour_max: int
    trusted_proxies: tuple[str, ...]
    email_domains_allowed: frozenset[str]
    email_domains_blocked: frozenset[str]
    log_level: str

    @property
    def is_production(self) -> bool:
        """
        Say whether real customers are served.
        """
        return self.environment == "production"

    @property
    def stripe_livemode(self) -> bool:
        """
        Say whether the key for Stripe moves real money.
        """
        return self.stripe_api_key is not None and "_live_" in self.stripe_api_key.reveal()

    def needed_to_serve(self) -> tuple[Secret, Secret]:
        """
        Return the database's URL and the master key.

        Raises:
            SettingsInvalid: naming what is missing.
        """
        if self.database_url is not None and self.secret_key_base is not None:
            return self.database_url, self.secret_key_base
        needed = {"DATABASE_URL": self.database_url, "SECRET_KEY_BASE": self.secret_key_base}
        raise SettingsInvalid([f"{name} is needed to serve" for name, value in needed.items() if value is None])

    def needed_to_work(self) -> Secret:
        """
        Return the database's URL.

        Raises:
            SettingsInvalid: it is missing.
        """
        if self.database_url is None:
            raise SettingsInvalid(["DATABASE_URL is needed to work"])
        return self.database_url


class SettingsInvalid(Exception):
    """
    One or more settings are missing or wrong; `problems` has a sentence for each.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("; ".join(problems))


def load_settings(environ: Mapping[str, str]) -> Settings:
    """
    Read and check every setting.

    Raises:
        SettingsInvalid: with all problems found, each naming its variable and none showing a value.
    """
    reader = _Reader(environ)
    environment = reader.choice("RSOLV_ENV", ENVIRONMENTS, "development")
    host = environ.get("HOST") or "127.0.0.1"
    port = reader.integer("PORT", 4000, smallest=0, largest=65_535)
    settings = Settings(
        environment=environment,
        home=Path(environ.get("RSOLV_HOME") or ".rsolv"),
        host=host,
        port=port,
        public_url=reader.public_url("PUBLIC_URL", default=f"http://{f'[{host}]' if ':' in host else host}:{port}"),
        database_url=reader.secret("DATABASE_URL"),
        secret_key_base=reader.secret("SECRET_KEY_BASE"),
        stripe_api_key=reader.secret("STRIPE_API_KEY"),
        stripe_api_base=environ.get("STRIPE_API_BASE") or None,
        stripe_calls_per_second=reader.integer("STRIPE_CALLS_PER_SECOND", 90, smallest=4, largest=10_000),
        stripe_calls_per_second_per_endpoint=reader.integer(
            "STRIPE_CALLS_PER_SECOND_PER_ENDPOINT", 21, smallest=1, largest=10_000
        ),
        stripe_webhook_secrets=reader.stripe_webhook_secrets("STRIPE_WEBHOOK_SECRETS"),
        metrics_token=reader.token("METRICS_TOKEN"),
        web_workers=reader.integer("WEB_WORKERS", 2, smallest=1, largest=64),
        workers=reader.integer("WORKERS", 1, smallest=1, largest=64),
        jobs_at_once=reader.integer("JOBS_AT_ONCE", 32, smallest=2, largest=500),
        database_pool_size=reader.integer("DATABASE_POOL_SIZE", 8, smallest=2, largest=100),
        max_body_bytes=reader.integer("MAX_BODY_BYTES", 1_048_576, smallest=1_024, largest=67_108_864),
        api_key_cache_ttl_seconds=reader.integer("API_KEY_CACHE_TTL_SECONDS", 60, smallest=0, largest=300),
        api_key_cache_size=reader.integer("API_KEY_CACHE_SIZE", 10_000, smallest=0, largest=1_000_000),
        billing_enabled=reader.kill_switch("BILLING_ENABLED"),
        charges_per_hour_max_cents=reader.integer("CHARGES_PER_HOUR_MAX_CENTS", 500_000, smallest=0, largest=10**8),
        charges_per_day_max_cents=reader.integer("CHARGES_PER_DAY_MAX_CENTS", 2_000_000, smallest=0, largest=10**8),
        card_setups_per_hour_max=reader.integer("CARD_SETUPS_PER_HOUR_MAX", 10, smallest=1, largest=1_000),
        card_setups_per_day_max=reader.integer("CARD_SETUPS_PER_DAY_MAX", 30, smallest=1, largest=10_000),
        card_attaches_per_hour_max=reader.integer("CARD_ATTACHES_PER_HOUR_MAX", 5, smallest=1, largest=1_000),
        trusted_proxies=reader.networks("TRUSTED_PROXIES"),
        strict_repository_ownership=reader.switch("STRICT_REPOSITORY_OWNERSHIP", default=False),
        email_domains_allowed=reader.domains("EMAIL_DOMAINS_ALLOWED"),
        email_domains_blocked=reader.domains("EMAIL_DOMAINS_BLOCKED"),
        log_level=reader.choice("LOG_LEVEL", _LOG_LEVELS, "info"),
    )
    reader.check_secret_key_base(settings.secret_key_base)
    reader.check_database_url(settings.database_url)
    reader.check_stripe(settings)
    if settings.is_production:
        reader.require_in_production(settings)
    if reader.problems:
        raise SettingsInvalid(reader.problems)
    return settings


class _Reader:
    """
    Read variables one by one and remember what is wrong with them.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self._environ.get(name) or default
        if value not in allowed:
            self.problems.append(f"{name} must be one of {', '.join(allowed)}")
            return default
        return value

    def integer(self, name: str, default: int, *, smallest: int, largest: int) -> int:
        text = self._environ.get(name) or str(default)
        if not re.fullmatch(r"[0-9]{1,9}", text) or not smallest <= int(text) <= largest:
            self.problems.append(f"{name} must be a whole number from {smallest} to {largest}")
            return default
        return int(text)

    def switch(self, name: str, *, default: bool) -> bool:
        text = (self._environ.get(name) or str(default)).lower()
        if text not in ("true", "false"):
            self.problems.append(f"{name} must be true or false")
        return text == "true"

    def kill_switch(self, name: str) -> bool:
        """
        Read a switch that only the word `false` turns off: a slip of the hand must not stop the business.
        """
        return self._environ.get(name, "").strip().lower() != "false"

    def domains(self, name: str) -> frozenset[str]:
        found = frozenset(part.strip().lower() for part in self._environ.get(name, "").split(",") if part.strip())
        if not all(_DOMAIN.fullmatch(domain) for domain in found):
            self.problems.append(f"{name} must be domain names separated by commas")
        return found

    def networks(self, name: str) -> tuple[str, ...]:
        parts = [part.strip() for part in self._environ.get(name, "").split(",") if part.strip()]
        try:
            return tuple(str(ipaddress.ip_network(part)) for part in parts)
        except ValueError:
            self.problems.append(f"{name} must be addresses or networks (10.0.0.0/8) separated by commas")
            return ()

    def secret(self, name: str) -> Secret | None:
        value = self._environ.get(name)
        if value is None:
            return None
        if not value.strip():
            self.problems.append(f"{name} is set but empty")
            return None
        if _PLACEHOLDERS.match(value.strip()):
            self.problems.append(f"{name} is a placeholder, not a value")
            return None
        return Secret(value)

    def token(self, name: str) -> Secret | None:
        secret = self.secret(name)
        if secret is not None and not _TOKEN.fullmatch(secret.reveal()):
            self.problems.append(f"{name} must be 20 characters or more, as a header can carry them")
        return secret

    def stripe_webhook_secrets(self, name: str) -> tuple[Secret, ...]:
        """
        Read the secrets that are valid now: one, or several while one is replaced.
        """
        found = [part.strip() for part in self._environ.get(name, "").split(",") if part.strip()]
        if not all(_STRIPE_WEBHOOK_SECRET.fullmatch(part) for part in found):
            self.problems.append(f"{name} must be signing secrets of Stripe's (whsec_) separated by commas")
        return tuple(Secret(part) for part in found)

    def public_url(self, name: str, *, default: str) -> str:
        text = self._environ.get(name)
        if not text:
            return default
        if not _PUBLIC_URL.fullmatch(text):
            self.problems.append(f"{name} must be an http:// or https:// URL without a query")
        return text.rstrip("/")

    def check_secret_key_base(self, secret: Secret | None) -> None:
        if secret is None:
            return
        if not _HEX_64.fullmatch(secret.reveal()):
            self.problems.append("SECRET_KEY_BASE must be exactly 64 hexadecimal characters")
        elif len(set(secret.reveal().lower())) < 8:  # noqa: PLR2004 -- 32 random bytes practically never have fewer
            self.problems.append("SECRET_KEY_BASE is a placeholder, not a value")

    def check_database_url(self, url: Secret | None) -> None:
        if url is not None and not url.reveal().startswith(("postgresql://", "postgres://")):
            self.problems.append("DATABASE_URL must be a postgresql:// URL")

    def check_stripe(self, settings: Settings) -> None:
        """
        Keep live money and test money apart (docs.stripe.com/keys: a key per environment).
        """
        if settings.stripe_api_base is not None and not _URL.fullmatch(settings.stripe_api_base):
            self.problems.append("STRIPE_API_BASE must be an http:// or https:// URL")
        elif settings.stripe_api_base is not None and settings.is_production:
            self.problems.append("STRIPE_API_BASE is for stand-ins, which production does not have")
        if settings.stripe_api_key is None:
            return
        key = _STRIPE_API_KEY.fullmatch(settings.stripe_api_key.reveal())
        if key is None:
            self.problems.append("STRIPE_API_KEY must be a secret or restricted key of Stripe's (sk_ or rk_)")
        elif any(problem.startswith("RSOLV_ENV ") for problem in self.problems):
            return  # nobody knows which keys belong here
        elif key[1] == "live" and not settings.is_production:
            self.problems.append(
                "STRIPE_API_KEY is a live key, and this is not production: real cards would be charged"
            )
        elif key[1] == "test" and settings.is_production:
            self.problems.append("STRIPE_API_KEY is a test key, and this is production: nobody would be charged")

    def require_in_production(self, settings: Settings) -> None:
        is_told = any(problem.startswith("PUBLIC_URL ") for problem in self.problems)
        if not is_told and not settings.public_url.startswith("https://"):
            self.problems.append("PUBLIC_URL must be an https:// URL in production: customers come back to it")
        missing = {
            "DATABASE_URL": settings.database_url,
            "SECRET_KEY_BASE": settings.secret_key_base,
            "STRIPE_API_KEY": settings.stripe_api_key,
        }
        for name, value in missing.items():
            if value is None and not any(problem.startswith(name) for problem in self.problems):
                self.problems.append(f"{name} is required in production: stand-ins are for development only")
