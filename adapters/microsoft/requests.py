"""The requests that this product makes of Microsoft Graph: msgraph-sdk builds and serializes them, nothing is sent here.

The SDK's own way of sending costs several milliseconds of CPU a call, and its first parsed event seconds of imports.
Everything that the SDK imports late is imported when GraphRequests is made, not in the event loop at the first call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx
from kiota_abstractions.authentication import AnonymousAuthenticationProvider
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_abstractions.default_query_parameters import QueryParameters
from kiota_abstractions.headers_collection import HeadersCollection
from kiota_abstractions.request_information import RequestInformation
from msgraph.generated.models.event import Event
from msgraph.generated.users.item.events.events_request_builder import EventsRequestBuilder
from msgraph.graph_request_adapter import GraphRequestAdapter
from msgraph.graph_service_client import GraphServiceClient

from adapters.microsoft.mapping import CONTENT, GENERATION, KEY, REVISION

__all__ = ["GraphRequest", "GraphRequests"]

#: What the SDK writes for "the signed-in user"; its own sending replaces it in the same way.
_ME_IN_SDK, _ME = "/users/me-token-to-replace", "/me"
#: Stands in an address for the id of an event.
_ANY_ID = "event-id-to-replace"
_PAGE = 50
_ListParameters = EventsRequestBuilder.EventsRequestBuilderGetQueryParameters


@dataclass(frozen=True, kw_only=True)
class GraphRequest:
    """One request without its Authorization header. Header names are lower-case."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = field(default=None, repr=False)


class GraphRequests:
    """Requests about the signed-in user's primary calendar, at `graph_url` (with the version, without a slash at the end)."""

    def __init__(self, graph_url: str) -> None:
        # The SDK wants a client; this one has a transport that cannot send, and so needs neither TLS nor closing.
        unused = httpx.AsyncClient(transport=httpx.AsyncBaseTransport(), trust_env=False)
        client = GraphServiceClient(request_adapter=GraphRequestAdapter(AnonymousAuthenticationProvider(), client=unused))
        client.path_parameters["baseurl"] = graph_url.rstrip("/")  # the SDK's adapter does this when it sends
        self._events = client.me.events
        # Without it an event's id changes when the event is moved.
        self._headers = HeadersCollection({"Prefer": 'IdType="ImmutableId"'})
        self._create_url = _url(self._events.to_post_request_information(Event(), self._plain()))
        # The SDK imports its builder of one event here. Expanding a template costs as much as the rest of a request, so it is done once.
        self._event_url = _url(self._events.by_event_id(_ANY_ID).to_delete_request_information(self._plain()))

    def create(self, event: Event) -> GraphRequest:
        information = self._events.to_post_request_information(event, self._plain())
        return _request(information, self._create_url)  # it has no variable part: a template is expanded once

    def update(self, remote_id: str, event: Event) -> GraphRequest:
        information = self._events.by_event_id(remote_id).to_patch_request_information(event, self._plain())
        return _request(information, self._url_of(remote_id))

    def delete(self, remote_id: str) -> GraphRequest:
        information = self._events.by_event_id(remote_id).to_delete_request_information(self._plain())
        return _request(information, self._url_of(remote_id))

    def find(self, key: str) -> GraphRequest:
        """Events of all generations that carry this key, with those of their marks that tell which is which."""
        expanded = " or ".join(f"id eq '{name}'" for name in (REVISION, GENERATION, CONTENT))
        parameters = _ListParameters(
            filter=f"singleValueExtendedProperties/Any(ep: ep/id eq '{KEY}' and ep/value eq '{key}')",
            expand=[f"singleValueExtendedProperties($filter={expanded})"],
            select=["id"],
            top=_PAGE,
        )
        information = self._events.to_get_request_information(RequestConfiguration(headers=self._headers, query_parameters=parameters))
        return _request(information, _url(information))

    def next_page(self, link: str) -> GraphRequest:
        """`link` is the `@odata.nextLink` of an answer: an address as it is."""
        information = self._events.with_url(link).to_get_request_information(RequestConfiguration(headers=self._headers))
        return _request(information, information.url)

    def _url_of(self, remote_id: str) -> str:
        """A simple expansion (RFC 6570 section 3.2.2) keeps the unreserved characters only."""
        return self._event_url.replace(_ANY_ID, quote(remote_id, safe=""))

    def _plain(self) -> RequestConfiguration[QueryParameters]:
        return RequestConfiguration(headers=self._headers)


def _url(information: RequestInformation) -> str:
    return information.url.replace(_ME_IN_SDK, _ME, 1)


def _request(information: RequestInformation, url: str) -> GraphRequest:
    assert information.http_method is not None  # noqa: S101 - the SDK's type allows None, its builders never leave it so
    return GraphRequest(method=information.http_method.value, url=url, headers=information.request_headers or {}, body=information.content)
