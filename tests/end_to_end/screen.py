"""Eyes of a test: what the studio tells a screen reader (AT-SPI over D-Bus), so that tests need no pixel positions.

What is found here has a name and a place, as it has for people who cannot see the window. A widget that a test
cannot find is one that they cannot find either.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from jeepney import DBusAddress, HeaderFields, MessageType, Properties, new_method_call
from jeepney.io.blocking import DBusConnection, open_dbus_connection

ACCESSIBLE = "org.a11y.atspi.Accessible"
COMPONENT = "org.a11y.atspi.Component"
VALUE = "org.a11y.atspi.Value"
TEXT = "org.a11y.atspi.Text"
ROOT = ("org.a11y.atspi.Registry", "/org/a11y/atspi/accessible/root")
STATES = {"checked": 4, "enabled": 8, "focused": 12, "selected": 23, "showing": 25}
"""Bits of AtspiStateType."""
ON_SCREEN = 0
"""ATSPI_COORD_TYPE_SCREEN."""

AT_ONCE = 120
"""Questions that are under way at the same time."""

Reference = tuple[str, str]


@dataclass(frozen=True)
class Element:
    """One accessible object: `box` is x, y, width, height in pixels of the screen, all 0 where it is hidden."""

    reference: Reference
    name: str
    role: str
    description: str
    box: tuple[int, int, int, int]
    states: frozenset[str]

    @property
    def shown(self) -> bool:
        return "showing" in self.states and self.box[2] > 0

    @property
    def centre(self) -> tuple[int, int]:
        x, y, width, height = self.box
        return x + width // 2, y + height // 2


class Screen:
    """The tree of accessible objects of every program on a desktop; `address` is that of its session bus."""

    def __init__(self, address: str) -> None:
        with open_dbus_connection(address) as session:
            bus = DBusAddress("/org/a11y/bus", bus_name="org.a11y.Bus", interface="org.a11y.Bus")
            (accessibility,) = session.send_and_get_reply(new_method_call(bus, "GetAddress")).body
        self._bus: DBusConnection = open_dbus_connection(accessibility)

    def close(self) -> None:
        self._bus.close()

    # ------------------------------------------------------------------ looking
    def elements(
        self, name: str = "", role: str = "", inside: Element | None = None, shown: bool = True
    ) -> Iterator[Element]:
        """Those whose name matches the regular expression `name` in full, of that role, in the tree's order."""
        pattern = re.compile(name or ".*", re.DOTALL)
        tree = self._tree(inside.reference if inside else ROOT, hidden=not shown)
        found = [(reference, its_name) for reference, its_name in tree if pattern.fullmatch(its_name)]
        for element in self._elements(found):
            if (element.shown or not shown) and role in ("", element.role):
                yield element

    def find(self, name: str = "", role: str = "", **options: Any) -> Element | None:
        return next(self.elements(name, role, **options), None)

    def wait_for(
        self,
        name: str = "",
        role: str = "",
        patience: float = 120.0,
        where: Callable[[Element], bool] = lambda _element: True,
        **options: Any,
    ) -> Element:
        """The first element that matches and for which `where` holds, as soon as there is one."""
        deadline = time.monotonic() + patience
        while True:
            for element in self.elements(name, role, **options):
                if where(element):
                    return element
            if time.monotonic() > deadline:
                seen = sorted({element.name for element in self.elements() if element.name})
                raise AssertionError(
                    f"waited in vain for {role or 'an element'} {name!r}; on the screen: {seen}"
                )
            time.sleep(0.1)

    def wait_until_gone(self, name: str, role: str = "", patience: float = 120.0) -> None:
        deadline = time.monotonic() + patience
        while self.find(name, role) is not None:
            assert time.monotonic() < deadline, f"waited in vain for the end of {name!r}"
            time.sleep(0.1)

    def value(self, element: Element) -> float:
        """Value of a slider or spin box."""
        return float(self._property(element.reference, VALUE, "CurrentValue"))

    def text(self, element: Element) -> str:
        """What stands in a text field."""
        reply = self._call(element.reference, TEXT, "GetText", "ii", 0, -1)
        return reply[0] if reply else ""

    def fresh(self, element: Element) -> Element:
        """The same object as it is now."""
        name = self._property(element.reference, ACCESSIBLE, "Name") or ""
        return self._elements([(element.reference, name)])[0]

    # ------------------------------------------------------------------ the bus
    def _tree(self, root: Reference, hidden: bool) -> list[tuple[Reference, str]]:
        """(object, name) of all below `root` in the tree's order; what lies in hidden objects only if `hidden`.

        A level of the tree is asked for at once: one question after the other would take seconds.
        """
        names: dict[Reference, str] = {}
        children: dict[Reference, list[Reference]] = {}
        level, depth = [root], 0
        while level:
            asked = [question for reference in level for question in _questions(reference)]
            answers = self._answers(asked)
            for place, reference in enumerate(level):
                name, states, inner = answers[3 * place : 3 * place + 3]
                names[reference] = (name[0][1] if name else "") or ""
                # The desktop and its programs are never "showing" themselves.
                is_open = hidden or depth <= 1 or "showing" in _states(states)
                children[reference] = [tuple(child) for child in inner[0]] if is_open and inner else []
            level = [child for reference in level for child in children[reference] if child not in names]
            depth += 1
        return [(reference, names[reference]) for reference in _in_order(root, children)]

    def _elements(self, named: list[tuple[Reference, str]]) -> list[Element]:
        asked = [question for reference, _ in named for question in _details(reference)]
        answers = self._answers(asked)
        elements = []
        for place, (reference, name) in enumerate(named):
            role, states, box, description = answers[4 * place : 4 * place + 4]
            elements.append(
                Element(
                    reference, name, role[0] if role else "", (description[0][1] if description else "") or "",
                    tuple(box[0]) if box else (0, 0, 0, 0), _states(states),
                )
            )
        return elements

    def _call(self, reference: Reference, interface: str, method: str, kinds: str | None = None, *values: Any) -> Any:
        """The answer's values; None where the object is gone or knows no such method."""
        return self._answers([_message(reference, interface, method, kinds, *values)])[0]

    def _property(self, reference: Reference, interface: str, name: str) -> Any:
        answer = self._answers([_property_message(reference, interface, name)])[0]
        return answer[0][1] if answer else None

    def _answers(self, messages: list[Any]) -> list[Any]:
        """The values of all answers, in the order of the questions; None where an object has none."""
        answers: list[Any] = []
        for start in range(0, len(messages), AT_ONCE):
            serials = []
            for message in messages[start : start + AT_ONCE]:
                serials.append(next(self._bus.outgoing_serial))
                self._bus.send(message, serial=serials[-1])
            replies: dict[int, Any] = {}
            while len(replies) < len(serials):
                reply = self._bus.receive(timeout=30)
                serial = reply.header.fields.get(HeaderFields.reply_serial)
                if serial in serials:
                    failed = reply.header.message_type is MessageType.error
                    replies[serial] = None if failed else reply.body
            answers += [replies[serial] for serial in serials]
        return answers


def _message(reference: Reference, interface: str, method: str, kinds: str | None = None, *values: Any) -> Any:
    return new_method_call(DBusAddress(reference[1], bus_name=reference[0], interface=interface), method, kinds, values)


def _property_message(reference: Reference, interface: str, name: str) -> Any:
    return Properties(DBusAddress(reference[1], bus_name=reference[0], interface=interface)).get(name)


def _questions(reference: Reference) -> tuple[Any, Any, Any]:
    return (
        _property_message(reference, ACCESSIBLE, "Name"),
        _message(reference, ACCESSIBLE, "GetState"),
        _message(reference, ACCESSIBLE, "GetChildren"),
    )


def _details(reference: Reference) -> tuple[Any, Any, Any, Any]:
    return (
        _message(reference, ACCESSIBLE, "GetRoleName"),
        _message(reference, ACCESSIBLE, "GetState"),
        _message(reference, COMPONENT, "GetExtents", "u", ON_SCREEN),
        _property_message(reference, ACCESSIBLE, "Description"),
    )


def _states(answer: Any) -> frozenset[str]:
    low, high = answer[0] if answer else (0, 0)
    bits = low | high << 32
    return frozenset(state for state, bit in STATES.items() if bits >> bit & 1)


def _in_order(root: Reference, children: dict[Reference, list[Reference]]) -> Iterator[Reference]:
    yield root
    for child in children.get(root, []):
        yield from _in_order(child, children)
