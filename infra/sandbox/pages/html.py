"""HTML for the two pages. Every text of a calendar or a client passes `escape`."""

from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from urllib.parse import quote

from infra.sandbox.control.view import EventView
from infra.sandbox.faults import Fault
from infra.sandbox.journal import Entry
from infra.sandbox.mailboxes import Mailbox
from infra.sandbox.pages.frame import frame
from infra.sandbox.pages.month import Day, Month

__all__ = ["home_page", "month_page"]

_NAMES = {"google": "Google", "microsoft": "Microsoft", "oidc": "Sign-in"}
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def home_page(mailboxes: Sequence[Mailbox], faults: Sequence[Fault], recent: Sequence[Entry]) -> str:
    standing = sum(len(mailbox.standing()) for mailbox in mailboxes)
    head = f"<header><h1>Calendar sandbox</h1><p>{_count(len(mailboxes), 'calendar')}, {_count(standing, 'event')} standing</p></header>"
    users = "".join(_user_row(mailbox) for mailbox in mailboxes)
    table = (
        _table(("Calendar", "Service", ">Events", ">Duplicates", ">Mails to attendees"), users)
        if mailboxes
        else '<p class="empty">Nobody has connected yet. A grant made through <code>/control/grants</code> makes a user.</p>'
    )
    return frame("Calendar sandbox", head + f"<section>{table}</section>" + _faults(faults) + _recent(recent))


def month_page(mailbox: Mailbox, month: Month, weeks: Sequence[Sequence[Day]], today: date) -> str:
    base = _address(mailbox)
    links = (
        f'<a href="{base}?month={month.shifted(-1)}" rel="prev" aria-label="Previous month">&lsaquo;</a>'
        f'<a href="{base}?month={Month(today.year, today.month)}">Today</a>'
        f'<a href="{base}?month={month.shifted(1)}" rel="next" aria-label="Next month">&rsaquo;</a>'
    )
    number = sum(len(day.events) for week in weeks for day in week if day.inside)
    head = (
        f'<header><p class="crumb"><a href="/">All calendars</a></p><h1>{month.title}</h1>'
        f"<p>{_badge(mailbox.service)} {escape(mailbox.email)} · {_count(number, 'event')}</p><nav>{links}</nav></header>"
    )
    names = "".join(f"<th scope=col>{name}</th>" for name in _WEEKDAYS)
    rows = "".join("<tr>" + "".join(_day(day, today, mailbox.service) for day in week) + "</tr>" for week in weeks)
    grid = f"<table class=month><thead><tr>{names}</tr></thead><tbody>{rows}</tbody></table>"
    nothing = "" if number else '<p class="empty">No event this month.</p>'
    return frame(f"{month.title}, {mailbox.email}", head + grid + nothing)


def _day(day: Day, today: date, service: str) -> str:
    marks = ["day"] + ["outside"] * (not day.inside) + ["today"] * (day.date == today) + ["free"] * (not day.events)
    label = f'<time datetime="{day.date}"><span class=weekday>{_WEEKDAYS[day.date.weekday()]} </span>{day.date.day}</time>'
    return f'<td class="{" ".join(marks)}">{label}{"".join(_event(event, service) for event in day.events)}</td>'


def _event(event: EventView, service: str) -> str:
    time = f"{event.start_local:%H:%M}&ndash;{event.end_local:%H:%M}"
    other = "" if event.calendar == "primary" else f"<dt>Calendar</dt><dd>{escape(event.calendar)}</dd>"
    link = f'<dt>Link</dt><dd><a href="{escape(event.url)}" rel="noreferrer">{escape(event.url)}</a></dd>' if event.url else ""
    marks = "".join(f"<dt>{escape(name)}</dt><dd><code>{escape(value)}</code></dd>" for name, value in event.mark.items())
    return (
        f'<details class="event {service}"><summary><b>{time}</b> <span>{escape(event.title) or "(no title)"}</span>'
        f"<small>{escape(event.location)}</small></summary><dl><dt>Time zone</dt><dd>{escape(event.time_zone)}</dd>{other}{link}"
        f'<dt>Description</dt><dd class="text">{escape(event.description)}</dd>{marks}</dl></details>'
    )


def _user_row(mailbox: Mailbox) -> str:
    ahead = min((event.start for event in mailbox.standing()), default=None)
    query = "" if ahead is None else f"?month={ahead:%Y-%m}"
    cells = (
        f'<th scope=row><a href="{_address(mailbox)}{query}">{escape(mailbox.email)}</a></th><td>{_badge(mailbox.service)}</td>'
        f"<td class=number>{len(mailbox.standing())}</td>{_alarm(mailbox.duplicates)}{_alarm(mailbox.notifications)}"
    )
    return f"<tr>{cells}</tr>"


def _faults(faults: Sequence[Fault]) -> str:
    active = [fault for fault in faults if not fault.spent]
    if not active:
        return ""
    rows = "".join(
        f"<tr><th scope=row>{escape(fault.id)}</th><td>{escape(fault.order.service)}</td><td>{escape(fault.order.operation)}</td>"
        f"<td>{escape(fault.order.email)}</td><td>{escape(fault.order.kind)} {fault.order.status or ''}</td>"
        f"<td class=number>{fault.order.rate:.0%}</td><td class=number>{fault.hits}</td></tr>"
        for fault in active
    )
    columns = ("Fault", "Service", "Operation", "User", "Kind", ">Rate", ">Hits")
    return f"<section><h2>Faults under way</h2>{_table(columns, rows)}</section>"


def _recent(entries: Sequence[Entry]) -> str:
    if not entries:
        return ""
    rows = "".join(
        f"<tr><td>{datetime.fromtimestamp(entry.time).astimezone():%H:%M:%S}</td><td>{_badge(entry.service)}</td>"
        f"<td>{escape(entry.operation)}</td><td>{escape(entry.email or '-')}</td>"
        f'<td class="number{" bad" if entry.status >= 400 or not entry.status else ""}">{entry.status or "cut"}</td></tr>'
        for entry in entries
    )
    return f"<section><h2>Latest requests</h2>{_table(('Time', 'Service', 'Operation', 'User', '>Status'), rows)}</section>"


def _table(columns: Sequence[str], rows: str) -> str:
    """`>` before a column's name: it holds numbers."""
    head = "".join(f"<th scope=col{' class=number' * (name[0] == '>')}>{name.lstrip('>')}</th>" for name in columns)
    return f'<div class=scroll><table class="list"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _alarm(number: int) -> str:
    return f'<td class="number{" bad" if number else ""}">{number}</td>'


def _badge(service: str) -> str:
    return f'<span class="badge {service}">{_NAMES[service]}</span>'


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _address(mailbox: Mailbox) -> str:
    return f"/calendars/{mailbox.service}/{quote(mailbox.email)}"
