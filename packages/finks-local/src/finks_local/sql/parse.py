"""Trino SQL as sqlglot's tree, with what sqlglot accepts and Trino does not turned away."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import Token, TokenType, exp
from sqlglot.errors import ParseError, TokenError

from finks_local.sql.dialect import TrinoSql
from finks_local.sql.errors import QueryError

_FOREIGN: Final = {
    TokenType.DCOLON: "::",
    TokenType.CARET: "^",
    TokenType.AMP: "&",
    TokenType.PIPE: "|",
    TokenType.TILDE: "~",
    TokenType.DSTAR: "**",
    TokenType.DIV: "DIV",
    TokenType.L_BRACE: "{",
    TokenType.PARAMETER: "@",
    TokenType.NULLSAFE_EQ: "<=>",
    TokenType.GLOB: "GLOB",
    TokenType.ILIKE: "ILIKE",
    TokenType.RLIKE: "RLIKE",
    TokenType.SIMILAR_TO: "SIMILAR",
    TokenType.HASH: "#",
}
_WORDS: Final = """
    ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE CURRENT_PATH
    CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT DROP
    ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT
    INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE LISTAGG LOCALTIME
    LOCALTIMESTAMP NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN
    TRIM TRUE UESCAPE UNION UNNEST USING VALUES WHEN WHERE WITH"""
RESERVED: Final = frozenset(_WORDS.split())
"""Words that are no names without quotes (language/reserved)."""

_ENDS_LIST: Final = {TokenType.FROM, TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.WHERE, TokenType.GROUP_BY}


def failure(line: int, column: int, message: str) -> QueryError:
    """A syntax error as Trino tells it; line and column from 1."""
    return QueryError("SYNTAX_ERROR", f"line {line}:{column}: {message}")


def place_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column, from 1, of the character at `offset`."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def parse(text: str) -> exp.Expr:
    """Read one statement of Trino SQL.

    Raises:
        QueryError: SYNTAX_ERROR with line and column.
    """
    tokens = _tokens(text)
    _refuse_foreign(text, tokens)
    try:
        trees = TrinoSql().parser().parse(tokens, text)
    except ParseError as error:
        raise _syntax_error(text, error) from None
    statements = [tree for tree in trees if tree is not None]
    if not statements:
        raise failure(1, 1, "mismatched input '<EOF>'")
    if len(statements) > 1:
        raise failure(1, 1, "Only one sql statement is allowed")
    (statement,) = statements
    if isinstance(statement, exp.Block):
        raise failure(1, 1, "Only one sql statement is allowed")
    return statement


def _tokens(text: str) -> list[Token]:
    try:
        tokens = TrinoSql().tokenizer().tokenize(text)
    except TokenError as error:
        found = re.search(r"Error tokenizing '(.*)", str(error), re.DOTALL)
        line, column = place_of(text, len(text) if found is None else max(0, text.find(found[1][:20])))
        raise failure(line, column, "mismatched input: the text is not closed or not a token") from None
    while tokens and tokens[-1].token_type is TokenType.SEMICOLON:
        tokens.pop()
    return tokens


def _refuse_foreign(text: str, tokens: list[Token]) -> None:
    """Operators of other dialects, trailing commas and a leading FROM: sqlglot takes them, Trino does not."""
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        previous = tokens[index - 1] if index else None
        written = text[token.start : token.end + 1]
        kind = token.token_type
        wrong = kind in _FOREIGN or written == "==" or written[:2] in {"0x", "0X"}
        wrong |= kind is TokenType.R_PAREN and previous is not None and previous.token_type is TokenType.COMMA
        wrong |= kind is TokenType.FROM and (
            previous is None or previous.token_type in {TokenType.COMMA, TokenType.SELECT, TokenType.L_PAREN}
        )
        wrong |= kind is TokenType.COMMA and (following is None or following.token_type in _ENDS_LIST)
        wrong |= kind is TokenType.STAR and previous is not None and previous.token_type is TokenType.STAR
        wrong |= kind is TokenType.L_BRACKET and not _may_precede_bracket(previous)
        wrong |= (
            kind is TokenType.NUMBER
            and following is not None
            and following.start == token.end + 1
            and following.token_type is TokenType.VAR
        )
        if wrong:
            raise failure(*place_of(text, token.start), f"mismatched input '{written}'")


def _may_precede_bracket(previous: Token | None) -> bool:
    """A bracket follows a value or `ARRAY`; alone it is another dialect's list."""
    if previous is None:
        return False
    closing = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.IDENTIFIER}
    is_word = re.fullmatch(r"[A-Za-z_]\w*", previous.text) is not None
    return previous.token_type in closing or (is_word and previous.text.upper() not in RESERVED)


def _syntax_error(text: str, error: ParseError) -> QueryError:
    details = error.errors[0] if error.errors else {}
    highlight = str(details.get("highlight") or "<EOF>")
    line, end = int(details.get("line") or 1), int(details.get("col") or 1)
    column = max(1, end - len(highlight) + 1) if highlight != "<EOF>" else end
    return failure(line, column, f"mismatched input '{highlight}'. {details.get('description') or ''}".strip())
