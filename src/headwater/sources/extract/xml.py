"""XML without its dangers: no document type's entities, nothing fetched, bounded depth. Names without namespaces.

Expat reads the text; whoever declares an entity is refused, so that a "billion laughs" never expands and no external
file is asked for.
"""

import re
from dataclasses import dataclass, field
from xml.parsers import expat

MAX_DEPTH = 200
_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?\s*+<\?xml[^>]*?\sencoding\s*+=\s*+[\"']([\w:.-]+)[\"']")
_MESSAGES = {
    "entity": "it declares entities, which are not expanded",
    "depth": f"nested more than {MAX_DEPTH} deep",
}


class XmlError(ValueError):
    """Not well-formed, or refused; the message says why."""


@dataclass
class Element:
    name: str  # as written, with its prefix
    attributes: dict[str, str] = field(default_factory=dict)
    children: list["Element | str"] = field(default_factory=list)

    @property
    def local(self) -> str:
        return self.name.rpartition(":")[2]

    def elements(self) -> list["Element"]:
        return [child for child in self.children if isinstance(child, Element)]

    def all_below(self) -> list["Element"]:
        """Every element below, in order."""
        found: list[Element] = []
        waiting = list(reversed(self.elements()))
        while waiting:
            element = waiting.pop()
            found.append(element)
            waiting += reversed(element.elements())
        return found

    def all(self, local: str) -> list["Element"]:
        """Every element below that has this name, whatever its prefix, in order."""
        return [element for element in (self, *self.all_below()) if element.local == local]

    def first(self, local: str) -> "Element | None":
        found = self.all(local)
        return found[0] if found else None

    def text(self) -> str:
        parts: list[str] = []
        waiting: list[Element | str] = [self]
        while waiting:
            node = waiting.pop()
            if isinstance(node, str):
                parts.append(node)
            else:
                waiting += reversed(node.children)
        return "".join(parts)

    def markup(self) -> str:
        """The content as markup again, for text that is XHTML inside XML."""
        parts: list[str] = []
        waiting: list[Element | str] = list(reversed(self.children))
        closing = "\0"
        while waiting:
            node = waiting.pop()
            if isinstance(node, str):
                parts.append(node[1:] if node.startswith(closing) else _escaped(node))
                continue
            attributes = "".join(f' {key}="{_escaped(value)}"' for key, value in node.attributes.items())
            parts.append(f"<{node.local}{attributes}>")
            waiting.append(f"{closing}</{node.local}>")
            waiting += reversed(node.children)
        return "".join(parts)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def declared_encoding(data: bytes) -> str | None:
    """What the XML declaration says."""
    found = _DECLARED.match(data[:200])
    return found[1].decode("ascii") if found else None


def parsed(data: bytes | str) -> Element:
    """The root element. XmlError where it is not well-formed, declares entities or is nested too deep."""
    parser = expat.ParserCreate()
    root = Element("")
    above = [root]

    def start(name: str, attributes: dict[str, str]) -> None:
        if len(above) > MAX_DEPTH:
            raise XmlError(_MESSAGES["depth"])
        element = Element(name, attributes)
        above[-1].children.append(element)
        above.append(element)

    def end(name: str) -> None:
        above.pop()

    def text(data: str) -> None:
        above[-1].children.append(data)

    def refuse(*declared: object) -> None:
        raise XmlError(_MESSAGES["entity"])

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.EntityDeclHandler = refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise XmlError(str(error)) from error
    except (ValueError, LookupError) as error:
        raise error if isinstance(error, XmlError) else XmlError(str(error)) from error
    return root.elements()[0]
