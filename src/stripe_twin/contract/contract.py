"""
The contract: what Stripe's API of one version takes and gives, as its own SDK says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from stripe_twin.contract.form import nested
from stripe_twin.contract.headers import header_problems
from stripe_twin.contract.kinds import ClassName, Kind
from stripe_twin.contract.parameters import Decoder, Parameters
from stripe_twin.contract.problems import Problem
from stripe_twin.contract.refusals import invalid
from stripe_twin.contract.routes import Route, Routes
from stripe_twin.contract.sdk import Sdk
from stripe_twin.contract.shapes import Shapes


@dataclass(frozen=True, slots=True)
class Operation:
    """
    One request's endpoint: decodes what it takes, checks what it answers.
    """

    route: Route
    path_parameters: dict[str, str]
    _contract: "Contract"

    @property
    def method(self) -> str:
        """
        Tell the method, in capitals.
        """
        return self.route.method

    @property
    def template(self) -> str:
        """
        Tell the path with its parameters in braces, as in `/v1/customers/{customer}`.
        """
        return self.route.template

    def decode(self, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
        """
        Decode a form body or query string to typed values: decimals stay text, an empty text empties.

        Raises:
            RequestRefused: Stripe would refuse it, in about these words.
        """
        return self.decode_json(nested(pairs))

    def decode_json(self, document: Any) -> dict[str, Any]:
        """
        Decode the JSON body of a v2 request.

        Raises:
            RequestRefused: Stripe would refuse it, in about these words.
        """
        if type(document) is not dict:
            raise invalid("object", "")
        values: dict[str, Any] = self._contract.decoder(self.route)(document, "")
        return values

    def answer_problems(self, value: Any) -> list[Problem]:
        """
        Check an answer against the very class this endpoint gives.
        """
        return self._contract.answer_problems(self.route, value)


class Contract:
    """
    What the installed SDK was generated for: routes, parameters, objects and events of one version of the API.

    Reading all routes takes a fifth of a second; parameters and objects are read when first met.
    """

    def __init__(self, sdk: Sdk) -> None:
        self._sdk = sdk
        self._parameters = Parameters(sdk)
        self._shapes = Shapes(sdk)
        self.api_version = sdk.api_version
        self.routes = Routes(sdk)

    def find(self, method: str, path: str) -> Operation | None:
        """
        Find the endpoint of a request, or None: Stripe has no such address. Literal routes win over templates.
        """
        found = self.routes.find(method, path)
        return Operation(*found, self) if found is not None else None

    def decoder(self, route: Route) -> Decoder:
        """
        Get the decoder of an endpoint's parameters.
        """
        names = route.parameters.records
        return self._parameters.hash_decoder(names[0] if names else _NO_PARAMETERS)

    def answer_problems(self, route: Route, value: Any) -> list[Problem]:
        """
        Check an answer against the very class this endpoint gives.
        """
        return list(self._shapes.check(route.answer)(value))

    def object_problems(self, value: Any) -> list[Problem]:
        """
        Check an object or a page of objects by the name it gives itself; nothing found is clean.
        """
        return list(self._shapes.problems(value))

    page_problems = object_problems

    def error_problems(self, value: Any) -> list[Problem]:
        """
        Check the error object of a refused request, with the objects it carries.
        """
        return list(self._shapes.check(_ERROR)(value))

    def event_problems(self, event: Any) -> list[Problem]:
        """
        Check an event, snapshot or thin: its envelope, and what it carries.
        """
        if type(event) is not dict or event.get("object") not in ("event", "v2.core.event"):
            return [Problem("", "is no event")]
        if event["object"] == "v2.core.event":
            name = self._sdk.event_classes.get(str(event.get("type")))
            return list(self._shapes.record(name)(event)) if name else [Problem("type", "is no event that Stripe has")]
        found = self.object_problems(event)
        if not any(problem.path.startswith("data") for problem in found):
            found += [problem.within("data") for problem in self._data_problems(event.get("type"), event["data"])]
        return found

    def _data_problems(self, event_type: Any, data: dict[str, Any]) -> Iterator[Problem]:
        """
        Check the object of a snapshot, that it is what the type speaks of, and that what changed are fields of it.
        """
        found = data["object"]
        yield from (problem.within("object") for problem in self.object_problems(found))
        name = self._sdk.object_classes.get(str(found.get("object")))
        if name is None:
            return
        subject = self._sdk.subject(str(event_type))
        if subject not in {None, name}:
            yield Problem("object.object", f"is {found['object']!r}, which {event_type} does not speak of")
        for word in data.get("previous_attributes") or {}:
            if word not in self._sdk.fields(name):
                yield Problem(f"previous_attributes.{word}", "is unknown")

    def header_problems(self, method: str, path: str, headers: Mapping[str, str]) -> list[Problem]:
        """
        Check the headers of a request, their names in lower case; no key is ever quoted.
        """
        return header_problems(method, path, headers, api_version=self.api_version)


@cache
def installed_contract() -> Contract:
    """
    Read the contract of the installed SDK, once per process.
    """
    return Contract(Sdk())


_ERROR = Kind(records=(ClassName("stripe._error_object", "ErrorObject"),))
_NO_PARAMETERS = ClassName("stripe._stripe_object", "StripeObject")  # a class without fields: takes nothing
