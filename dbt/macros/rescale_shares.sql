{#
    shares * numerator / denominator as decimal(28, 14): a quantity on another split basis.

    The multiplication comes first, so 357 shares at 1:3 are 119. Both engines agree on mod() of decimals but not on
    their division, so the quotient is put together from a whole number and a remainder: exact wherever the result has
    an exact value. A chain of splits whose product leaves the range of decimals falls back to double.
#}
{% macro rescale_shares(shares, numerator, denominator) -%}
    {%- set multiplier = "cast(" ~ fraction(numerator, 8) ~ " as decimal(18, 8))" -%}
    {%- set divisor = "cast(" ~ fraction(denominator, 8) ~ " as decimal(18, 8))" -%}
    {%- set product = "cast(" ~ shares ~ " as decimal(28, 14)) * " ~ multiplier -%}
    {%- set remainder = "mod(" ~ product ~ ", " ~ divisor ~ ")" -%}
    {%- set rest = "cast(" ~ remainder ~ " as double) / cast(" ~ divisor ~ " as double)" -%}
    {%- set quotient = "cast(" ~ shares ~ " as double) * cast(" ~ numerator ~ " as double) / cast("
        ~ denominator ~ " as double)" -%}
    case
        when {{ numerator }} = {{ denominator }} then cast({{ shares }} as decimal(28, 14))
        when
            {{ numerator }} < 1e9
            and {{ denominator }} < 1e9
            and abs(cast({{ shares }} as double)) * {{ numerator }} < 1e15
            then cast(
                cast(
                    round(cast({{ product }} - {{ remainder }} as double) / cast({{ divisor }} as double))
                    as decimal(18, 0)
                ) + {{ fraction('(' ~ rest ~ ')', 14) }}
                as decimal(28, 14)
            )
        else {{ to_decimal(quotient, 28, 14) }}
    end
{%- endmacro %}
