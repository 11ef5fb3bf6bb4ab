"""The columns of a page's two tables: its elements and its blocks (`blocks.py`)."""

# Columns of `elements`. LENGTH, LINKED, PUNCTUATION and BLOCKS are of all that is below.
(PARENT, TAGNAME, GROUPS, LENGTH, LINKED, PUNCTUATION, BLOCKS, IN_PARAGRAPHS, DEPTH, FIRST, LAST, HIDDEN, FLAGS) = range(13)  # fmt: skip
# Columns of `blocks`. BOX: the block-level element around it, INNER: the innermost; SIZE and LINK_SIZE are letters, of
# which a Han character counts as three; ROW, CELL, ITEM: the table row, cell and list item that it stands in, or -1.
(START, END, BOX, INNER, SIZE, LINK_SIZE, LINKS, MARKS, DIGITS, UPPER, HAN, WORDS, FINAL, CHARACTERS, BREAK, GAP, CODE, ROW, CELL, ITEM) = range(20)  # fmt: skip
# FINAL: the last visible character is a letter, a comma, a full stop, a colon.
LETTER, COMMA, STOP, COLON = range(4)
# GAP: what stands between a block and the one before.
LINE, PARAGRAPH = 1, 2
ELEMENT_COLUMNS, BLOCK_COLUMNS = 13, 20
