r"""What LaTeX's commands and environments mean for a text: tables, no code but composing accents.

A signature is the arguments that are read and dropped: `o` an optional one, `m` one in braces, `d` a dimension,
`p` one in round brackets; `t` stops dropping: what follows is text.
"""

import unicodedata

# Accents as combining characters.
ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", '"': "\u0308", "=": "\u0304", ".": "\u0307",
    "u": "\u0306", "v": "\u030c", "H": "\u030b", "r": "\u030a", "c": "\u0327", "k": "\u0328", "d": "\u0323",
    "b": "\u0331", "t": "\u0361", "textcommabelow": "\u0326",
}  # fmt: skip

SYMBOLS = {
    "ss": "ß", "SS": "SS", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ",
    "aa": "å", "AA": "Å", "i": "ı", "j": "ȷ", "dh": "ð", "DH": "Ð", "th": "þ", "TH": "Þ", "dj": "đ", "DJ": "Đ",
    "ng": "ŋ", "NG": "Ŋ", "S": "§", "P": "¶", "dag": "†", "ddag": "‡", "dots": "…", "ldots": "…", "textellipsis": "…",
    "copyright": "©", "textcopyright": "©", "textregistered": "®", "texttrademark": "™", "pounds": "£",
    "textsterling": "£", "euro": "€", "texteuro": "€", "EUR": "€", "textdegree": "°", "degree": "°", "textmu": "µ",
    "textperiodcentered": "·", "textbullet": "•", "textbackslash": "\\", "backslash": "\\", "textbar": "|",
    "textless": "<", "textgreater": ">", "textasciitilde": "~", "textasciicircum": "^", "textunderscore": "_",
    "textendash": "–", "textemdash": "—", "textquoteleft": "‘", "textquoteright": "’", "textquotedblleft": "“",
    "textquotedblright": "”", "textquotedbl": '"', "textquotesingle": "'", "quotedblbase": "„", "quotesinglbase": "‚",
    "guillemotleft": "«", "guillemotright": "»", "guillemetleft": "«", "guillemetright": "»", "glqq": "„", "grqq": "“",
    "flqq": "«", "frqq": "»", "og": "« ", "fg": " »", "lq": "‘", "rq": "’", "lbrace": "{", "rbrace": "}",
    "textbraceleft": "{", "textbraceright": "}", "textdollar": "$", "textpm": "±", "texttimes": "×", "textdiv": "÷",
    "textonehalf": "½", "textonequarter": "¼", "textthreequarters": "¾", "textexclamdown": "¡",
    "textquestiondown": "¿", "textsection": "§", "textparagraph": "¶", "textdagger": "†", "textdaggerdbl": "‡",
    "textordfeminine": "ª", "textordmasculine": "º", "texteightoldstyle": "8", "textnumero": "№", "textcelsius": "℃",
    "textohm": "Ω", "textmho": "℧", "textrightarrow": "→", "textleftarrow": "←", "textyen": "¥", "textcent": "¢",
    "LaTeX": "LaTeX", "LaTeXe": "LaTeX2e", "TeX": "TeX", "BibTeX": "BibTeX", "XeTeX": "XeTeX", "LuaTeX": "LuaTeX",
    "pdfTeX": "pdfTeX", "AmS": "AMS", "AmSTeX": "AMS-TeX", "quad": " ", "qquad": " ", "enspace": " ", "enskip": " ",
    "thinspace": " ", "space": " ", "nobreakspace": " ", "slash": "/", "and": "\x1d", "And": "\x1d", "AND": "\x1d",
    "newline": "\x1e", "tabularnewline": "\x1e", "linebreak": " ", "break": " ", "cr": "\x1e", "crcr": "",
    "par": "\n\n", "endgraf": "\n\n", "checkmark": "✓", "cmark": "✓", "xmark": "✗", "nobreakdash": "", "CTeX": "CTeX",
    "textnormal": "", "hfill": " ", "hfil": " ", "dotfill": " ", "hrulefill": " ", "State": "\n", "STATE": "\n",
    "bigskip": "\n\n", "medskip": "\n\n", "smallskip": "\n\n",
}  # fmt: skip

# Control symbols that stand for a character, or for space.
CONTROL_SYMBOLS = {
    "%": "%", "&": "&", "$": "$", "#": "#", "_": "_", "{": "{", "}": "}", " ": " ", "\n": " ", "\t": " ", ",": " ",
    ";": " ", ":": " ", ">": " ", "!": "", "-": "", "/": "", "@": "", "|": "‖", "*": "", "<": "", "+": "", "\r": " ",
}  # fmt: skip

# Commands that only a formula may hold, which authors use in text all the same: what they look like there.
MATH_IN_TEXT = {
    "times": "×", "pm": "±", "sim": "~", "approx": "≈", "to": "→", "rightarrow": "→", "Rightarrow": "⇒", "cdot": "·",
    "leq": "≤", "le": "≤", "geq": "≥", "ge": "≥", "infty": "∞", "alpha": "α", "beta": "β", "gamma": "γ", "mu": "μ",
    "sigma": "σ", "lambda": "λ", "pi": "π", "bullet": "•", "circ": "°", "langle": "⟨", "rangle": "⟩", "dagger": "†",
    "ast": "*", "star": "⋆", "prime": "′", "lbrack": "[", "rbrack": "]", "neq": "≠", "cdots": "⋯",
}  # fmt: skip

# Names that a paper's own definition does not replace: what this reader makes of them is better than their internals.
STRUCTURE = frozenset(
    [
        "part",
        "chapter",
        "section",
        "subsection",
        "subsubsection",
        "paragraph",
        "subparagraph",
        "title",
        "author",
        "date",
        "abstract",
        "begin",
        "end",
        "item",
        "caption",
        "footnote",
        "footnotetext",
        "thanks",
        "cite",
        "citep",
        "citet",
        "ref",
        "eqref",
        "label",
        "input",
        "include",
        "subfile",
        "import",
        "bibliography",
        "maketitle",
        "documentclass",
        "usepackage",
        "newcommand",
        "renewcommand",
        "def",
        "let",
        "textbf",
        "textit",
        "emph",
        "includegraphics",
        "url",
        "href",
        "tableofcontents",
        "keywords",
        "affiliation",
        "affil",
        "address",
        "email",
        "institute",
        "appendix",
        "verb",
        "multicolumn",
        "multirow",
    ]
)

# Commands whose arguments are no text, and what is dropped with them.
DROPPED = {
    name: signature
    for signature, names in {
        "m": """label pagestyle thispagestyle pagenumbering vspace hspace addvspace bibliographystyle bibliography
            nocite addbibresource graphicspath hypersetup usetikzlibrary pgfplotsset tikzset lstset captionsetup
            geometry theoremstyle email urladdr curraddr address institute affiliation affil
            altaffiliation altaffilmark altaffiltext thanks thanksref orcid orcidID subjclass pacs ead corref cortext
            fntext fnref tnotetext received revised accepted published journal volume acmConference acmYear
            acmISBN acmDOI setcopyright copyrightyear ccsdesc authornote authorrunning titlerunning dedicatory
            preprint reportnumber runningtitle runningauthor shorttitle shortauthors markright inst institution city
            country state postcode streetaddress color pagecolor selectlanguage arraystretch phantom hphantom
            vphantom index glossary tikzsetnextfilename externaldocument allowdisplaybreaks hyphenation
            usefont fontfamily fontseries fontshape fontencoding input@path refstepcounter stepcounter
            newcounter newlength newsavebox usebox mathversion typeout PackageWarning vadjust special
            pdfinfo pdfoutput ProvidesPackage ProvidesClass NeedsTeXFormat RequirePackage xyoption
            excludecomment includecomment numberwithin subjectclass msc setlist keywordsname bstctlcite
            CJKfamily setCJKmainfont setmainfont setsansfont setmonofont cline""",
        "mm": """setlength addtolength setcounter addtocounter fontsize settowidth
            markboth crefname Crefname newfloat floatname counterwithin counterwithout
            numberwithin renewcounter setminted colorlet NewCaption""",
        "mmm": "definecolor providecolor addcontentsline titlespacing contentsline",
        "mmmm": "DeclareMathSymbol DeclareSymbolFont SetSymbolFont ",
        "omm": "rule newtcolorbox titleformat newfontfamily",
        "om": """includegraphics includepdf documentclass documentstyle usepackage PassOptionsToPackage
            LoadClass fancyhead fancyfoot cfoot lfoot rfoot chead lhead rhead bibliographyunit listof
            sisetup epsfig psfig epsfbox epsffile orcidlink lstinputlisting inputminted externalfigure
            includestandalone todo missingfigure tnote marginpar marginnote acmPrice acmArticle""",
        "d": """hangindent vskip hskip kern mskip parindent parskip baselineskip textwidth textheight topmargin oddsidemargin
            evensidemargin headheight headsep footskip columnsep tabcolsep itemsep topsep parsep
            unitlength abovedisplayskip belowdisplayskip hoffset voffset leftskip rightskip hangafter
            hyphenpenalty tolerance clubpenalty widowpenalty penalty looseness lineskip emergencystretch arraycolsep
            floatsep textfloatsep intextsep abovecaptionskip belowcaptionskip raise lower fboxsep fboxrule
            baselinestretch hsize vsize leftmargin rightmargin labelsep labelwidth magnification interdisplaylinepenalty
            displaywidowpenalty brokenpenalty multlinegap jot mathsurround hfuzz vfuzz overfullrule""",
        "o": """maketitle pagebreak nopagebreak nolinebreak toprule
            midrule bottomrule printbibliography displaybreak """,
        "omt": "parbox textcolor colorbox rotatebox scalebox multirowcell foreignlanguage pdfbookmark",
        "mt": "href hyperlink ",
        "mmt": "multicolumn resizebox resizebox* fcolorbox  ",
        "mommt": "",
        "ot": "hyperref framebox makebox shortstack subfloat tcbox thead makecell",
    }.items()
    for name in names.split()
}  # fmt: skip
DROPPED |= {
    "raisebox": "moot",
    "multirow": "omomt",
    "hypertarget": "mt",
    "cmidrule": "opm",
    "newcolumntype": "mom",
    "put": "p",
    "": "om",
}

# Citations: marks are numbers in the order in which works are first cited.
CITES = frozenset(
    [
        "cite",
        "citep",
        "citet",
        "citealt",
        "citealp",
        "citeauthor",
        "citeyear",
        "citeyearpar",
        "citenum",
        "parencite",
        "textcite",
        "autocite",
        "footcite",
        "footfullcite",
        "supercite",
        "shortcite",
        "shortciteN",
        "citeN",
        "citeA",
        "onlinecite",
        "Citet",
        "Citep",
        "cites",
        "fullcite",
        "newcite",
        "citeasnoun",
        "smartcite",
        "upcite",
        "scite",
        "Cite",
        "citealias",
        "refcite",
        "bibentry",
        "possessivecite",
    ]
)
REFERENCES = frozenset(
    [
        "ref",
        "eqref",
        "cref",
        "Cref",
        "autoref",
        "pageref",
        "vref",
        "fref",
        "Fref",
        "thmref",
        "nameref",
        "subref",
        "labelcref",
        "prettyref",
    ]
)

HEADINGS = {
    "part": 1, "chapter": 2, "section": 2, "subsection": 3, "subsubsection": 4, "paragraph": 5, "subparagraph": 6,
}  # fmt: skip

# Environments that hold no text.
PICTURES = frozenset(
    [
        "tikzpicture",
        "picture",
        "pgfpicture",
        "pspicture",
        "psfrags",
        "asy",
        "asypicture",
        "CCSXML",
        "filecontents",
        "comment",
        "thebibliography",
        "overpic",
        "xy",
        "diagram",
        "feynman",
        "fmffile",
        "fmfgraph",
        "fmfgraph*",
        "axis",
        "circuitikz",
        "forest",
        "bmlimage",
        "references",
        "chart",
        "pspicture*",
        "xypic",
        "dot2tex",
        "gnuplot",
    ]
)
VERBATIM = frozenset(
    [
        "verbatim",
        "verbatim*",
        "Verbatim",
        "lstlisting",
        "minted",
        "alltt",
        "BVerbatim",
        "LVerbatim",
        "Sinput",
        "Soutput",
    ]
)
LISTS = frozenset(
    [
        "itemize",
        "enumerate",
        "description",
        "compactitem",
        "compactenum",
        "compactdesc",
        "inparaenum",
        "asparaenum",
        "asparaitem",
        "inparaitem",
        "itemize*",
        "enumerate*",
        "description*",
        "list",
        "packed_item",
        "tightitemize",
        "questions",
    ]
)
NUMBERED_LISTS = frozenset(["enumerate", "compactenum", "inparaenum", "asparaenum", "enumerate*"])
TABLES = {
    "tabular": "om", "tabular*": "mom", "tabularx": "mom", "tabulary": "mom", "longtable": "om", "supertabular": "m",
    "xtabular": "m", "tabu": "om", "longtabu": "om", "deluxetable": "m", "deluxetable*": "m", "array": "om",
    "NiceTabular": "om", "tblr": "om", "tabbing": "",
}  # fmt: skip
FLOATS = {
    "figure": "Figure", "figure*": "Figure", "wrapfigure": "Figure", "SCfigure": "Figure", "sidewaysfigure": "Figure",
    "floatingfigure": "Figure", "table": "Table", "table*": "Table", "wraptable": "Table", "sidewaystable": "Table",
    "longtable": "Table", "algorithm": "Algorithm", "algorithm*": "Algorithm", "listing": "Listing",
}  # fmt: skip
# Arguments of environments, dropped.
ENVIRONMENTS = {
    "figure": "o", "figure*": "o", "table": "o", "table*": "o", "wrapfigure": "omom", "wraptable": "omom",
    "floatingfigure": "om", "sidewaystable": "o", "sidewaysfigure": "o", "SCfigure": "oo", "subfigure": "oom",
    "subtable": "oom", "minipage": "ooom", "multicols": "mo", "algorithm": "o", "algorithm*": "o", "algorithmic": "o",
    "adjustwidth": "mm", "adjustbox": "m", "thanks": "", "keyword": "", "frame": "om", "spacing": "m", "CJK": "omm",
    "CJK*": "omm", "mdframed": "o", "tcolorbox": "o", "scope": "o", "landscape": "", "threeparttable": "o",
    "tablenotes": "o", "list": "mm", "otherlanguage": "m", "appendices": "", "varwidth": "om", "column": "m",
    "columns": "o", "block": "m", "IEEEbiography": "om", "biography": "om", "restatable": "omm", "parcolumns": "m",
    "SaveVerbatim": "m", "subequations": "", "acknowledgments": "", "scriptsize": "", "lrbox": "m", "turn": "m",
    "rotate": "m", "scaletikzpicturetowidth": "m", "listing": "o", "center": "", "samepage": "", "easylist": "o",
    "itemize": "o", "enumerate": "o", "description": "o", "compactitem": "o", "compactenum": "o", "inparaenum": "o",
    "compactdesc": "o", "asparaenum": "o", "enumerate*": "o", "itemize*": "o",
}  # fmt: skip

# Formulas that stand alone; True where each row has a number of its own.
DISPLAY = {
    "equation": False, "multline": False, "displaymath": False, "gather": True, "align": True, "eqnarray": True,
    "flalign": True, "alignat": True, "xalignat": True, "dmath": False, "IEEEeqnarray": True, "subeqnarray": True,
    "math": False, "empheq": False, "dgroup": True, "mathpar": False, "xxalignat": False, "tikzcd": False, "CD": False,
    "prooftree": False,
}  # fmt: skip
WITHOUT_WRAP = frozenset(("equation", "displaymath", "math", "dmath", "mathpar"))

# Theorem-like environments that classes define themselves.
THEOREMS = {
    "proof": "Proof", "theorem": "Theorem", "lemma": "Lemma", "proposition": "Proposition", "corollary": "Corollary",
    "definition": "Definition", "remark": "Remark", "example": "Example", "conjecture": "Conjecture",
    "assumption": "Assumption", "claim": "Claim", "acknowledgments": "Acknowledgments",
    "acknowledgements": "Acknowledgements", "acknowledgment": "Acknowledgment", "acks": "Acknowledgments",
    "ack": "Acknowledgments", "acknowledgement": "Acknowledgement",
}  # fmt: skip

# Conditionals of TeX and of classes. Those that are not understood are taken as false.
CONDITIONALS = frozenset(
    [
        "if",
        "ifcat",
        "ifnum",
        "ifdim",
        "ifodd",
        "ifvmode",
        "ifhmode",
        "ifmmode",
        "ifinner",
        "ifvoid",
        "ifhbox",
        "ifvbox",
        "ifx",
        "ifeof",
        "iftrue",
        "iffalse",
        "ifcase",
        "ifdefined",
        "ifcsname",
        "iffontchar",
        "ifpdf",
        "ifpdftex",
        "ifxetex",
        "ifluatex",
        "ifCLASSOPTIONcaptionsoff",
        "ifCLASSOPTIONcompsoc",
        "ifCLASSOPTIONpeerreview",
        "ifCLASSINFOpdf",
        "ifCLASSOPTIONtwocolumn",
        "ifCLASSOPTIONonecolumn",
        "ifCLASSOPTIONconference",
        "ifCLASSOPTIONjournal",
        "ifCLASSOPTIONdraftcls",
        "ifPDFTeX",
        "ifXeTeX",
        "ifLuaTeX",
    ]
)

LANGUAGES = {
    "french": "fr", "francais": "fr", "frenchb": "fr", "german": "de", "ngerman": "de", "spanish": "es",
    "portuguese": "pt", "brazil": "pt", "brazilian": "pt", "italian": "it", "russian": "ru", "ukrainian": "uk",
    "polish": "pl", "czech": "cs", "dutch": "nl", "swedish": "sv", "danish": "da", "japanese": "ja", "korean": "ko",
    "greek": "el", "turkish": "tr", "romanian": "ro", "hungarian": "hu", "catalan": "ca", "english": "en",
    "american": "en", "british": "en", "USenglish": "en", "UKenglish": "en", "chinese": "zh",
}  # fmt: skip


def accented(accent: str, letter: str) -> str:
    """A letter with an accent over or under it, as one character where Unicode has one."""
    letter = {"ı": "i", "ȷ": "j"}.get(letter[:1], letter[:1]) + letter[1:]
    if not letter.strip():
        return letter
    return unicodedata.normalize("NFC", letter[0] + ACCENTS[accent]) + letter[1:]
