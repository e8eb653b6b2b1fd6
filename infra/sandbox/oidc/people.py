"""Who can sign in to the product."""

from dataclasses import dataclass

__all__ = ["ADMINISTRATORS", "OPERATORS", "PROVIDERS", "People", "Person"]

#: Groups, as the claim `cognito:groups` names them.
PROVIDERS, ADMINISTRATORS, OPERATORS = "providers", "administrators", "operators"


@dataclass(frozen=True, kw_only=True)
class Person:
    sub: str
    email: str
    name: str
    groups: tuple[str, ...] = (PROVIDERS,)


_USUAL = (
    Person(sub="user_2002N4U3RRZ0FXB6", email="ana@impact.example", name="Ana Ruiz"),
    Person(sub="user_2002N51KQ8M7T3WD", email="ben@impact.example", name="Ben Okafor"),
    Person(sub="user_2002N5H9V4XE2CJS", email="chloe@impact.example", name="Chloé Martin"),
    Person(sub="user_2002N6A0PZ6B8YGK", email="morgan@impact.example", name="Morgan Lee", groups=(ADMINISTRATORS,)),
    Person(sub="user_2002N6T5DL1R9QFH", email="sam@impact.example", name="Sam Novak", groups=(OPERATORS,)),
)


class People:
    def __init__(self) -> None:
        self._by_sub: dict[str, Person] = {}
        self.reset()

    def put(self, person: Person) -> None:
        self._by_sub[person.sub] = person

    def remove(self, sub: str) -> bool:
        return self._by_sub.pop(sub, None) is not None

    def get(self, sub: str) -> Person | None:
        return self._by_sub.get(sub)

    def hinted(self, hint: str) -> Person | None:
        """By `sub`, or by e-mail in any case."""
        by_email = (person for person in self._by_sub.values() if person.email.lower() == hint.lower())
        return self._by_sub.get(hint) or next(by_email, None)

    def all(self) -> list[Person]:
        return list(self._by_sub.values())

    def reset(self) -> None:
        self._by_sub = {person.sub: person for person in _USUAL}
