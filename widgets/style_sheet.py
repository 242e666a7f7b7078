"""The Qt style sheet of a theme: what a palette alone cannot say (borders, radii, paddings, focus)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from widgets.theme import Theme


def style_sheet(theme: Theme, pictures: Path, points: Callable[[float], float]) -> str:
    """The style sheet of the whole application.

    pictures: the folder with this theme's chevrons; points: turns a type size of the theme into points here.

    Widgets opt in to a role by the dynamic property "role" (see `set_role`): buttons "primary", "danger",
    "flat"; labels "title", "heading", "muted", "small", "error", "warning", "success", "keycap"; frames
    "card".
    """
    from widgets.theme import mix

    values = {
        "background": theme.background,
        "surface": theme.surface,
        "raised": theme.surface_raised,
        "border": theme.border,
        "text": theme.text,
        "muted": theme.text_muted,
        "faint": mix(theme.text_muted, theme.surface, 0.4),
        "accent": theme.accent,
        "accent_text": theme.accent_text,
        "accent_hover": mix(theme.accent, theme.text, 0.14),
        "accent_pressed": mix(theme.accent, theme.background, 0.18),
        "accent_wash": mix(theme.surface, theme.accent, 0.18),
        "hover": mix(theme.surface_raised, theme.text, 0.07),
        "pressed": mix(theme.surface_raised, theme.text, 0.13),
        "control_border": mix(theme.border, theme.text, 0.12),
        "hover_border": mix(theme.border, theme.text, 0.3),
        "handle": mix(theme.border, theme.text, 0.18),
        "error": theme.error,
        "warning": theme.warning,
        "success": theme.success,
        "small": f"{points(theme.font_size_small):.2f}pt",
        "normal": f"{points(theme.font_size_normal):.2f}pt",
        "large": f"{points(theme.font_size_large):.2f}pt",
        "u1": f"{theme.spacing}px",
        "u2": f"{2 * theme.spacing}px",
        "u3": f"{3 * theme.spacing}px",
        "down": (pictures / "chevron-down.svg").as_posix(),
        "check": (pictures / "check.svg").as_posix(),
        "up": (pictures / "chevron-up.svg").as_posix(),
    }
    sheet = _SHEET
    for key, value in values.items():
        sheet = sheet.replace(f"@{key}@", value)
    return sheet


_SHEET = """
QMainWindow, QDialog, Gallery { background: @background@; }
QToolTip { background: @raised@; color: @text@; border: 1px solid @control_border@; padding: 4px 8px; }

QLabel { background: transparent; }
QLabel[role="title"] { font-size: @large@; font-weight: 600; }
QLabel[role="heading"] { font-size: @small@; font-weight: 600; color: @muted@; }
QLabel[role="muted"] { color: @muted@; }
QLabel[role="small"] { color: @muted@; font-size: @small@; }
QLabel[role="error"] { color: @error@; }
QLabel[role="warning"] { color: @warning@; }
QLabel[role="warning_small"] { color: @warning@; font-size: @small@; }
QLabel[role="success"] { color: @success@; }
QLabel[role="keycap"] { background: @raised@; border: 1px solid @control_border@; border-radius: 4px;
                        padding: 1px 6px; font-size: @small@; }

QFrame[role^="notice"] { background: @raised@; border: 1px solid @control_border@;
                         border-left: 3px solid @accent@;
                         border-radius: 6px; }
QFrame[role="notice_warning"] { border-left-color: @warning@; }
QFrame[role="notice_error"] { border-left-color: @error@; }
ComposePanel, TakeList, CheckpointPanel, TransportBar, QWidget[role="panel"] { background: @surface@; }
TransportBar { border-top: 1px solid @border@; }
QFrame[role="card"] TransportBar { border: none; }
QFrame[role="divider"] { background: @border@; border: none; }
DefinitionCard { background: @surface@; border: 1px solid @accent@; }
DefinitionCard QTextBrowser, DefinitionCard QTextBrowser:focus { background: transparent; border: none; padding: 0; }
QFrame[role="card"] { background: @surface@; border: 1px solid @border@; border-radius: 6px; }

QPushButton, QToolButton { background: @raised@; color: @text@; border: 1px solid @control_border@;
    border-radius: 5px;
                           padding: 0 12px; min-height: 26px; }
QToolButton { padding: 0; min-width: 26px; }
QPushButton:hover, QToolButton:hover { background: @hover@; border-color: @hover_border@; }
QPushButton:pressed, QToolButton:pressed { background: @pressed@; }
QPushButton:focus, QToolButton:focus { border: 2px solid @accent@; }
QPushButton:focus { padding: 0 11px; }
QPushButton:focus, QToolButton:focus { min-height: 24px; }
QToolButton:focus { min-width: 24px; }
QPushButton:disabled, QToolButton:disabled { color: @faint@; background: @surface@; border-color: @border@; }
QToolButton:checked, QPushButton:checked { background: @accent_wash@; border-color: @accent@; }

QToolButton[wide="true"] { padding: 0 8px; }
QToolButton[wide="true"]:focus { padding: 0 7px; }

QToolButton[compact="true"] { min-height: 20px; min-width: 20px; }
QToolButton[compact="true"]:focus { min-height: 18px; min-width: 18px; }

QPushButton[role="primary"] { background: @accent@; color: @accent_text@; border-color: @accent@;
    font-weight: 600; }
QPushButton[role="primary"]:hover { background: @accent_hover@; border-color: @accent_hover@; }
QPushButton[role="primary"]:pressed { background: @accent_pressed@; }
QPushButton[role="primary"]:focus { border: 2px solid @text@; }
QPushButton[role="primary"]:disabled { background: @raised@; color: @faint@; border: 1px solid @border@; }
ActionButton, ActionButton[role="primary"] { min-height: 34px; }
ActionButton:focus { min-height: 32px; }
ActionButton[narrow="true"] { text-align: left; }
QPushButton[role="danger"] { color: @error@; font-weight: 600; }

QPushButton[role="flat"], QToolButton[role="flat"] { background: transparent; border-color: transparent; }
QPushButton[role="flat"]:hover, QToolButton[role="flat"]:hover { background: @hover@; }
QPushButton[role="flat"]:pressed, QToolButton[role="flat"]:pressed { background: @pressed@; }
QPushButton[role="flat"]:focus, QToolButton[role="flat"]:focus { border: 2px solid @accent@; }
QToolButton[role="flat"]:checked { background: @accent_wash@; border-color: @accent@; }

QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QComboBox {
    background: @raised@; color: @text@; border: 1px solid @control_border@; border-radius: 5px;
    selection-background-color: @accent@; selection-color: @accent_text@; }
QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox { min-height: 26px; padding: 0 8px; }
QSpinBox, QDoubleSpinBox { padding: 0; max-height: 26px; }
QLineEdit, QPlainTextEdit, QTextEdit { placeholder-text-color: @muted@; }
QLineEdit QToolButton, QLineEdit QToolButton:focus { min-height: 0; min-width: 0; padding: 0; border: none;
    background: transparent; }
QLineEdit#qt_spinbox_lineedit { border: none; background: transparent; min-height: 0; padding: 0; }
QPlainTextEdit, QTextEdit { padding: 4px; }
QLineEdit:hover, QPlainTextEdit:hover, QSpinBox:hover, QDoubleSpinBox:hover, QComboBox:hover {
    border-color: @hover_border@; }
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus,
    QComboBox:focus {
    border: 2px solid @accent@; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus { min-height: 24px;
    padding-left: 7px; }
QSpinBox:focus, QDoubleSpinBox:focus { padding-left: 0; max-height: 24px; }
QPlainTextEdit:focus, QTextEdit:focus { padding: 3px; }
QLineEdit:disabled, QPlainTextEdit:disabled, QSpinBox:disabled, QDoubleSpinBox:disabled, QComboBox:disabled {
    color: @faint@; background: @surface@; border-color: @border@; }

QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {
    subcontrol-origin: border; width: 18px; border: none; background: transparent; }
QSpinBox::up-button, QDoubleSpinBox::up-button { subcontrol-position: top right; margin: 2px 2px 0 0; }
QSpinBox::down-button, QDoubleSpinBox::down-button { subcontrol-position: bottom right; margin: 0 2px 2px 0; }
QSpinBox::up-button:hover, QDoubleSpinBox::up-button:hover,
QSpinBox::down-button:hover, QDoubleSpinBox::down-button:hover { background: @pressed@; border-radius: 3px; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url("@up@"); width: 10px; height: 10px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url("@down@"); width: 10px; height: 10px; }
QComboBox::drop-down { border: none; width: 22px; }
QComboBox::down-arrow { image: url("@down@"); width: 14px; height: 14px; }
QComboBox QAbstractItemView { background: @raised@; border: 1px solid @control_border@; outline: none;
    padding: 4px;
    selection-background-color: @accent_wash@; selection-color: @text@; }
QComboBox QAbstractItemView::item { min-height: 26px; padding: 0 6px; border-radius: 4px; }

QSlider:horizontal { min-height: 24px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: @handle@; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: @accent@; }
QSlider::sub-page:horizontal:disabled { background: @handle@; }
QSlider::handle:horizontal { width: 12px; height: 12px; margin: -5px 0; border-radius: 7px;
    background: @text@;
                             border: 1px solid @surface@; }
QSlider::handle:horizontal:hover { background: @accent@; }
QSlider::handle:horizontal:disabled { background: @faint@; }
QSlider:focus { border: 2px solid @accent@; border-radius: 5px; }

QListView, QTreeView, QTableView { background: @surface@; border: 1px solid transparent;
    border-radius: 5px; outline: none;
    selection-background-color: @accent_wash@; selection-color: @text@; }
QHeaderView { background: @surface@; border: none; }
QHeaderView::section { background: @surface@; color: @muted@; border: none; border-bottom: 1px solid @border@;
    padding: 3px 6px; font-size: @small@; }
DataTable QHeaderView::section { padding: 3px; }
QHeaderView::section:hover { color: @text@; background: @hover@; }
QHeaderView::up-arrow { image: url("@up@"); width: 10px; height: 10px; subcontrol-position: center left; }
QHeaderView::down-arrow { image: url("@down@"); width: 10px; height: 10px; subcontrol-position: center left; }
QTableView:focus, QTreeView:focus { border: 1px solid @accent@; }

QScrollArea, QScrollArea > QWidget > QWidget[role="scrolled"] { background: transparent; border: none; }

QScrollArea:focus { border: 1px solid @accent@; border-radius: 5px; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: @handle@; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: @muted@; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }

QMenuBar { background: @surface@; padding: 2px 4px; border-bottom: 1px solid @border@; }
QMenuBar::item { background: transparent; padding: 4px 10px; border-radius: 4px; }
QMenuBar::item:selected { background: @hover@; }
QMenu { background: @raised@; border: 1px solid @control_border@; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 4px; }
QMenu::icon { padding-left: 8px; }
QMenu::item:selected { background: @accent_wash@; }
QMenu::item:disabled { color: @faint@; }
QMenu::separator { height: 1px; background: @border@; margin: 4px 8px; }

QToolBar { background: @surface@; border: none; border-bottom: 1px solid @border@; padding: 4px 8px;
    spacing: 4px; }
QToolBar QToolButton { background: transparent; border-color: transparent; padding: 0 8px; }
QToolBar QToolButton:hover { background: @hover@; }
QToolBar QToolButton:checked { background: @accent_wash@; border-color: @accent@; }
QToolBar QToolButton:focus { border: 2px solid @accent@; padding: 0 7px; }
QToolBar QToolButton:disabled { color: @faint@; background: transparent; border-color: transparent; }
QToolButton[popupMode="2"] { padding: 0 22px 0 8px; }
QToolButton[popupMode="2"]:focus { padding: 0 21px 0 7px; }
QToolButton::menu-indicator { image: url("@down@"); width: 12px; height: 12px;
    subcontrol-origin: border; subcontrol-position: right center; right: 6px; }
QToolButton::menu-button { border: none; width: 18px; border-top-right-radius: 5px;
    border-bottom-right-radius: 5px; }
QToolButton::menu-button:hover { background: @pressed@; }
QToolButton::menu-arrow { image: url("@down@"); width: 12px; height: 12px; }
QToolBar QToolButton[popupMode="1"], QToolBar QToolButton[popupMode="2"] { padding-right: 18px; }
QToolBar::separator { width: 1px; background: @border@; margin: 4px 6px; }

QDockWidget { titlebar-close-icon: none; titlebar-normal-icon: none; font-weight: 600; }
QDockWidget::title { background: @surface@; padding: 6px 12px; border-bottom: 1px solid @border@;
    text-align: left; }
QDockWidget > QWidget { background: @surface@; }
QMainWindow::separator { background: @border@; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: @accent@; }
QSplitter::handle { background: @border@; }
QSplitter::handle:hover { background: @accent@; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }
QStatusBar { background: @surface@; border-top: 1px solid @border@; }
QStatusBar::item { border: none; }

QTabWidget { background: @surface@; }
QTabWidget::pane { border: none; border-top: 1px solid @border@; }
QTabBar::tab { background: transparent; color: @muted@; padding: 6px 12px;
    border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: @text@; }
QTabBar::tab:selected { color: @text@; border-bottom: 2px solid @accent@; }
QTabBar::tab:focus { color: @accent@; }

QListView::indicator, QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid @muted@;
    border-radius: 3px; }
QListView::indicator:checked, QCheckBox::indicator:checked { background: @accent@; border-color: @accent@;
    image: url("@check@"); }
QCheckBox::indicator:disabled { border-color: @faint@; }
QCheckBox::indicator:checked:disabled { background: @faint@; }
QTableCornerButton::section { background: @surface@; border: none; }
QCheckBox, QRadioButton { spacing: 8px; min-height: 24px; }
"""


def set_role(widget: QWidget, role: str) -> None:
    """Give a widget the look of `role`, also after it was shown (a style sheet does not watch properties)."""
    if widget.property("role") == role:
        return
    widget.setProperty("role", role)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
