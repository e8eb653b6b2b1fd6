"""Where much of the portal leads to, and the links of the top bar."""

from adapters.portal.web.sessions import Session

__all__ = ["EXTERNAL", "navigation"]

#: A provider's connection: the start page.
EXTERNAL = "/account/profile/external"


def navigation(session: Session) -> list[tuple[str, str, str]]:
    """Label, address, and the prefix of the pages under it."""
    links = [("Manage > Classes", "/manage/classes", "/manage"), ("Account > Profile", EXTERNAL, "/account")]
    if session.administrator:
        links.append(("Administration", "/administration", "/administration"))
    return links
