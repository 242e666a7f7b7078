"""The voice prompt that a person chose: a clip with its words, or a file that `lewm prompt` made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

RECIPE_KEY = "prompt_choice"
"""Under which the recipe of a take keeps it."""


@dataclass(frozen=True)
class PromptChoice:
    """`path`: a recording, a row of a manifest ("train.jsonl#3"), or a prompt file; `text`: what is said in it."""

    path: str
    text: str = ""
    title: str = ""

    def to_json(self) -> dict[str, str]:
        """A dict that `prompt_from_json` reads back."""
        return {"path": self.path, "text": self.text, "title": self.title}


def prompt_from_json(data: Any) -> PromptChoice | None:
    """Read a choice; None where there is none. Raises ValueError when `data` is something else."""
    if data is None:
        return None
    if not isinstance(data, dict) or not all(isinstance(data.get(key), str) for key in ("path", "text", "title")):
        raise ValueError("a voice prompt must have a path, a text and a title")
    return PromptChoice(data["path"], data["text"], data["title"]) if data["path"] else None


def prompt_of_recipe(recipe: dict[str, Any]) -> PromptChoice | None:
    """The voice prompt of a take."""
    try:
        return prompt_from_json(recipe.get(RECIPE_KEY))
    except ValueError:
        return None
