"""The links of the top bar: label, address, and the prefix of the pages under it."""

from adapters.portal.web.sessions import Session

__all__ = ["navigation"]


def navigation(session: Session) -> list[tuple[str, str, str]]:
    links = [("Manage > Classes", "/manage/classes", "/manage"), ("Account > Profile", "/account/profile/external", "/account")]
    if session.administrator:
        links.append(("Administration", "/administration", "/administration"))
    return links
