"""
The routes of the API: every method and path that the SDK calls, with the types of what goes in and comes out.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from stripe_twin.contract.kinds import Kind
from stripe_twin.contract.modules import Module
from stripe_twin.contract.sdk import Sdk


@dataclass(frozen=True, slots=True)
class Route:
    """
    One endpoint: `GET /v1/customers/{customer}`, what it takes and what it answers.
    """

    method: str
    template: str
    parameters: Kind
    answer: Kind

    @property
    def segments(self) -> tuple[str, ...]:
        """
        Split the template; a segment in braces stands for any.
        """
        return tuple(self.template.split("/"))

    def matched(self, segments: list[str]) -> dict[str, str] | None:
        """
        Fit a path of as many segments; the parameters it has in the place of the braces, or None.
        """
        parameters: dict[str, str] = {}
        for wanted, found in zip(self.segments, segments, strict=True):
            if wanted.startswith("{") and found:
                parameters[wanted[1:-1]] = found
            elif wanted != found:
                return None
        return parameters


class Routes:
    """
    All routes; where two fit, the one that is literal further to the left wins.
    """

    def __init__(self, sdk: Sdk) -> None:
        self._by_shape: dict[tuple[str, int, str], list[Route]] = defaultdict(list)
        for route in {(route.method, route.template): route for route in _read(sdk)}.values():
            self._by_shape[route.method, len(route.segments), route.segments[2]].append(route)
        for routes in self._by_shape.values():
            routes.sort(key=lambda route: [segment.startswith("{") for segment in route.segments])

    def __iter__(self) -> Iterator[Route]:
        """
        Walk all routes.
        """
        for routes in self._by_shape.values():
            yield from routes

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """
        Find the route of a request and its parameters in the path, or None: Stripe has no such address.
        """
        segments = path.split("/")
        noun = "".join(segments[2:3])
        for route in self._by_shape.get((method.upper(), len(segments), noun), ()):
            parameters = route.matched(segments)
            if parameters is not None:
                return route, parameters
        return None


def _read(sdk: Sdk) -> Iterator[Route]:
    for module in sdk.services():
        for definition in module.classes.values():
            for function in definition.body:
                if isinstance(function, ast.FunctionDef):
                    yield from _called(sdk, module, function)


def _called(sdk: Sdk, module: Module, function: ast.FunctionDef) -> Iterator[Route]:
    """
    Find the call of the API in a method of a service: `self._request("get", "/v1/customers/{customer}".format(...))`.
    """
    for node in ast.walk(function):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="_request" | "_request_stream"),
                args=[
                    ast.Constant(value=str() as method),
                    ast.Constant(value=str() as template)
                    | ast.Call(func=ast.Attribute(value=ast.Constant(value=str() as template))),
                    *_,
                ],
            ):
                annotations = (argument.annotation for argument in function.args.args if argument.arg == "params")
                yield Route(
                    method.upper(),
                    template,
                    parameters=_kind(sdk, next(annotations, None), module),
                    answer=_kind(sdk, function.returns, module),
                )


def _kind(sdk: Sdk, annotation: ast.expr | None, module: Module) -> Kind:
    return sdk.kind(annotation, module) if annotation is not None else Kind()
