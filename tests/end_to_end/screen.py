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

from jeepney import DBusAddress, MessageType, Properties, new_method_call
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
        for reference in self._references(inside.reference if inside else ROOT):
            its_name = self._property(reference, ACCESSIBLE, "Name") or ""
            if not pattern.fullmatch(its_name):
                continue
            its_role = self._call(reference, ACCESSIBLE, "GetRoleName")
            if not its_role or (role and its_role[0] != role):
                continue
            element = self._element(reference, its_name, its_role[0])
            if element.shown or not shown:
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
        return self._element(element.reference, name, element.role)

    # ------------------------------------------------------------------ the bus
    def _references(self, reference: Reference) -> Iterator[Reference]:
        yield reference
        for child in (self._call(reference, ACCESSIBLE, "GetChildren") or [[]])[0]:
            yield from self._references(tuple(child))

    def _element(self, reference: Reference, name: str, role: str) -> Element:
        low, high = (self._call(reference, ACCESSIBLE, "GetState") or [[0, 0]])[0]
        bits = low | high << 32
        box = (self._call(reference, COMPONENT, "GetExtents", "u", ON_SCREEN) or [(0, 0, 0, 0)])[0]
        states = frozenset(state for state, bit in STATES.items() if bits >> bit & 1)
        description = self._property(reference, ACCESSIBLE, "Description") or ""
        return Element(reference, name, role, description, tuple(box), states)

    def _call(
        self, reference: Reference, interface: str, method: str, kinds: str | None = None, *values: Any
    ) -> Any:
        """The answer's values; None where the object is gone or knows no such method."""
        address = DBusAddress(reference[1], bus_name=reference[0], interface=interface)
        return self._answer(new_method_call(address, method, kinds, values))

    def _property(self, reference: Reference, interface: str, name: str) -> Any:
        address = DBusAddress(reference[1], bus_name=reference[0], interface=interface)
        answer = self._answer(Properties(address).get(name))
        return answer[0][1] if answer else None

    def _answer(self, message: Any) -> Any:
        reply = self._bus.send_and_get_reply(message, timeout=30)
        return None if reply.header.message_type is MessageType.error else reply.body
