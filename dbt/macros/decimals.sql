{#
    A double as a decimal. The engines do not cast alike: Athena rounds the double's shortest text, DuckDB its product
    with a power of ten. They agree on whole doubles below 2^53, so the value is put together from two of these.
#}
{% macro to_decimal(expression, precision, scale) -%}
    cast(
        cast(floor({{ expression }}) as decimal({{ precision - scale }}, 0))
        + {{ fraction('((' ~ expression ~ ') - floor(' ~ expression ~ '))', scale) }}
        as decimal({{ precision }}, {{ scale }})
    )
{%- endmacro %}

{# The same of a double that is small enough: its product with 10^scale must be below 2^53. #}
{% macro fraction(expression, scale) -%}
    cast(round({{ expression }} * 1e{{ scale }}) as decimal(18, 0))
    * cast('0.{{ '0' * (scale - 1) }}1' as decimal({{ scale }}, {{ scale }}))
{%- endmacro %}
